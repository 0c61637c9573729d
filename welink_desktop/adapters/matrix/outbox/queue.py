"""The outbox of one account: takes wishes durably, shows what is pending, keeps one worker per room with something to send."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.constants import CLIENT_V1
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.outbox import content as build
from welink_desktop.adapters.matrix.outbox.delivery import Delivery, Encrypts
from welink_desktop.adapters.matrix.outbox.files import OutgoingFiles, Part
from welink_desktop.adapters.matrix.outbox.pending import pending_of
from welink_desktop.adapters.matrix.outbox.worker import Workers
from welink_desktop.adapters.matrix.rooms.pending import Pending, PendingKind
from welink_desktop.adapters.matrix.store import outbox as tables
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.store.outbox import OutboxRow
from welink_desktop.adapters.matrix.wire.values import clean, integer_of
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import NotAllowed, NotFound, WeLinkError
from welink_desktop.core.ids import ContentUri, EventId, MessageRef, RoomId, TransactionId, UserId
from welink_desktop.core.log import topic
from welink_desktop.core.reactive import Cancel, Scope, Signal
from welink_desktop.core.timeline import OutgoingFile, OutgoingText

PROGRESS_STEP = 0.1
"""Seconds between two reports of an upload's progress."""
KEEP_SENT_MS = 7 * 86_400_000

_log = topic("outbox")


