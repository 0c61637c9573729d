"""The People port over a homeserver in memory: cache, offline, external people, search, the tree."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.unit.adapters.matrix.people.test_tree import child, space
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.people.directory import PeopleDirectory
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.tokens import TokenKeeper, Tokens
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.errors import NotFound, Offline
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.people import MatchKind, Person, Status
from welink_desktop.core.reactive import Scope

ME, LI, BOB = UserId("@me:x"), UserId("@li:x"), UserId("@bob:other")
ORG = "io.welinkdesktop.organisation"


class StillClock(SystemClock):
    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profiles: dict[str, dict[str, Any]] = {
            ME: {"displayname": "我", ORG: "Spruce"},
            LI: {"displayname": "李子怡", ORG: "Spruce", "io.welinkdesktop.title": "护士长"},
            BOB: {"displayname": "Bob", ORG: "Northbridge"},
        }
        self.rooms: list[dict[str, Any]] = []
        self.members: dict[str, list[str]] = {}
        self.found: list[object] = []
        self.down = False
        self.asked: list[str] = []
        self.clock = StillClock()
        self.open()

    def open(self) -> None:
        self.database = Database.open(self.folder / "store.db", bytes(32), MIGRATIONS)
        self.http = Http(
            "http://server.test",
            keeper=TokenKeeper(Tokens("token"), lambda tokens: None),
            clock=self.clock,
            transport=httpx.MockTransport(self.answer),
        )
        self.scope = Scope("test")
        self.people = PeopleDirectory(self.database, self.http, ME, self.scope)

    async def close(self) -> None:
        await self.scope.aclose()
        await self.http.aclose()
        self.database.close()

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.raw_path.decode().split("?")[0])
        self.asked.append(path.rsplit("/v3/", 1)[-1].rsplit("/v1/", 1)[-1])
        if self.down:
            raise httpx.ConnectError("down")
        parts = self.asked[-1].split("/")
        if parts[0] == "profile" and request.method == "GET":
            profile = self.profiles.get(parts[1])
            return httpx.Response(404, json={"errcode": "M_NOT_FOUND"}) if profile is None else httpx.Response(200, json=profile)
        if parts[0] == "profile":
            if request.method == "PUT":
                self.profiles[parts[1]].update(json.loads(request.content))
            else:
                self.profiles[parts[1]].pop(parts[2])
            return httpx.Response(200, json={})
        if parts[0] == "user_directory":
            return httpx.Response(200, json={"results": self.found, "limited": False})
        if parts[-1] == "hierarchy":
            return httpx.Response(200, json={"rooms": self.rooms})
        if parts[-1] == "members" and parts[1] in self.members:
            chunk = [{"state_key": user, "content": {"membership": "join"}} for user in self.members[parts[1]]]
            return httpx.Response(200, json={"chunk": [*chunk, {"state_key": "@gone:x", "content": {"membership": "leave"}}, 3]})
        return httpx.Response(403, json={"errcode": "M_FORBIDDEN"})

    def join_space(self, room: str, *children: str) -> None:
        with self.database.transaction() as t:
            t.execute("INSERT INTO rooms(room, membership) VALUES(?, 'join')", (room,))
            states = [("m.room.create", "", {"type": "m.space"}), *(("m.space.child", one, {"via": ["x"]}) for one in children)]
            for kind, key, content in states:
                t.execute(
                    "INSERT INTO room_state(room, type, state_key, event, sender, ts, content) VALUES(?, ?, ?, '$', '@x', 0, ?)",
                    (room, kind, key, json.dumps(content)),
                )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    one = World(tmp_path)
    yield one
    await one.close()


async def test_a_profile_is_asked_once_in_ten_minutes_and_news_are_told(world: World) -> None:
    news: list[Person] = []
    world.people.watch_people(news.append)
    first = await world.people.person(LI)
    assert (first.name, first.title, first.organisation) == ("李子怡", "护士长", "Spruce")
    await world.people.person(LI)
    assert world.asked == ["profile/@li:x"]
    world.profiles[LI]["io.welinkdesktop.title"] = "主任"
    world.clock.ms += 600_001
    assert (await world.people.person(LI)).title == "主任"
    world.clock.ms += 600_001
    await world.people.person(LI)
    assert [one.title for one in news] == ["护士长", "主任"]


async def test_offline_the_cached_profile_serves(world: World) -> None:
    world.http.backoff.failed()
    await world.people.person(LI)
    world.clock.ms += 86_400_000
    world.down = True
    await world.close()
    world.open()
    request = world.http.request

    async def once(*args: Any, **more: Any) -> Any:
        return await request(*args, **{**more, "retry": False})

    world.http.request = once  # type: ignore[method-assign] # no waiting for the back-off
    assert (await world.people.person(LI)).name == "李子怡"
    with pytest.raises(Offline):
        await world.people.person(BOB)
    assert (await world.people.me()).user == ME


async def test_somebody_who_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.people.person(UserId("@nobody:x"))


async def test_another_organisation_is_external_wherever_its_server(world: World) -> None:
    stranger = await world.people.person(BOB)
    assert stranger.external
    world.profiles["@guest:x"] = {"displayname": "Guest", ORG: "Northbridge"}
    assert not (await world.people.person(UserId("@guest:x"))).external  # our own organisation is not known yet
    await world.people.me()
    assert (await world.people.person(UserId("@guest:x"))).external
    assert world.people.outside(UserId("@guest:x")) == "Northbridge"
    assert world.people.outside(LI) is None
    assert world.people.outside(UserId("@new:elsewhere")) == "elsewhere"


async def test_a_search_joins_local_and_server_hits(world: World) -> None:
    await world.people.person(LI)
    world.found = [
        {"user_id": "@li:x", "display_name": "李子怡"},
        {"user_id": "@lisa:x", "display_name": "Lisa", "avatar_url": "mxc://x/a"},
        {"user_id": 3},
        "rubbish",
    ]
    hits = await world.people.search("li")
    assert [(hit.person.user, hit.kind) for hit in hits] == [("@li:x", MatchKind.NAME), ("@lisa:x", MatchKind.SERVER)]
    assert await world.people.search("  ") == ()


async def test_offline_a_search_has_local_hits(world: World) -> None:
    await world.people.person(LI)
    world.down = True
    assert [hit.person.user for hit in await world.people.search("lzy")] == ["@li:x"]


async def test_the_tree_and_its_people(world: World) -> None:
    world.join_space("!r", "!a")
    world.join_space("!a")
    world.rooms = [space("!r", child("!a"), child("!hidden"), name="Spruce"), space("!a", name="Nursing", members=9)]
    world.members = {"!r": [ME, LI], "!a": [LI, BOB]}
    organisation = await world.people.organisation()
    assert organisation is not None and not organisation.complete
    assert (organisation.name, organisation.root.people, organisation.root.children[0].people) == ("Spruce", 3, 2)
    assert [person.name for person in await world.people.people_of(RoomId("!a"))] == ["Bob", "李子怡"]
    with pytest.raises(NotFound):
        await world.people.people_of(RoomId("!nowhere"))
    world.asked.clear()
    world.down = True
    assert await world.people.organisation() == organisation
    assert [person.name for person in await world.people.people_of(RoomId("!a"))] == ["Bob", "李子怡"]


async def test_without_a_space_there_is_no_organisation(world: World) -> None:
    assert await world.people.organisation() is None
    assert world.asked == []


async def test_status_and_name_are_written_to_the_profile(world: World) -> None:
    await world.people.set_status(Status(text="在手术", emoji="🔪", until_ms=5))
    await world.people.set_name("  林 \ud800")
    assert world.profiles[ME]["m.status"] == {"text": "在手术", "emoji": "🔪", "until_ms": 5}
    assert (await world.people.me()).name == "林"
    assert (await world.people.me()).status == Status("在手术", "🔪", 5)
    await world.people.set_status(Status())
    assert "m.status" not in world.profiles[ME] and (await world.people.me()).status == Status()


@pytest.mark.parametrize(
    "profile",
    [
        {},
        {"displayname": 3, "avatar_url": "http://x", "m.status": 7, "io.welinkdesktop.department_path": {"a": 1}},
        {"displayname": "  "},
    ],
)
async def test_a_hostile_profile_becomes_a_plain_person(world: World, profile: dict[str, Any]) -> None:
    world.profiles["@odd:x"] = profile
    assert await world.people.person(UserId("@odd:x")) == Person(UserId("@odd:x"), "odd")


async def test_what_was_forgotten_is_asked_again(world: World) -> None:
    await world.people.person(LI)
    world.people.forget(LI)
    await world.people.person(LI)
    assert world.asked == ["profile/@li:x"] * 2
