"""Filling a gap from the server's pages: in order, nothing twice, whatever happens in between."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.engine import TimelineSeen
from tests.support.offline_rooms import PUSH_RULES, ROOM, OfflineRooms, live, message, room_start
from welink_desktop.adapters.matrix.errors import MatrixError
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rooms import history
from welink_desktop.core.ids import EventId

NEWEST = 1_300


class Pages:
    """Stands for the server: messages 0 … `NEWEST`; the token of a page is the number below which it begins."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.forbidden_from: int | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        start, count = int(request.url.params["from"]), int(request.url.params["limit"])
        self.asked.append((start, count))
        if start == self.forbidden_from:
            return httpx.Response(403, json={"errcode": "M_FORBIDDEN", "error": "no"})
        chunk = [message(number) for number in range(start - 1, max(-1, start - 1 - count), -1)]
        end = {"end": str(start - count)} if start > count else {}
        return httpx.Response(200, json={"chunk": chunk, "start": str(start), **end})


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
async def away(tmp_path: Path, pages: Pages) -> AsyncIterator[OfflineRooms]:
    """A room whose first five and last five messages are known."""
    http = Http("http://127.0.0.1:9", transport=httpx.MockTransport(pages.answer))
    world = OfflineRooms(tmp_path, http)
    world.sync({ROOM: room_start(*[message(n) for n in range(5)])})
    last = [message(n) for n in range(NEWEST - 5, NEWEST)]
    world.sync({ROOM: live(*last, limited=True, prev_batch=str(NEWEST - 5))})
    yield world
    await world.scope.aclose()
    world.close()
    await http.aclose()


def stored(world: OfflineRooms) -> list[EventId]:
    with world.database.read() as t:
        return [row[0] for row in t.rows("SELECT event FROM events WHERE type = 'm.room.message' ORDER BY position")]


async def test_a_gap_is_closed_by_long_pages_each_asked_for_once(away: OfflineRooms, pages: Pages) -> None:
    await away.history.fill_gap(ROOM)
    assert stored(away) == [f"${number}" for number in range(NEWEST)]
    assert away.history.gaps_to_fill() == []
    assert pages.asked == [(NEWEST - 5, 500), (NEWEST - 505, 500), (NEWEST - 1_005, 500)]


async def test_a_refused_page_is_told_and_asked_for_again_later(away: OfflineRooms, pages: Pages) -> None:
    pages.forbidden_from = NEWEST - 505
    with pytest.raises(MatrixError):
        await away.history.fill_gap(ROOM)
    assert away.history.gaps_to_fill() == [ROOM]
    pages.forbidden_from = None
    await away.history.fill_gap(ROOM)
    assert stored(away) == [f"${number}" for number in range(NEWEST)]


async def test_a_fill_that_breaks_off_in_a_page_goes_on_there(
    away: OfflineRooms, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0
    real = away.ingest.history

    def broken(*args: object) -> object:
        nonlocal taken
        taken += 1
        if taken == 3:
            raise MemoryError
        return real(*args)  # type: ignore[arg-type]  # passed on as given

    monkeypatch.setattr(away.ingest, "history", broken)
    with pytest.raises(MemoryError):
        await away.history.fill_gap(ROOM)
    assert len(stored(away)) == 10 + 2 * history.STEP
    await away.history.fill_gap(ROOM)
    assert stored(away) == [f"${number}" for number in range(NEWEST)]


async def test_a_reader_and_the_filling_share_their_pages(away: OfflineRooms, pages: Pages) -> None:
    seen = TimelineSeen(away.timeline())
    filling = away.scope.spawn(away.history.fill_gap(ROOM), name="fill")
    while await seen.timeline.load_older(200):
        pass
    await filling
    assert seen.bodies == [f"message {number}" for number in range(NEWEST)]
    starts = [start for start, _ in pages.asked]
    assert len(starts) == len(set(starts))


async def test_unread_messages_of_the_gap_count(away: OfflineRooms) -> None:
    away.account_data("m.push_rules", PUSH_RULES)
    await away.history.fill_gap(ROOM)
    assert away.summaries.unread(ROOM).messages >= NEWEST - 10
