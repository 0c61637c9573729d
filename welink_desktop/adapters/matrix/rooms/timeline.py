"""An open timeline: the port `Timeline` over the store, the outbox and the server's history."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from welink_desktop.adapters.matrix.rooms import rows
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.history import History
from welink_desktop.adapters.matrix.rooms.ingest import RoomNews
from welink_desktop.adapters.matrix.rooms.items import ItemBuilder, with_pending
from welink_desktop.adapters.matrix.rooms.pending import Outbox, Pending, PendingKind
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.adapters.matrix.rooms.window import Window
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.core.changes import Change, Reset
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import EventId, MessageRef, RoomId, UserId
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Signal
from welink_desktop.core.timeline import TimelineBatch, TimelineItem

FIRST_ROWS = 40
_STEP = 100
_SEARCH_LIMIT = 10_000
_MOST_READERS = 500


class RoomTimeline:
    """Rows from the newest event down to `_floor`, never across a gap that was not filled."""

    def __init__(
        self,
        room: RoomId,
        database: Database,
        rooms: RoomStore,
        builder: ItemBuilder,
        outbox: Outbox,
        history: History,
        closed: Callable[["RoomTimeline"], None],
    ) -> None:
        self.room = room
        self._database = database
        self._rooms = rooms
        self._builder = builder
        self._history = history
        self._closed = closed
        self._window = Window()
        self._news: Signal[TimelineBatch] = Signal()
        self._floor: float | None = None
        self._pending: tuple[Pending, ...] = ()
        self._readers: dict[MessageRef, tuple[UserId, ...]] = {}
        self._loading = False
        self._failure: WeLinkError | None = None
        self._lock = asyncio.Lock()
        self._open()
        self._cancel = outbox.watch(room, self._outbox_changed)

    # Port

    def watch(self, listener: Listener[TimelineBatch]) -> Cancel:
        listener(self._batch((Reset(self._window.items),)))
        return self._news.listen(listener)

    async def load_older(self, count: int = 50) -> bool:
        before = self._floor
        async with self._lock:
            if self._floor != before:
                return not self._at_start()
            self._loading, self._failure = True, None
            try:
                await self._extend(count)
            except WeLinkError as error:
                self._failure = error
                raise
            finally:
                self._loading = False
                self._emit(always=True)
            return not self._at_start()

    async def load_until(self, event: EventId) -> bool:
        loaded = 0
        while not self._window.has(event):
            if self._at_start() or loaded > _SEARCH_LIMIT:
                return False
            await self.load_older(_STEP)
            loaded += _STEP
        return True

    async def close(self) -> None:
        self._cancel()
        self._closed(self)

    # Changes

    def apply(self, news: RoomNews) -> None:
        """Called after each commit that touched the room."""
        if news.reset or (self._floor is None and news.events):
            self._open()
            self._window.set_echoes(self._echoes())
        else:
            if news.events:
                self._take(list(news.events))
            if news.people:
                self._rebuild()
        if news.receipts or news.events:
            self._read_receipts()
        if news.events or news.receipts or news.people or news.reset:
            self._emit(always=news.receipts)

    def _take(self, events: list[EventId]) -> None:
        floor = self._floor
        with self._database.read() as t:
            if floor is not None:
                positions = rows.positions_of(t, self.room, events)
                events = [event for event, position in positions.items() if position >= floor]
            here = list(rows.events_of(t, self.room, events).values())
        here.sort(key=lambda row: row.position)
        if not here:
            return
        if floor is None:
            self._floor = here[0].position
        items = self._builder.build(self.room, here)
        self._window.upsert([(row.position, row.event, item) for row, item in zip(here, items, strict=True)], self._decorated)

    def _rebuild(self) -> None:
        if self._floor is None:
            return
        with self._database.read() as t:
            shown = rows.newest_before(t, self.room, None, 1_000, after=self._floor)
        shown = [row for row in shown if self._window.has(row.event)]
        items = self._builder.build(self.room, shown)
        self._window.upsert([(row.position, row.event, item) for row, item in zip(shown, items, strict=True)], self._decorated)

    def _outbox_changed(self, pending: tuple[Pending, ...]) -> None:
        targets: set[str] = {change.target for change in (*self._pending, *pending) if change.target is not None}
        self._pending = pending
        if targets:
            self._window.redecorate(self._decorated, lambda item: item.ref in targets or item.key in targets)
        self._window.set_echoes(self._echoes())
        self._emit()

    def _echoes(self) -> list[TimelineItem]:
        messages = [pending for pending in self._pending if pending.kind is PendingKind.MESSAGE]
        return [self._decorated(self._builder.echo(self.room, pending)) for pending in messages]

    def _decorated(self, item: TimelineItem) -> TimelineItem:
        if self._pending:
            item = with_pending(item, (change for change in self._pending if change.target is not None), self._rooms.user)
        readers = self._readers.get(item.ref, ())
        if readers != item.readers:
            item = replace(item, readers=readers)
        return item

    def _read_receipts(self) -> None:
        before, self._readers = self._readers, self._readers_now()
        touched = {ref for ref in (*before, *self._readers) if before.get(ref) != self._readers.get(ref)}
        if touched:
            self._window.redecorate(self._decorated, lambda item: item.ref in touched)

    def _readers_now(self) -> dict[MessageRef, tuple[UserId, ...]]:
        if self._floor is None:
            return {}
        with self._database.read() as t:
            found = t.rows(
                "SELECT r.user, e.position, e.sender FROM receipts r CROSS JOIN events e ON e.room = r.room AND e.event = r.event"
                " WHERE r.room = ? AND r.user <> ? AND e.position >= ? ORDER BY r.ts LIMIT ?",
                (self.room, self._rooms.user, self._floor, _MOST_READERS),
            )
        readers: dict[MessageRef, list[UserId]] = {}
        for user, position, _ in found:
            ref = self._window.row_at_or_before(position)
            if ref is not None:
                readers.setdefault(ref, []).append(user)
        return {ref: tuple(users) for ref, users in readers.items()}

    # Loading

    def _open(self) -> None:
        with self._database.read() as t:
            last = rows.last_position(t, self.room)
            gap = None if last is None else rows.gap_below(t, self.room, last)
        lowest = None if gap is None else gap[0]
        self._floor = None
        loaded: list[tuple[float, TimelineItem]] = []
        while len(loaded) < FIRST_ROWS:
            page = self._page(lowest)
            if not page:
                break
            loaded[:0] = self._built(page)
        self._window.reset(loaded, self._echoes(), self._decorated)
        self._readers = self._readers_now()
        self._window.redecorate(self._decorated, lambda item: item.ref in self._readers)

    def _page(self, lowest: float | None) -> list[EventRow]:
        """The next older rows of the store, oldest first; moves the floor."""
        with self._database.read() as t:
            page = rows.newest_before(t, self.room, self._floor, _STEP, after=lowest)
        if page:
            self._floor = page[-1].position
        return page[::-1]

    def _built(self, page: list[EventRow]) -> list[tuple[float, TimelineItem]]:
        items = self._builder.build(self.room, page)
        return [(row.position, item) for row, item in zip(page, items, strict=True) if item is not None]

    async def _extend(self, count: int) -> None:
        loaded = 0
        announced = False
        while loaded < count:
            with self._database.read() as t:
                gap = None if self._floor is None else rows.gap_below(t, self.room, self._floor)
            page = self._page(None if gap is None else gap[0])
            if page:
                built = self._built(page)
                self._window.prepend(built, self._decorated)
                loaded += len(built)
                await asyncio.sleep(0)
                continue
            if gap is None or self._floor is None:
                break
            if not announced:
                announced = True
                self._emit(always=True)
            if not await self._history.fill_below(self.room, self._floor, count):
                break
        self._read_receipts()

    def _at_start(self) -> bool:
        if self._floor is None:
            return True
        with self._database.read() as t:
            older = t.value("SELECT 1 FROM events WHERE room = ? AND position < ? LIMIT 1", (self.room, self._floor))
            gap = rows.gap_below(t, self.room, self._floor)
        return older is None and gap is None

    def _emit(self, *, always: bool = False) -> None:
        changes = self._window.take()
        if changes or always:
            self._news.emit(self._batch(changes))

    def _batch(self, changes: tuple[Change[TimelineItem], ...]) -> TimelineBatch:
        return TimelineBatch(
            changes,
            at_start=self._at_start(),
            loading_older=self._loading,
            read_up_to=self._rooms.receipt_of(self.room, self._rooms.user),
            failure=self._failure,
        )
