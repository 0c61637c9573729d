"""Named states of the lobby."""

from dataclasses import replace

from welink_desktop.core.errors import DeviceUnavailable, MeetingServerUnreachable
from welink_desktop.core.ids import UserId
from welink_desktop.features.meetings.lobby.state import DeviceOptions, Guest, LobbyState

_GUESTS = (
    Guest(UserId("@zhao.jingxing:yunshan.example"), "赵景行"),
    Guest(UserId("@maya.okafor:northbridge.example"), "Maya Okafor", external=True),
    Guest(UserId("@su.wanning:yunshan.example"), "苏婉宁"),
)
_READY = LobbyState(
    "外科新楼 · Site coordination",
    encrypted=True,
    own_user=UserId("@lin.zhiyuan:yunshan.example"),
    own_name="林知远",
    guests=_GUESTS,
    ready=True,
    level=0.55,
    microphones=DeviceOptions(("Desk microphone", "Headset"), "Desk microphone"),
    speakers=DeviceOptions(("Headset",), "Headset"),
    cameras=DeviceOptions(("Built-in camera",)),
)

SAMPLES: dict[str, LobbyState] = {
    "ready": replace(_READY, microphone_on=True),
    "muted": _READY,
    "preparing": replace(_READY, ready=False, guests=()),
    "joining": replace(_READY, joining=True),
    "no-camera": replace(_READY, cameras=DeviceOptions(), error=DeviceUnavailable(device="camera").text),
    "server-down": replace(_READY, error=MeetingServerUnreachable().text),
    "clear": replace(_READY, encrypted=False),
}
