"""What the pages of a meeting render. All frozen; the newest stands in a `State` of `Meeting`."""

import enum
from dataclasses import dataclass, field

from welink_desktop.core.calls import CallMember, CaptureSource, DeviceKind, MediaDevices, Quality
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import ContentUri, DeviceId, RoomId, UserId


@dataclass(frozen=True, slots=True)
class Participant:
    """A member of the call as the stage and the people panel show it.

    `connected`: seen at the SFU. `microphone`, `camera`, `screen`: on as the SFU says (ourselves: as our engine says).
    `waiting_for_key`: picture and sound cannot be opened for more than 2 s. `insecure`: publishes without encryption in an
    encrypted room: neither shown nor heard. `silent_ms` > 0: nothing arrives although something should.
    `reachable` is false for a member whose SFU we do not use.
    """

    identity: str
    user: UserId
    device: DeviceId
    name: str
    avatar: ContentUri | None = None
    external: bool = False
    own: bool = False
    since_ms: int = 0
    connected: bool = False
    reachable: bool = True
    microphone: bool = False
    camera: bool = False
    screen: bool = False
    speaking: bool = False
    level: float = 0.0
    quality: Quality = Quality.UNKNOWN
    waiting_for_key: bool = False
    insecure: bool = False
    silent_ms: int = 0


class AlarmKind(enum.Enum):
    """STRANGER: connected to the SFU without being announced in the room. UNENCRYPTED: sends clear media in an encrypted room."""

    STRANGER = "stranger"
    UNENCRYPTED = "unencrypted"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that must be visible as long as it lasts. `name` is the member's, "" for a stranger."""

    kind: AlarmKind
    identity: str
    name: str = ""


class StageMode(enum.Enum):
    GALLERY = "gallery"
    SPEAKER = "speaker"


class Connection(enum.Enum):
    """LIVE: all is well. RETURNING: lost, comes back by itself. FAILED: needs the person (`Meeting.retry`)."""

    LIVE = "live"
    RETURNING = "returning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person chose in the lobby. Names of devices; "" follows the system."""

    microphone: CaptureSource = field(default_factory=CaptureSource)
    camera: CaptureSource = field(default_factory=CaptureSource)
    speaker: str = ""

    def named(self, kind: DeviceKind) -> str:
        """The name of the chosen device."""
        match kind:
            case DeviceKind.MICROPHONE:
                return self.microphone.device
            case DeviceKind.CAMERA:
                return self.camera.device
            case DeviceKind.SPEAKER:
                return self.speaker


@dataclass(frozen=True, slots=True)
class Idle:
    """No meeting. `error` says why the last one ended by itself."""

    error: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class Lobby:
    """Before joining. `members` are in the call already; `ready` once the media engine answers.

    `error`: the last try to join failed, or the media engine did.
    """

    room: RoomId
    name: str
    encrypted: bool
    members: tuple[CallMember, ...] = ()
    devices: MediaDevices = field(default_factory=MediaDevices)
    choices: Choices = field(default_factory=Choices)
    ready: bool = False
    error: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class Joining:
    room: RoomId
    name: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class InMeeting:
    """`participants` in order of joining, ourselves included. `since_ms` is when we joined (Unix).

    `key_index`: how often our media key was changed (encrypted rooms), None in clear ones.
    """

    room: RoomId
    name: str
    encrypted: bool
    since_ms: int
    participants: tuple[Participant, ...] = ()
    connection: Connection = Connection.LIVE
    error: WeLinkError | None = None
    quality: Quality = Quality.UNKNOWN
    alarms: tuple[Alarm, ...] = ()
    mode: StageMode = StageMode.GALLERY
    pinned: str | None = None
    devices: MediaDevices = field(default_factory=MediaDevices)
    choices: Choices = field(default_factory=Choices)
    key_index: int | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    room: RoomId


MeetingState = Idle | Lobby | Joining | InMeeting | Leaving
