"""Verifications with matrix-js-sdk (Rust crypto) from either side: between devices and in a room, by emoji and by code."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.peers import Peer, missing
from tests.support.engine import until
from tests.support.servers import TestSynapse
from tests.support.verifiers import Verifier, verifiers
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.security import PersonTrust, VerificationEnd, VerificationPhase
from welink_desktop.evaluation.client import Registered

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")
Phase = VerificationPhase
EMOJI = (
    "🐶🐱🦁🐎🦄🐷🐘🐰🐼🐓🐧🐢🐟🐙🦋🌷🌳🌵🍄🌏🌙☁🔥🍌🍎🍓🌽🍕🎂❤😀🤖🎩👓🔧🎅👍☂⌛⏰🎁💡📕✏📎✂🔒🔑🔨☎🏁🚂🚲✈🚀🏆⚽🎸🎺🔔⚓🎧📁📌"
)


@dataclass
class Pair:
    ours: Verifier
    theirs: Peer
    account: Registered
    device: str

    @property
    def them(self) -> UserId:
        return UserId(self.account.user_id)


async def _peer(synapse: TestSynapse, account: Registered, folder: Path, *, identity: bool) -> tuple[Peer, str]:
    theirs = await Peer.start("theirs", folder)
    device = await theirs.login(base=synapse.base_url, user=account.localpart, password=account.password)
    if identity:
        await theirs.bootstrap_cross_signing()
    return theirs, device["device_id"]


@pytest.fixture
async def people(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Pair]:
    """Two people with identities."""
    mine, other = synapse.register("ours"), synapse.register("theirs")
    async with verifiers(synapse, tmp_path, mine) as (ours,):
        theirs, device = await _peer(synapse, other, tmp_path, identity=True)
        try:
            yield Pair(ours, theirs, other, device)
        finally:
            await theirs.stop()


@pytest.fixture
async def their_new_device(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Pair]:
    """Our device made the account's identity, theirs is new."""
    account = synapse.register("lin")
    async with verifiers(synapse, tmp_path, account) as (ours,):
        theirs, device = await _peer(synapse, account, tmp_path, identity=False)
        try:
            yield Pair(ours, theirs, account, device)
        finally:
            await theirs.stop()


@pytest.fixture
async def our_new_device(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Pair]:
    """Their device made the account's identity, ours is new."""
    account = synapse.register("lin")
    theirs, device = await _peer(synapse, account, tmp_path, identity=True)
    try:
        async with verifiers(synapse, tmp_path, account, new=True) as (ours,):
            yield Pair(ours, theirs, account, device)
    finally:
        await theirs.stop()


async def meet(pair: Pair, *, encrypted: bool) -> RoomId:
    """A direct chat of the opponent in which both are."""
    room = RoomId((await pair.theirs.create_room(invite=[pair.ours.user], direct=True, encrypted=encrypted))["room"])
    await pair.ours.join(room)
    await pair.theirs.wait_member(room=room, user=pair.ours.user)
    return room


async def ask_us(pair: Pair, **how: str) -> str:
    """The opponent asks, we accept; returns the transaction."""
    transaction = (await pair.theirs.verify_request(**how))["tx"]
    await pair.ours.accept()
    await pair.theirs.verify_wait(tx=transaction, phase="Ready")
    await pair.ours.wait(Phase.READY)
    return str(transaction)


async def ask_them(pair: Pair) -> str:
    """The opponent accepts what we asked; returns the transaction."""
    transaction = (await pair.theirs.wait_request())["tx"]
    await pair.theirs.verify_accept(tx=transaction)
    shown = await pair.ours.wait(Phase.READY)
    assert shown.device == pair.device
    return str(transaction)


