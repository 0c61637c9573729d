"""Marks that are not deserved any more: a device was signed after its messages came, or a changed identity was accepted.

Only "unsigned" is looked at again: what was authentic when it came stays so.
"""

from collections.abc import Callable, Collection
from typing import Protocol

from welink_desktop.adapters.matrix.rooms.ingest import RoomNews
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.trust import Shield

_UNSIGNED = (
    "SELECT room, event, session FROM events INDEXED BY events_unsigned WHERE shield = 'unsigned' AND sender = ? "
    "AND session IS NOT NULL ORDER BY room, session"
)


class Shields(Protocol):
    def shield(self, room: RoomId, session: str, sender: UserId) -> Shield | None:
        """See `Encryption.shield`."""


class Marks:
    """`publish_in` tells what changed in a room once its transaction is committed."""

    def __init__(self, database: Database, shields: Shields, publish_in: Callable[[Transaction, RoomNews], None]) -> None:
        self._database = database
        self._shields = shields
        self._publish_in = publish_in

    def look_again(self, senders: Collection[UserId]) -> None:
        """The devices or the identities of `senders` are not what they were."""
        for sender in senders:
            with self._database.read() as t:
                rows = t.rows(_UNSIGNED, (sender,))
            better = {}
            for room, session in {(RoomId(row[0]), str(row[2])) for row in rows}:
                shield = self._shields.shield(room, session, sender)
                if shield is not None and shield is not Shield.UNSIGNED:
                    better[(room, session)] = shield
            if better:
                self._mark([(RoomId(row[0]), EventId(row[1]), better.get((RoomId(row[0]), row[2]))) for row in rows])

    def _mark(self, rows: list[tuple[RoomId, EventId, Shield | None]]) -> None:
        news: dict[RoomId, RoomNews] = {}
        with self._database.transaction() as t:
            for room, event, shield in rows:
                if shield is not None:
                    t.execute("UPDATE events SET shield = ? WHERE room = ? AND event = ?", (shield.value, room, event))
                    news.setdefault(room, RoomNews(room)).events[event] = None
            for changed in news.values():
                self._publish_in(t, changed)
