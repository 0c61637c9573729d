"""Kept secrets and kept keys: made by WeLink and opened by matrix-js-sdk, and the other way round."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.opponents import Opponent, device, in_state, met, opponent, read, say
from tests.interop.peers import PeerError, missing
from tests.support.engine import Person
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.identities import SECRET_NAMES
from welink_desktop.core.errors import WrongRecoveryKey
from welink_desktop.core.ids import RoomId
from welink_desktop.core.security import RecoveryState
from welink_desktop.core.trust import Shield
from welink_desktop.evaluation.client import Registered

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")
PASSPHRASE = "纸飞机 over nine rivers"
WRONG = "EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1"


@dataclass(frozen=True)
class Kept:
    """An account whose first device keeps its secrets and keys at the server, and what was said in one of its rooms."""

    account: Registered
    first: Person | Opponent
    room: RoomId
    recovery_key: str


@pytest.fixture
async def kept_by_us(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Kept]:
    account = synapse.register("lin")
    async with (
        opponent(synapse, synapse.register("friend"), tmp_path, name="friend") as friend,
        device(synapse, account, tmp_path / "first") as first,
    ):
        await in_state(first, RecoveryState.NOT_SET_UP)
        room = await met(friend, first)
        await friend.peer.send(room=room, body="old words of a friend")
        await read(first, room, "old words of a friend")
        await say(first, room, "old words of ours")
        key = await first.session.security.turn_on_recovery(PASSPHRASE)
        await in_state(first, RecoveryState.READY)
        yield Kept(account, first, room, key)


@pytest.fixture
async def kept_by_them(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Kept]:
    account = synapse.register("tom")
    async with opponent(synapse, account, tmp_path, identity=True, name="first") as first:
        key = (await first.peer.bootstrap_secret_storage(backup=True, passphrase=PASSPHRASE))["recovery_key"]
        room = RoomId((await first.peer.create_room(name="Kept"))["room"])
        await first.peer.send(room=room, body="old words")
        await first.peer.rotate(room=room)
        await first.peer.send(room=room, body="older key, newer words")
        await first.peer.wait_backed_up(count=2)
        yield Kept(account, first, room, key)


@asynccontextmanager
async def their_new_device(synapse: TestSynapse, kept: Kept, folder: Path) -> AsyncIterator[Opponent]:
    async with opponent(synapse, kept.account, folder, name="new") as new:
        yield new


async def recovered(new: Opponent, kept: Kept) -> None:
    """It has the secrets, is signed by them, and reads what was said before it was there."""
    taken = await new.peer.take_from_storage()
    assert taken["ready"]
    assert (taken["imported"], taken["total"]) == (2, 2)
    status = await new.peer.device_status(user=new.user, device=new.device)
    assert status["cross_signed"]
    assert (await new.peer.backup_status())["trust"]["matchesDecryptionKey"]
    await new.peer.wait_for_text(room=kept.room, text="old words of ours")
    await new.peer.wait_for_text(room=kept.room, text="old words of a friend")


async def test_they_open_our_secrets_and_backup_with_our_recovery_key(
    synapse: TestSynapse, kept_by_us: Kept, tmp_path: Path
) -> None:
    async with their_new_device(synapse, kept_by_us, tmp_path) as new:
        await new.peer.open_storage(recovery_key=kept_by_us.recovery_key)
        await recovered(new, kept_by_us)


async def test_they_open_our_secrets_and_backup_with_our_passphrase(
    synapse: TestSynapse, kept_by_us: Kept, tmp_path: Path
) -> None:
    async with their_new_device(synapse, kept_by_us, tmp_path) as new:
        await new.peer.open_storage(passphrase=PASSPHRASE)
        await recovered(new, kept_by_us)


async def test_a_wrong_passphrase_opens_nothing_of_ours(synapse: TestSynapse, kept_by_us: Kept, tmp_path: Path) -> None:
    async with their_new_device(synapse, kept_by_us, tmp_path) as new:
        await new.peer.open_storage(passphrase="a guess")
        with pytest.raises(PeerError):
            await new.peer.take_from_storage()
        assert not (await new.peer.cross_signing())["ready"]


async def test_keys_that_they_add_to_our_backup_reach_us(synapse: TestSynapse, kept_by_us: Kept, tmp_path: Path) -> None:
    """Both devices write into one backup; a third one of ours reads what each of them added."""
    async with their_new_device(synapse, kept_by_us, tmp_path) as new:
        await new.peer.open_storage(recovery_key=kept_by_us.recovery_key)
        await recovered(new, kept_by_us)
        room = RoomId((await new.peer.create_room(name="Theirs"))["room"])
        await new.peer.send(room=room, body="added by them")
        await new.peer.wait_backed_up(count=3)
    async with device(synapse, kept_by_us.account, tmp_path / "third") as third:
        await in_state(third, RecoveryState.UNVERIFIED)
        await third.session.security.recover(kept_by_us.recovery_key)
        await in_state(third, RecoveryState.READY)
        assert (await read(third, room, "added by them")).shield is Shield.UNPROVEN
        await read(third, kept_by_us.room, "old words of ours")


@pytest.mark.parametrize("secret", ["recovery key", "passphrase"])
async def test_we_open_their_secrets_and_backup(synapse: TestSynapse, kept_by_them: Kept, tmp_path: Path, secret: str) -> None:
    async with device(synapse, kept_by_them.account, tmp_path / "ours") as ours:
        status = await in_state(ours, RecoveryState.UNVERIFIED)
        assert status.passphrase
        with pytest.raises(WrongRecoveryKey):
            await ours.session.security.recover(WRONG)
        await ours.session.security.recover(kept_by_them.recovery_key if secret == "recovery key" else PASSPHRASE)
        await in_state(ours, RecoveryState.READY)
        assert set(ours.session.encryption.identities.secrets()) == set(SECRET_NAMES)
        assert isinstance(kept_by_them.first, Opponent)
        seen = await kept_by_them.first.peer.wait_device(user=ours.account.user, device=ours.account.device, signed=True)
        assert seen["cross_signed"]
        assert (await read(ours, kept_by_them.room, "old words")).shield is Shield.UNPROVEN
        await read(ours, kept_by_them.room, "older key, newer words")


async def test_we_restore_one_room_of_their_backup(synapse: TestSynapse, kept_by_them: Kept, tmp_path: Path) -> None:
    assert isinstance(kept_by_them.first, Opponent)
    kept = (await kept_by_them.first.peer.backup_status())["key"]
    async with device(synapse, kept_by_them.account, tmp_path / "ours") as ours:
        await in_state(ours, RecoveryState.UNVERIFIED)
        assert await ours.session.security._backup.adopt(kept)
        await ours.session.security.restore_room(kept_by_them.room)
        assert len(ours.session.encryption.machine.sessions(kept_by_them.room)) == 2
        await read(ours, kept_by_them.room, "old words")


async def test_they_read_the_keys_that_we_add_to_their_backup(synapse: TestSynapse, kept_by_them: Kept, tmp_path: Path) -> None:
    async with device(synapse, kept_by_them.account, tmp_path / "ours") as ours:
        await in_state(ours, RecoveryState.UNVERIFIED)
        await ours.session.security.recover(kept_by_them.recovery_key)
        await in_state(ours, RecoveryState.READY)
        async with opponent(synapse, synapse.register("friend"), tmp_path, name="friend") as friend:
            room = await met(friend, ours)
            await say(ours, room, "added by us")
        await in_state(ours, RecoveryState.READY)
        async with their_new_device(synapse, kept_by_them, tmp_path) as new:
            await new.peer.open_storage(passphrase=PASSPHRASE)
            assert (await new.peer.take_from_storage())["ready"]
            await new.peer.wait_for_text(room=room, text="added by us")
