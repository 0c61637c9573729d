"""Events into the tables: placed, decrypted, redacted, judged by the push rules. Runs inside the sync transaction."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.crypto.records import Decrypted, Decryption
from welink_desktop.adapters.matrix.crypto.verification_records import Received
from welink_desktop.adapters.matrix.rooms import placing, push, rows
from welink_desktop.adapters.matrix.rooms.account_data import AccountData
from welink_desktop.adapters.matrix.rooms.facts import Power, RoomStore
from welink_desktop.adapters.matrix.rooms.pending import Outbox
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.adapters.matrix.rooms.verifications import verification_of
from welink_desktop.adapters.matrix.store.database import Transaction
from welink_desktop.adapters.matrix.wire.events import Event, Unreadable, relation_of
from welink_desktop.adapters.matrix.wire.sync import Receipt, RoomUpdate
from welink_desktop.adapters.matrix.wire.values import Json, clean, integer_of, object_of, text_of
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import EventId, RoomId, TransactionId, UserId
from welink_desktop.core.log import short, topic
from welink_desktop.core.trust import Undecryptable

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
LATE_NOTIFICATION_MS = 5 * 60_000
_log = topic("ingest")


@dataclass(slots=True)
class RoomNews:
    """What one commit changed in a room, for its open timeline, the room list and notifications.

    `events`: new or changed rows. `reset`: a gap opened at the new end. `incoming`: rows to notify about.
    `verification`: what was said in verifications, in order.
    """

    room: RoomId
    events: dict[EventId, None] = field(default_factory=dict)
    reset: bool = False
    receipts: bool = False
    people: bool = False
    call: bool = False
    typing: tuple[UserId, ...] | None = None
    incoming: list[EventId] = field(default_factory=list)
    verification: list[Received] = field(default_factory=list)


class Decrypter(Protocol):
    def decrypt(self, room: RoomId, event: Json) -> Decryption:
        """See `Encryption.decrypt`."""


class Ingest:
    def __init__(
        self,
        rooms: RoomStore,
        data: AccountData,
        decrypter: Decrypter,
        outbox: Callable[[], Outbox],
        clock: Clock,
    ) -> None:
        self._rooms = rooms
        self._data = data
        self._decrypter = decrypter
        self._outbox = outbox
        self._clock = clock
        self._powers: dict[RoomId, Power] = {}

    def timeline(self, t: Transaction, update: RoomUpdate, news: RoomNews) -> None:
        """The timeline part of a sync answer."""
        self._powers.clear()
        listed = {event.event: event for event in update.timeline if event.event is not None}
        placed = placing.place(
            t,
            update.room,
            list(listed),
            limited=update.limited,
            initial=update.initial,
            prev_batch=update.prev_batch,
            live=not (update.initial or update.expanded),
        )
        news.reset = news.reset or placed.gap
        live = {event.event for event in update.timeline[len(update.timeline) - min(update.num_live, len(update.timeline)) :]}
        for event_id, event in listed.items():
            position = placed.positions.get(event_id)
            if position is None:
                continue
            row = self._stored(t, update.room, event, position, news)
            if row.sender == self._rooms.user:
                self._rooms.put_receipt(t, update.room, Receipt(row.sender, row.event, row.ts))
            if row.notify and event_id in live:
                news.incoming.append(event_id)

    def history(
        self,
        t: Transaction,
        room: RoomId,
        gap: float,
        newest_first: Sequence[Event | Unreadable],
        end: str | None,
        news: RoomNews,
    ) -> placing.Filled:
        """Older events, or the next of them; tells what is left of the gap."""
        self._powers.clear()
        listed = {event.event: event for event in newest_first if event.event is not None}
        filled = placing.place_history(t, room, gap, list(listed), end)
        for event_id, position in filled.positions.items():
            self._stored(t, room, listed[event_id], position, news)
        return filled

    def decrypt_again(self, t: Transaction, room: RoomId, session: str, news: RoomNews) -> None:
        """A key came: read what could not be read, and notify late if it is fresh (matrix.md §5.5)."""
        for row in rows.undecryptable_of(t, room, session):
            fresh = self._decrypted(room, row, json.loads(row.raw))
            if fresh.clear is None and fresh.failure == row.failure:
                continue
            fresh = self._judged(room, fresh)
            rows.put_event(t, room, fresh)
            self._note_verification(room, fresh, news)
            news.events[row.event] = None
            if fresh.relates_to is not None:
                news.events[fresh.relates_to] = None
            if fresh.notify and self._clock.now_ms() - fresh.ts < LATE_NOTIFICATION_MS:
                news.incoming.append(row.event)

    def _stored(self, t: Transaction, room: RoomId, event: Event | Unreadable, position: float, news: RoomNews) -> EventRow:
        row = self._unreadable(event, position) if isinstance(event, Unreadable) else self._kept(t, room, event, position)
        rows.put_event(t, room, row)
        self._note_verification(room, row, news)
        news.events[row.event] = None
        if row.relates_to is not None:
            news.events[row.relates_to] = None
        if isinstance(event, Event) and event.type == names.REDACTION and event.redacts is not None:
            self._redact(t, room, event, news)
        return row

    def _note_verification(self, room: RoomId, row: EventRow, news: RoomNews) -> None:
        said = verification_of(room, row, self._clock.now_ms())
        if said is not None:
            news.verification.append(said)

    def _kept(self, t: Transaction, room: RoomId, event: Event, position: float) -> EventRow:
        """The row of an event; one that trips us becomes unreadable, it never hides its neighbours."""
        try:
            return self._row(t, room, event, position)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            _log.error("event not understood", exc=error, room=short(room))
            return self._unreadable(Unreadable("not understood", event.event, event.sender, event.timestamp_ms), position)

    def _row(self, t: Transaction, room: RoomId, event: Event, position: float) -> EventRow:
        relation = relation_of(event.content)
        row = EventRow(
            event=event.event,
            position=position,
            sender=event.sender,
            type=event.type,
            state_key=event.state_key,
            ts=event.timestamp_ms,
            raw=event.text,
            relates_to=None if relation is None else relation.event,
            relation=None if relation is None else relation.kind or None,
            redaction=None if event.redacted is None else _redaction(event.redacted),
        )
        if event.sender == self._rooms.user:
            named = None if event.transaction is None else TransactionId(event.transaction)
            row = replace(row, transaction=self._outbox().settle(t, room, event.event, named) or named)
        if event.type == names.ENCRYPTED and row.redaction is None and event.state_key is None:
            row = self._decrypted(room, row, event.raw)
        elif event.state_key is None and event.type in (names.MESSAGE, names.STICKER) and self._rooms.encrypted(room):
            row = replace(row, shield="clear-in-encrypted")
        return self._judged(room, row)

    def _unreadable(self, event: Unreadable, position: float) -> EventRow:
        assert event.event is not None
        return EventRow(
            event=event.event,
            position=position,
            sender=event.sender or UserId(""),
            type=rows.UNREADABLE_TYPE,
            state_key=None,
            ts=event.timestamp_ms,
            raw=json.dumps({"content": {"reason": event.reason}}),
        )

    def _decrypted(self, room: RoomId, row: EventRow, raw: Json) -> EventRow:
        content = object_of(raw, "content")
        session = text_of(content, "session_id", 255) or None
        result = self._decrypter.decrypt(room, raw)
        if isinstance(result, Undecryptable):
            failure = {"reason": result.reason.value, "curable": result.curable, "device": result.device}
            return replace(row, session=session, failure=json.dumps(failure), clear=None)
        return replace(
            row,
            type=result.type,
            session=session,
            failure=None,
            clear=_clear(result),
            shield=result.shield.value,
        )

    def _redact(self, t: Transaction, room: RoomId, event: Event, news: RoomNews) -> None:
        assert event.redacts is not None
        target = rows.event_of(t, room, event.redacts)
        if target is None or target.redaction is not None:
            return
        pruned = {"event_id": target.event, "type": target.type, "sender": target.sender, "content": {}}
        rows.put_event(
            t,
            room,
            replace(
                target, raw=json.dumps(pruned), clear=None, failure=None, redaction=_redaction(event.raw), notify=0, shield="none"
            ),
        )
        news.events[target.event] = None
        if target.relates_to is not None:
            news.events[target.relates_to] = None

    def _judged(self, room: RoomId, row: EventRow) -> EventRow:
        """`notify`: 0 no, 1 counts, 2 mentions us. What cannot be read is judged when its key comes."""
        if row.sender == self._rooms.user or row.redaction is not None or row.failure is not None:
            return row if row.notify == 0 else replace(row, notify=0)
        if row.type in (rows.UNREADABLE_TYPE, names.REACTION, names.REDACTION) or row.relation == names.REL_REPLACE:
            return row
        event: Json = {"type": row.type, "sender": row.sender, "room_id": room, "content": row.content()}
        if row.state_key is not None:
            event["state_key"] = row.state_key
        verdict = push.evaluate(self._data.rules, event, self._circumstances(room, row.sender))
        return replace(row, notify=2 if verdict.highlight else int(verdict.notify))

    def _circumstances(self, room: RoomId, sender: UserId) -> push.Circumstances:
        power = self._powers.get(room)
        if power is None:
            power = self._powers[room] = self._rooms.power(room)
        row = self._rooms.row(room)
        own = self._rooms.members(room).get(self._rooms.user)
        return push.Circumstances(
            room=room,
            members=row.joined if row is not None else 0,
            display_name=own.name if own is not None else "",
            sender_power=power.of(sender),
            notify_room_power=power.notify_room,
        )


def _clear(result: Decrypted) -> str:
    return clean(_ENCODER.encode({"type": result.type, "content": result.content}))


def _redaction(event: Json) -> str:
    return json.dumps(
        {
            "by": text_of(event, "sender", 255),
            "ts": max(0, integer_of(event, "origin_server_ts")),
            "reason": text_of(object_of(event, "content"), "reason", 500),
        }
    )


def state_in(events: Iterable[Event | Unreadable]) -> list[Event]:
    """The state events of a timeline, in order."""
    return [event for event in events if isinstance(event, Event) and event.state_key is not None]
