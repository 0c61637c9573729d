"""What the stage page renders."""

from dataclasses import dataclass

from welink_desktop.core.calls import Quality
from welink_desktop.core.ids import ContentUri, UserId
from welink_desktop.core.text import Text
from welink_desktop.services.call_layout import Rect
from welink_desktop.services.meeting.records import Connection, StageMode


@dataclass(frozen=True, slots=True)
class ControlState:
    """A switch of ours as the bar shows it. `on` is what the person wants; `busy` until it is true; `refusal` says why not."""

    on: bool = False
    busy: bool = False
    refusal: Text | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    microphone: ControlState = ControlState()
    camera: ControlState = ControlState()
    screen: ControlState = ControlState()

    @property
    def refusal(self) -> Text | None:
        """Why the last wish did not happen."""
        return self.microphone.refusal or self.camera.refusal or self.screen.refusal


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A line of the people panel."""

    identity: str
    user: UserId
    name: str
    avatar: ContentUri | None = None
    own: bool = False
    external: bool = False
    microphone: bool = False
    camera: bool = False
    speaking: bool = False
    quality: Quality = Quality.UNKNOWN
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class PlacedTile:
    """A visible tile: rectangle in pixels of the canvas, and everything drawn on it. `screen`: a shared screen, not a face.

    `number` names its picture in the `FrameSource`, −1 without one.
    """

    key: str
    number: int
    rect: Rect
    identity: str
    user: UserId
    name: str
    avatar: ContentUri | None = None
    screen: bool = False
    picture: bool = False
    own: bool = False
    muted: bool = True
    external: bool = False
    speaking: bool = False
    pinned: bool = False
    waiting: Text | None = None
    quality: Quality = Quality.UNKNOWN


@dataclass(frozen=True, slots=True)
class StageState:
    """The whole page. `joined` is false while we are on our way in. `since_ms` is when we came in (Unix)."""

    title: str
    encrypted: bool
    joined: bool = True
    key_number: int | None = None
    since_ms: int = 0
    quality: Quality = Quality.UNKNOWN
    mode: StageMode = StageMode.GALLERY
    connection: Connection = Connection.LIVE
    error: Text | None = None
    alarms: tuple[Text, ...] = ()
    tiles: tuple[PlacedTile, ...] = ()
    page: int = 0
    pages: int = 1
    people: tuple[PersonRow, ...] = ()
    sharing: Text | None = None
    share_strip: Rect | None = None
    pager: Rect | None = None
    controls: Controls = Controls()
    panel_open: bool = False


# What the view may wish


@dataclass(frozen=True, slots=True)
class ToggleMicrophone:
    pass


@dataclass(frozen=True, slots=True)
class ToggleCamera:
    pass


@dataclass(frozen=True, slots=True)
class ToggleScreen:
    pass


@dataclass(frozen=True, slots=True)
class SetMode:
    mode: StageMode


@dataclass(frozen=True, slots=True)
class TurnPage:
    """`by` is −1 or 1."""

    by: int


@dataclass(frozen=True, slots=True)
class Pin:
    """Put a tile in front, or back if it is there already."""

    key: str


@dataclass(frozen=True, slots=True)
class Resize:
    """The canvas has this many device-independent pixels; `ratio` device pixels each."""

    width: int
    height: int
    ratio: float


@dataclass(frozen=True, slots=True)
class ShowPeople:
    open: bool


@dataclass(frozen=True, slots=True)
class Leave:
    pass


@dataclass(frozen=True, slots=True)
class Retry:
    """Try to come back now."""


Wish = ToggleMicrophone | ToggleCamera | ToggleScreen | SetMode | TurnPage | Pin | Resize | ShowPeople | Leave | Retry
