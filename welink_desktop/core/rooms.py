"""Rooms as they stand in the room list and the header."""

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from welink_desktop.core.changes import Change
from welink_desktop.core.ids import ContentUri, RoomId, UserId
from welink_desktop.core.text import Text

if TYPE_CHECKING:
    from welink_desktop.core.calls import OngoingCall


class Membership(enum.Enum):
    INVITED = "invite"
    JOINED = "join"
    LEFT = "leave"
    BANNED = "ban"
    KNOCKING = "knock"


@dataclass(frozen=True, slots=True)
class Unread:
    """`messages` and `mentions` count what the person has not read and the rules say to count; never what cannot be opened."""

    messages: int = 0
    mentions: int = 0
    marked: bool = False

    @property
    def any(self) -> bool:
        return self.marked or self.messages > 0 or self.mentions > 0


class PreviewState(enum.Enum):
    """How far our own last message is. RECEIVED for messages of others."""

    RECEIVED = "received"
    SENDING = "sending"
    SENT = "sent"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MessagePreview:
    """The last message of a room. Either `body` (what a person wrote) or `notice` (words of ours, "sent a picture")."""

    sender: UserId
    sender_name: str
    own: bool
    timestamp_ms: int
    body: str = ""
    notice: Text | None = None
    state: PreviewState = PreviewState.RECEIVED


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """`order` sorts rooms by activity, larger is newer; it is no time. `name` is final: computed from heroes if need be.

    `direct_with` is the other person of a direct chat. `external_organisations` names those of other members.
    `encrypted` never goes from true to false.
    """

    room: RoomId
    name: str
    membership: Membership = Membership.JOINED
    direct_with: UserId | None = None
    avatar: ContentUri | None = None
    topic: str = ""
    encrypted: bool = False
    joined: int = 0
    order: int = 0
    last: MessagePreview | None = None
    unread: Unread = field(default_factory=Unread)
    favourite: bool = False
    muted: bool = False
    draft: str = ""
    external_organisations: tuple[str, ...] = ()
    call: "OngoingCall | None" = None
    inviter: UserId | None = None
    is_space: bool = False


@dataclass(frozen=True, slots=True)
class RoomListBatch:
    """Changes of the room list, which is kept sorted by `order`, newest first. `loading`: more rooms are on their way."""

    changes: tuple[Change[RoomSummary], ...]
    loading: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a room. `power` is clamped to ±2^31; `creator` outranks every power (room version 12)."""

    user: UserId
    name: str
    ambiguous: bool = False
    avatar: ContentUri | None = None
    membership: Membership = Membership.JOINED
    power: int = 0
    creator: bool = False
    external: bool = False


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """A room to be created. Private rooms are encrypted unless `encrypted` is false on purpose."""

    name: str = ""
    topic: str = ""
    invite: tuple[UserId, ...] = ()
    direct: bool = False
    encrypted: bool = True
    public: bool = False


@dataclass(frozen=True, slots=True)
class Typing:
    """Who is writing just now, without ourselves."""

    room: RoomId
    people: tuple[UserId, ...]
