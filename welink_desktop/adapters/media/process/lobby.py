"""Before the meeting: our own picture, the microphone's level, a tone on the speaker, the list of devices."""

import asyncio
from collections.abc import Callable

from welink_desktop.adapters.media.process.camera import cameras
from welink_desktop.adapters.media.process.capture import Capture
from welink_desktop.adapters.media.process.pictures import Picture
from welink_desktop.adapters.media.process.sound import Meter, Sound, play_tone
from welink_desktop.adapters.media.process.sources import SAMPLE_RATE, Samples, level_of, load_sound
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    DevicesChanged,
    LevelMeasured,
    MediaDevices,
    MediaEvent,
    SelfChanged,
    SpeakerChanged,
    TrackSource,
)
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.reactive import Scope

_PREVIEW = "preview"
_LOOK_AGAIN_SECONDS = 5.0


class Lobby:
    """Parts of a session that need no room. Wishes of one kind are carried out one after the other."""

    def __init__(self, scope: Scope, camera: Capture, sound: Sound | None, deliver: Callable[[MediaEvent], None]) -> None:
        self._scope = scope
        self._camera = camera
        self._sound = sound
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._previewing = asyncio.Lock()
        self._metering = asyncio.Lock()
        self._meter: Meter | None = None
        self._samples: Scope | None = None
        self._devices: MediaDevices | None = None
        self.previews = False

    def preview(self, source: CaptureSource | None) -> None:
        self.previews = source is not None
        self._scope.spawn(self._preview(source), name="preview")

    def measure(self, source: CaptureSource | None) -> None:
        self._scope.spawn(self._measure(source), name="measure")

    def test_speaker(self, device: str) -> None:
        self._scope.spawn(self._test_speaker(device), name="tone")

    def list_devices(self) -> None:
        """Now, and again whenever a device is plugged in or out."""
        first = self._devices is None
        self._scope.spawn(self._list(tell_always=True), name="devices")
        if first:
            self._scope.spawn(self._look_again(), name="hot-plug")

    async def close(self) -> None:
        await self._stop_meter()

    async def _preview(self, source: CaptureSource | None) -> None:
        async with self._previewing:
            try:
                if source is None:
                    await self._camera.remove(_PREVIEW)
                    return
                await self._camera.configure(source)
                await self._camera.add(_PREVIEW, _only_shown)
            except WeLinkError as error:
                self._deliver(SelfChanged(TrackSource.CAMERA, False, source.device if source else "", error))

    async def _measure(self, source: CaptureSource | None) -> None:
        async with self._metering:
            await self._stop_meter()
            if source is None:
                return
            try:
                if source.kind is CaptureKind.REAL:
                    self._meter = await asyncio.to_thread(Meter, source.device, self._from_thread)
                else:
                    samples = load_sound(source)
                    self._samples = Scope("samples")
                    self._samples.spawn(self._play_through(samples), name="meter")
            except WeLinkError as error:
                self._deliver(SelfChanged(TrackSource.MICROPHONE, False, source.device, error))

    async def _play_through(self, samples: Samples) -> None:
        block = SAMPLE_RATE // 10
        position = 0
        while True:
            self._deliver(LevelMeasured(level_of(samples[position : position + block])))
            position = position + block if position + 2 * block <= len(samples) else 0
            await asyncio.sleep(0.1)

    def _from_thread(self, level: float) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, LevelMeasured(level))
        except RuntimeError:
            return  # the loop ended before PortAudio's thread

    async def _stop_meter(self) -> None:
        meter, self._meter = self._meter, None
        samples, self._samples = self._samples, None
        if meter is not None:
            await asyncio.to_thread(meter.close)
        if samples is not None:
            await samples.aclose()

    async def _test_speaker(self, device: str) -> None:
        try:
            await play_tone(device)
            self._deliver(SpeakerChanged(True, device))
        except WeLinkError as error:
            self._deliver(SpeakerChanged(False, device, error))

    async def _list(self, *, tell_always: bool) -> None:
        microphones, speakers = await asyncio.to_thread(self._sound.devices) if self._sound is not None else ((), ())
        devices = MediaDevices(microphones, speakers, await asyncio.to_thread(cameras))
        if tell_always or devices != self._devices:
            self._devices = devices
            self._deliver(DevicesChanged(devices))

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            await self._list(tell_always=False)


def _only_shown(picture: Picture) -> None:
    """The preview is painted by the capture itself; being a consumer keeps the camera on."""
    del picture
