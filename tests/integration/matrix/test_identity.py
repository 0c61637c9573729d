"""Identities, confirmation and devices on the real homeserver (matrix.md §8.1, §8.6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.engine import BentWay, Person, RoomsSeen, TimelineSeen, people, shared_room, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.records import Device, KeysUpload, OwnIdentity
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.security import identity as identity_module
from welink_desktop.adapters.matrix.security.devices import OwnDevices
from welink_desktop.adapters.matrix.security.identity import IdentityDriver
from welink_desktop.adapters.matrix.security.uia import Interactive
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.errors import IdentityChanged, PasswordNeeded, SignedOut, WrongPassword
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.security import OwnDevice, PersonTrust
from welink_desktop.core.timeline import OutgoingText, SendPhase, TimelineItem
from welink_desktop.core.trust import Shield
from welink_desktop.evaluation.client import Registered

pytestmark = pytest.mark.integration


class Secured:
    """A person whose session has the drivers of this area, in a scope that ends before the session."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.user = person.account.user
        http = person.session._around.http
        self.http = http
        self.scope = Scope("test")
        interactive = Interactive(http, http.base_url, self.user)
        facts = {"user": self.user, "device": person.account.device, "scope": self.scope}
        self.identity = IdentityDriver(self.encryption, http, interactive, **facts)  # type: ignore[arg-type]  # named above
        self.devices = OwnDevices(self.encryption, http, interactive, **facts)  # type: ignore[arg-type]  # named above
        self.identity.start()
        self.devices.start()

    @property
    def encryption(self) -> Encryption:
        return self.person.session.encryption

    def own(self) -> OwnIdentity:
        own = self.encryption.identities.own()
        assert own is not None
        return own

    def trust(self, user: UserId) -> PersonTrust:
        return self.encryption.identities.trust_of(user)

    def device(self, other: "Secured") -> Device | None:
        return self.encryption.identities.device(other.user, other.person.account.device)

    def signed(self, other: "Secured") -> bool:
        found = self.device(other)
        return found is not None and found.owner_signed

    async def verify(self, user: UserId) -> None:
        await self.encryption.refresh_devices(user)
        with self.encryption.change():
            master = self.encryption.identities.master_of(user)
            assert master is not None
            body = self.encryption.identities.sign_user(user, master)
        assert body is not None
        await self.identity.upload_signatures(body)


@asynccontextmanager
async def secured(synapse: TestSynapse, folder: Path, *names: str) -> AsyncIterator[list[Secured]]:
    """Live accounts with identities of their own."""
    async with people(synapse, folder, *names) as found:
        made = [Secured(person) for person in found]
        try:
            for one in made:
                await one.identity.ensure()
            yield made
        finally:
            for one in made:
                await one.scope.aclose()


@asynccontextmanager
async def another_device(synapse: TestSynapse, one: Secured, folder: Path) -> AsyncIterator[Secured]:
    """A second device of the account, live, without anything of the first one's."""
    person = await signed_in(synapse, account_of(one), folder / "second")
    await person.live()
    made = Secured(person)
    try:
        await made.encryption.refresh_devices(made.user)
        yield made
    finally:
        await made.scope.aclose()
        await person.close()


def account_of(one: Secured) -> Registered:
    localpart = one.user[1:].partition(":")[0]
    return Registered(one.user, localpart, password_of(one), "")


def password_of(one: Secured) -> str:
    """As `TestSynapse.register` chose it."""
    return "pass-" + one.user[1:].partition(":")[0]


async def direct_room(one: Secured, other: Secured) -> RoomId:
    return await shared_room(one.person, other.person)


# Our own identity


