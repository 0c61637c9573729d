"""The situations of recovery, end to end against the real homeserver, through the ports that the interface uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.engine import Person, RoomsSeen, TimelineSeen, people, shared_room, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.core.errors import NotFound, StoreKeyMissing, WrongRecoveryKey
from welink_desktop.core.ids import DeviceId, RoomId
from welink_desktop.core.security import Cure, RecoveryState, RecoveryStatus, Verification, VerificationPhase
from welink_desktop.core.timeline import OutgoingText
from welink_desktop.evaluation.client import Registered

pytestmark = pytest.mark.integration


class Watched:
    """What a person sees of one device's security."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.status = RecoveryStatus()
        self.flows: tuple[Verification, ...] = ()
        security = person.session.security
        self._undo = [security.watch_recovery(self._recovery), security.watch_verifications(self._verifications)]

    def _recovery(self, status: RecoveryStatus) -> None:
        self.status = status

    def _verifications(self, flows: tuple[Verification, ...]) -> None:
        self.flows = flows

    async def state(self, wanted: RecoveryState) -> RecoveryStatus:
        await until(lambda: self.status.state is wanted)
        return self.status

    async def flow(self, phase: VerificationPhase) -> Verification:
        await until(lambda: self.flows and self.flows[-1].phase is phase)
        return self.flows[-1]

    def end(self) -> None:
        for undo in self._undo:
            undo()


@asynccontextmanager
async def device(synapse: TestSynapse, registered: Registered, folder: Path) -> AsyncIterator[tuple[Person, Watched]]:
    """A new device of an account, with a profile of its own."""
    person = await signed_in(synapse, registered, folder)
    await person.live()
    seen = Watched(person)
    try:
        yield person, seen
    finally:
        seen.end()
        await person.close()


async def said(person: Person, room: RoomId, words: str) -> None:
    await person.session.chat.send_text(room, OutgoingText(words))


async def reads(person: Person, room: RoomId, words: str) -> None:
    """The message is there in clear, after loading as much as needed."""
    listed = RoomsSeen(person.session)
    await until(lambda: listed.get(room))
    listed.cancel()
    timeline = await person.session.chat.open_timeline(room)
    seen = TimelineSeen(timeline)
    await until(lambda: words in seen.bodies)
    seen.cancel()
    await timeline.close()


async def backed_up(seen: Watched) -> None:
    await until(lambda: seen.status.backup and seen.status.waiting == 0)


async def agree(one: Watched, other: Watched) -> None:
    """Two devices of one account compare emoji: `one` asks, everything is accepted."""
    flow = await one.person.session.security.verify_device()
    asked = await other.flow(VerificationPhase.REQUESTED)
    await other.person.session.security.accept(asked.flow)
    await one.flow(VerificationPhase.READY)
    await one.person.session.security.compare(flow)
    mine, theirs = await one.flow(VerificationPhase.COMPARING), await other.flow(VerificationPhase.COMPARING)
    assert mine.emoji == theirs.emoji
    assert len(mine.emoji) == 7
    await one.person.session.security.decide(flow, True)
    await other.person.session.security.decide(asked.flow, True)
    await one.flow(VerificationPhase.DONE)
    await other.flow(VerificationPhase.DONE)


