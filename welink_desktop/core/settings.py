"""Settings of a profile (settings.toml) with their defaults."""

import enum
from dataclasses import dataclass, field


class Theme(enum.Enum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    HIGH_CONTRAST = "high-contrast"


class Density(enum.Enum):
    COMFORTABLE = "comfortable"
    COMPACT = "compact"


class SendKey(enum.Enum):
    ENTER = "enter"
    CTRL_ENTER = "ctrl-enter"


@dataclass(frozen=True, slots=True)
class Appearance:
    """`language` is "" for the system's; `text_scale` 0.8–2.0 in steps of 0.1."""

    theme: Theme = Theme.SYSTEM
    density: Density = Density.COMFORTABLE
    language: str = ""
    text_scale: float = 1.0
    reduced_motion: bool = False


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """Names of devices as the person chose them; "" follows the system."""

    microphone: str = ""
    speaker: str = ""
    camera: str = ""
    join_muted: bool = False
    join_without_camera: bool = True


@dataclass(frozen=True, slots=True)
class WindowState:
    """Geometry in device-independent pixels; `room` is the chat that was open."""

    x: int | None = None
    y: int | None = None
    width: int = 1440
    height: int = 900
    maximised: bool = False
    list_width: int = 320
    page: str = "chat"
    room: str = ""


@dataclass(frozen=True, slots=True)
class Behaviour:
    close_to_tray: bool = True
    tray_explained: bool = False
    send_key: SendKey = SendKey.ENTER
    notifications: bool = True
    hide_preview: bool = False


@dataclass(frozen=True, slots=True)
class Protection:
    """`only_confirmed_devices`: those of others get messages only if their owner confirmed them (MSC4153).

    `quiet_until_ms`: the advice to turn on recovery was put off until then.
    """

    only_confirmed_devices: bool = False
    quiet_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    appearance: Appearance = field(default_factory=Appearance)
    devices: DeviceChoice = field(default_factory=DeviceChoice)
    window: WindowState = field(default_factory=WindowState)
    behaviour: Behaviour = field(default_factory=Behaviour)
    protection: Protection = field(default_factory=Protection)
