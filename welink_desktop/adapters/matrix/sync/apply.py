"""A sync answer into the store: everything it says, its position included, in one transaction (matrix.md §2.3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.rooms.account_data import AccountData
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.ingest import Ingest, RoomNews, state_in
from welink_desktop.adapters.matrix.rooms.summaries import INVITE_DATA
from welink_desktop.adapters.matrix.store import account
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.wire.events import Event, Stripped
from welink_desktop.adapters.matrix.wire.sync import Receipt, RoomUpdate, SyncAnswer
from welink_desktop.adapters.matrix.wire.values import Json, text_of
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import short, topic

News = dict[RoomId, RoomNews]
_log = topic("sync")


class ToDeviceInbox(Protocol):
    """The part of `Encryption` that takes sync answers."""

    def receive_sync(
        self,
        transaction: Transaction,
        *,
        to_device: Sequence[Json] = (),
        device_lists: Mapping[str, Sequence[str]] | None = None,
        key_counts: Mapping[str, int] | None = None,
        fallback_types: Sequence[str] | None = None,
    ) -> None: ...

    def forget_device_lists(self) -> None: ...

    def wake(self) -> None: ...


class Applier:
    """`publish` registers what a commit changed; it is told at the start of the transaction, so that it runs first.

    `touched`: rooms whose member list is being fetched, and whose membership sync changed meanwhile.
    """

    def __init__(
        self,
        database: Database,
        rooms: RoomStore,
        data: AccountData,
        ingest: Ingest,
        inbox: ToDeviceInbox,
        publish: Callable[[News], None],
        touched: dict[RoomId, set[str]],
    ) -> None:
        self._database = database
        self._rooms = rooms
        self._data = data
        self._ingest = ingest
        self._inbox = inbox
        self._publish = publish
        self._touched = touched

    def apply(self, answer: SyncAnswer, position_fact: str) -> None:
        """Commit `answer`; `position_fact` names where its position is kept.

        What was sent to this device is gone at the server once we go on, so it is on the disk before; rooms it tells again.
        """
        news: News = {}
        with self._database.transaction(durable=bool(answer.to_device)) as t:
            t.after_commit(lambda: self._publish(news))
            self._inbox.receive_sync(
                t,
                to_device=answer.to_device,
                device_lists=answer.device_lists,
                key_counts=answer.key_counts,
                fallback_types=answer.fallback_types,
            )
            self._account_data(t, answer, news)
            for update in answer.rooms:
                self._guarded(t, update, news)
            for room, receipts in answer.receipts.items():
                self._receipts(t, room, receipts, news)
            for room, people in answer.typing.items():
                news.setdefault(room, RoomNews(room)).typing = tuple(user for user in people if user != self._rooms.user)
            account.set_fact(t, position_fact, answer.position)
            if answer.since is not None:
                account.set_fact(t, "since", answer.since)
        self._inbox.wake()

    def _guarded(self, t: Transaction, update: RoomUpdate, news: News) -> None:
        """A room that we cannot take in is left as it was: one room never stops the others, nor the position."""
        try:
            with self._database.transaction():
                self._room(t, update, news)
        except (ArithmeticError, AssertionError, LookupError, RecursionError, TypeError, ValueError) as error:
            news.pop(update.room, None)
            _log.error("room update not understood", exc=error, room=short(update.room))

    def _account_data(self, t: Transaction, answer: SyncAnswer, news: News) -> None:
        for event_type, content in answer.account_data:
            before = self._data.get(event_type)
            self._data.put(t, event_type, content)
            if event_type in (names.DIRECT, names.PUSH_RULES) and content != before:
                for room in self._rooms.rooms():
                    news.setdefault(room, RoomNews(room))
        for room, events in answer.room_account_data.items():
            for event_type, content in events:
                self._rooms.put_room_data(t, room, event_type, content)
            news.setdefault(room, RoomNews(room))

    def _room(self, t: Transaction, update: RoomUpdate, news: News) -> None:
        room = update.room
        changed = news.setdefault(room, RoomNews(room))
        row = self._rooms.ensure(t, room)
        if update.bump is not None:
            row.bump = max(row.bump, update.bump)
        row.joined = row.joined if update.joined is None else update.joined
        row.invited = row.invited if update.invited is None else update.invited
        row.heroes = row.heroes if update.heroes is None else update.heroes
        if update.initial or update.limited:
            row.members_complete = False
        if update.invite is not None:
            self._invite(t, update, changed)
        else:
            if update.membership is not None:
                row.membership = update.membership
            self._state(t, update, changed)
            self._membership(update)
            self._rooms.save(t, row)
            self._ingest.timeline(t, update, changed)
        self._rooms.save(t, row)

    def _state(self, t: Transaction, update: RoomUpdate, changed: RoomNews) -> None:
        """Timeline state in order, then the state after it, which wins. Old events sent again change nothing."""
        listed = [] if update.expanded else state_in(update.timeline)
        for event in (*listed, *update.state):
            if event.type == names.MEMBER:
                self._touched.get(update.room, set()).add(event.state_key or "")
                changed.people = changed.people or self._face_changed(update.room, event)
            changed.call = changed.call or event.type in (names.CALL_MEMBER, names.MEMBER, names.ENCRYPTION)
            self._rooms.apply_state(t, update.room, event)

    def _face_changed(self, room: RoomId, event: Event) -> bool:
        known = self._rooms.members(room).get(event.state_key)  # type: ignore[call-overload]  # a state key may be a user id
        if known is None:
            return True
        return bool(
            known.name != text_of(event.content, "displayname", 256) or known.membership != event.content.get("membership")
        )

    def _membership(self, update: RoomUpdate) -> None:
        """Our own membership is what our own member event says."""
        row = self._rooms.row(update.room)
        own = self._rooms.members(update.room).get(self._rooms.user)
        if row is None or update.membership is not None:
            return
        if own is not None:
            row.membership = own.membership
        elif update.initial:
            row.membership = "join"

    def _invite(self, t: Transaction, update: RoomUpdate, changed: RoomNews) -> None:
        row = self._rooms.ensure(t, update.room)
        row.membership = update.membership or "invite"
        stripped = update.invite or ()
        own = next((event for event in stripped if event.type == names.MEMBER and event.state_key == self._rooms.user), None)
        row.inviter = None if own is None else own.sender
        claim: Json = {
            "name": text_of(_stripped(stripped, names.NAME), "name", 256),
            "avatar": _stripped(stripped, names.AVATAR).get("url"),
            "encrypted": bool(_stripped(stripped, names.ENCRYPTION)),
            "space": _stripped(stripped, names.CREATE).get("type") == names.SPACE_TYPE,
            "direct": own is not None and own.content.get("is_direct") is True,
            "inviter_name": ""
            if row.inviter is None
            else text_of(_stripped(stripped, names.MEMBER, row.inviter), "displayname", 256),
        }
        self._rooms.put_room_data(t, update.room, INVITE_DATA, claim)
        changed.people = True

    def _receipts(self, t: Transaction, room: RoomId, receipts: Sequence[Receipt], news: News) -> None:
        for receipt in receipts:
            self._rooms.put_receipt(t, room, receipt)
        news.setdefault(room, RoomNews(room)).receipts = True


def _stripped(events: Sequence[Stripped], event_type: str, state_key: str = "") -> Json:
    return next((event.content for event in events if event.type == event_type and event.state_key == state_key), {})
