"""People as the client knows them."""

import enum
from dataclasses import dataclass

from welink_desktop.core.ids import ContentUri, UserId


class Presence(enum.Enum):
    """UNKNOWN where the server offers no presence (sliding sync delivers none): then no dot is shown."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    BUSY = "busy"
    AWAY = "away"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Status:
    """What a person says of themselves (profile field `m.status`) and what the client knows ("in a meeting")."""

    text: str = ""
    emoji: str = ""
    until_ms: int | None = None
    in_meeting: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """An account with its profile. Empty strings mean "not known". Names come from people: hostile text, isolate them.

    `external` is true for people outside the viewer's organisation. `other_name` is the name in the other script.
    """

    user: UserId
    name: str
    other_name: str = ""
    avatar: ContentUri | None = None
    organisation: str = ""
    external: bool = False
    staff_number: str = ""
    title: str = ""
    department: str = ""
    department_path: tuple[str, ...] = ()
    phone: str = ""
    mail: str = ""
    location: str = ""
    manager: UserId | None = None
    time_zone: str = ""
    presence: Presence = Presence.UNKNOWN
    status: Status = Status()


class MatchKind(enum.Enum):
    """Why a person was found; the closest first."""

    NAME = "name"
    PINYIN = "pinyin"
    INITIALS = "initials"
    STAFF_NUMBER = "staff-number"
    TITLE = "title"
    DEPARTMENT = "department"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class PersonHit:
    """`marks` are (start, length) in `person.name`, counted in code points, to be highlighted."""

    person: Person
    kind: MatchKind
    marks: tuple[tuple[int, int], ...] = ()
