"""What `MediaEngine` promises before a meeting, held by the fake and by the real media process alike."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from welink_desktop.adapters.fake import FakeMediaEngine, sample_world
from welink_desktop.adapters.media.client import ProcessMediaEngine
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    DevicesChanged,
    Frame,
    LevelMeasured,
    MediaDevices,
    MediaEvent,
)
from welink_desktop.core.ports.calls import MediaEngine, MediaSession

SYNTHETIC = CaptureSource(kind=CaptureKind.SYNTHETIC, width=320, height=180, fps=15)
PATIENCE = 30.0


class Heard:
    """The events of a session, and waiting for one."""

    def __init__(self, session: MediaSession) -> None:
        self.events: list[MediaEvent] = []
        self._news = asyncio.Event()
        self.cancel = session.watch(self._take)

    def _take(self, event: MediaEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, wanted: Callable[[MediaEvent], bool]) -> MediaEvent:
        async with asyncio.timeout(PATIENCE):
            while not (found := [event for event in self.events if wanted(event)]):
                self._news.clear()
                await self._news.wait()
        return found[0]


@pytest.fixture(params=["fake", "real"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> MediaEngine:
    return FakeMediaEngine(sample_world()) if request.param == "fake" else ProcessMediaEngine(tmp_path / "media.log")


@pytest.fixture
async def session(engine: MediaEngine) -> AsyncIterator[MediaSession]:
    opened = await engine.open()
    yield opened
    await opened.close()


async def first_frame(session: MediaSession, tile: int) -> Frame:
    """The tile's first picture; pulled as a painting widget would."""
    async with asyncio.timeout(PATIENCE):
        while (frame := session.frames.take(tile)) is None:
            await asyncio.sleep(0)
    return frame


async def test_devices_can_be_asked_without_a_session(engine: MediaEngine) -> None:
    assert isinstance(await engine.devices(), MediaDevices)


async def test_devices_are_told_when_asked_for(session: MediaSession) -> None:
    heard = Heard(session)
    session.list_devices()
    event = await heard.until(lambda event: isinstance(event, DevicesChanged))
    assert isinstance(event, DevicesChanged)
    heard.cancel()


async def test_the_preview_is_tile_zero_in_rows_of_four_bytes_a_pixel(session: MediaSession) -> None:
    assert session.frames.take(0) is None
    session.preview_camera(SYNTHETIC)
    frame = await first_frame(session, 0)
    assert frame.width > 0
    assert frame.stride >= frame.width * 4
    assert frame.rotation in (0, 90, 180, 270)
    assert len(frame.pixels) >= frame.stride * (frame.height - 1) + frame.width * 4
    session.preview_camera(None)


async def test_a_tile_nobody_asked_for_has_no_picture(session: MediaSession) -> None:
    session.preview_camera(SYNTHETIC)
    await first_frame(session, 0)
    assert session.frames.take(7) is None


async def test_the_microphone_is_measured_before_a_meeting(session: MediaSession) -> None:
    heard = Heard(session)
    session.measure_microphone(SYNTHETIC)
    event = await heard.until(lambda event: isinstance(event, LevelMeasured) and event.level > 0)
    assert isinstance(event, LevelMeasured)
    assert event.level <= 1
    heard.cancel()


async def test_nothing_is_told_after_a_cancel(session: MediaSession) -> None:
    dropped, kept = Heard(session), Heard(session)
    dropped.cancel()
    before = len(dropped.events)
    session.list_devices()
    session.measure_microphone(SYNTHETIC)
    await kept.until(lambda event: isinstance(event, LevelMeasured))
    assert len(dropped.events) == before
    kept.cancel()


async def test_closing_twice_is_harmless(engine: MediaEngine) -> None:
    session = await engine.open()
    await session.close()
    await session.close()
    assert session.frames.take(0) is None
