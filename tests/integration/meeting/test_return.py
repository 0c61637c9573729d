"""A meeting comes back by itself: after the media process dies, after the SFU is gone, on the app's real parts."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.callers import Caller, callers
from tests.support.engine import shared_room
from tests.support.meetings import frame_where
from tests.support.own_servers import OwnServers, own_servers, restart
from tests.support.servers import TestLiveKit, TestSynapse, TestTokenService
from tests.support.until import eventually
from welink_desktop.adapters.media.client import ProcessMediaEngine, ProcessMediaSession
from welink_desktop.adapters.media.process import barcode
from welink_desktop.core.calls import Frame
from welink_desktop.services.meeting.records import Connection

pytestmark = [pytest.mark.slow]


def readable(frame: Frame) -> bool:
    return barcode.read_bgra(frame.pixels, frame.width, frame.height) is not None


async def sees(caller: Caller, identity: str, seconds: float = 30) -> None:
    """A readable picture newer than those of now arrives."""
    frames = caller.meeting.frames
    assert frames is not None
    tile = await caller.tile_of(identity)
    last = frames.take(tile)
    sequence = last.sequence if last is not None else -1
    await frame_where(frames, tile, lambda frame: frame.sequence != sequence and readable(frame), seconds)


@pytest.mark.logs_errors
async def test_after_the_media_process_died(
    synapse: TestSynapse, livekit: TestLiveKit, token_service: TestTokenService, tmp_path: Path
) -> None:
    engine = ProcessMediaEngine(tmp_path / "media.log")
    async with callers(synapse, tmp_path, "ann", "bob", engine=engine) as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        await bob.enter(room)
        await ann.enter(room)
        await sees(ann, bob.identity)
        session = ann.meeting._media
        assert isinstance(session, ProcessMediaSession)
        os.kill(session.pid, signal.SIGKILL)
        await eventually(lambda: ann.now.connection is Connection.RETURNING, 5)
        await eventually(lambda: ann.now.connection is Connection.LIVE, 15)
        await sees(ann, bob.identity)
        assert ann.meeting.camera.state.value.actual
        await frame_where(bob.media.frames, await bob.tile_of(ann.identity), readable)
        assert ann.sees_in(bob.identity) is not None


@pytest.fixture
def servers_of_its_own(tmp_path: Path) -> Iterator[OwnServers]:
    """Their SFU may be killed."""
    with own_servers(tmp_path) as running:
        yield running


async def test_after_the_sfu_was_away_longer_than_its_library_tries(servers_of_its_own: OwnServers, tmp_path: Path) -> None:
    synapse, sfu = servers_of_its_own.synapse, servers_of_its_own.sfu
    async with callers(synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        await bob.enter(room)
        await ann.enter(room)
        await sees(ann, bob.identity)
        assert sfu.pid is not None
        os.kill(sfu.pid, signal.SIGKILL)
        sfu.stop()
        await eventually(lambda: ann.now.connection is Connection.RETURNING and ann.now.error is not None, 40)
        restart(sfu)
        await eventually(lambda: ann.now.connection is Connection.LIVE, 20)
        await eventually(lambda: bob.now.connection is Connection.LIVE, 30)
        await sees(ann, bob.identity)
        await sees(bob, ann.identity)
