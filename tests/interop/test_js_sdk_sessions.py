"""Sessions of WeLink and matrix-js-sdk: rotated by either side, healed after an old copy, refused with a reason."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.opponents import Opponent, device, eventually, in_state, met, opponent, read, say, timeline, unreadable
from tests.interop.peers import missing
from tests.support.engine import Person, until
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import RoomId
from welink_desktop.core.security import RecoveryState
from welink_desktop.core.trust import UndecryptableReason
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
    async with opponent(synapse, synapse.register("theirs"), tmp_path, identity=True, stored=True) as made:
        yield made


async def both_ways(ours: Person, theirs: Opponent, room: RoomId, mark: str) -> None:
    """Each side writes and the other reads."""
    await say(ours, room, f"ours, {mark}")
    await theirs.peer.wait_for_text(room=room, text=f"ours, {mark}")
    await theirs.peer.send(room=room, body=f"theirs, {mark}")
    await read(ours, room, f"theirs, {mark}")


async def sessions_of(theirs: Opponent, room: RoomId, *bodies: str) -> list[str]:
    shown = {one["content"].get("body"): one for one in await theirs.peer.timeline(room=room)}
    return [shown[body]["session_id"] for body in bodies]


async def test_both_sides_rotate_and_read_on(lin: Person, theirs: Opponent) -> None:
    room = await met(theirs, lin)
    for mark in ("first", "second", "third"):
        await both_ways(lin, theirs, room, mark)
        lin.session.encryption.machine.end_session(room)
        await theirs.peer.rotate(room=room)
    marks = [f"{who}, {mark}" for mark in ("first", "second", "third") for who in ("ours", "theirs")]
    assert len(set(await sessions_of(theirs, room, *marks))) == 6
    async with timeline(lin, room) as seen:
        assert not unreadable(seen)


async def test_we_rotate_by_the_count_that_their_room_asks_for(lin: Person, theirs: Opponent) -> None:
    room = await met(theirs, lin, encryption={"rotation_period_msgs": 2})
    bodies = [f"number {number}" for number in range(4)]
    for body in bodies:
        await say(lin, room, body)
    await theirs.peer.wait_for_text(room=room, text=bodies[-1])
    one, same, two, again = await sessions_of(theirs, room, *bodies)
    assert (one, two) == (same, again)
    assert one != two


async def test_they_reach_us_after_we_restored_an_old_copy(lin: Person, theirs: Opponent, tmp_path: Path) -> None:
    """The channel's state in the copy is of before; the first key is lost, then both sides make a new channel and go on."""
    room = await met(theirs, lin)
    await both_ways(lin, theirs, room, "before")
    await lin.close()
    shutil.copytree(lin.folder, tmp_path / "copy")
    await lin.live()
    for mark in ("one", "two"):
        lin.session.encryption.machine.end_session(room)
        await theirs.peer.rotate(room=room)
        await both_ways(lin, theirs, room, mark)
    await lin.close()
    shutil.rmtree(lin.folder)
    shutil.copytree(tmp_path / "copy", lin.folder)
    await lin.live()

    await theirs.peer.rotate(room=room)
    await theirs.peer.send(room=room, body="are you there")
    lin.session.encryption.machine.end_session(room)
    await say(lin, room, "yes")
    await theirs.peer.wait_for_text(room=room, text="yes")
    await theirs.peer.rotate(room=room)
    await theirs.peer.send(room=room, body="good")
    await read(lin, room, "good")


async def test_they_begin_a_new_channel_after_they_restored_an_old_copy(
    lin: Person, theirs: Opponent, synapse: TestSynapse
) -> None:
    """They begin anew with their next key (and never send the dummy they made); we give them again what they could not read."""
    room = await met(theirs, lin)
    await both_ways(lin, theirs, room, "before")
    await theirs.peer.store_copy()
    for mark in ("one", "two"):
        lin.session.encryption.machine.end_session(room)
        await theirs.peer.rotate(room=room)
        await both_ways(lin, theirs, room, mark)
    await theirs.peer.store_restore()
    await theirs.peer.later(hours=2)  # it does not replace a channel that is younger than an hour
    seat = {"user": theirs.user, "device": theirs.device, "token": theirs.token}
    await theirs.peer.login(base=synapse.base_url, **seat, indexed=True, limit=51)  # the server keeps answers by their filter

    lin.session.encryption.machine.end_session(room)
    await say(lin, room, "are you there")
    await eventually(lambda: theirs.peer.timeline(room=room), lambda shown: sum("failed" in one for one in shown) == 5)
    await theirs.peer.take_turn()
    await theirs.peer.rotate(room=room)
    await theirs.peer.send(room=room, body="yes")
    await read(lin, room, "yes")
    await theirs.peer.wait_for_text(room=room, text="are you there")
    lin.session.encryption.machine.end_session(room)
    await say(lin, room, "good")
    await theirs.peer.wait_for_text(room=room, text="good")


async def test_they_understand_that_we_withhold_keys_from_unsigned_devices(
    lin: Person, synapse: TestSynapse, tmp_path: Path
) -> None:
    await lin.session.security.require_signed_devices(True)
    async with opponent(synapse, synapse.register("unsigned"), tmp_path, name="unsigned") as unsigned:
        room = await met(unsigned, lin)
        await say(lin, room, "for signed devices")
        kept = (await unsigned.peer.wait_failure(room=room))["reason"]
        assert kept == "MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE"
        await unsigned.peer.bootstrap_cross_signing()
        await until(lambda: signed(lin, unsigned))
        await say(lin, room, "for you, too, now")
        await unsigned.peer.wait_for_text(room=room, text="for you, too, now")


def signed(ours: Person, theirs: Opponent) -> bool:
    found = ours.session.encryption.identities.device(theirs.user, theirs.device)
    return found is not None and found.owner_signed


async def test_we_understand_that_they_withhold_keys_from_our_unsigned_device(
    lin: Person, theirs: Opponent, account: Registered, synapse: TestSynapse, tmp_path: Path
) -> None:
    room = await met(theirs, lin)
    async with device(synapse, account, tmp_path / "second") as second:
        await in_state(second, RecoveryState.UNVERIFIED)
        await theirs.peer.wait_device(user=second.account.user, device=second.account.device)
        await theirs.peer.isolation(mode="signed")
        await theirs.peer.send(room=room, body="for signed devices")
        await read(lin, room, "for signed devices")
        async with timeline(second, room) as seen:
            await until(lambda: UndecryptableReason.WITHHELD_UNVERIFIED in unreadable(seen))
            assert seen.item("for signed devices") is None


async def test_they_do_not_show_what_our_unsigned_device_says_under_their_policy(
    lin: Person, theirs: Opponent, account: Registered, synapse: TestSynapse, tmp_path: Path
) -> None:
    room = await met(theirs, lin)
    await theirs.peer.isolation(mode="signed")
    async with device(synapse, account, tmp_path / "second") as second:
        await in_state(second, RecoveryState.UNVERIFIED)
        await theirs.peer.wait_device(user=second.account.user, device=second.account.device)
        await say(second, room, "who am I")
        assert (await theirs.peer.wait_failure(room=room))["reason"] == "UNSIGNED_SENDER_DEVICE"
