"""The computer's sound: hearing and speaking by the SDK's `PlatformAudio`, meter and test tone by PortAudio.

`PlatformAudio` mixes, conceals loss, follows the card's clock and cancels echo natively. In SDK 1.2.1 a device can be chosen
only before the room is connected, and ids are not stable: names are remembered (media_process §7.5).
"""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from livekit import rtc

from welink_desktop.adapters.media.process import pulse
from welink_desktop.adapters.media.process.sources import SAMPLE_RATE, level_of
from welink_desktop.core.calls import DeviceKind, MediaDevice
from welink_desktop.core.errors import DeviceUnavailable
from welink_desktop.core.log import literal, topic

_log = topic("media")
_METER_BLOCK = SAMPLE_RATE // 10


class Sound:
    """One per process. Raises `DeviceUnavailable` where there is no sound system."""

    def __init__(self) -> None:
        self._audio: rtc.PlatformAudio | None = None
        self._connected = False

    def open(self) -> rtc.PlatformAudio:
        """Idempotent."""
        if self._audio is None:
            try:
                self._audio = rtc.PlatformAudio()
            except rtc.PlatformAudioError as error:
                raise DeviceUnavailable(str(error), device="sound") from None
        return self._audio

    def connected(self, on: bool) -> None:
        self._connected = on

    def choose_speaker(self, name: str) -> bool:
        """ "" is the system's default. False: only a new process can do it. Raises `DeviceUnavailable`."""
        return self._choose(DeviceKind.SPEAKER, name)

    def choose_microphone(self, name: str) -> bool:
        """As `choose_speaker`."""
        return self._choose(DeviceKind.MICROPHONE, name)

    def microphone(self) -> rtc.PlatformAudioSource:
        try:
            audio = self.open()
            if not audio.recording_devices():
                raise DeviceUnavailable("no microphone", device="microphone")
            return audio.create_audio_source()
        except rtc.PlatformAudioError as error:
            raise DeviceUnavailable(str(error), device="microphone") from None

    def devices(self) -> tuple[tuple[MediaDevice, ...], tuple[MediaDevice, ...]]:
        """Microphones and speakers; none where there is no sound system. Blocks for a moment."""
        return self._listed(DeviceKind.MICROPHONE), self._listed(DeviceKind.SPEAKER)

    def _listed(self, kind: DeviceKind) -> tuple[MediaDevice, ...]:
        of_server = pulse.devices(kind)
        if of_server is not None:
            return of_server
        try:
            audio = self.open()
            known = audio.playout_devices() if kind is DeviceKind.SPEAKER else audio.recording_devices()
        except (DeviceUnavailable, rtc.PlatformAudioError):
            return ()
        return tuple(MediaDevice(kind, one.id, one.name) for one in known if not one.name.startswith("default"))

    def close(self) -> None:
        if self._audio is not None:
            self._audio.close()
            self._audio = None

    def _choose(self, kind: DeviceKind, name: str) -> bool:
        of_server = pulse.devices(kind)
        if of_server is not None:
            return self._choose_at_server(kind, name, of_server)
        audio = self.open()
        known, choose = (
            (audio.playout_devices(), audio.set_playout_device)
            if kind is DeviceKind.SPEAKER
            else (audio.recording_devices(), audio.set_recording_device)
        )
        if not known:
            raise DeviceUnavailable("none there", device=kind.value)
        wanted = next((device for device in known if device.name == name), None) if name else known[0]
        if wanted is None:
            raise DeviceUnavailable("no such device", device=name)
        try:
            choose(wanted.id)
        except rtc.PlatformAudioError:
            if self._connected:
                return False
            raise DeviceUnavailable("refused", device=name or kind.value) from None
        return True

    def _choose_at_server(self, kind: DeviceKind, name: str, known: tuple[MediaDevice, ...]) -> bool:
        """The SDK must connect to the sound server anew to follow."""
        wanted = server_name(known, name)
        if wanted == pulse.chosen(kind):
            self.open()
            return True
        if self._connected:
            return False
        self.close()
        pulse.choose(kind, wanted)
        self.open()
        return True


def server_name(known: tuple[MediaDevice, ...], name: str) -> str:
    """The sound server's own name of a device; "" for the default. Raises `DeviceUnavailable`."""
    if not name:
        return ""
    found = next((device.id for device in known if device.name == name), None)
    if found is None:
        raise DeviceUnavailable("no such device", device=name)
    return found


def _portaudio() -> Any:
    """Imported late: a machine without PortAudio can still meet. Raises `DeviceUnavailable`."""
    try:
        import sounddevice
    except OSError:
        raise DeviceUnavailable("PortAudio is missing", device="sound") from None
    return sounddevice


def _device_index(portaudio: Any, kind: DeviceKind, name: str) -> int | None:
    """PortAudio's number of a device; None is the default, which follows our choice at a sound server."""
    of_server = pulse.devices(kind)
    if of_server is not None:
        pulse.choose(kind, server_name(of_server, name))
        return None
    channels = "max_output_channels" if kind is DeviceKind.SPEAKER else "max_input_channels"
    for index, device in enumerate(portaudio.query_devices()):
        if name and name in str(device["name"]) and device[channels] > 0:
            return index
    return None


class Meter:
    """The microphone's level before a meeting. `tell` is called from PortAudio's thread."""

    def __init__(self, device: str, tell: Callable[[float], None]) -> None:
        portaudio = _portaudio()
        try:
            self._stream = portaudio.InputStream(
                samplerate=SAMPLE_RATE, channels=1, dtype="int16", blocksize=_METER_BLOCK,
                device=_device_index(portaudio, DeviceKind.MICROPHONE, device),
                callback=lambda block, *_: tell(level_of(block.reshape(-1))),
            )  # fmt: skip
            self._stream.start()
        except portaudio.PortAudioError as error:
            raise DeviceUnavailable(type(error).__name__, device=device or "microphone") from None

    def close(self) -> None:
        self._stream.close()


async def play_tone(device: str) -> None:
    """Two soft notes. Raises `DeviceUnavailable`."""
    await asyncio.to_thread(_play, device)


def _play(device: str) -> None:
    portaudio = _portaudio()
    moments = np.arange(int(SAMPLE_RATE * 0.35)) / SAMPLE_RATE
    fade = np.sin(np.pi * moments / moments[-1])
    notes = np.concatenate([np.sin(2 * np.pi * hertz * moments) * fade for hertz in (523, 784)])
    try:
        number = _device_index(portaudio, DeviceKind.SPEAKER, device)
        with portaudio.OutputStream(samplerate=SAMPLE_RATE, channels=1, dtype="float32", device=number) as stream:
            stream.write((0.3 * notes).astype(np.float32))
    except portaudio.PortAudioError as error:
        _log.warning("the test tone could not be played", error=literal(type(error).__name__))
        raise DeviceUnavailable(type(error).__name__, device=device or "speaker") from None
