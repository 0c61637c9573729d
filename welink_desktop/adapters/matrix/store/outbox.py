"""Tables of the outbox: what is to be sent, and what a transaction id became. Row ids are the order within a room."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from welink_desktop.adapters.matrix.store.database import Migration, Row, Transaction
from welink_desktop.core.ids import EventId, RoomId, TransactionId, UserId

MIGRATIONS = (
    Migration(
        "outbox",
        1,
        (
            """CREATE TABLE outbox(
                id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL, transaction_id TEXT NOT NULL UNIQUE,
                kind TEXT NOT NULL, type TEXT NOT NULL, content TEXT NOT NULL, target TEXT, file TEXT, wire TEXT,
                state TEXT NOT NULL DEFAULT 'queued', error TEXT NOT NULL DEFAULT '', tried INTEGER NOT NULL DEFAULT 0,
                event TEXT, created_ms INTEGER NOT NULL)""",
            "CREATE INDEX outbox_by_room ON outbox(room, id)",
            "CREATE INDEX outbox_by_target ON outbox(target) WHERE target IS NOT NULL",
            "CREATE INDEX outbox_by_event ON outbox(event) WHERE event IS NOT NULL",
            """CREATE TABLE outbox_sent(
                transaction_id TEXT PRIMARY KEY, room TEXT NOT NULL, event TEXT NOT NULL, at_ms INTEGER NOT NULL
            ) WITHOUT ROWID""",
            """CREATE TABLE read_marks(
                room TEXT PRIMARY KEY, event TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
        ),
    ),
)

QUEUED, FAILED, SENT = "queued", "failed", "sent"
_COLUMNS = "id, room, transaction_id, kind, type, content, target, file, wire, state, error, tried, event, created_ms"


@dataclass(frozen=True, slots=True, repr=False)
class OutboxRow:
    """One queued item. `wire` is what goes over the line (`{"type", "content"}`), fixed before an encrypted item is first tried.

    `target` is an event id ("$…") or the transaction id of an item that has to be sent first. `tried`: it may have reached
    the server. Holds message text: no repr.
    """

    id: int
    room: RoomId
    transaction: TransactionId
    kind: str
    type: str
    content: dict[str, Any]
    target: str | None
    file: dict[str, Any] | None
    wire: dict[str, Any] | None
    state: str
    error: str
    tried: bool
    event: EventId | None
    created_ms: int


