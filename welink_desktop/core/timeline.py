"""A room's timeline as rows: what happened, in the server's order."""

import enum
from dataclasses import dataclass

from welink_desktop.core.changes import Change
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import ContentUri, EventId, ItemKey, MessageRef, RoomId, UserId
from welink_desktop.core.media import MediaInfo, MediaSource
from welink_desktop.core.text import Text
from welink_desktop.core.trust import Shield, Undecryptable


class MessageKind(enum.Enum):
    TEXT = "text"
    NOTICE = "notice"
    EMOTE = "emote"


@dataclass(frozen=True, slots=True)
class TextContent:
    """`html` is the raw `formatted_body` (hostile; parsed by `ui.text` into our own tree) or empty."""

    body: str
    html: str = ""
    kind: MessageKind = MessageKind.TEXT


class AttachmentKind(enum.Enum):
    IMAGE = "image"
    FILE = "file"
    AUDIO = "audio"
    VOICE = "voice"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """A file in a message. `caption` is empty if the sender wrote none. `name` is hostile: never a path."""

    kind: AttachmentKind
    name: str
    source: MediaSource
    info: MediaInfo = MediaInfo()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class NoticeContent:
    """Something that happened in the room, in our words ("… joined", "the name is now …")."""

    text: Text


@dataclass(frozen=True, slots=True)
class RecalledContent:
    """A redacted message; `by` differs from the sender if a moderator did it."""

    by: UserId
    by_name: str
    at_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UndecryptableContent:
    why: Undecryptable


@dataclass(frozen=True, slots=True)
class UnsupportedContent:
    """A kind this version does not show; `body` is the sender's fallback text, if any."""

    event_type: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class UnreadableContent:
    """A malformed event: kept, shown as such, never stops anything."""

    reason: str = ""


Content = (
    TextContent
    | AttachmentContent
    | NoticeContent
    | RecalledContent
    | UndecryptableContent
    | UnsupportedContent
    | UnreadableContent
)


class SendPhase(enum.Enum):
    """QUEUED: on disk, waiting. SENDING: on its way. SENT: the server has it. FAILED: stopped, the person decides."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SendState:
    phase: SendPhase
    error: WeLinkError | None = None
    sent_bytes: int = 0
    total_bytes: int = 0


RECEIVED = SendState(SendPhase.SENT)


@dataclass(frozen=True, slots=True)
class Reaction:
    """`mine` is our own reaction event, to undo it."""

    key: str
    people: tuple[UserId, ...]
    mine: MessageRef | None = None


@dataclass(frozen=True, slots=True)
class ReplyPreview:
    """The message that is answered. `body` is empty while it is not loaded."""

    event: EventId
    sender: UserId | None = None
    sender_name: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One row. `ref` names the message for actions; `key` is the row's identity and survives the echo's return.

    `timestamp_ms` is the sender's claim: for display only, never for order. `own` is true for our account, any device.
    `readers` are people whose newest receipt is at this message (without ourselves).
    """

    key: ItemKey
    ref: MessageRef
    sender: UserId
    sender_name: str
    timestamp_ms: int
    content: Content
    own: bool = False
    sender_avatar: ContentUri | None = None
    external: bool = False
    edited: bool = False
    reply: ReplyPreview | None = None
    reactions: tuple[Reaction, ...] = ()
    readers: tuple[UserId, ...] = ()
    mentions_me: bool = False
    shield: Shield = Shield.NONE
    send: SendState = RECEIVED


@dataclass(frozen=True, slots=True)
class TimelineBatch:
    """Changes of one timeline, oldest row first. `at_start`: there is nothing older. `read_up_to`: our newest receipt."""

    changes: tuple[Change[TimelineItem], ...]
    at_start: bool = False
    loading_older: bool = False
    read_up_to: EventId | None = None
    failure: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text to be sent. `html` was made by our own Markdown renderer; `mentions` name people, `mentions_room` everyone."""

    body: str
    html: str = ""
    mentions: tuple[UserId, ...] = ()
    mentions_room: bool = False
    reply_to: EventId | None = None
    kind: MessageKind = MessageKind.TEXT


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file on this computer, to be read when it is queued (the outbox keeps its own copy, encrypted)."""

    path: str
    kind: AttachmentKind = AttachmentKind.FILE
    caption: str = ""
    mimetype: str = ""
    width: int = 0
    height: int = 0
    thumbnail_path: str = ""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A live message that the rules say to notify about. `body` may be empty for kinds without text."""

    room: RoomId
    room_name: str
    event: EventId
    sender: UserId
    sender_name: str
    body: str
    mention: bool
    timestamp_ms: int
    notice: Text | None = None
