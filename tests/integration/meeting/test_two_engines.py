"""Two and three of our engines in one encrypted call on a real Synapse and a real LiveKit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.callers import Caller
from tests.support.meetings import frame_where
from tests.support.servers import TestLiveKit, TestSynapse, TestTokenService
from tests.support.until import eventually
from welink_desktop.adapters.media.process import barcode
from welink_desktop.core.calls import Frame

pytestmark = [pytest.mark.slow]

CallerMaker = Callable[[str], Awaitable[Caller]]


def readable(frame: Frame) -> bool:
    return barcode.read_bgra(frame.pixels, frame.width, frame.height) is not None


@pytest.fixture
async def call_room(
    synapse: TestSynapse, livekit: TestLiveKit, token_service: TestTokenService, tmp_path: Path
) -> AsyncIterator[tuple[str, CallerMaker]]:
    """An encrypted room that everybody may join and call in, and a way to bring people there."""
    owner = synapse.register("owner")
    callers: list[Caller] = []
    with synapse.client(owner) as client:
        room = client.create_room(
            preset="public_chat",
            initial_state=[{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}],
            power_level_content_override={"events": {"org.matrix.msc3401.call.member": 0}},
        )

        async def come(name: str) -> Caller:
            caller = await Caller.start(synapse, synapse.register(name), tmp_path / name)
            callers.append(caller)
            await caller.client.join(room)
            return caller

        yield room, come
        for caller in callers:
            await caller.stop()


async def test_two_people_see_and_hear_each_other_encrypted(call_room: tuple[str, CallerMaker]) -> None:
    room, come = call_room
    ann, bob = await come("ann"), await come("bob")
    await ann.enter(room)
    await bob.enter(room)
    for one, other in ((ann, bob), (bob, ann)):
        tile = await one.sees(other.identity)
        await frame_where(one.media.frames, tile, readable)
        await eventually(
            lambda one=one, other=other: (p := one.person(other.identity)) is not None and p.microphone and p.speaking, 20
        )
        assert one.now.alarms == ()
        assert one.now.encrypted


async def test_when_a_third_leaves_keys_rotate_and_pictures_go_on(call_room: tuple[str, CallerMaker]) -> None:
    room, come = call_room
    ann, bob, cat = await come("ann"), await come("bob"), await come("cat")
    for caller in (ann, bob, cat):
        await caller.enter(room)
    tile = await ann.sees(bob.identity)
    await frame_where(ann.media.frames, tile, readable)
    await frame_where(cat.media.frames, await cat.sees(ann.identity), readable)
    before = (ann.now.key_index, bob.now.key_index)
    await cat.meeting.leave()
    await eventually(lambda: ann.person(cat.identity) is None, 15)
    await eventually(lambda: (ann.now.key_index or 0) > (before[0] or 0) and (bob.now.key_index or 0) > (before[1] or 0), 15)
    last = ann.media.frames.take(tile)
    assert last is not None
    sequence = last.sequence
    await frame_where(ann.media.frames, tile, lambda frame: frame.sequence > sequence + 20 and readable(frame))


async def test_a_killed_client_is_removed_by_the_server(call_room: tuple[str, CallerMaker]) -> None:
    room, come = call_room
    ann, bob = await come("ann"), await come("bob")
    await ann.enter(room, camera=False)
    await bob.enter(room, camera=False)
    await eventually(lambda: ann.person(bob.identity) is not None, 15)
    bob_session = bob.signalling._session
    assert bob_session is not None
    await bob_session._scope.aclose()
    started = asyncio.get_running_loop().time()
    await eventually(lambda: ann.person(bob.identity) is None, 30)
    assert asyncio.get_running_loop().time() - started < 25