def add(
    t: Transaction,
    *,
    room: RoomId,
    transaction: TransactionId,
    kind: str,
    event_type: str,
    content: dict[str, Any],
    created_ms: int,
    target: str | None = None,
    file: dict[str, Any] | None = None,
    tried: bool = False,
) -> None:
    """`tried`: it goes out at once, so that no second write has to come before the first try."""
    t.execute(
        """INSERT INTO outbox(room, transaction_id, kind, type, content, target, file, created_ms, tried)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (room, transaction, kind, event_type, _text(content), target, _text(file) if file else None, created_ms, int(tried)),
    )


def rows_of(t: Transaction, room: RoomId) -> list[OutboxRow]:
    """All items of `room` in sending order."""
    rows = t.rows(f"SELECT {_COLUMNS} FROM outbox WHERE room = ? ORDER BY id", (room,))  # noqa: S608 - a constant is inserted
    return [_row(row) for row in rows]


def row_of(t: Transaction, transaction: str) -> OutboxRow | None:
    row = t.row(f"SELECT {_COLUMNS} FROM outbox WHERE transaction_id = ?", (transaction,))  # noqa: S608 - a constant
    return None if row is None else _row(row)


def row_by_event(t: Transaction, room: RoomId, event: EventId) -> OutboxRow | None:
    row = t.row(f"SELECT {_COLUMNS} FROM outbox WHERE event = ? AND room = ?", (event, room))  # noqa: S608 - a constant
    return None if row is None else _row(row)


def rooms_to_send(t: Transaction) -> list[RoomId]:
    """Rooms with something queued, the one that waits longest first."""
    rows = t.rows("SELECT room FROM outbox WHERE state = 'queued' GROUP BY room ORDER BY min(id)")
    return [RoomId(row[0]) for row in rows]


def depending_on(t: Transaction, transaction: str) -> list[OutboxRow]:
    rows = t.rows(f"SELECT {_COLUMNS} FROM outbox WHERE target = ? ORDER BY id", (transaction,))  # noqa: S608 - a constant
    return [_row(row) for row in rows]


def set_wire(t: Transaction, row_id: int, wire: dict[str, Any]) -> None:
    t.execute("UPDATE outbox SET wire = ? WHERE id = ?", (_text(wire), row_id))


def set_tried(t: Transaction, row_id: int) -> None:
    t.execute("UPDATE outbox SET tried = 1 WHERE id = ?", (row_id,))


def set_file(t: Transaction, row_id: int, file: dict[str, Any]) -> None:
    t.execute("UPDATE outbox SET file = ? WHERE id = ?", (_text(file), row_id))


def set_content(t: Transaction, row_id: int, content: dict[str, Any]) -> None:
    """New content of an item that never left; it is queued (again)."""
    t.execute(
        "UPDATE outbox SET content = ?, wire = NULL, tried = 0, state = 'queued', error = '' WHERE id = ?",
        (_text(content), row_id),
    )


def set_failed(t: Transaction, row_id: int, error: str) -> None:
    t.execute("UPDATE outbox SET state = 'failed', error = ? WHERE id = ?", (error, row_id))


def set_queued(t: Transaction, row_id: int) -> None:
    """A failed item is tried again: what was refused is encrypted anew."""
    t.execute("UPDATE outbox SET state = 'queued', error = '', wire = NULL, tried = 0 WHERE id = ?", (row_id,))


def set_sent(t: Transaction, row: OutboxRow, event: EventId, now_ms: int) -> None:
    t.execute("UPDATE outbox SET state = 'sent', event = ?, wire = NULL WHERE id = ?", (event, row.id))
    remember_event(t, row.room, row.transaction, event, now_ms)


def remember_event(t: Transaction, room: RoomId, transaction: str, event: EventId, now_ms: int) -> None:
    t.execute(
        "INSERT INTO outbox_sent(transaction_id, room, event, at_ms) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (transaction, room, event, now_ms),
    )


def event_of(t: Transaction, transaction: str) -> EventId | None:
    """What a transaction id became at the server."""
    value = t.value("SELECT event FROM outbox_sent WHERE transaction_id = ?", (transaction,))
    return None if value is None else EventId(value)


def was_sent(t: Transaction, room: RoomId, event: str) -> bool:
    """Whether this device sent `event`, also before it came back in a sync."""
    return t.value("SELECT 1 FROM outbox_sent WHERE event = ? AND room = ?", (event, room)) is not None


def transaction_of(t: Transaction, room: RoomId, event: EventId) -> TransactionId | None:
    value = t.value("SELECT transaction_id FROM outbox WHERE event = ? AND room = ?", (event, room))
    return None if value is None else TransactionId(value)


def remove(t: Transaction, row_id: int) -> None:
    t.execute("DELETE FROM outbox WHERE id = ?", (row_id,))


def drop(t: Transaction, row: OutboxRow, dropped: Callable[[OutboxRow], None]) -> None:
    """Remove an item that never reached the server, and all that was to follow it; `dropped` hears of each after the commit."""
    for follower in depending_on(t, row.transaction):
        drop(t, follower, dropped)
    remove(t, row.id)
    t.after_commit(lambda: dropped(row))


def forget_old(t: Transaction, before_ms: int) -> None:
    """Sent items whose return sync never showed, and old answers."""
    t.execute("DELETE FROM outbox WHERE state = 'sent' AND created_ms < ?", (before_ms,))
    t.execute(
        """DELETE FROM outbox_sent WHERE at_ms < ?
        AND transaction_id NOT IN (SELECT target FROM outbox WHERE target IS NOT NULL)""",
        (before_ms,),
    )


def file_names(t: Transaction) -> set[str]:
    """Names of the copies that items still need."""
    names: set[str] = set()
    for (text,) in t.rows("SELECT file FROM outbox WHERE file IS NOT NULL"):
        names.update(part["name"] for part in json.loads(text).get("parts", {}).values())
    return names


# Read marks


def read_mark(t: Transaction, room: RoomId) -> tuple[EventId, bool] | None:
    """The newest event marked as read here, and whether the server knows."""
    row = t.row("SELECT event, sent FROM read_marks WHERE room = ?", (room,))
    return None if row is None else (EventId(row[0]), bool(row[1]))


def read_mark_event(t: Transaction, room: RoomId) -> EventId | None:
    mark = read_mark(t, room)
    return None if mark is None else mark[0]


def own_receipt(t: Transaction, room: RoomId, user: UserId) -> EventId | None:
    """Where our newest receipt of any device stands."""
    value = t.value("SELECT event FROM receipts WHERE room = ? AND user = ?", (room, user))
    return None if value is None else EventId(value)


def set_read_mark(t: Transaction, room: RoomId, event: EventId, *, sent: bool) -> None:
    t.execute(
        """INSERT INTO read_marks(room, event, sent) VALUES(?, ?, ?)
        ON CONFLICT(room) DO UPDATE SET event = excluded.event, sent = excluded.sent""",
        (room, event, int(sent)),
    )


def unsent_read_marks(t: Transaction) -> list[RoomId]:
    return [RoomId(row[0]) for row in t.rows("SELECT room FROM read_marks WHERE sent = 0")]


# Facts of rooms and events that sending needs


def is_encrypted(t: Transaction, room: RoomId) -> bool | None:
    """None: this account does not know the room."""
    value = t.value("SELECT encrypted FROM rooms WHERE room = ?", (room,))
    return None if value is None else bool(value)


def sender_of(t: Transaction, room: RoomId, event: str) -> str | None:
    value = t.value("SELECT sender FROM events WHERE room = ? AND event = ?", (room, event))
    return None if value is None else str(value)


def position_of(t: Transaction, room: RoomId, event: str | None) -> float | None:
    value = t.value("SELECT position FROM events WHERE room = ? AND event = ?", (room, event))
    return None if value is None else float(value)


def own_relations(t: Transaction, room: RoomId, event: str, relation: str, user: str) -> list[tuple[EventId, str]]:
    """Own events that relate to `event` in this way: (event id, readable JSON)."""
    rows = t.rows(
        "SELECT event, coalesce(clear, raw) FROM events WHERE room = ? AND relates_to = ? AND relation = ? AND sender = ?",
        (room, event, relation, user),
    )
    return [(EventId(row[0]), row[1]) for row in rows]


def _row(row: Row) -> OutboxRow:
    (row_id, room, transaction, kind, event_type, content, target, file, wire, state, error, tried, event, created) = row
    return OutboxRow(
        row_id,
        room,
        transaction,
        kind,
        event_type,
        json.loads(content),
        target,
        None if file is None else json.loads(file),
        None if wire is None else json.loads(wire),
        state,
        error,
        bool(tried),
        event,
        created,
    )


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