async def test_the_first_sign_in_makes_an_identity_without_a_question(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin") as (lin,):
        assert lin.own().verified
        assert len(lin.own().held) == 3
        await lin.encryption.refresh_devices(lin.user)
        assert lin.signed(lin), "the server shows our signature"
        master = lin.own().master
        assert not await lin.identity.ensure()
        await lin.scope.aclose()
        await lin.person.close()
        await lin.person.live()
        again = Secured(lin.person)
        assert not await again.identity.ensure()
        assert again.own().master == master
        assert again.own().verified
        await again.scope.aclose()


async def test_a_second_device_sees_it_and_is_signed_with_the_secrets_of_the_first(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin") as (lin,), another_device(synapse, lin, tmp_path) as second:
        assert not await second.identity.ensure()
        assert second.own().master == lin.own().master
        assert not second.own().verified
        assert second.signed(lin)
        assert not second.signed(second)
        await until(lambda: lin.device(second))
        assert not lin.signed(second)
        with second.encryption.change():
            assert len(second.encryption.identities.take_secrets(lin.encryption.identities.secrets())) == 3
        await second.identity.ensure()
        assert second.own().verified
        await until(lambda: lin.signed(second))
        device = lin.device(second)
        assert device is not None
        assert lin.encryption.identities.device_trusted(device)


async def test_a_device_of_ours_is_signed_by_the_other_one(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin") as (lin,), another_device(synapse, lin, tmp_path) as second:
        await until(lambda: lin.device(second))
        with lin.encryption.change():
            body = lin.encryption.identities.sign_own_device(second.person.account.device, second.encryption.own_keys["ed25519"])
        assert body is not None
        await lin.identity.upload_signatures(body)
        await until(lambda: second.signed(second))


async def test_starting_over_needs_the_password(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin") as (lin,), another_device(synapse, lin, tmp_path) as second:
        old = lin.own().master
        with pytest.raises(PasswordNeeded):
            await second.identity.replace()
        with pytest.raises(WrongPassword):
            await second.identity.replace("wrong")
        assert second.own().master == old
        await second.identity.replace(password_of(lin))
        assert second.own().verified
        assert second.own().master != old
        await until(lambda: lin.own().replaced)
        assert not lin.own().verified
        assert not lin.signed(second)
        assert lin.encryption.identities.secrets() == {}
        assert not await lin.identity.ensure(), "nothing is made anew because something is missing"
        assert lin.own().master == second.own().master


# Other people


async def test_a_changed_identity_is_noticed_and_shown(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin", "chen") as (lin, chen):
        seen: list[PersonTrust] = []
        lin.identity.watch_person(chen.user, seen.append)
        await until(lambda: seen[-1:] == [PersonTrust.SEEN])
        room = await direct_room(lin, chen)
        await chen.identity.replace(password_of(chen))
        await until(lambda: seen[-1:] == [PersonTrust.CHANGED])
        await lin.encryption.prepare_to_send(room)
        with lin.encryption.change():
            lin.encryption.identities.accept(chen.user)
        assert seen[-1:] == [PersonTrust.SEEN]
        await until(lambda: lin.signed(chen))


async def test_after_a_verification_a_changed_identity_stops_sending_until_somebody_decided(
    synapse: TestSynapse, tmp_path: Path
) -> None:
    async with secured(synapse, tmp_path, "lin", "chen") as (lin, chen):
        room = await direct_room(lin, chen)
        await lin.verify(chen.user)
        assert lin.trust(chen.user) is PersonTrust.VERIFIED
        await lin.encryption.refresh_devices(chen.user)
        assert lin.trust(chen.user) is PersonTrust.VERIFIED, "the server shows our signature"
        device = lin.device(chen)
        assert device is not None
        assert lin.encryption.identities.device_trusted(device)
        await lin.encryption.prepare_to_send(room)
        await chen.identity.replace(password_of(chen))
        await until(lambda: lin.trust(chen.user) is PersonTrust.BROKEN)
        with pytest.raises(IdentityChanged) as caught:
            await lin.encryption.prepare_to_send(room)
        assert caught.value.args_for_text == {"name": chen.user}
        with lin.encryption.change():
            lin.encryption.identities.accept(chen.user)
        await lin.encryption.prepare_to_send(room)


async def test_a_message_waits_with_its_reason_until_somebody_decided(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin", "chen") as (lin, chen):
        room = await direct_room(lin, chen)
        theirs = TimelineSeen(await chen.person.session.chat.open_timeline(room))
        mine = TimelineSeen(await lin.person.session.chat.open_timeline(room))
        await lin.verify(chen.user)
        await chen.identity.replace(password_of(chen))
        await until(lambda: lin.trust(chen.user) is PersonTrust.BROKEN)
        transaction = await lin.person.session.chat.send_text(room, OutgoingText("for Chen"))

        def own() -> TimelineItem | None:
            return mine.item("for Chen")

        await until(lambda: (item := own()) is not None and item.send.phase is SendPhase.FAILED)
        item = own()
        assert item is not None
        assert isinstance(item.send.error, IdentityChanged)
        assert theirs.item("for Chen") is None
        await lin.person.session.security.accept_person(chen.user)
        await lin.person.session.chat.retry(room, transaction)
        await until(lambda: theirs.item("for Chen"))


async def test_comparing_again_heals_it_on_every_device(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin", "chen") as (lin, chen), another_device(synapse, lin, tmp_path) as second:
        await direct_room(lin, chen)
        with second.encryption.change():
            second.encryption.identities.take_secrets(lin.encryption.identities.secrets())
        second.encryption.follow([chen.user])
        await lin.verify(chen.user)
        await until(lambda: second.trust(chen.user) is PersonTrust.VERIFIED)
        await chen.identity.replace(password_of(chen))
        await until(lambda: lin.trust(chen.user) is PersonTrust.BROKEN)
        await until(lambda: second.trust(chen.user) is PersonTrust.BROKEN)
        await lin.verify(chen.user)
        assert lin.trust(chen.user) is PersonTrust.VERIFIED
        await until(lambda: second.trust(chen.user) is PersonTrust.VERIFIED)


async def test_messages_of_signed_devices_are_authentic_and_others_are_marked(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin", "chen") as (lin, chen), another_device(synapse, chen, tmp_path) as bare:
        room = await direct_room(lin, chen)
        lin.encryption.follow([chen.user])
        seen = TimelineSeen(await lin.person.session.chat.open_timeline(room))
        rooms = RoomsSeen(bare.person.session)
        await until(lambda: rooms.get(room))
        await until(lambda: lin.device(bare))
        for one, text in ((chen, "from the signed one"), (bare, "from the bare one")):
            await one.person.session.chat.send_text(room, OutgoingText(text))
        await until(lambda: seen.item("from the signed one"))
        await until(lambda: seen.item("from the bare one"))
        signed, unsigned = seen.item("from the signed one"), seen.item("from the bare one")
        assert signed is not None
        assert unsigned is not None
        assert signed.shield is Shield.AUTHENTIC
        assert unsigned.shield is Shield.UNSIGNED
        with bare.encryption.change():
            bare.encryption.identities.take_secrets(chen.encryption.identities.secrets())
        await bare.identity.ensure()
        await until(lambda: (item := seen.item("from the bare one")) and item.shield is Shield.AUTHENTIC)


@pytest.mark.logs_errors
async def test_the_same_device_id_with_new_keys_is_refused(synapse: TestSynapse, tmp_path: Path) -> None:
    """The homeserver takes new identity keys for an existing device; we do not."""
    async with secured(synapse, tmp_path, "lin", "chen") as (lin, chen):
        room = await direct_room(lin, chen)
        await lin.encryption.prepare_to_send(room)
        before = lin.device(chen)
        assert before is not None
        impostor = CryptoMachine(chen.user, chen.person.account.device, MemoryStore(), b"k" * 32, SystemClock())
        upload = impostor.pending_requests()[0]
        assert isinstance(upload, KeysUpload)
        await chen.http.request("POST", (*CLIENT_V3, "keys", "upload"), json={"device_keys": upload.body["device_keys"]})

        def known() -> list[Device]:
            return [one for one in lin.encryption.devices_of(chen.user) if one.device == chen.person.account.device]

        await until(lambda: [one for one in known() if one.keys_changed])
        (kept,) = known()
        assert (kept.curve25519, kept.ed25519) == (before.curve25519, before.ed25519)
        assert lin.encryption.identities.withheld(kept) is not None
        assert not lin.encryption.identities.device_trusted(kept)


# Devices


async def test_our_devices_are_listed_renamed_and_signed_out(synapse: TestSynapse, tmp_path: Path) -> None:
    async with secured(synapse, tmp_path, "lin") as (lin,), another_device(synapse, lin, tmp_path) as second:
        mine, other = lin.person.account.device, second.person.account.device
        seen: list[tuple[OwnDevice, ...]] = []
        lin.devices.watch(seen.append)

        def shown(device: str) -> OwnDevice | None:
            return next((one for one in seen[-1] if one.device == device), None) if seen else None

        await until(lambda: (found := shown(other)) is not None and found.encrypts)
        assert seen[-1][0].device == mine
        assert seen[-1][0].current
        assert seen[-1][0].signed
        found = shown(other)
        assert found is not None
        assert not found.signed
        assert found.last_seen_ms > 1_600_000_000_000
        await lin.devices.rename(other, "Old laptop")
        await lin.devices.refresh()
        found = shown(other)
        assert found is not None
        assert found.name == "Old laptop"
        with pytest.raises(PasswordNeeded):
            await lin.devices.sign_out([other])
        with pytest.raises(WrongPassword):
            await lin.devices.sign_out([other], "wrong")
        others = [one.device for one in seen[-1] if not one.current]
        await lin.devices.sign_out(others, password_of(lin))
        await lin.devices.refresh()
        assert [one.device for one in seen[-1]] == [mine]
        await until(lambda: lin.device(second) is None)
        with pytest.raises(SignedOut):
            await second.http.request("GET", (*CLIENT_V3, "devices"))


async def test_signatures_wait_for_the_line(synapse: TestSynapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_module, "FIRST_PAUSE", 0.05)
    way = BentWay()
    async with secured(synapse, tmp_path, "chen") as (chen,):
        person = await signed_in(synapse, synapse.register("lin"), tmp_path, way=lambda: way)
        await person.live()
        lin = Secured(person)
        try:
            await lin.identity.ensure()
            await lin.encryption.refresh_devices(chen.user)
            with lin.encryption.change():
                master = lin.encryption.identities.master_of(chen.user)
                assert master is not None
                body = lin.encryption.identities.sign_user(chen.user, master)
            assert body is not None
            way.before = lambda request: httpx.Response(503, json={}) if "signatures" in request.url.path else None
            sending = lin.scope.spawn(lin.identity.upload_signatures(body), name="signatures")
            await until(lin.encryption.identities.kept_signatures)
            way.before = lambda request: None
            await sending
            await until(lambda: not lin.encryption.identities.kept_signatures())
            await lin.encryption.refresh_devices(chen.user)
            assert lin.trust(chen.user) is PersonTrust.VERIFIED
        finally:
            await lin.scope.aclose()
            await person.close()
            await way.end()
