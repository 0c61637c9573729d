"""The department tree out of a space's hierarchy (matrix.md §4). Pure; survives cycles, depth and rubbish."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from welink_desktop.adapters.matrix.constants import SPACE_CHILD, SPACE_TYPE
from welink_desktop.adapters.matrix.wire.values import Json, integer_of, list_of, object_of, text_of
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.organisation import Department, Organisation

MAX_DEPTH = 10
MAX_ROOMS = 5_000
_ORDER = re.compile(r"[\x20-\x7e]{1,50}")


@dataclass(frozen=True, slots=True)
class Space:
    """A space of a hierarchy. `children` are in the order of the specification; `members` is what the server counts."""

    space: RoomId
    name: str
    children: tuple[RoomId, ...]
    members: int


def spaces_of(rooms: Iterable[object]) -> dict[RoomId, Space]:
    """The spaces among the rooms of a hierarchy answer; malformed ones are left out."""
    found: dict[RoomId, Space] = {}
    for room in rooms:
        if not isinstance(room, dict) or room.get("room_type") != SPACE_TYPE:
            continue
        space = RoomId(text_of(room, "room_id", 255))
        if space and space not in found and len(found) < MAX_ROOMS:
            name = text_of(room, "name", 256) or text_of(room, "canonical_alias", 256) or space
            found[space] = Space(space, name, _children(room), max(0, integer_of(room, "num_joined_members")))
    return found


def named_children(rooms: Iterable[object]) -> set[RoomId]:
    """Every room that some space of the answer lists as a child."""
    return {child for room in rooms if isinstance(room, dict) for child in _children(room)}


def organisation_of(
    root: RoomId, spaces: Mapping[RoomId, Space], members: Mapping[RoomId, Iterable[UserId]], *, complete: bool
) -> Organisation | None:
    """The tree below `root`. Each space stands once, where it is met first; people count once, by `members` where known."""
    if root not in spaces:
        return None
    visited: set[RoomId] = set()
    department, _ = _department(root, spaces, members, visited, 1)
    return Organisation(department.name, department, complete)


def to_json(organisation: Organisation) -> Json:
    return {"name": organisation.name, "complete": organisation.complete, "root": _department_json(organisation.root)}


def from_json(value: Json) -> Organisation:
    return Organisation(value["name"], _department_from(value["root"]), value["complete"])


def departments(root: Department) -> Iterable[Department]:
    yield root
    for child in root.children:
        yield from departments(child)


def _department(
    space: RoomId,
    spaces: Mapping[RoomId, Space],
    members: Mapping[RoomId, Iterable[UserId]],
    visited: set[RoomId],
    depth: int,
) -> tuple[Department, set[UserId]]:
    visited.add(space)
    node = spaces[space]
    people = set(members.get(space, ()))
    below: list[Department] = []
    for child in node.children:
        if child in spaces and child not in visited and depth < MAX_DEPTH:
            department, theirs = _department(child, spaces, members, visited, depth + 1)
            below.append(department)
            people |= theirs
    largest = max([node.members, *(child.people for child in below)]) if space not in members else 0
    return Department(space, node.name, max(len(people), largest), tuple(below)), people


def _children(room: Json) -> tuple[RoomId, ...]:
    entries: list[tuple[int, str, int, str]] = []
    for event in list_of(room, "children_state"):
        if not isinstance(event, dict) or event.get("type", SPACE_CHILD) != SPACE_CHILD:
            continue
        child, content = text_of(event, "state_key", 255), object_of(event, "content")
        if not child or not list_of(content, "via"):
            continue
        order = text_of(content, "order", 51)
        valid = bool(_ORDER.fullmatch(order))
        entries.append((0 if valid else 1, order if valid else "", integer_of(event, "origin_server_ts"), child))
    return tuple(RoomId(entry[3]) for entry in sorted(entries))


def _department_json(department: Department) -> Json:
    children = [_department_json(child) for child in department.children]
    return {"space": department.space, "name": department.name, "people": department.people, "children": children}


def _department_from(value: Mapping[str, Any]) -> Department:
    children = tuple(_department_from(child) for child in value["children"])
    return Department(RoomId(value["space"]), value["name"], value["people"], children)
