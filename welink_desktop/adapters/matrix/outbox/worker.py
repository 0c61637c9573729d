"""One worker per room with something to send: order, waiting, and what an answer means for an item."""

from collections.abc import Callable

from welink_desktop.adapters.matrix.errors import Limited, Locked, MatrixError, TokenDead
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.outbox.delivery import Delivery
from welink_desktop.adapters.matrix.outbox.line import wait_for_line
from welink_desktop.adapters.matrix.outbox.pending import error_name
from welink_desktop.adapters.matrix.rooms.pending import PendingKind
from welink_desktop.adapters.matrix.store import outbox as tables
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.outbox import OutboxRow
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import EncryptionRefused, IdentityChanged, NotFound, Offline, ServerFault, SignedOut, WeLinkError
from welink_desktop.core.ids import EventId, RoomId, TransactionId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.reactive import Scope

_log = topic("outbox")


class Workers:
    """Sends what is queued. `sending` holds the items on their way: bytes done and in total.

    `changed` hears of each room whose items changed; `dropped` of items that were removed unsent.
    """

    def __init__(
        self,
        database: Database,
        http: Http,
        delivery: Delivery,
        *,
        scope: Scope,
        clock: Clock,
        changed: Callable[[RoomId], None],
        dropped: Callable[[OutboxRow], None],
    ) -> None:
        self.sending: dict[TransactionId, tuple[int, int]] = {}
        self._database = database
        self._http = http
        self._delivery = delivery
        self._scope = scope
        self._clock = clock
        self._changed = changed
        self._dropped = dropped
        self._busy: set[RoomId] = set()

    def wake(self, room: RoomId) -> None:
        """Something of `room` may be sent now."""
        if room not in self._busy and not self._scope.closed:
            self._busy.add(room)
            self._scope.spawn(self._work(room), name="outbox")

    def busy(self, room: RoomId) -> bool:
        return room in self._busy

    async def _work(self, room: RoomId) -> None:
        try:
            while (found := self._next(room)) is not None:
                row, target = found
                if not await self._bring(row, target):
                    return
        finally:
            self._busy.discard(room)

    def _next(self, room: RoomId) -> tuple[OutboxRow, EventId | None] | None:
        """The first queued item that waits for nothing, with its target. Items whose target is gone for good are dropped."""
        with self._database.transaction() as t:
            for row in tables.rows_of(t, room):
                if row.state != tables.QUEUED:
                    continue
                if row.target is None or row.target.startswith("$"):
                    return row, EventId(row.target) if row.target is not None else None
                event = tables.event_of(t, row.target)
                if event is not None:
                    return row, event
                if tables.row_of(t, row.target) is None:
                    tables.drop(t, row, self._dropped)
        return None

    async def _bring(self, row: OutboxRow, target: EventId | None) -> bool:
        """Send one item. False: this room stops until something wakes it (the account is signed out or locked)."""
        self.sending[row.transaction] = (0, 0)
        self._changed(row.room)
        try:
            event = await self._delivery.send(row, target)
        except (TokenDead, Locked, SignedOut):
            self._stop_sending(row)
            return False
        except (Offline, ServerFault, Limited):
            self._stop_sending(row)
            await wait_for_line(self._http)
            return True
        except (MatrixError, EncryptionRefused, IdentityChanged, NotFound) as error:
            self._refused(row, error)
            return True
        except WeLinkError:
            self._stop_sending(row)
            await wait_for_line(self._http)
            return True
        except Exception as error:
            _log.error("item cannot be sent", exc=error, room=short(row.room))
            self._refused(row, WeLinkError())
            return True
        self._sent(row, event)
        return True

    def _stop_sending(self, row: OutboxRow) -> None:
        self.sending.pop(row.transaction, None)
        self._changed(row.room)

    def _sent(self, row: OutboxRow, event: EventId) -> None:
        self.sending.pop(row.transaction, None)
        with self._database.transaction() as t:
            if tables.row_of(t, row.transaction) is None:
                return  # sync was faster than the answer
            if row.kind == PendingKind.RECALL.value:
                tables.remember_event(t, row.room, row.transaction, event, self._clock.now_ms())
            tables.set_sent(t, row, event, self._clock.now_ms())
            t.after_commit(lambda: self._changed(row.room))

    def _refused(self, row: OutboxRow, error: WeLinkError) -> None:
        """The server will never take it. Messages and edits wait for the person; markers vanish."""
        self.sending.pop(row.transaction, None)
        code = error.errcode if isinstance(error, MatrixError) else type(error).__name__
        _log.warning("item refused", room=short(row.room), reason=literal(code))
        with self._database.transaction() as t:
            if row.kind in (PendingKind.REACTION.value, PendingKind.RECALL.value):
                tables.drop(t, row, self._dropped)
                return
            tables.set_failed(t, row.id, error_name(error))
            t.after_commit(lambda: self._changed(row.room))
