"""Calls and meetings: *member* is a device's announcement in the Matrix room, *participant* is a connection at the
SFU, *tile* is a place on the screen."""

import enum
from dataclasses import dataclass, field

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import ContentUri, DeviceId, EventId, RoomId, UserId


@dataclass(frozen=True, slots=True)
class CallMember:
    """A valid, unexpired membership (matrixrtc §2.3). `identity` is the participant's name at its SFU.

    `service_url` is the member's own transport ("" = none that we understand). `since_ms` orders members.
    """

    user: UserId
    device: DeviceId
    identity: str
    event: EventId
    since_ms: int
    service_url: str = ""
    name: str = ""
    avatar: ContentUri | None = None
    external: bool = False
    video: bool = True
    own: bool = False


@dataclass(frozen=True, slots=True)
class OngoingCall:
    """A room's running call: its members in order of joining (never empty)."""

    members: tuple[CallMember, ...]
    joined_here: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class MediaKey:
    """A participant's frame key: 16 bytes at `index` (0–254). Secret: no repr."""

    identity: str
    index: int
    key: bytes

    def __repr__(self) -> str:
        return f"MediaKey(index={self.index}, …)"


@dataclass(frozen=True, slots=True, repr=False)
class SfuTicket:
    """Admission to one SFU: fresh for every connection. `token` is secret. `encrypted`: the Matrix room is."""

    url: str
    token: str
    identity: str
    service_url: str
    encrypted: bool = True

    def __repr__(self) -> str:
        return "SfuTicket(…)"


# What the signalling tells while we are in a call (`CallSession.watch`).


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """The whole new list, ourselves included, in order of joining."""

    members: tuple[CallMember, ...]


@dataclass(frozen=True, slots=True)
class RemoteKeyArrived:
    key: MediaKey


@dataclass(frozen=True, slots=True)
class OwnKeyReady:
    """Our key must be known to the media engine now, and used for sending only if `use` (a rotated key waits 3 s)."""

    key: MediaKey
    use: bool


@dataclass(frozen=True, slots=True)
class MembershipDoubtful:
    """The server may have removed us (no heartbeat for 18 s): pause sending until members say otherwise."""

    doubtful: bool


@dataclass(frozen=True, slots=True)
class CallEnded:
    """We are out of the call for good: removed from the room, signed out, or the room's encryption changed."""

    error: WeLinkError


CallSignal = MembersChanged | RemoteKeyArrived | OwnKeyReady | MembershipDoubtful | CallEnded


# Media engine


class TrackSource(enum.Enum):
    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_SOUND = "screen-sound"


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """A participant's track at the SFU. `encrypted` as its publisher declared it; `muted` as the SFU says."""

    identity: str
    source: TrackSource
    muted: bool
    encrypted: bool
    width: int = 0
    height: int = 0


class EncryptionState(enum.Enum):
    OK = "ok"
    WAITING_FOR_KEY = "waiting-for-key"
    FAILED = "failed"


class Quality(enum.Enum):
    UNKNOWN = "unknown"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    LOST = "lost"


class MediaLink(enum.Enum):
    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


class DeviceKind(enum.Enum):
    MICROPHONE = "microphone"
    SPEAKER = "speaker"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True)
class MediaDevice:
    """A device of this computer. `id` is only good now; remember `name`. `id` "" is the system's default."""

    kind: DeviceKind
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class MediaDevices:
    microphones: tuple[MediaDevice, ...] = ()
    speakers: tuple[MediaDevice, ...] = ()
    cameras: tuple[MediaDevice, ...] = ()


class CaptureKind(enum.Enum):
    """REAL: the computer's device. SYNTHETIC: a generated picture or tone. FILE: a picture, film or sound file."""

    REAL = "real"
    SYNTHETIC = "synthetic"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """Where picture or sound comes from. `device`: name of a real device ("" = default); `path`: of a file.

    Synthetic pictures carry a bar-coded frame number; `path` may name a picture behind it. A synthetic sound is a tone
    of `device` Hertz ("" = 440).
    """

    kind: CaptureKind = CaptureKind.REAL
    device: str = ""
    path: str = ""
    width: int = 1280
    height: int = 720
    fps: int = 30


@dataclass(frozen=True, slots=True)
class TileRequest:
    """A tile that is visible now, in device pixels. `tile` is chosen by the asker and names it in `FrameSource`.

    `identity` "" or our own is our own camera or screen, as captured.
    """

    tile: int
    identity: str
    source: TrackSource
    width: int
    height: int
    fps: int = 15


# What the media engine tells (`MediaSession.watch`).


@dataclass(frozen=True, slots=True)
class LinkChanged:
    link: MediaLink
    error: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    identity: str


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    identity: str


@dataclass(frozen=True, slots=True)
class TrackChanged:
    """A track was published, muted, unmuted or resized."""

    track: TrackInfo


@dataclass(frozen=True, slots=True)
class TrackGone:
    identity: str
    source: TrackSource


@dataclass(frozen=True, slots=True)
class SpeakersChanged:
    """Who is heard now, loudest first, with level 0–1. At most 5 times a second."""

    speakers: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class EncryptionChanged:
    identity: str
    state: EncryptionState


@dataclass(frozen=True, slots=True)
class QualityChanged:
    identity: str
    quality: Quality


@dataclass(frozen=True, slots=True)
class SilenceNoticed:
    """No frame for `ms` on an unmuted track; 0 = frames are back."""

    identity: str
    ms: int


@dataclass(frozen=True, slots=True)
class SelfChanged:
    """The truth about one of our own sources. `reason` says why it is off although it was wanted."""

    source: TrackSource
    on: bool
    device: str = ""
    reason: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class SpeakerChanged:
    """Whether what others say can be heard here. `reason` says why not; the meeting goes on without sound."""

    on: bool
    device: str = ""
    reason: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class DevicesChanged:
    devices: MediaDevices


@dataclass(frozen=True, slots=True)
class LevelMeasured:
    """Microphone level 0–1 in the lobby, 10 times a second."""

    level: float


@dataclass(frozen=True, slots=True)
class EngineDied:
    """The media process ended by itself. `respawning` is false once it died too often."""

    respawning: bool


MediaEvent = (
    LinkChanged
    | ParticipantJoined
    | ParticipantLeft
    | TrackChanged
    | TrackGone
    | SpeakersChanged
    | EncryptionChanged
    | QualityChanged
    | SilenceNoticed
    | SelfChanged
    | SpeakerChanged
    | DevicesChanged
    | LevelMeasured
    | EngineDied
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The newest picture of a tile: BGRA (`QImage.Format_RGB32`), `stride` bytes per row, valid until the next `take`.

    `pixels` is a view into shared memory. `rotation` is 0, 90, 180 or 270 degrees clockwise.
    """

    width: int
    height: int
    stride: int
    rotation: int
    sequence: int
    pixels: memoryview = field(repr=False)


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """What the media engine needs to enter a meeting. `encrypted` is false only in clear rooms.

    Nothing is published before the first `set_microphone(True)` / `set_camera(True)`.
    """

    room: RoomId
    ticket: SfuTicket
    encrypted: bool
    keys: tuple[MediaKey, ...] = ()
    own_key: MediaKey | None = None
    microphone: CaptureSource = CaptureSource()
    camera: CaptureSource = CaptureSource()
    speaker: str = ""
