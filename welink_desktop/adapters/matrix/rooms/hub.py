"""What a commit changed goes out from here: open timelines, room list, typing, notifications, calls."""

import asyncio
from collections.abc import Callable, Iterable

from welink_desktop.adapters.matrix.crypto.verification_records import Received
from welink_desktop.adapters.matrix.rooms import push, rows
from welink_desktop.adapters.matrix.rooms.account_data import AccountData
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.ingest import RoomNews
from welink_desktop.adapters.matrix.rooms.items import ItemBuilder, plain, preview_notice
from welink_desktop.adapters.matrix.rooms.room_list import RoomList
from welink_desktop.adapters.matrix.rooms.timeline import RoomTimeline
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Signal
from welink_desktop.core.rooms import Typing
from welink_desktop.core.timeline import IncomingMessage

MOST_NOTIFICATIONS = 5
"""Of one room in one commit."""
LIST_SECONDS = 0.02
"""The room list waits this long for a message that somebody is looking at to be painted."""


class Hub:
    """Belongs to the engine loop. `notifying` is false until the first answer of this run was taken in.

    `patience` seconds pass between news in an open timeline and their row of the room list; close it with `close`.
    """

    def __init__(
        self,
        database: Database,
        rooms: RoomStore,
        data: AccountData,
        builder: ItemBuilder,
        room_list: RoomList,
        *,
        patience: float = 0.0,
    ) -> None:
        self._database = database
        self._rooms = rooms
        self._data = data
        self._builder = builder
        self._room_list = room_list
        self._timelines: dict[RoomId, list[RoomTimeline]] = {}
        self._typing: dict[RoomId, tuple[UserId, ...]] = {}
        self._typing_news: Signal[Typing] = Signal()
        self.incoming: Signal[IncomingMessage] = Signal()
        self.committed: Signal[frozenset[RoomId]] = Signal()
        self.gap_opened: Callable[[RoomId], None] = lambda room: None
        self.call_changed: Callable[[RoomId], None] = lambda room: None
        self.verification: Signal[Received] = Signal()
        """What was said in verifications, after its commit, in the order of the room."""
        self.notifying = False
        self._patience = patience
        self._waiting: dict[RoomId, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Bring the room list up to date and stop."""
        if self._timer is not None:
            self._timer.cancel()
            self._list_waiting()

    def add(self, timeline: RoomTimeline) -> None:
        self._timelines.setdefault(timeline.room, []).append(timeline)

    def remove(self, timeline: RoomTimeline) -> None:
        opened = self._timelines.get(timeline.room, [])
        if timeline in opened:
            opened.remove(timeline)
        if not opened:
            self._timelines.pop(timeline.room, None)

    def watch_typing(self, room: RoomId, listener: Listener[Typing]) -> Cancel:
        listener(Typing(room, self._typing.get(room, ())))
        return self._typing_news.listen(lambda typing: listener(typing) if typing.room == room else None)

    def publish_in(self, t: Transaction, news: RoomNews) -> None:
        """Publish once `t` is committed."""
        t.after_commit(lambda: self.publish({news.room: news}))

    def publish(self, news: dict[RoomId, RoomNews]) -> None:
        """Open timelines first: that is what a person looks at."""
        for room, changed in news.items():
            for timeline in tuple(self._timelines.get(room, ())):
                timeline.apply(changed)
            if changed.typing is not None:
                self._set_typing(room, changed.typing)
        matters = [room for room, changed in news.items() if _matters(changed)]
        self._list(matters, soon=self._timelines.keys().isdisjoint(matters))
        for room, changed in news.items():
            if changed.reset:
                self.gap_opened(room)
            if changed.call:
                self.call_changed(room)
            for said in changed.verification:
                self.verification.emit(said)
            if changed.incoming and self.notifying:
                self._notify(room, changed.incoming[-MOST_NOTIFICATIONS:])
        self.committed.emit(frozenset(news))

    def outbox_changed(self, room: RoomId) -> None:
        self._list([room], soon=False)

    def _list(self, rooms: Iterable[RoomId], *, soon: bool) -> None:
        self._waiting |= dict.fromkeys(rooms)
        if soon or not self._patience:
            self._list_waiting()
        elif self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._list_waiting)

    def _list_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        self._room_list.update(waiting)

    def _set_typing(self, room: RoomId, people: tuple[UserId, ...]) -> None:
        if people != self._typing.get(room, ()):
            self._typing[room] = people
            self._typing_news.emit(Typing(room, people))

    def _notify(self, room: RoomId, events: list[EventId]) -> None:
        if push.muted(self._data.rules, room):
            return
        with self._database.read() as t:
            found = rows.events_of(t, room, events)
            read = self._rooms.receipt_of(room, self._rooms.user)
            read_to = rows.positions_of(t, room, [read]).get(read, -9e18) if read is not None else -9e18
        fresh = [row for event in events if (row := found.get(event)) is not None and row.notify and row.position > read_to]
        summary = self._room_list.get(room)
        for row, item in zip(fresh, self._builder.build(room, fresh), strict=True):
            if item is None:
                continue
            notice = preview_notice(item.content)
            self.incoming.emit(
                IncomingMessage(
                    room=room,
                    room_name=summary.name if summary is not None else "",
                    event=row.event,
                    sender=item.sender,
                    sender_name=item.sender_name,
                    body="" if notice is not None else plain(item.content),
                    mention=row.notify == 2,
                    timestamp_ms=item.timestamp_ms,
                    notice=notice,
                )
            )


def _matters(changed: RoomNews) -> bool:
    """Whether more than typing came."""
    only_typing = changed.typing is not None and not (changed.events or changed.receipts or changed.people or changed.call)
    return not only_typing
