"""The media process as the app uses it: pictures through shared memory, death, end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.report import pss_mb
from tests.integration.media.conftest import EngineOpener
from tests.support.meetings import SMALL, Recorder, frame_where, join_request, key_of, tile
from tests.support.servers import TestLiveKit
from welink_desktop.adapters.media.client import ProcessMediaEngine, ProcessMediaSession
from welink_desktop.adapters.media.process import barcode
from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.core.calls import (
    EngineDied,
    Frame,
    LevelMeasured,
    LinkChanged,
    MediaEvent,
    MediaLink,
    SelfChanged,
    SpeakerChanged,
    TrackSource,
)
from welink_desktop.core.errors import DeviceUnavailable, MediaEngineFailed

pytestmark = [pytest.mark.integration]

ANNA, BEN = "@anna:welink.test:AAAA", "@ben:welink.test:BBBB"


def readable(frame: Frame) -> bool:
    return barcode.read_bgra(frame.pixels, frame.width, frame.height) is not None


def connected(event: MediaEvent) -> bool:
    return isinstance(event, LinkChanged) and event.link is MediaLink.CONNECTED


@pytest.fixture
async def colleague(livekit: TestLiveKit, room: str) -> AsyncIterator[SfuSession]:
    """Ben, in the meeting with his camera on."""
    session = SfuSession()
    recorder = Recorder(session)
    session.join(join_request(livekit, room, BEN, own=key_of(BEN, 0, 7), keys=(key_of(ANNA, 0, 1),)))
    await recorder.until(connected)
    session.set_camera(True)
    yield session
    await session.close()


def anna_joins(session: ProcessMediaSession, livekit: TestLiveKit, room: str) -> None:
    session.join(join_request(livekit, room, ANNA, own=key_of(ANNA, 0, 1), keys=(key_of(BEN, 0, 7),)))


async def test_pictures_of_a_colleague_arrive_through_shared_memory(
    livekit: TestLiveKit, room: str, colleague: SfuSession, media_process: EngineOpener
) -> None:
    session = await media_process()
    recorder = Recorder(session)
    anna_joins(session, livekit, room)
    session.show((tile(BEN, number=3),))
    await recorder.until(connected)

    frame = await frame_where(session.frames, 3, readable)
    assert (frame.width, frame.height) == (320, 180)
    assert session.frames.changed()

    session.show((tile(BEN, number=3, width=160, height=90), tile(BEN, number=4)))
    await frame_where(session.frames, 3, lambda frame: (frame.width, frame.height) == (160, 90) and readable(frame))
    await frame_where(session.frames, 4, lambda frame: (frame.width, frame.height) == (320, 180) and readable(frame))

    session.set_camera(True)
    colleague.show((tile(ANNA),))
    await frame_where(colleague.frames, 1, readable)


async def test_a_meeting_goes_on_without_a_sound_system(livekit: TestLiveKit, room: str, media_process: EngineOpener) -> None:
    session = await media_process()
    recorder = Recorder(session)
    anna_joins(session, livekit, room)
    await recorder.until(connected)
    told = recorder.all(SpeakerChanged)[0]
    assert not told.on
    assert isinstance(told.reason, DeviceUnavailable)


async def test_the_lobby_shows_our_camera_and_measures(media_process: EngineOpener) -> None:
    session = await media_process()
    recorder = Recorder(session)
    session.preview_camera(SMALL)
    session.measure_microphone(SMALL)
    await frame_where(session.frames, 0, readable)
    await recorder.until(lambda event: isinstance(event, LevelMeasured) and 0.5 < event.level < 1)
    session.preview_camera(None)
    session.measure_microphone(None)


@pytest.mark.logs_errors
async def test_after_the_media_process_was_killed_the_meeting_comes_back(
    livekit: TestLiveKit, room: str, colleague: SfuSession, media_process: EngineOpener
) -> None:
    session = await media_process()
    recorder = Recorder(session)
    anna_joins(session, livekit, room)
    session.show((tile(BEN),))
    session.set_camera(True)
    colleague.show((tile(ANNA),))
    await frame_where(session.frames, 1, readable)
    await recorder.until(lambda event: isinstance(event, SelfChanged) and event.source is TrackSource.CAMERA and event.on)

    mark, died = len(recorder.events), time.monotonic()
    os.kill(session.pid, signal.SIGKILL)
    await recorder.until(lambda event: event == EngineDied(True), after=mark)
    assert session.frames.take(1) is not None, "the last picture stays"
    anna_joins(session, livekit, room)
    await recorder.until(connected, after=mark)
    last = session.frames.take(1)
    await frame_where(session.frames, 1, lambda frame: readable(frame) and (last is None or frame.sequence != last.sequence))
    await recorder.until(
        lambda event: isinstance(event, SelfChanged) and event.source is TrackSource.CAMERA and event.on, after=mark
    )
    assert time.monotonic() - died < 10


@pytest.mark.logs_errors
async def test_three_deaths_in_a_minute_end_the_attempts(media_process: EngineOpener) -> None:
    session = await media_process()
    recorder = Recorder(session)
    for death in range(3):
        mark = len(recorder.events)
        before = session.pid
        os.kill(before, signal.SIGKILL)
        await recorder.until(lambda event: isinstance(event, EngineDied), after=mark)
        if death < 2:
            while session.pid in (0, before):
                await asyncio.sleep(0.02)
    assert recorder.all(EngineDied) == [EngineDied(True), EngineDied(True), EngineDied(False)]


@pytest.mark.logs_errors
async def test_a_hanging_media_process_is_replaced(media_process: EngineOpener) -> None:
    session = await media_process()
    recorder = Recorder(session)
    os.kill(session.pid, signal.SIGSTOP)
    await recorder.until(lambda event: event == EngineDied(True))


def resident_mb(pid: int) -> float:
    """All memory of a process that is in RAM, shared or not (its libraries may be loaded here as well)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def test_memory_comes_back_after_the_meeting(
    livekit: TestLiveKit, room: str, colleague: SfuSession, media_process: EngineOpener
) -> None:
    del colleague
    before = pss_mb([os.getpid()])
    session = await media_process()
    pid = session.pid
    anna_joins(session, livekit, room)
    session.show((tile(BEN, width=640, height=360),))
    await frame_where(session.frames, 1, readable)
    during = resident_mb(pid)
    await session.close()
    assert not Path(f"/proc/{pid}").exists()
    after = pss_mb([os.getpid()])
    assert during > 60
    assert after - before < 15


async def test_the_media_process_ends_with_the_app(tmp_path: Path) -> None:
    program = (
        "import asyncio\n"
        "from welink_desktop.adapters.media.client import ProcessMediaEngine\n"
        "async def main():\n"
        "    session = await ProcessMediaEngine().open()\n"
        "    print(session.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    app = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert app.stdout is not None
    pid = int(await asyncio.to_thread(app.stdout.readline))
    app.kill()
    app.wait()
    app.stdout.close()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_devices_are_listed_by_a_short_lived_process(tmp_path: Path) -> None:
    devices = await ProcessMediaEngine(tmp_path / "media.log").devices()
    assert isinstance(devices.cameras, tuple)


async def test_a_media_process_that_cannot_start_is_a_plain_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("welink_desktop.adapters.media.child._command", lambda: [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(MediaEngineFailed):
        await ProcessMediaEngine(tmp_path / "media.log").open()


def test_the_app_loads_no_native_media_library() -> None:
    program = (
        "import sys\n"
        "import welink_desktop.adapters.media.client\n"
        "print([name for name in ('livekit', 'numpy', 'cv2', 'sounddevice', 'mss') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