async def compare(pair: Pair, transaction: str, *, we_start: bool) -> None:
    """Emoji, the same seen and said by both."""
    if we_start:
        await pair.ours.security.compare(pair.ours.current.flow)
    else:
        await pair.theirs.sas_start(tx=transaction)
    seen = await pair.theirs.sas_wait(tx=transaction)
    shown = await pair.ours.wait(Phase.COMPARING)
    assert [EMOJI[number] for number in shown.emoji] == [pair_of[0].rstrip("\ufe0f") for pair_of in seen["emoji"]]
    assert list(shown.decimals) == seen["decimal"]
    await pair.ours.decide(True)
    assert (await pair.theirs.sas_confirm(tx=transaction))["state"] == "done"
    await pair.ours.wait(Phase.DONE)


async def both_people_trust(pair: Pair) -> None:
    assert pair.ours.trust(pair.them) is PersonTrust.VERIFIED
    found = pair.ours.session.encryption.identities.device(pair.them, DeviceId(pair.device))
    assert found is not None
    assert pair.ours.session.encryption.identities.device_trusted(found)
    await pair.theirs.wait_verified(user=pair.ours.user)


async def both_devices_trust(pair: Pair) -> None:
    """Each side sees the other device as signed by the account's identity, which it trusts."""
    identities = pair.ours.session.encryption.identities

    def ours_sees() -> bool:
        found = identities.device(pair.them, DeviceId(pair.device))
        return found is not None and identities.device_trusted(found)

    await until(ours_sees)
    assert pair.ours.own_trusted()
    await pair.theirs.wait_verified(user=pair.ours.user, device=pair.ours.device)
    await pair.theirs.wait_verified(user=pair.ours.user)


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("we_start", [True, False])
async def test_a_person_of_theirs_asks_us_in_a_room(people: Pair, encrypted: bool, we_start: bool) -> None:
    await meet(people, encrypted=True)  # the opponent knows the identities only of people in encrypted rooms
    room = await meet(people, encrypted=encrypted)
    transaction = await ask_us(people, user=people.ours.user, room=room)
    await compare(people, transaction, we_start=we_start)
    await both_people_trust(people)


@pytest.mark.parametrize("we_start", [True, False])
async def test_we_ask_a_person_of_theirs_in_a_room(people: Pair, we_start: bool) -> None:
    flow = await _ask_person(people)
    transaction = await ask_them(people)
    assert transaction in flow
    await compare(people, transaction, we_start=we_start)
    await both_people_trust(people)


async def _ask_person(pair: Pair) -> str:
    """In the encrypted direct chat that we make; they join it first."""
    room = await pair.ours.session.chat.direct_room(pair.them)
    await pair.theirs.wait_room(room=room)
    await pair.theirs.join(room=room)
    return await pair.ours.security.verify_person(pair.them)


@pytest.mark.parametrize("we_ask", [True, False])
@pytest.mark.parametrize("we_start", [True, False])
async def test_their_new_device_by_emoji(their_new_device: Pair, we_ask: bool, we_start: bool) -> None:
    pair = their_new_device
    transaction = await _between_devices(pair, we_ask)
    await compare(pair, transaction, we_start=we_start)
    await both_devices_trust(pair)


@pytest.mark.parametrize("we_ask", [True, False])
@pytest.mark.parametrize("we_start", [True, False])
async def test_our_new_device_by_emoji(our_new_device: Pair, we_ask: bool, we_start: bool) -> None:
    pair = our_new_device
    transaction = await _between_devices(pair, we_ask)
    await compare(pair, transaction, we_start=we_start)
    await both_devices_trust(pair)


async def _between_devices(pair: Pair, we_ask: bool) -> str:
    if not we_ask:
        await pair.theirs.wait_device(user=pair.ours.user, device=pair.ours.device)
        return await ask_us(pair)
    await until(lambda: any(one.device == pair.device for one in pair.ours.session.encryption.devices_of(pair.ours.user)))
    await pair.ours.security.verify_device()
    return await ask_them(pair)


async def they_scan(pair: Pair, transaction: str) -> None:
    code = (await pair.ours.wait(Phase.READY)).code
    scanned = pair.theirs.qr_scan(tx=transaction, hex=code.hex())
    answer, _ = await asyncio.gather(scanned, pair.ours.decide(True, Phase.SCANNED))
    assert answer["state"] == "done", answer
    await pair.ours.wait(Phase.DONE)


