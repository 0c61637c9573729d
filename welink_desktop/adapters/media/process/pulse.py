"""Choosing sound devices on Linux: PulseAudio and PipeWire, whose client library takes the device from the environment.

The SDK's own choice is accepted there and then ignored (livekit 1.2.1). `PULSE_SINK` and `PULSE_SOURCE` are read whenever a
client connects: by the SDK when its audio is opened, by PortAudio for each stream.
"""

import os
import platform

from welink_desktop.core.calls import DeviceKind, MediaDevice

_VARIABLES = {DeviceKind.SPEAKER: "PULSE_SINK", DeviceKind.MICROPHONE: "PULSE_SOURCE"}
_CLIENT = "WeLink Desktop"


def devices(kind: DeviceKind) -> tuple[MediaDevice, ...] | None:
    """What the sound server offers, `id` being its own name; None where there is no such server. May block for a moment."""
    if platform.system() != "Linux":
        return None
    import pulsectl

    try:
        with pulsectl.Pulse(_CLIENT, connect=False) as server:
            server.connect(autospawn=False, timeout=2)
            listed = server.sink_list() if kind is DeviceKind.SPEAKER else server.source_list()
            return tuple(
                MediaDevice(kind, entry.name, entry.description)
                for entry in listed
                if kind is DeviceKind.SPEAKER or not entry.name.endswith(".monitor")
            )
    except (pulsectl.PulseError, OSError):
        return None


def chosen(kind: DeviceKind) -> str:
    return os.environ.get(_VARIABLES[kind], "")


def choose(kind: DeviceKind, server_name: str) -> None:
    """For clients that connect from now on; "" is the system's default."""
    if server_name:
        os.environ[_VARIABLES[kind]] = server_name
    else:
        os.environ.pop(_VARIABLES[kind], None)
