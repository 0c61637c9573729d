"""Named states of the settings page for gallery, goldens and tests."""

from dataclasses import replace

from welink_desktop.core.account import Account, Homeserver
from welink_desktop.core.calls import DeviceKind, MediaDevice, MediaDevices
from welink_desktop.core.errors import DiskFull, MediaEngineFailed
from welink_desktop.core.ids import AccountKey, DeviceId, UserId
from welink_desktop.core.people import Person, Presence
from welink_desktop.features.settings.model import Section, SettingsState

_USER = UserId("@lin.zhiyuan:yunshan.example")
_SERVER = Homeserver("yunshan.example", "https://chat.yunshan.example", organisation="云杉总医院")
_BASE = SettingsState(
    account=Account(AccountKey("sample"), _USER, DeviceId("QWHDMZXA"), _SERVER),
    me=Person(_USER, "林知远", organisation="云杉总医院", department="信息科", presence=Presence.ONLINE),
)
_DEVICES = MediaDevices(
    (MediaDevice(DeviceKind.MICROPHONE, "a", "Headset"), MediaDevice(DeviceKind.MICROPHONE, "b", "Built-in microphone")),
    (MediaDevice(DeviceKind.SPEAKER, "a", "Headset"),),
    (MediaDevice(DeviceKind.CAMERA, "a", "Conference camera"),),
)

SAMPLES: dict[str, SettingsState] = {
    "appearance": _BASE,
    "devices": replace(_BASE, section=Section.DEVICES, devices=_DEVICES),
    "devices-failed": replace(_BASE, section=Section.DEVICES, devices=MediaDevices(), devices_failure=MediaEngineFailed()),
    "chat": replace(_BASE, section=Section.CHAT),
    "account": replace(_BASE, section=Section.ACCOUNT),
    "not-saved": replace(_BASE, failure=DiskFull()),
}