async def we_scan(pair: Pair, transaction: str) -> None:
    code = bytes.fromhex((await pair.theirs.qr_show(tx=transaction))["hex"])
    await pair.ours.security.scan((await pair.ours.wait(Phase.READY)).flow, code)
    assert (await pair.theirs.qr_confirm(tx=transaction))["state"] == "done"
    await pair.ours.wait(Phase.DONE)


@pytest.mark.parametrize("scanner", ["they", "we"])
async def test_their_new_device_by_code(their_new_device: Pair, scanner: str) -> None:
    transaction = await _between_devices(their_new_device, we_ask=True)
    await (they_scan if scanner == "they" else we_scan)(their_new_device, transaction)
    await both_devices_trust(their_new_device)


@pytest.mark.parametrize("scanner", ["they", "we"])
async def test_our_new_device_by_code(our_new_device: Pair, scanner: str) -> None:
    transaction = await _between_devices(our_new_device, we_ask=False)
    await (they_scan if scanner == "they" else we_scan)(our_new_device, transaction)
    await both_devices_trust(our_new_device)


@pytest.mark.parametrize("scanner", ["they", "we"])
async def test_people_by_code(people: Pair, scanner: str) -> None:
    room = await meet(people, encrypted=True)
    transaction = await ask_us(people, user=people.ours.user, room=room)
    await (they_scan if scanner == "they" else we_scan)(people, transaction)
    await both_people_trust(people)


async def test_they_see_other_emoji(people: Pair) -> None:
    room = await meet(people, encrypted=True)
    transaction = await ask_us(people, user=people.ours.user, room=room)
    await people.theirs.sas_start(tx=transaction)
    await people.theirs.sas_wait(tx=transaction)
    await people.ours.decide(True)
    await people.theirs.sas_mismatch(tx=transaction)
    assert (await people.ours.wait(Phase.ENDED)).end is VerificationEnd.MISMATCH
    assert people.ours.trust(people.them) is not PersonTrust.VERIFIED


async def test_we_see_other_emoji(their_new_device: Pair) -> None:
    pair = their_new_device
    transaction = await _between_devices(pair, we_ask=True)
    await pair.ours.security.compare(pair.ours.current.flow)
    await pair.theirs.sas_wait(tx=transaction)
    await pair.ours.decide(False)
    assert (await pair.theirs.verify_wait(tx=transaction, phase="Cancelled"))["cancel_code"] == "m.mismatched_sas"


@pytest.mark.parametrize("who", ["they", "we"])
async def test_declined(their_new_device: Pair, who: str) -> None:
    pair = their_new_device
    if who == "they":
        await until(lambda: any(one.device == pair.device for one in pair.ours.session.encryption.devices_of(pair.ours.user)))
        await pair.ours.security.verify_device()
        transaction = (await pair.theirs.wait_request())["tx"]
        await pair.theirs.verify_cancel(tx=transaction)
        assert (await pair.ours.wait(Phase.ENDED)).end is VerificationEnd.DECLINED
    else:
        transaction = (await pair.theirs.verify_request())["tx"]
        await pair.ours.security.cancel((await pair.ours.wait(Phase.REQUESTED)).flow)
        assert (await pair.theirs.verify_wait(tx=transaction, phase="Cancelled"))["cancel_code"] == "m.user"


async def test_both_ask_at_once(their_new_device: Pair) -> None:
    """The opponent gives up both requests then; nothing is left hanging, and the next try works."""
    pair = their_new_device
    await until(lambda: any(one.device == pair.device for one in pair.ours.session.encryption.devices_of(pair.ours.user)))
    await pair.theirs.wait_device(user=pair.ours.user, device=pair.ours.device)
    await asyncio.gather(pair.ours.security.verify_device(), pair.theirs.verify_request())
    await pair.ours.wait(Phase.ENDED)
    await pair.ours.security.verify_device()
    await compare(pair, await ask_them(pair), we_start=True)
    await both_devices_trust(pair)
