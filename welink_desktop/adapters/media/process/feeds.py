"""Feeds: what fills a published track of ours."""

import asyncio
import time
from typing import Protocol

from livekit import rtc

from welink_desktop.adapters.media.process.capture import Capture
from welink_desktop.adapters.media.process.pictures import Picture
from welink_desktop.adapters.media.process.sound import Sound
from welink_desktop.adapters.media.process.sources import BLOCK, SAMPLE_RATE, Samples, load_sound
from welink_desktop.core.calls import CaptureKind, CaptureSource, TrackSource
from welink_desktop.core.reactive import Scope

_PUBLISHED = "published"
_OPENING_SECONDS = 1.5


class Feed(Protocol):
    @property
    def device(self) -> str: ...

    async def open(self) -> tuple[rtc.LocalTrack, rtc.TrackPublishOptions]:
        """Open the device and make a track; nothing flows yet. Raises `DeviceUnavailable`."""

    async def flow(self, on: bool) -> bool:
        """Let media into the track, or stop and free the device. Raises `DeviceUnavailable`.

        False: this feed cannot stop cleanly just now, close it instead.
        """

    async def close(self) -> None: ...


class VideoFeed:
    """Camera or screen."""

    def __init__(self, capture: Capture, source: TrackSource) -> None:
        self._capture = capture
        self._kind = source
        self._flowing = False
        self._native: rtc.VideoSource | None = None

    @property
    def device(self) -> str:
        return self._capture.device

    async def open(self) -> tuple[rtc.LocalTrack, rtc.TrackPublishOptions]:
        width, height = await self._capture.add(_PUBLISHED, self._consume)
        screen = self._kind is TrackSource.SCREEN
        self._native = rtc.VideoSource(width, height, is_screencast=screen)
        track = rtc.LocalVideoTrack.create_video_track(self._kind.value, self._native)
        return track, video_options(width, height, self._capture.wish.fps, screen=screen)

    async def flow(self, on: bool) -> bool:
        self._flowing = on
        if on:
            await self._capture.add(_PUBLISHED, self._consume)
        else:
            await self._capture.remove(_PUBLISHED)
        return True

    async def close(self) -> None:
        self._flowing = False
        await self._capture.remove(_PUBLISHED)
        if self._native is not None:
            await self._native.aclose()
            self._native = None

    def _consume(self, picture: Picture) -> None:
        native = self._native
        if self._flowing and native is not None:
            data = picture.data.reshape(-1).data
            native.capture_frame(rtc.VideoFrame(picture.width, picture.height, rtc.VideoBufferType.I420, data))


def video_options(width: int, height: int, fps: int, *, screen: bool) -> rtc.TrackPublishOptions:
    """As Element Call publishes (matrixrtc §5.4): VP8; a camera of 720p in three layers, a small one in fewer."""
    options = rtc.TrackPublishOptions(video_codec=rtc.VideoCodec.VP8)
    options.source = rtc.TrackSource.SOURCE_SCREENSHARE if screen else rtc.TrackSource.SOURCE_CAMERA
    options.simulcast = not screen and max(width, height) >= 640
    options.video_encoding.max_framerate = min(fps, 15 if screen else 30)
    options.video_encoding.max_bitrate = 5_000_000 if screen else _bitrate(width * height)
    return options


def _bitrate(pixels: int) -> int:
    for limit, rate in ((320 * 180, 180_000), (640 * 360, 500_000), (1280 * 720, 1_700_000)):
        if pixels <= limit:
            return rate
    return 3_000_000


def _sound_options() -> rtc.TrackPublishOptions:
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=True, red=False)
    options.audio_encoding.max_bitrate = 48_000
    return options


class SampleFeed:
    """A tone or a sound file in place of a microphone. Feeds nothing while muted: a fed encoder costs 3 % of a core."""

    def __init__(self, wish: CaptureSource) -> None:
        self._wish = wish
        self._native: rtc.AudioSource | None = None
        self._scope: Scope | None = None
        self._samples: Samples | None = None
        self._position = 0

    @property
    def device(self) -> str:
        return "file" if self._wish.kind is CaptureKind.FILE else "synthetic"

    async def open(self) -> tuple[rtc.LocalTrack, rtc.TrackPublishOptions]:
        self._samples = load_sound(self._wish)
        self._native = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=0)
        return rtc.LocalAudioTrack.create_audio_track("microphone", self._native), _sound_options()

    async def flow(self, on: bool) -> bool:
        if on and self._scope is None:
            self._scope = Scope("tone")
            self._scope.spawn(self._run(), name="samples")
        elif not on and self._scope is not None:
            scope, self._scope = self._scope, None
            await scope.aclose()
        return True

    async def close(self) -> None:
        await self.flow(False)
        if self._native is not None:
            await self._native.wait_for_playout()
            await self._native.aclose()
            self._native = None

    async def _run(self) -> None:
        assert self._native is not None and self._samples is not None
        due = time.monotonic()
        while True:
            block = self._samples[self._position : self._position + BLOCK]
            if len(block) < BLOCK:
                self._position = 0
                continue
            self._position += BLOCK
            await self._native.capture_frame(rtc.AudioFrame(block.tobytes(), SAMPLE_RATE, 1, BLOCK))
            due = max(due + BLOCK / SAMPLE_RATE, time.monotonic() - 0.1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))


class MicrophoneFeed:
    """The real microphone. Muting the track makes the SDK close the recording; there is nothing to feed."""

    def __init__(self, sound: Sound, wish: CaptureSource) -> None:
        self._sound = sound
        self._wish = wish
        self._native: rtc.PlatformAudioSource | None = None
        self._since = 0.0

    @property
    def device(self) -> str:
        return self._wish.device

    async def open(self) -> tuple[rtc.LocalTrack, rtc.TrackPublishOptions]:
        if self._wish.device:
            self._sound.choose_microphone(self._wish.device)
        self._native = self._sound.microphone()
        self._since = time.monotonic()
        return rtc.LocalAudioTrack.create_audio_track("microphone", self._native), _sound_options()

    async def flow(self, on: bool) -> bool:
        # WORKAROUND livekit 1.2.1: mute right after publishing leaves the microphone open (media_process §7.5)
        return on or time.monotonic() - self._since > _OPENING_SECONDS

    async def close(self) -> None:
        if self._native is not None:
            self._native.close()
            self._native = None