class Outbox:
    """Implements the sending part of `core.ports.chat.Chat` and the seam `rooms.pending.Outbox`.

    Everything accepted is on disk when the call returns. Runs on the engine loop; items of a room go out one after the other,
    rooms side by side. A refused item stands as FAILED and the next one follows; a dead line or account stops all, loses none.
    """

    def __init__(
        self,
        database: Database,
        http: Http,
        *,
        user: UserId,
        encryption: Encrypts | None,
        folder: Path,
        scope: Scope,
        clock: Clock,
        uploaded: Callable[[ContentUri, Part, bool], None] = lambda uri, part, clear: None,
    ) -> None:
        self._database = database
        self._http = http
        self._user = user
        self._scope = scope
        self._clock = clock
        self.files = OutgoingFiles(folder)
        self._delivery = Delivery(
            database,
            http,
            encryption,
            self.files,
            moved=self._moved,
            uploaded=lambda uri, part, *, clear: uploaded(uri, part, clear),
        )
        self._changed: Signal[RoomId] = Signal()
        self._workers = Workers(
            database, http, self._delivery, scope=scope, clock=clock, changed=self._changed.emit, dropped=self._settled
        )
        self._sending = self._workers.sending
        self._reported = 0.0
        self._upload_limit: int | None = None

    def start(self) -> None:
        """Take up what an earlier run left. Call once, when sending may begin."""
        with self._database.transaction() as t:
            tables.forget_old(t, self._clock.now_ms() - KEEP_SENT_MS)
            needed = tables.file_names(t)
        self.files.remove_all_but(needed)
        self._scope.add(self._http.dead.watch(lambda reason: self.wake_all() if reason is None else None))

    def wake_all(self) -> None:
        """The account may send again (a new sign-in)."""
        with self._database.read() as t:
            rooms = tables.rooms_to_send(t)
        for room in rooms:
            self._workers.wake(room)

    # What is pending

    def pending(self, room: RoomId) -> tuple[Pending, ...]:
        """All items of `room` that sync has not brought back, in sending order."""
        with self._database.read() as t:
            rows = tables.rows_of(t, room)
        return tuple(pending_of(row, self._sending.get(row.transaction)) for row in rows)

    def watch(self, room: RoomId, listener: Callable[[tuple[Pending, ...]], None]) -> Cancel:
        """Call `listener` now and after each committed change with all pending items of `room`."""
        listener(self.pending(room))
        return self._changed.listen(lambda changed: listener(self.pending(room)) if changed == room else None)

    def watch_all(self, listener: Callable[[RoomId], None]) -> Cancel:
        return self._changed.listen(listener)

    def settle(self, t: Transaction, room: RoomId, event: EventId, transaction: TransactionId | None) -> TransactionId | None:
        """An own event came back through sync, inside its transaction: forget the item it belongs to and return its id.

        It may come before the answer of its request did. None if it is not from this outbox.
        """
        row = tables.row_of(t, transaction) if transaction is not None else None
        row = row or tables.row_by_event(t, room, event)
        if row is None or row.room != room:
            known = transaction is not None and tables.event_of(t, transaction) == event
            return transaction if known else None
        tables.remember_event(t, room, row.transaction, event, self._clock.now_ms())
        tables.remove(t, row.id)
        t.after_commit(lambda: self._settled(row))
        return row.transaction

    # Wishes

    async def send_text(self, room: RoomId, message: OutgoingText) -> TransactionId:
        """Returns once queued on disk. Raises `NotFound` (room), `TooLarge`."""
        with self._database.transaction() as t:
            self._known(t, room)
            answered = tables.sender_of(t, room, message.reply_to) if message.reply_to is not None else None
            answered_other = UserId(answered) if answered is not None and answered != self._user else None
            content = build.text_content(message, answered=answered_other)
            return self._add(t, room, PendingKind.MESSAGE, names.MESSAGE, content)

    async def send_file(self, room: RoomId, file: OutgoingFile) -> TransactionId:
        """Returns once an encrypted copy lies on disk. Raises `NotFound`, `TooLarge`, `DiskFull`."""
        with self._database.read() as t:
            self._known(t, room)
        kept = await self.files.keep(file, await self._limit())
        info: dict[str, Any] = {"mimetype": kept["mimetype"], "size": kept["parts"]["file"]["size"]}
        if file.width > 0 and file.height > 0:
            info |= {"w": file.width, "h": file.height}
        content = build.file_message(file.kind, kept["filename"], kept["caption"], info)
        with self._database.transaction() as t:
            return self._add(t, room, PendingKind.MESSAGE, names.MESSAGE, content, file=kept)

    async def edit(self, room: RoomId, message: MessageRef, text: OutgoingText) -> None:
        """Queue an edit; a text that never left is simply changed. Raises `NotAllowed`, `NotFound`, `TooLarge`."""
        with self._database.transaction() as t:
            self._known(t, room)
            target = self._target(t, message)
            row = tables.row_of(t, target)
            if row is not None and row.file is None and self._never_left(row):
                relation = {key: row.content[key] for key in ("m.relates_to",) if key in row.content}
                tables.set_content(t, row.id, {**build.text_content(text), **relation})
                t.after_commit(lambda: self._queued(room))
                return
            if row is None and tables.sender_of(t, room, target) != self._user and not tables.was_sent(t, room, target):
                raise NotAllowed
            event = EventId(target) if target.startswith("$") else None
            self._add(t, room, PendingKind.EDIT, names.MESSAGE, build.edit_content(text, event), target=target)

    async def react(self, room: RoomId, message: MessageRef, key: str) -> None:
        """Queue a reaction, unless there is the same one already, sent or pending."""
        with self._database.transaction() as t:
            self._known(t, room)
            target = self._target(t, message)
            event = EventId(target) if target.startswith("$") else None
            content = build.reaction_content(event, key)
            wanted = content["m.relates_to"]["key"]
            pending = [row for row in tables.depending_on(t, target) if row.kind == PendingKind.REACTION.value]
            if any(row.content["m.relates_to"]["key"] == wanted for row in pending):
                return
            if wanted in self._own_reactions(t, room, target):
                return
            self._add(t, room, PendingKind.REACTION, names.REACTION, content, target=target)

    async def recall(self, room: RoomId, message: MessageRef, reason: str = "") -> None:
        """Redact a message and our edits of it, or undo a reaction; an item that never left is simply dropped."""
        with self._database.transaction() as t:
            self._known(t, room)
            target = self._target(t, message)
            row = tables.row_of(t, target)
            if row is not None and self._never_left(row):
                tables.drop(t, row, self._settled)
                return
            for edit in [one for one in tables.depending_on(t, target) if one.kind == PendingKind.EDIT.value]:
                if self._never_left(edit):
                    tables.drop(t, edit, self._settled)
                else:
                    self._redact(t, room, edit.event or edit.transaction, reason)
            for event, _ in tables.own_relations(t, room, target, names.REL_REPLACE, self._user):
                self._redact(t, room, event, reason)
            self._redact(t, room, target, reason)

    async def retry(self, room: RoomId, message: TransactionId) -> None:
        """Queue a failed item again, under the same transaction id. Raises `NotFound`."""
        with self._database.transaction() as t:
            row = tables.row_of(t, message)
            if row is None or row.room != room:
                raise NotFound
            if row.state == tables.FAILED:
                tables.set_queued(t, row.id)
                t.after_commit(lambda: self._queued(room))
        self._http.backoff.wake()

    # Inside

    def _add(
        self,
        t: Transaction,
        room: RoomId,
        kind: PendingKind,
        event_type: str,
        content: dict[str, Any],
        *,
        target: str | None = None,
        file: dict[str, Any] | None = None,
    ) -> TransactionId:
        transaction = _new_transaction()
        tables.add(
            t,
            room=room,
            transaction=transaction,
            kind=kind.value,
            event_type=event_type,
            content=content,
            created_ms=self._clock.now_ms(),
            target=target,
            file=file,
            tried=self._goes_out_at_once(t, room),
        )
        t.after_commit(lambda: self._queued(room))
        return transaction

    def _goes_out_at_once(self, t: Transaction, room: RoomId) -> bool:
        """Nothing is before it and the line is good."""
        idle = not self._workers.busy(room) and not any(row.state == tables.QUEUED for row in tables.rows_of(t, room))
        return idle and self._http.backoff.retry_at.value is None and self._http.dead.value is None

    def _redact(self, t: Transaction, room: RoomId, target: str, reason: str) -> None:
        already = [row for row in tables.depending_on(t, target) if row.kind == PendingKind.RECALL.value]
        if not already:
            content = {"reason": clean(reason)[:1000]} if reason else {}
            self._add(t, room, PendingKind.RECALL, names.REDACTION, content, target=target)

    def _never_left(self, row: OutboxRow) -> bool:
        """The server cannot have it: it was refused, or nobody tried yet."""
        return (row.state == tables.FAILED or not row.tried) and row.transaction not in self._sending

    @staticmethod
    def _known(t: Transaction, room: RoomId) -> None:
        if tables.is_encrypted(t, room) is None:
            raise NotFound

    @staticmethod
    def _target(t: Transaction, message: MessageRef) -> str:
        """The event id if it is known by now, else the transaction id of a pending item. Raises `NotFound`."""
        if message.startswith("$"):
            return message
        event = tables.event_of(t, message)
        if event is not None:
            return event
        if tables.row_of(t, message) is None:
            raise NotFound
        return message

    def _own_reactions(self, t: Transaction, room: RoomId, target: str) -> set[str]:
        return {
            key for _, raw in tables.own_relations(t, room, target, names.REL_ANNOTATION, self._user) if (key := _key_in(raw))
        }

    def _queued(self, room: RoomId) -> None:
        self._changed.emit(room)
        self._workers.wake(room)

    def _settled(self, row: OutboxRow) -> None:
        self.files.remove(row.file)
        self._changed.emit(row.room)

    def _moved(self, transaction: TransactionId, done: int, total: int) -> None:
        if transaction not in self._sending:
            return
        self._sending[transaction] = (done, total)
        now = self._clock.monotonic()
        if now - self._reported >= PROGRESS_STEP or done == total:
            self._reported = now
            with self._database.read() as t:
                row = tables.row_of(t, transaction)
            if row is not None:
                self._changed.emit(row.room)

    async def _limit(self) -> int | None:
        """The server's upload limit in bytes, None while it cannot be asked."""
        if self._upload_limit is None:
            try:
                answer = await self._http.request("GET", (*CLIENT_V1, "media", "config"), retry=False, deadline=5)
                self._upload_limit = integer_of(answer, "m.upload.size") or None
            except WeLinkError:
                _log.debug("upload limit not known")
        return self._upload_limit


def _new_transaction() -> TransactionId:
    return TransactionId(f"w{secrets.token_hex(12)}")


def _key_in(raw: str) -> str:
    try:
        relates = json.loads(raw)["content"]["m.relates_to"]
        return str(relates["key"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
