"""One answer is one transaction; what cannot be taken in stops nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.offline_rooms import ME, ROOM, OfflineRooms, live, message, room_start
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.store import account
from welink_desktop.core.errors import DiskFull
from welink_desktop.core.ids import RoomId

OTHER = RoomId("!other:welink.test")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[OfflineRooms]:
    http = Http("http://127.0.0.1:9")
    made = OfflineRooms(tmp_path, http)
    yield made
    made.close()
    await http.aclose()


def position(world: OfflineRooms) -> str | None:
    with world.database.read() as t:
        return account.fact(t, "sliding-position")


def events(world: OfflineRooms, room: RoomId = ROOM) -> int:
    with world.database.read() as t:
        return int(t.value("SELECT count(*) FROM events WHERE room = ?", (room,)))


async def test_position_rooms_and_to_device_commit_together(world: OfflineRooms, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sync({ROOM: room_start(message(1))}, to_device={"next_batch": "7", "events": [{"type": "x"}]})
    assert (position(world), events(world), len(world.crypto.received), world.crypto.woken) == ("1", 1, 1, 1)
    told: list[frozenset[RoomId]] = []
    world.hub.committed.listen(told.append)

    def full(*args: Any) -> None:
        raise DiskFull

    monkeypatch.setattr(world.applier, "_receipts", full)
    with pytest.raises(DiskFull):
        world.sync({ROOM: live(message(2), bump=50)}, receipts={"rooms": {ROOM: {"content": {}}}})
    assert (position(world), events(world), world.crypto.woken, told) == ("1", 1, 1, [])
    row = world.rooms.row(ROOM)
    assert row is not None
    assert row.bump == 1
    monkeypatch.undo()
    world.sync({ROOM: live(message(2), bump=50)})
    assert (position(world), events(world)) == ("3", 2)


@pytest.mark.logs_errors
async def test_a_room_that_trips_us_stops_no_other(world: OfflineRooms, monkeypatch: pytest.MonkeyPatch) -> None:
    real = world.ingest.timeline

    def trip(t: Any, update: Any, news: Any) -> None:
        real(t, update, news)
        if update.room == ROOM:
            raise KeyError("surprise")

    monkeypatch.setattr(world.ingest, "timeline", trip)
    world.sync({ROOM: room_start(message(1)), OTHER: room_start(message(2))})
    assert (events(world, ROOM), events(world, OTHER)) == (0, 1)
    assert position(world) == "1"
    assert world.rooms.row(ROOM) is None


@pytest.mark.logs_errors
async def test_an_event_that_trips_us_hides_no_other(world: OfflineRooms, monkeypatch: pytest.MonkeyPatch) -> None:
    real = world.ingest._row

    def trip(t: Any, room: Any, event: Any, place: Any) -> Any:
        if event.event == "$2":
            raise TypeError("surprise")
        return real(t, room, event, place)

    monkeypatch.setattr(world.ingest, "_row", trip)
    world.sync({ROOM: room_start(message(1), message(2), message(3))})
    assert events(world) == 3


async def test_people_who_type_are_told_without_ourselves(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen: list[tuple[str, ...]] = []
    cancel = world.hub.watch_typing(ROOM, lambda typing: seen.append(typing.people))
    world.sync(typing={"rooms": {ROOM: {"content": {"user_ids": [ME, "@mei:welink.test"]}}}})
    world.sync(typing={"rooms": {ROOM: {"content": {"user_ids": []}}}})
    assert seen == [(), ("@mei:welink.test",), ()]
    cancel()
