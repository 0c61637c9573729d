"""The department tree out of a space's hierarchy (matrix.md §4). Pure; survives cycles, depth and rubbish."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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


def placed(
    root: RoomId,
    spaces: Mapping[RoomId, Space],
    members: Mapping[RoomId, Iterable[UserId]],
    path_of: Callable[[UserId], Sequence[str]],
) -> dict[RoomId, set[UserId]]:
    """Who belongs directly to which department.

    A profile's department path decides where it names a department of the tree (with or without the root's name, or by its
    last name if that is unique); else the deepest spaces that the person is in. Whoever made a space need not work there.
    """
    shape = organisation_of(root, spaces, {}, complete=True)
    direct: dict[RoomId, set[UserId]] = {space: set() for space in members}
    if shape is None:
        return direct
    parents: dict[RoomId, RoomId] = {}
    by_path: dict[tuple[str, ...], list[RoomId]] = {}
    _walk(shape.root, (), parents, by_path)
    spaces_of_user: dict[UserId, set[RoomId]] = {}
    for space, users in members.items():
        for user in users:
            spaces_of_user.setdefault(user, set()).add(space)
    for user, inside in spaces_of_user.items():
        told = _told(tuple(path_of(user)), shape.root.name, by_path)
        for space in [told] if told is not None else inside - {above for one in inside for above in _above(one, parents)}:
            direct.setdefault(space, set()).add(user)
    return direct


def to_json(root: RoomId, spaces: Mapping[RoomId, Space], *, complete: bool) -> Json:
    entries = [[one.space, one.name, list(one.children), one.members] for one in spaces.values()]
    return {"root": root, "complete": complete, "spaces": entries}


def from_json(value: Json) -> tuple[RoomId, dict[RoomId, Space], bool]:
    """Root, spaces and whether they are complete, as `to_json` wrote them."""
    spaces = {RoomId(one[0]): Space(RoomId(one[0]), one[1], tuple(one[2]), one[3]) for one in value["spaces"]}
    return RoomId(value["root"]), spaces, value["complete"]


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


def _walk(
    department: Department,
    above: tuple[str, ...],
    parents: dict[RoomId, RoomId],
    by_path: dict[tuple[str, ...], list[RoomId]],
) -> None:
    """Fill in each department's parent, its full path and its bare name."""
    path = (*above, department.name)
    for key in {path, (department.name,)}:
        by_path.setdefault(key, []).append(department.space)
    for child in department.children:
        parents[child.space] = department.space
        _walk(child, path, parents, by_path)


def _told(path: tuple[str, ...], root: str, by_path: Mapping[tuple[str, ...], list[RoomId]]) -> RoomId | None:
    if not path:
        return None
    for key in (path, (root, *path), path[-1:]):
        found = by_path.get(key, [])
        if len(found) == 1:
            return found[0]
    return None


def _above(space: RoomId, parents: Mapping[RoomId, RoomId]) -> Iterable[RoomId]:
    while (parent := parents.get(space)) is not None:
        yield parent
        space = parent
