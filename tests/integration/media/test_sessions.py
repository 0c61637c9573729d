"""Sessions in one process, over a real SFU, encrypted."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import pytest

from tests.support.meetings import Recorder, frame_where, join_request, key_of, no_frame, tile
from tests.support.servers import TestLiveKit
from welink_desktop.adapters.media.process import barcode, router
from welink_desktop.adapters.media.process.board import PictureBoard
from welink_desktop.adapters.media.process.pictures import Picture
from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    EncryptionChanged,
    EncryptionState,
    Frame,
    LinkChanged,
    MediaEvent,
    MediaLink,
    ParticipantJoined,
    ParticipantLeft,
    SelfChanged,
    SpeakersChanged,
    TileRequest,
    TrackChanged,
    TrackSource,
)
from welink_desktop.core.errors import DeviceUnavailable, MeetingServerUnreachable

pytestmark = [pytest.mark.integration]

A, B = "@anna:welink.test:AAAA", "@ben:welink.test:BBBB"


class Opener(Protocol):
    def __call__(self, board: PictureBoard | None = None) -> SfuSession: ...


@pytest.fixture
async def opened() -> AsyncIterator[Opener]:
    sessions: list[SfuSession] = []

    def make(board: PictureBoard | None = None) -> SfuSession:
        sessions.append(SfuSession(board=board, listen=True))
        return sessions[-1]

    yield make
    for session in sessions:
        await session.close()


def number(frame: Frame) -> int | None:
    return barcode.read_bgra(frame.pixels, frame.width, frame.height)


def readable(frame: Frame) -> bool:
    return number(frame) is not None


def connected(event: MediaEvent) -> bool:
    return isinstance(event, LinkChanged) and event.link is MediaLink.CONNECTED


def camera_on(event: MediaEvent) -> bool:
    return isinstance(event, SelfChanged) and event.source is TrackSource.CAMERA and event.on


async def enter(session: SfuSession, livekit: TestLiveKit, room: str, identity: str, own: int, **other: int) -> Recorder:
    """Join with key `own` at index 0 and the keys of others by identity letter."""
    names = {"a": A, "b": B}
    keys = tuple(key_of(names[name], 0, secret) for name, secret in other.items())
    recorder = Recorder(session)
    session.join(join_request(livekit, room, identity, own=key_of(identity, 0, own), keys=keys))
    await recorder.until(connected)
    return recorder


async def test_two_people_see_each_others_bar_coded_frames_encrypted(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna, ben = opened(), opened()
    of_anna = await enter(anna, livekit, room, A, 1, b=2)
    of_ben = await enter(ben, livekit, room, B, 2, a=1)
    for session in (anna, ben):
        session.set_camera(True)
    anna.show((tile(B),))
    ben.show((tile(A),))

    seen = await frame_where(anna.frames, 1, readable)
    later = await frame_where(anna.frames, 1, lambda frame: (number(frame) or 0) > (number(seen) or 0))
    await frame_where(ben.frames, 1, readable)

    assert (later.width, later.height, later.stride) == (320, 180, 1280)
    assert any(event.track.encrypted and event.track.source is TrackSource.CAMERA for event in of_anna.all(TrackChanged))
    assert EncryptionChanged(B, EncryptionState.OK) in of_anna.events
    assert ParticipantJoined(A) in of_ben.events


async def test_a_wrong_key_shows_no_frame(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna, ben = opened(), opened()
    await enter(anna, livekit, room, A, 1)
    of_ben = await enter(ben, livekit, room, B, 2, a=99)
    anna.set_camera(True)
    ben.show((tile(A),))
    await of_ben.until(lambda event: isinstance(event, TrackChanged) and event.track.source is TrackSource.CAMERA)

    assert await no_frame(ben.frames, 1, readable, 3)

    ben.set_keys((key_of(A, 0, 1),))
    await frame_where(ben.frames, 1, readable)


async def test_after_a_rotation_the_old_key_no_longer_helps(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna, ben, out = opened(), opened(), opened()
    await enter(anna, livekit, room, A, 1)
    await enter(ben, livekit, room, B, 2, a=1)
    await enter(out, livekit, room, "@out:welink.test:OOOO", 3, a=1)
    anna.set_camera(True)
    ben.show((tile(A),))
    out.show((tile(A),))
    await frame_where(out.frames, 1, readable)

    ben.set_keys((key_of(A, 1, 11),))
    anna.set_own_key(key_of(A, 1, 11), use=False)
    before = await frame_where(ben.frames, 1, readable)
    anna.set_own_key(key_of(A, 1, 11), use=True)

    mark = number(before) or 0
    await frame_where(ben.frames, 1, lambda frame: (number(frame) or 0) > mark + 30)
    left_behind = out.frames.take(1)
    assert left_behind is not None
    assert await no_frame(out.frames, 1, lambda frame: frame.sequence > left_behind.sequence + 2, 2)


async def test_a_screen_shared_after_two_rotations_is_readable(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna, ben = opened(), opened()
    of_anna = await enter(anna, livekit, room, A, 1)
    of_ben = await enter(ben, livekit, room, B, 2)
    for index in (1, 2):
        anna.set_own_key(key_of(A, index, 20 + index), use=True)
    ben.set_keys((key_of(A, 2, 22),))
    ben.show((tile(A, source=TrackSource.SCREEN, width=640, height=360),))
    screen = CaptureSource(CaptureKind.SYNTHETIC, width=640, height=360, fps=15)
    anna.set_screen(True, screen)

    await of_anna.until(lambda event: isinstance(event, SelfChanged) and event.source is TrackSource.SCREEN and event.on)
    await frame_where(ben.frames, 1, readable)

    anna.set_screen(False)
    await of_anna.until(lambda event: event == SelfChanged(TrackSource.SCREEN, False))
    await of_ben.until(lambda event: type(event).__name__ == "TrackGone")


async def test_nothing_is_published_before_the_first_unmute(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna, ben = opened(), opened()
    of_anna = await enter(anna, livekit, room, A, 1)
    of_ben = await enter(ben, livekit, room, B, 2, a=1)
    await of_ben.until(lambda event: event == ParticipantJoined(A))
    assert not of_ben.all(TrackChanged)

    anna.set_microphone(True)
    await of_ben.until(lambda event: isinstance(event, TrackChanged) and not event.track.muted)
    await of_ben.until(lambda event: isinstance(event, SpeakersChanged) and A in dict(event.speakers))
    anna.set_microphone(False)
    await of_anna.until(lambda event: isinstance(event, SelfChanged) and not event.on)
    await of_ben.until(lambda event: isinstance(event, TrackChanged) and event.track.muted)

    await anna.close()
    await of_ben.until(lambda event: event == ParticipantLeft(A))


async def test_a_clear_track_in_an_encrypted_room_is_not_shown(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna, ben = opened(), opened()
    recorder = Recorder(anna)
    anna.join(join_request(livekit, room, A, encrypted=False))
    await recorder.until(connected)
    of_ben = await enter(ben, livekit, room, B, 2)
    anna.set_camera(True)
    ben.show((tile(A),))

    await of_ben.until(lambda event: event == EncryptionChanged(A, EncryptionState.FAILED))
    assert await no_frame(ben.frames, 1, lambda frame: True, 1.5)


async def test_our_own_camera_is_shown_before_and_after_joining(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna = opened()
    anna.preview_camera(CaptureSource(CaptureKind.SYNTHETIC, width=640, height=360, fps=15))
    await frame_where(anna.frames, 0, readable)

    await enter(anna, livekit, room, A, 1)
    anna.set_camera(True)
    anna.preview_camera(None)
    anna.show((tile(A, number=5),))
    await frame_where(anna.frames, 5, readable)


async def test_an_unreachable_server_ends_in_disconnected_with_a_reason(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna = opened()
    recorder = Recorder(anna)
    dead = TestLiveKit("ws://127.0.0.1:9", livekit.key, livekit.secret)
    anna.join(join_request(dead, room, A, own=key_of(A, 0, 1)))
    event = await recorder.until(
        lambda event: isinstance(event, LinkChanged) and event.link is MediaLink.DISCONNECTED, seconds=60
    )
    assert isinstance(event, LinkChanged)
    assert isinstance(event.error, MeetingServerUnreachable)


async def test_hidden_tiles_are_unsubscribed(livekit: TestLiveKit, opened: Opener, room: str) -> None:
    anna, ben = opened(), opened()
    await enter(anna, livekit, room, A, 1)
    await enter(ben, livekit, room, B, 2, a=1)
    anna.set_camera(True)
    ben.show((tile(A),))
    await frame_where(ben.frames, 1, readable)

    ben.show(())
    assert ben.frames.take(1) is None
    ben.frames.changed()
    await asyncio.sleep(0.3)  # frames already on their way
    ben.frames.changed()
    ben.show((tile(A, number=2),))
    await frame_where(ben.frames, 2, readable)


async def test_a_small_tile_gets_the_small_layer_and_a_large_one_the_large(
    livekit: TestLiveKit, opened: Opener, room: str
) -> None:
    sizes = SizesSeen()
    anna, ben = opened(), opened(sizes)
    recorder = Recorder(anna)
    large = CaptureSource(CaptureKind.SYNTHETIC, width=1280, height=720, fps=15)
    anna.join(join_request(livekit, room, A, own=key_of(A, 0, 1), camera=large))
    await recorder.until(connected)
    await enter(ben, livekit, room, B, 2, a=1)
    anna.set_camera(True)
    ben.show((tile(A, width=320, height=180),))
    await sizes.until((320, 180))
    ben.show((tile(A, width=1280, height=720),))
    await sizes.until((1280, 720))


class SizesSeen:
    """A board that only looks at how large the pictures are that arrive."""

    def __init__(self) -> None:
        self.last = (0, 0)
        self._news = asyncio.Event()

    def arrange(self, tiles: Sequence[TileRequest], own: str) -> None: ...

    def put(self, identity: str, source: TrackSource, picture: Picture) -> None:
        if identity:
            self.last = (picture.width, picture.height)
            self._news.set()

    async def until(self, size: tuple[int, int]) -> None:
        async with asyncio.timeout(40):
            while self.last != size:
                self._news.clear()
                await self._news.wait()


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is not installed (make setup-test)")
async def test_the_real_screen_is_shared(
    livekit: TestLiveKit, opened: Opener, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = opened(), opened()
    of_anna = await enter(anna, livekit, room, A, 1)
    await enter(ben, livekit, room, B, 2, a=1)
    ben.show((tile(A, source=TrackSource.SCREEN, width=640, height=360),))
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as display:
        os.close(write)
        with os.fdopen(read) as numbers:
            monkeypatch.setenv("DISPLAY", f":{(await asyncio.to_thread(numbers.readline)).strip()}")
        anna.set_screen(True)
        frame = await frame_where(ben.frames, 1, lambda frame: True)
        assert frame.width / frame.height == pytest.approx(800 / 600, abs=0.02)
        mark = len(of_anna.events)
        display.terminate()
        await of_anna.until(
            lambda event: isinstance(event, SelfChanged) and event.source is TrackSource.SCREEN and event.reason is not None,
            after=mark,
        )


async def test_without_a_display_sharing_says_so(
    livekit: TestLiveKit, opened: Opener, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    anna = opened()
    of_anna = await enter(anna, livekit, room, A, 1)
    anna.set_screen(True)
    event = await of_anna.until(lambda event: isinstance(event, SelfChanged) and event.reason is not None)
    assert isinstance(event, SelfChanged)
    assert event.source is TrackSource.SCREEN
    assert isinstance(event.reason, DeviceUnavailable)


async def test_pictures_also_come_by_the_public_stream(
    livekit: TestLiveKit, opened: Opener, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "PRIVATE", False)
    anna, ben = opened(), opened()
    await enter(anna, livekit, room, A, 1)
    await enter(ben, livekit, room, B, 2, a=1)
    anna.set_camera(True)
    ben.show((tile(A),))
    await frame_where(ben.frames, 1, readable)
    ben.show(())
    ben.show((tile(A, number=2),))
    await frame_where(ben.frames, 2, readable)
