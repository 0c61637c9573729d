"""The sample organisation as records, read from `resources/sample` and `resources/people`."""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

from welink_desktop.core.resources import resource

HOME = "云杉总医院"


@dataclass(frozen=True, slots=True)
class SampleDepartment:
    """A node of the tree; `parent` is a key, empty at the root."""

    key: str
    name: str
    english: str
    parent: str


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A person with a real account. `avatar` and `camera` are files of `resources/people` ("" = none)."""

    key: str
    localpart: str
    name: str
    other_name: str
    organisation: str
    title: str
    department: str = ""
    department_path: tuple[str, ...] = ()
    staff_number: str = ""
    phone: str = ""
    location: str = ""
    manager: str = ""
    time_zone: str = ""
    status: tuple[str, str] = ("", "")
    avatar: str = ""
    camera: str = ""

    @property
    def external(self) -> bool:
        return self.organisation != HOME


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A message. `reply` is the index of the answered line; `reactions` are (emoji, person) pairs."""

    by: str
    text: str
    reply: int | None = None
    mention: tuple[str, ...] = ()
    reactions: tuple[tuple[str, str], ...] = ()
    picture: str = ""
    file: tuple[str, str] = ("", "")
    edited_from: str = ""


@dataclass(frozen=True, slots=True)
class SampleRoom:
    """An encrypted room with its conversation. `unread` lines at the end are left unread for the viewer."""

    key: str
    name: str
    people: tuple[str, ...]
    lines: tuple[SampleLine, ...]
    topic: str = ""
    direct: bool = False
    favourite: bool = False
    muted: bool = False
    unread: int = 0


@dataclass(frozen=True, slots=True)
class SampleReply:
    """An answer: all words of `when` occur in the message; the first of `by` who is in the room answers ("*" = anyone)."""

    when: tuple[str, ...]
    by: tuple[str, ...]
    text: str
    reaction: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    voice: str
    text: str


@dataclass(frozen=True, slots=True)
class MeetingHabits:
    """How colleagues behave in meetings: `delays` in seconds until the first, second … joins."""

    delays: tuple[float, ...]
    most: int
    leave_after: tuple[tuple[str, float], ...]
    speech: tuple[tuple[str, Speech], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    server_name: str
    viewer: str
    departments: tuple[SampleDepartment, ...]
    people: dict[str, SamplePerson]
    rooms: tuple[SampleRoom, ...]
    replies: tuple[SampleReply, ...]
    meetings: MeetingHabits

    def user_id(self, key: str) -> str:
        return f"@{self.people[key].localpart}:{self.server_name}"

    def person_of(self, user_id: str) -> SamplePerson | None:
        """The sample's person with this Matrix id."""
        localpart = user_id.removeprefix("@").partition(":")[0]
        return next((person for person in self.people.values() if person.localpart == localpart), None)


@cache
def sample() -> Sample:
    """The whole organisation. Raises `KeyError` or `ValueError` if the files contradict themselves."""
    organisation = _read("sample", "organisation.json")
    conversations = _read("sample", "conversations.json")
    departments = tuple(SampleDepartment(d["key"], d["zh"], d["en"], d["parent"]) for d in organisation["departments"])
    portraits = {entry["key"]: entry for entry in _read("people", "people.json")["people"]}
    posts: dict[str, Any] = organisation["people"]
    people = {key: _person(key, post, portraits[key], departments) for key, post in posts.items()}
    rooms = tuple(_room(room, people) for room in conversations["rooms"])
    return Sample(
        organisation["server_name"],
        organisation["viewer"],
        departments,
        people,
        rooms,
        tuple(_reply(entry) for entry in conversations["replies"]),
        _habits(conversations["meetings"]),
    )


def department_path(key: str, departments: tuple[SampleDepartment, ...]) -> tuple[str, ...]:
    """Names from the root to `key`."""
    by_key = {department.key: department for department in departments}
    path: list[str] = []
    while key:
        path.insert(0, by_key[key].name)
        key = by_key[key].parent
    return tuple(path)


def localpart_of_name(english: str) -> str:
    """`Lin Zhiyuan` → `lin.zhiyuan`, plain ASCII."""
    plain = unicodedata.normalize("NFKD", english).encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", ".")


def _read(*parts: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(resource(*parts).read_text(encoding="utf-8"))
    return content


def _person(key: str, post: dict[str, Any], portrait: dict[str, Any], tree: tuple[SampleDepartment, ...]) -> SamplePerson:
    name, english = portrait["name_zh"], portrait["name_en"]
    path = department_path(post["department"], tree)
    status = post.get("status", {})
    return SamplePerson(
        key=key,
        localpart=localpart_of_name(english),
        name=name,
        other_name=english if english != name else "",
        organisation=portrait["organisation"],
        title=post["title"],
        department=path[-1] if path else "",
        department_path=path,
        staff_number=post["staff_number"],
        phone=post["phone"],
        location=post["location"],
        manager=post.get("manager", ""),
        time_zone=post["time_zone"],
        status=(status.get("text", ""), status.get("emoji", "")),
        avatar=portrait.get("avatar", ""),
        camera=portrait.get("camera", ""),
    )


def _room(entry: dict[str, Any], people: dict[str, SamplePerson]) -> SampleRoom:
    members = tuple(entry["people"])
    lines = tuple(_line(line) for line in entry["lines"])
    strangers = {line.by for line in lines} - set(members) | set(members) - set(people)
    if strangers:
        raise ValueError(f"room {entry['key']}: {sorted(strangers)} do not belong there")
    keys = ("topic", "direct", "favourite", "muted", "unread")
    return SampleRoom(entry["key"], entry["name"], members, lines, **{key: entry[key] for key in keys if key in entry})


def _line(entry: dict[str, Any]) -> SampleLine:
    reactions = tuple((emoji, key) for emoji, keys in entry.get("react", {}).items() for key in keys)
    file = entry.get("file", {})
    return SampleLine(
        by=entry["by"],
        text=entry["text"],
        reply=entry.get("reply"),
        mention=tuple(entry.get("mention", ())),
        reactions=reactions,
        picture=entry.get("picture", ""),
        file=(file.get("name", ""), file.get("kind", "")),
        edited_from=entry.get("edited_from", ""),
    )


def _reply(entry: dict[str, Any]) -> SampleReply:
    return SampleReply(tuple(entry["when"]), tuple(entry["by"]), entry["text"], entry["react"])


def _habits(entry: dict[str, Any]) -> MeetingHabits:
    return MeetingHabits(
        tuple(entry["delay_seconds"]),
        int(entry["most"]),
        tuple(entry["leave_after_seconds"].items()),
        tuple((key, Speech(speech["voice"], speech["text"])) for key, speech in entry["speech"].items()),
    )
