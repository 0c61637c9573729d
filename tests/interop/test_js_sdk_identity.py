"""Identities and signed devices as WeLink and matrix-js-sdk see them of each other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.opponents import Opponent, device, eventually, in_state, met, opponent, read, say
from tests.interop.peers import missing
from tests.support.engine import Person, until
from tests.support.servers import TestSynapse
from welink_desktop.core.security import PersonTrust, RecoveryState
from welink_desktop.core.trust import Shield
from welink_desktop.evaluation.client import Registered

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")


@pytest.fixture
def account(synapse: TestSynapse) -> Registered:
    return synapse.register("lin")


@pytest.fixture
async def lin(synapse: TestSynapse, account: Registered, tmp_path: Path) -> AsyncIterator[Person]:
    async with device(synapse, account, tmp_path / "lin") as person:
        await in_state(person, RecoveryState.NOT_SET_UP)
        yield person


@pytest.fixture
async def theirs(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Opponent]:
    async with opponent(synapse, synapse.register("theirs"), tmp_path, identity=True) as made:
        yield made


async def trusted_as(person: Person, theirs: Opponent, wanted: PersonTrust) -> None:
    seen: list[PersonTrust] = []
    cancel = person.session.security.watch_person(theirs.user, seen.append)
    await until(lambda: seen and seen[-1] is wanted)
    cancel()


async def test_we_see_their_identity_and_the_device_it_signed(lin: Person, theirs: Opponent) -> None:
    room = await met(theirs, lin)
    await trusted_as(lin, theirs, PersonTrust.SEEN)
    identities = lin.session.encryption.identities
    assert identities.master_of(theirs.user) == (await theirs.peer.cross_signing())["master"]
    found = identities.device(theirs.user, theirs.device)
    assert found is not None
    assert found.owner_signed
    await theirs.peer.send(room=room, body="signed")
    assert (await read(lin, room, "signed")).shield is Shield.AUTHENTIC


async def test_they_see_our_identity_and_the_device_it_signed(lin: Person, theirs: Opponent) -> None:
    room = await met(theirs, lin)
    me = lin.account
    status = await theirs.peer.wait_device(user=me.user, device=me.device, signed=True)
    assert status["signed_by_owner"]
    assert (await theirs.peer.user_status(user=me.user))["known"]
    await theirs.peer.isolation(mode="signed")
    await say(lin, room, "signed by us")
    got = await theirs.peer.wait_for_text(room=room, text="signed by us")
    assert got["shield"] == {"colour": 0, "reason": None}


async def test_their_new_unsigned_device_is_marked(lin: Person, theirs: Opponent, synapse: TestSynapse, tmp_path: Path) -> None:
    room = await met(theirs, lin)
    await trusted_as(lin, theirs, PersonTrust.SEEN)
    async with opponent(synapse, theirs.account, tmp_path, name="second") as second:
        await second.peer.wait_device(user=lin.account.user, device=lin.account.device)
        await second.peer.send(room=room, body="unsigned")
        assert (await read(lin, room, "unsigned")).shield is Shield.UNSIGNED


async def test_our_new_unsigned_device_is_marked_by_them(
    lin: Person, account: Registered, theirs: Opponent, synapse: TestSynapse, tmp_path: Path
) -> None:
    room = await met(theirs, lin)
    async with device(synapse, account, tmp_path / "second") as second:
        await in_state(second, RecoveryState.UNVERIFIED)
        assert not (await theirs.peer.wait_device(user=second.account.user, device=second.account.device))["signed_by_owner"]
        await say(second, room, "from an unsigned device")
        got = await theirs.peer.wait_for_text(room=room, text="from an unsigned device")
        assert got["shield"]["colour"] == 2


async def test_their_replaced_identity_is_told_until_accepted(lin: Person, theirs: Opponent) -> None:
    room = await met(theirs, lin)
    await trusted_as(lin, theirs, PersonTrust.SEEN)
    await theirs.peer.bootstrap_cross_signing(reset=True)
    await trusted_as(lin, theirs, PersonTrust.CHANGED)
    await say(lin, room, "still going")
    await theirs.peer.wait_for_text(room=room, text="still going")
    await lin.session.security.accept_person(theirs.user)
    await trusted_as(lin, theirs, PersonTrust.SEEN)


async def test_our_replaced_identity_is_told_by_them(lin: Person, account: Registered, theirs: Opponent) -> None:
    room = await met(theirs, lin)
    me = lin.account
    await theirs.peer.wait_device(user=me.user, device=me.device, signed=True)
    await lin.session.security.start_over(account.password)
    await in_state(lin, RecoveryState.READY)
    await eventually(lambda: theirs.peer.user_status(user=me.user), lambda status: bool(status["needs_approval"]))
    await theirs.peer.pin(user=me.user)
    assert not (await theirs.peer.user_status(user=me.user))["needs_approval"]
    assert (await theirs.peer.wait_device(user=me.user, device=me.device, signed=True))["signed_by_owner"]
    await say(lin, room, "the same person")
    await theirs.peer.wait_for_text(room=room, text="the same person")
