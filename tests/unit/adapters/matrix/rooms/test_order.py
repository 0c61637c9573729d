"""Whatever pieces the server shows of a room, in whatever overlaps: the timeline has the server's order, nothing twice."""

import itertools
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.rooms import placing, rows
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import EventId, RoomId, UserId

ROOM = RoomId("!r")
ALL = [EventId(f"${number:03}") for number in range(60)]
_count = itertools.count()


def put(t: Transaction, positions: dict[EventId, float]) -> None:
    for event, position in positions.items():
        rows.put_event(t, ROOM, EventRow(event, position, UserId("@a:b"), "m.room.message", None, 0, "{}"))


def order(t: Transaction) -> list[EventId]:
    return [row.event for row in reversed(rows.newest_before(t, ROOM, None, 1_000))]


def fill(t: Transaction, page: int) -> None:
    """Page through every gap, as `/messages` would."""
    while (last := rows.last_position(t, ROOM)) is not None and (gap := rows.gap_below(t, ROOM, last)) is not None:
        start = int(gap[1])
        chunk = ALL[max(0, start - page) : start][::-1]
        end = None if start - page <= 0 else str(start - page)
        put(t, placing.place_history(t, ROOM, gap[0], chunk, end).positions)


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 12), st.booleans()), min_size=1, max_size=8), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_order_survives_every_overlap(steps: list[tuple[int, int, bool]], page: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / f"{next(_count)}.db", bytes(32), MIGRATIONS)
        with database.transaction() as t:
            shown, end = 0, 0
            for size, skipped, initial in steps:
                begin = end + skipped if not initial else max(0, end + skipped - 5)
                end = min(len(ALL), begin + size)
                if end <= shown or begin >= end:
                    end = max(end, shown)
                    continue
                placed = placing.place(
                    t,
                    ROOM,
                    ALL[begin:end],
                    limited=begin > shown,
                    initial=initial,
                    prev_batch=str(begin) if begin else None,
                    live=not initial,
                )
                put(t, placed.positions)
                shown = end
                assert order(t) == sorted(order(t))
            fill(t, page)
            assert order(t) == ALL[:shown]
        database.close()


def test_a_gap_of_many_pages_keeps_its_order() -> None:
    many = [EventId(f"${number:06}") for number in range(12_000)]
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "store.db", bytes(32), MIGRATIONS)
        with database.transaction() as t:
            put(t, placing.place(t, ROOM, many[:3], limited=False, initial=True, prev_batch=None).positions)
            put(t, placing.place(t, ROOM, many[-3:], limited=True, initial=False, prev_batch="x").positions)
            newest = len(many) - 3
            while (gap := rows.gap_below(t, ROOM, rows.last_position(t, ROOM) or 0)) is not None:
                chunk = many[max(0, newest - 500) : newest][::-1]
                newest -= 500
                put(t, placing.place_history(t, ROOM, gap[0], chunk, "more").positions)
            listed = [row[0] for row in t.rows("SELECT event FROM events ORDER BY position")]
        database.close()
    assert listed == many


def test_neighbours_always_leave_room() -> None:
    assert placing.spread(None, None, 2) == [0.0, 1.0]
    assert placing.spread(3.0, None, 1) == [4.0]
    assert placing.spread(None, 5.0, 2) == [3.0, 4.0]
    between = placing.spread(1.0, 2.0, 3)
    assert between == sorted(between)
    assert 1.0 < between[0] < between[-1] < 2.0
