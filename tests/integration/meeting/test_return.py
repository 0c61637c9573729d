"""A meeting comes back by itself: after the media process dies, after the SFU is gone, on the app's real parts."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.callers import Caller, callers
from tests.support.engine import shared_room
from tests.support.meetings import frame_where
from tests.support.servers import TestLiveKit, TestSynapse, TestTokenService
from tests.support.until import eventually
from welink_desktop.adapters.media.client import ProcessMediaEngine, ProcessMediaSession
from welink_desktop.adapters.media.process import barcode
from welink_desktop.core.calls import Frame
from welink_desktop.evaluation.livekit import LiveKit
from welink_desktop.evaluation.places import free_ports
from welink_desktop.evaluation.process import ServerProcess
from welink_desktop.evaluation.synapse import Synapse
from welink_desktop.evaluation.token_service import TokenService
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
def own_servers(tmp_path: Path) -> Iterator[tuple[TestSynapse, ServerProcess]]:
    """Servers of this test alone, whose SFU may be killed."""
    port, signal_port, token_port = free_ports(3)
    livekit = LiveKit(tmp_path / "livekit", signal_port, "test", secrets.token_hex(24))
    url = f"http://127.0.0.1:{token_port}"
    home = Synapse(tmp_path / "synapse", port, "welink.test", secrets.token_hex(16), livekit_service_url=url)
    service = TokenService(
        tmp_path / "tokens", token_port, home.base_url, "welink.test", livekit.url, livekit.key, livekit.secret
    )
    with ExitStack() as stack:
        processes = [ServerProcess(part, part.directory) for part in (home, livekit, service)]
        for process in processes:
            process.start()
            stack.callback(process.stop, 1)
        for process in processes:
            process.wait_healthy(120)
        synapse = TestSynapse(home.base_url, "welink.test", home.secret, str(home.directory))
        yield synapse, processes[1]
        synapse.close()


async def test_after_the_sfu_was_away_longer_than_its_library_tries(
    own_servers: tuple[TestSynapse, ServerProcess], tmp_path: Path
) -> None:
    synapse, sfu = own_servers
    async with callers(synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        await bob.enter(room)
        await ann.enter(room)
        await sees(ann, bob.identity)
        assert sfu.pid is not None
        os.kill(sfu.pid, signal.SIGKILL)
        sfu.stop()
        await eventually(lambda: ann.now.connection is Connection.RETURNING and ann.now.error is not None, 40)
        sfu.start()
        sfu.wait_healthy(30)
        await eventually(lambda: ann.now.connection is Connection.LIVE, 20)
        await eventually(lambda: bob.now.connection is Connection.LIVE, 30)
        await sees(ann, bob.identity)
        await sees(bob, ann.identity)