async def test_a_first_device_makes_its_identity_without_a_question(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with device(synapse, ann, tmp_path) as (person, seen):
        status = await seen.state(RecoveryState.NOT_SET_UP)
        assert status.cures == (Cure.TURN_ON_RECOVERY,)
        key = await person.session.security.turn_on_recovery()
        assert len(key.split()) == 12
        status = await seen.state(RecoveryState.READY)
        assert status.cures == ()
        await backed_up(seen)


async def test_a_second_device_comes_in_by_verification_and_reads_what_was_said(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with people(synapse, tmp_path / "other", "ben") as (ben,), device(synapse, ann, tmp_path / "one") as (first, one):
        await one.state(RecoveryState.NOT_SET_UP)
        room = await shared_room(first, ben)
        await said(ben, room, "before the second device")
        await reads(first, room, "before the second device")
        await first.session.security.turn_on_recovery()
        await one.state(RecoveryState.READY)
        await backed_up(one)
        async with device(synapse, ann, tmp_path / "two") as (second, two):
            status = await two.state(RecoveryState.UNVERIFIED)
            assert status.cures[0] is Cure.CONFIRM_FROM_DEVICE
            await agree(two, one)
            await two.state(RecoveryState.READY)
            await reads(second, room, "before the second device")


async def test_a_second_device_comes_in_by_the_recovery_key(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with people(synapse, tmp_path / "other", "ben") as (ben,), device(synapse, ann, tmp_path / "one") as (first, one):
        await one.state(RecoveryState.NOT_SET_UP)
        room = await shared_room(first, ben)
        await said(ben, room, "old words")
        await reads(first, room, "old words")
        key = await first.session.security.turn_on_recovery("a passphrase of my own")
        await one.state(RecoveryState.READY)
        await backed_up(one)
        async with device(synapse, ann, tmp_path / "two") as (second, two):
            status = await two.state(RecoveryState.UNVERIFIED)
            assert Cure.ENTER_RECOVERY_KEY in status.cures
            assert status.passphrase
            with pytest.raises(WrongRecoveryKey):
                await second.session.security.recover("EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1")
            assert two.status.state is RecoveryState.UNVERIFIED
            await second.session.security.recover(key)
            await two.state(RecoveryState.READY)
            await reads(second, room, "old words")
        async with device(synapse, ann, tmp_path / "three") as (third, three):
            await three.state(RecoveryState.UNVERIFIED)
            await third.session.security.recover("a passphrase of my own")
            await three.state(RecoveryState.READY)


async def test_all_devices_lost_and_only_the_recovery_key_left(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with people(synapse, tmp_path / "other", "ben") as (ben,):
        async with device(synapse, ann, tmp_path / "one") as (first, one):
            await one.state(RecoveryState.NOT_SET_UP)
            room = await shared_room(first, ben)
            await said(ben, room, "kept words")
            await reads(first, room, "kept words")
            key = await first.session.security.turn_on_recovery()
            await one.state(RecoveryState.READY)
            await backed_up(one)
            await first.session.sign_out()
        async with device(synapse, ann, tmp_path / "two") as (second, two):
            status = await two.state(RecoveryState.UNVERIFIED)
            assert status.cures == (Cure.ENTER_RECOVERY_KEY, Cure.START_OVER)
            await second.session.security.recover(key)
            await two.state(RecoveryState.READY)
            await reads(second, room, "kept words")


async def test_a_lost_recovery_key_means_starting_over(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with device(synapse, ann, tmp_path / "one") as (first, one):
        await one.state(RecoveryState.NOT_SET_UP)
        await first.session.security.turn_on_recovery()
        await one.state(RecoveryState.READY)
        await first.session.sign_out()
    async with device(synapse, ann, tmp_path / "two") as (second, two):
        await two.state(RecoveryState.UNVERIFIED)
        key = await second.session.security.start_over(ann.password)
        await two.state(RecoveryState.READY)
        async with device(synapse, ann, tmp_path / "three") as (third, three):
            await three.state(RecoveryState.UNVERIFIED)
            await third.session.security.recover(key)
            await three.state(RecoveryState.READY)


async def test_a_backup_deleted_elsewhere_is_made_again_under_the_same_key(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with device(synapse, ann, tmp_path / "one") as (first, one):
        await one.state(RecoveryState.NOT_SET_UP)
        key = await first.session.security.turn_on_recovery()
        await one.state(RecoveryState.READY)
        with synapse.client(ann) as elsewhere:
            version = elsewhere.call("GET", "client", "v3", "room_keys", "version")["version"]
            elsewhere.call("DELETE", "client", "v3", "room_keys", "version", version)
        first.session.security.account_data_changed("m.secret_storage.default_key")
        status = await one.state(RecoveryState.BACKUP_GONE)
        assert status.cures == (Cure.TURN_ON_BACKUP,)
        await first.session.security.turn_on_backup()
        await one.state(RecoveryState.READY)
        async with device(synapse, ann, tmp_path / "two") as (second, two):
            await two.state(RecoveryState.UNVERIFIED)
            await second.session.security.recover(key)
            await two.state(RecoveryState.READY)


async def test_an_identity_made_anew_elsewhere_is_told_and_cured(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with device(synapse, ann, tmp_path / "one") as (first, one):
        await one.state(RecoveryState.NOT_SET_UP)
        await first.session.security.turn_on_recovery()
        await one.state(RecoveryState.READY)
        async with device(synapse, ann, tmp_path / "two") as (second, two):
            await two.state(RecoveryState.UNVERIFIED)
            key = await second.session.security.start_over(ann.password)
            await two.state(RecoveryState.READY)
            await one.state(RecoveryState.IDENTITY_REPLACED)
            await first.session.security.recover(key)
            await one.state(RecoveryState.READY)


async def test_history_survives_the_loss_of_the_keyring(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with people(synapse, tmp_path / "other", "ben") as (ben,), device(synapse, ann, tmp_path / "one") as (first, one):
        await one.state(RecoveryState.NOT_SET_UP)
        room = await shared_room(first, ben)
        await said(ben, room, "words in the store")
        await reads(first, room, "words in the store")
        key = await first.session.security.turn_on_recovery()
        await one.state(RecoveryState.READY)
        one.end()
        await first.close()
        for part in ("store", "tokens"):
            first.secrets.delete(f"account.{first.account.key}.{part}")
        with pytest.raises(StoreKeyMissing) as refused:
            await first.open()
        assert refused.value.recoverable
        account = first.account.key
        with pytest.raises(WrongRecoveryKey):
            await first.accounts.recover_store(account, "something else")
        await first.accounts.recover_store(account, key)
        await first.open()
        await first.accounts.sign_in_again(account, ann.password)
        await reads(first, room, "words in the store")
        assert first.session.account.device == DeviceId(first.account.device)


async def test_without_anything_kept_the_recovery_key_finds_nothing(synapse: TestSynapse, tmp_path: Path) -> None:
    ann = synapse.register("ann")
    async with device(synapse, ann, tmp_path / "one") as (first, one):
        await one.state(RecoveryState.NOT_SET_UP)
        with pytest.raises(NotFound):
            await first.session.security.recover("EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1")
