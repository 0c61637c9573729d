"""Event rows of the timeline tables."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from welink_desktop.adapters.matrix.store.database import Row, Transaction
from welink_desktop.adapters.matrix.wire.values import Json
from welink_desktop.core.ids import EventId, RoomId, TransactionId, UserId
from welink_desktop.core.trust import UndecryptableReason

_COLUMNS = (
    "event, position, sender, type, state_key, ts, raw, clear, shield, session, failure, transaction_id, relates_to, relation,"
    " redaction, notify"
)
_SELECT = f"SELECT {_COLUMNS} FROM events WHERE room = ? AND"  # noqa: S608 - built from literals
_RELATED = (
    f"SELECT {_COLUMNS} FROM events INDEXED BY events_by_relation WHERE room = ? AND redaction IS NULL"  # noqa: S608 - literals
    " AND relates_to IN (SELECT value FROM json_each(?)) ORDER BY position"
)
_OF_SESSION = (
    f"SELECT {_COLUMNS} FROM events INDEXED BY events_by_session WHERE room = ? AND session = ?"  # noqa: S608 - literals
    " AND failure IS NOT NULL ORDER BY position"
)
UNREADABLE_TYPE = ""
CHUNK = 200


@dataclass(frozen=True, slots=True)
class EventRow:
    """`raw` is the received JSON text, `clear` the decrypted `{"type", "content"}` text, `failure` why there is none
    (`{"reason", "curable", "device"}`), `redaction` `{"by", "ts", "reason"}`. `type` is the effective, decrypted one.
    """

    event: EventId
    position: float
    sender: UserId
    type: str
    state_key: str | None
    ts: int
    raw: str = field(repr=False)
    clear: str | None = field(default=None, repr=False)
    shield: str = "none"
    session: str | None = None
    failure: str | None = None
    transaction: TransactionId | None = None
    relates_to: EventId | None = None
    relation: str | None = None
    redaction: str | None = None
    notify: int = 0

    @property
    def was_encrypted(self) -> bool:
        return self.clear is not None or self.failure is not None

    def content(self) -> Json:
        """The effective content: decrypted where it was encrypted, empty where it was redacted."""
        if self.redaction is not None:
            return {}
        loaded = json.loads(self.clear if self.clear is not None else self.raw)
        content = loaded.get("content")
        return content if isinstance(content, dict) else {}


def put_event(t: Transaction, room: RoomId, row: EventRow) -> None:
    """Insert, or bring everything but the position up to date."""
    t.execute(
        "INSERT INTO events(room, event, position, sender, type, state_key, ts, raw, clear, shield, session, failure,"
        " transaction_id, relates_to, relation, redaction, notify) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(room, event) DO UPDATE SET type = excluded.type, raw = excluded.raw, clear = excluded.clear,"
        " shield = excluded.shield, session = excluded.session, failure = excluded.failure, redaction = excluded.redaction,"
        " transaction_id = coalesce(excluded.transaction_id, transaction_id), notify = excluded.notify",
        (
            room,
            row.event,
            row.position,
            row.sender,
            row.type,
            row.state_key,
            row.ts,
            row.raw,
            row.clear,
            row.shield,
            row.session,
            row.failure,
            row.transaction,
            row.relates_to,
            row.relation,
            row.redaction,
            row.notify,
        ),
    )


def event_of(t: Transaction, room: RoomId, event: EventId) -> EventRow | None:
    row = t.row(f"{_SELECT} event = ?", (room, event))
    return None if row is None else _row(row)


def events_of(t: Transaction, room: RoomId, events: Iterable[EventId]) -> dict[EventId, EventRow]:
    found = {}
    for part in _chunks(list(events)):
        listed = t.rows(f"{_SELECT} event IN (SELECT value FROM json_each(?))", (room, json.dumps(part)))  # noqa: S608 - literals
        found.update({row[0]: _row(row) for row in listed})
    return found


def positions_of(t: Transaction, room: RoomId, events: Iterable[EventId]) -> dict[EventId, float]:
    found: dict[EventId, float] = {}
    sql = "SELECT event, position FROM events WHERE room = ? AND event IN (SELECT value FROM json_each(?))"
    for part in _chunks(list(events)):
        found.update({row[0]: row[1] for row in t.rows(sql, (room, json.dumps(part)))})
    return found


def newest_before(t: Transaction, room: RoomId, before: float | None, count: int, after: float | None = None) -> list[EventRow]:
    """Up to `count` events with `after` <= position < `before`, newest first."""
    listed = t.rows(
        f"{_SELECT} position < ? AND position >= ? ORDER BY position DESC LIMIT ?",
        (room, 9e18 if before is None else before, -9e18 if after is None else after, count),
    )
    return [_row(row) for row in listed]


def related_to(t: Transaction, room: RoomId, events: Iterable[EventId]) -> list[EventRow]:
    """Everything that relates to one of `events` and is not redacted, in order."""
    found = []
    for part in _chunks(list(events)):
        listed = t.rows(_RELATED, (room, json.dumps(part)))
        found += [_row(row) for row in listed]
    return found


def undecryptable_of(t: Transaction, room: RoomId, session: str) -> list[EventRow]:
    """Events of `session` that could not be read, in order."""
    listed = t.rows(_OF_SESSION, (room, session))
    return [_row(row) for row in listed]


def last_position(t: Transaction, room: RoomId) -> float | None:
    position: float | None = t.value("SELECT max(position) FROM events WHERE room = ?", (room,))
    return position


def gap_below(t: Transaction, room: RoomId, position: float) -> tuple[float, str] | None:
    """The newest gap whose newer side is at or before `position`: (position of its newer side, token)."""
    row = t.row(
        "SELECT position, token FROM gaps WHERE room = ? AND position <= ? ORDER BY position DESC LIMIT 1", (room, position)
    )
    return None if row is None else (row[0], row[1])


def put_gap(t: Transaction, room: RoomId, position: float, token: str) -> None:
    t.execute(
        "INSERT INTO gaps(room, position, token) VALUES(?, ?, ?)"
        " ON CONFLICT(room, position) DO UPDATE SET token = excluded.token",
        (room, position, token),
    )


def drop_gap(t: Transaction, room: RoomId, position: float) -> bool:
    return t.execute("DELETE FROM gaps WHERE room = ? AND position = ?", (room, position)) > 0


def _row(row: Row) -> EventRow:
    return EventRow(*row)


def _chunks(values: Sequence[EventId]) -> Iterator[Sequence[EventId]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def undecryptable_counts(t: Transaction) -> dict[UndecryptableReason, int]:
    """Messages that cannot be read, by reason."""
    found = t.rows(
        "SELECT json_extract(failure, '$.reason'), count(*) FROM events INDEXED BY events_by_session"
        " WHERE failure IS NOT NULL AND redaction IS NULL GROUP BY 1"
    )
    known = {reason.value: reason for reason in UndecryptableReason}
    return {known[value]: count for value, count in found if value in known}
