"""Loads the department tree from the server: the hierarchy of our topmost space and the members of each department."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from welink_desktop.adapters.matrix.constants import CLIENT_V1, CLIENT_V3
from welink_desktop.adapters.matrix.errors import MatrixError
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.people.tree import (
    MAX_DEPTH,
    MAX_ROOMS,
    departments,
    from_json,
    named_children,
    organisation_of,
    placed,
    spaces_of,
    to_json,
)
from welink_desktop.adapters.matrix.wire.values import Json, list_of, object_of, text_of
from welink_desktop.core.errors import ServerFault
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.organisation import Organisation

PAGE = 50
MAX_MEMBER_LISTS = 300
"""Departments beyond this number are counted by the server's figures."""
MEMBERS_LIMIT = 32 << 20
PARALLEL = 4


@dataclass(frozen=True, slots=True)
class LoadedTree:
    tree: Json
    members: Mapping[RoomId, list[UserId]]


class OrganisationLoader:
    """Stateless; the account's access decides what is seen."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def load(self, candidates: Sequence[RoomId]) -> LoadedTree | None:
        """The largest tree among the candidates (topmost joined spaces); None without any. Raises as `Http.request`."""
        best: LoadedTree | None = None
        for root in candidates[:10]:
            loaded = await self._tree(root)
            if loaded is not None and (best is None or len(loaded.tree["spaces"]) > len(best.tree["spaces"])):
                best = loaded
        return best

    async def _tree(self, root: RoomId) -> LoadedTree | None:
        rooms = await self._hierarchy(root)
        spaces = spaces_of(rooms)
        hidden = named_children(rooms) - {RoomId(text_of(room, "room_id", 255)) for room in rooms}
        complete = not hidden and len(rooms) < MAX_ROOMS
        shape = organisation_of(root, spaces, {}, complete=complete)
        if shape is None:
            return None
        wanted = [department.space for department in departments(shape.root)][:MAX_MEMBER_LISTS]
        members = await self._members(wanted)
        return LoadedTree(to_json(root, spaces, complete=complete), members)

    async def _hierarchy(self, root: RoomId) -> list[Json]:
        rooms: list[Json] = []
        seen: set[str] = set()
        token = ""
        while len(rooms) < MAX_ROOMS:
            query: dict[str, str | int] = {"limit": PAGE, "max_depth": MAX_DEPTH}
            if token:
                query["from"] = token
            answer = await self._http.request("GET", (*CLIENT_V1, "rooms", root, "hierarchy"), query=query, limit=8 << 20)
            rooms += [room for room in list_of(answer, "rooms") if isinstance(room, dict)]
            seen.add(token)
            token = text_of(answer, "next_batch", 1_000)
            if not token or token in seen:
                break
        return rooms

    async def _members(self, spaces: Sequence[RoomId]) -> dict[RoomId, list[UserId]]:
        """Joined members of each space; spaces whose list is not for us are left out."""
        lines = asyncio.Semaphore(PARALLEL)

        async def one(space: RoomId) -> tuple[RoomId, list[UserId]] | None:
            async with lines:
                try:
                    answer = await self._http.request(
                        "GET", (*CLIENT_V3, "rooms", space, "members"), query={"membership": "join"}, limit=MEMBERS_LIMIT
                    )
                except (MatrixError, ServerFault):
                    return None
            return space, _joined(answer)

        found = await asyncio.gather(*(one(space) for space in spaces))
        return dict(entry for entry in found if entry is not None)


def _joined(answer: Json) -> list[UserId]:
    users = []
    for event in list_of(answer, "chunk"):
        if object_of(event, "content").get("membership") == "join":
            user = text_of(event, "state_key", 255)
            if user.startswith("@"):
                users.append(UserId(user))
    return users


def organisation_from(
    tree: Json, members: Mapping[RoomId, Sequence[UserId]], path_of: Callable[[UserId], Sequence[str]]
) -> tuple[Organisation | None, dict[RoomId, set[UserId]]]:
    """The organisation of a stored tree, counted by what profiles tell now, and who belongs directly to each department."""
    root, spaces, complete = from_json(tree)
    direct = placed(root, spaces, members, path_of)
    return organisation_of(root, spaces, direct, complete=complete), direct
