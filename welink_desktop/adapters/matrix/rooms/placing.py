"""Where events of a room stand (matrix.md §2.4): appended, merged with what is known, or behind a gap. Pure but for queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from welink_desktop.adapters.matrix.rooms import rows
from welink_desktop.adapters.matrix.store.database import Transaction
from welink_desktop.core.ids import EventId, RoomId

JUMP = 10_000_000.0
"""Distance left for the events of a gap."""


@dataclass(frozen=True, slots=True)
class Placed:
    """`positions` of the events that were unknown. `gap`: a hole opened before the first of them."""

    positions: dict[EventId, float]
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """`positions` of the events that were unknown. `gap`: where what is left of the gap begins, None if it is closed."""

    positions: dict[EventId, float]
    gap: float | None


def spread(lower: float | None, upper: float | None, count: int) -> list[float]:
    """`count` growing positions strictly between the neighbours; close to the upper one, or else to the lower one."""
    if upper is None:
        start = 0.0 if lower is None else lower + 1
        return [start + step for step in range(count)]
    if lower is None or upper - lower > count + 1:
        return [upper - count + step for step in range(count)]
    width = (upper - lower) / (count + 1)
    return [lower + width * (step + 1) for step in range(count)]


def place(
    t: Transaction,
    room: RoomId,
    events: Sequence[EventId],
    *,
    limited: bool,
    initial: bool,
    prev_batch: str | None,
    live: bool = False,
) -> Placed:
    """Give every unknown event of a sync timeline a position, and note the gap before them if there is one.

    `live`: what follows the last known event is news, it goes to the end.
    """
    if not events:
        return Placed({})
    known = rows.positions_of(t, room, events)
    if not known:
        return _append(t, room, events, hole=limited or initial, prev_batch=prev_batch)
    return Placed(_merge(t, room, events, known, prev_batch, live))


def _append(t: Transaction, room: RoomId, events: Sequence[EventId], *, hole: bool, prev_batch: str | None) -> Placed:
    last = rows.last_position(t, room)
    gap = last is not None and hole and prev_batch is not None
    lower = last + JUMP if last is not None and gap else last
    positions = spread(lower, None, len(events))
    if prev_batch is not None and (gap or last is None):
        rows.put_gap(t, room, positions[0], prev_batch)
    return Placed(dict(zip(events, positions, strict=True)), gap)


def _merge(
    t: Transaction, room: RoomId, events: Sequence[EventId], known: dict[EventId, float], prev_batch: str | None, live: bool
) -> dict[EventId, float]:
    placed: dict[EventId, float] = {}
    lower: float | None = None
    run: list[EventId] = []
    for event in events:
        if event not in known:
            run.append(event)
            continue
        upper = known[event]
        if run:
            lower = _before(t, room, upper)
            positions = spread(lower, upper, len(run))
            placed.update(zip(run, positions, strict=True))
            if run[0] == events[0] and rows.drop_gap(t, room, upper) and prev_batch is not None:
                rows.put_gap(t, room, positions[0], prev_batch)
            run = []
        lower = upper
    if run:
        assert lower is not None
        if live:
            lower = rows.last_position(t, room)
        upper_end: float | None = t.value("SELECT min(position) FROM events WHERE room = ? AND position > ?", (room, lower))
        placed.update(zip(run, spread(lower, upper_end, len(run)), strict=True))
    return placed


def _before(t: Transaction, room: RoomId, position: float) -> float | None:
    lower: float | None = t.value("SELECT max(position) FROM events WHERE room = ? AND position < ?", (room, position))
    return lower


def place_history(t: Transaction, room: RoomId, gap: float, newest_first: Sequence[EventId], end: str | None) -> Filled:
    """Place a page of older events inside the gap whose newer side is at `gap`; moves or closes the gap.

    The gap is closed where the page meets an event that is known and older, or when `end` is None.
    """
    known = rows.positions_of(t, room, newest_first)
    fresh: list[EventId] = []
    closed = end is None
    for event in newest_first:
        position = known.get(event)
        if position is None:
            fresh.append(event)
        elif position < gap:
            closed = True
            break
    fresh = list(dict.fromkeys(fresh))
    positions = spread(_before(t, room, gap), gap, len(fresh))
    rows.drop_gap(t, room, gap)
    left = None if closed else positions[0] if positions else gap
    if left is not None and end is not None:
        rows.put_gap(t, room, left, end)
    return Filled(dict(zip(reversed(fresh), positions, strict=True)), left)
