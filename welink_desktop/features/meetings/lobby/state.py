"""What the lobby renders, and what its view may wish."""

from dataclasses import dataclass

from welink_desktop.core.calls import DeviceKind
from welink_desktop.core.ids import ContentUri, UserId
from welink_desktop.core.text import Text


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who is in the meeting already."""

    user: UserId
    name: str
    avatar: ContentUri | None = None
    external: bool = False


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """Devices of one kind by name, as they were found; `chosen` "" follows the system."""

    names: tuple[str, ...] = ()
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class LobbyState:
    """`ready`: sound and video can be tried. `joining`: the button was pressed. `error` stays until the next try."""

    title: str
    encrypted: bool
    own_user: UserId
    own_name: str
    own_avatar: ContentUri | None = None
    guests: tuple[Guest, ...] = ()
    ready: bool = False
    joining: bool = False
    error: Text | None = None
    microphone_on: bool = False
    camera_on: bool = False
    level: float = 0.0
    microphones: DeviceOptions = DeviceOptions()
    speakers: DeviceOptions = DeviceOptions()
    cameras: DeviceOptions = DeviceOptions()


@dataclass(frozen=True, slots=True)
class ToggleMicrophone:
    pass


@dataclass(frozen=True, slots=True)
class ToggleCamera:
    pass


@dataclass(frozen=True, slots=True)
class ChooseDevice:
    """`name` "" follows the system."""

    kind: DeviceKind
    name: str


@dataclass(frozen=True, slots=True)
class PlayTestSound:
    pass


@dataclass(frozen=True, slots=True)
class Join:
    """`sound_only` joins without the camera."""

    sound_only: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    pass


Wish = ToggleMicrophone | ToggleCamera | ChooseDevice | PlayTestSound | Join | Cancel
