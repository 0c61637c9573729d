"""Two and three of our engines in one encrypted call on a real Synapse and a real LiveKit."""

import asyncio
from pathlib import Path

import pytest

from tests.support.callers import callers
from tests.support.engine import RoomsSeen, shared_room
from tests.support.meetings import frame_where
from tests.support.servers import TestLiveKit, TestSynapse, TestTokenService
from tests.support.until import eventually
from welink_desktop.adapters.matrix.rtc.membership import MEMBER_EVENT
from welink_desktop.adapters.matrix.rtc.signalling import RtcSignalling
from welink_desktop.adapters.media.process import barcode
from welink_desktop.core.calls import Frame
from welink_desktop.services.meeting.records import Idle

pytestmark = [pytest.mark.slow]


@pytest.fixture(autouse=True)
def meeting_servers(livekit: TestLiveKit, token_service: TestTokenService) -> None:
    """The homeserver announces the token service, which admits to the SFU."""


def readable(frame: Frame) -> bool:
    return barcode.read_bgra(frame.pixels, frame.width, frame.height) is not None


async def test_two_people_see_and_hear_each_other_encrypted(synapse: TestSynapse, tmp_path: Path) -> None:
    async with callers(synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        rooms = RoomsSeen(bob.person.session)
        await ann.enter(room)
        await eventually(lambda: (seen := rooms.get(room)) is not None and seen.call is not None, 10)
        await bob.enter(room)
        for one, other in ((ann, bob), (bob, ann)):
            await frame_where(one.media.frames, await one.tile_of(other.identity), readable)
            await one.hears(other.identity)
            assert one.now.alarms == ()
            assert one.now.encrypted
        await bob.meeting.leave()
        assert bob.meeting.state.value == Idle()
        await ann.meeting.leave()
        await eventually(lambda: (seen := rooms.get(room)) is not None and seen.call is None, 10)
        rooms.cancel()


async def test_when_a_third_leaves_keys_rotate_and_pictures_go_on(synapse: TestSynapse, tmp_path: Path) -> None:
    async with callers(synapse, tmp_path, "ann", "bob", "cat") as (ann, bob, cat):
        room = await shared_room(ann.person, bob.person, cat.person)
        for caller in (ann, bob, cat):
            await caller.enter(room)
        tile = await ann.tile_of(bob.identity)
        await frame_where(ann.media.frames, tile, readable)
        await frame_where(cat.media.frames, await cat.tile_of(ann.identity), readable)
        before = (ann.now.key_index or 0, bob.now.key_index or 0)
        await cat.meeting.leave()
        await eventually(lambda: ann.sees_in(cat.identity) is None, 15)
        await eventually(lambda: (ann.now.key_index or 0) > before[0] and (bob.now.key_index or 0) > before[1], 15)
        last = ann.media.frames.take(tile)
        assert last is not None
        sequence = last.sequence
        await frame_where(ann.media.frames, tile, lambda frame: frame.sequence > sequence + 20 and readable(frame))


async def test_a_killed_client_is_removed_by_the_server(synapse: TestSynapse, tmp_path: Path) -> None:
    async with callers(synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        await ann.enter(room, camera=False)
        await bob.enter(room, camera=False)
        await eventually(lambda: ann.sees_in(bob.identity) is not None, 15)
        session = bob.person.session.calls._session
        assert session is not None
        await session._scope.aclose()
        started = asyncio.get_running_loop().time()
        await eventually(lambda: ann.sees_in(bob.identity) is None, 30)
        assert asyncio.get_running_loop().time() - started < 25


async def test_joining_again_right_after_a_kill_is_not_undone(synapse: TestSynapse, tmp_path: Path) -> None:
    async with callers(synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        await ann.enter(room, camera=False, microphone=False)
        calls = bob.person.session.calls
        killed = await calls.join(room, video=False)
        await killed._scope.aclose()
        fresh = RtcSignalling(calls._parts, user=bob.person.account.user, device=bob.person.account.device)
        session = await fresh.join(room, video=False)
        scheduled = await calls._parts.server.delayed_of(room, MEMBER_EVENT, session._place.state_key)
        assert len(scheduled) == 1
        await fresh.close()
        await killed.leave()
