"""The sorted room list and how it changes."""

import asyncio
from collections.abc import Iterable, Sequence

from welink_desktop.adapters.matrix.rooms.summaries import Summaries
from welink_desktop.core.changes import Change, Insert, Move, Remove, Replace, Reset
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Signal
from welink_desktop.core.rooms import RoomListBatch, RoomSummary

_TURN = 5


class RoomList:
    """Newest first. Calls that run out are noticed by a timer of its own."""

    def __init__(self, summaries: Summaries, clock: Clock) -> None:
        self._summaries = summaries
        self._clock = clock
        self._rooms: list[RoomSummary] = []
        self._known: dict[RoomId, RoomSummary] = {}
        self._news: Signal[RoomListBatch] = Signal()
        self._loading = False
        self._timer: asyncio.TimerHandle | None = None

    def load(self, rooms: Iterable[RoomId], known: Sequence[RoomSummary] = ()) -> None:
        """Everything from the store; or what is `known` from last time, to be brought up to date by `refresh`."""
        built = list(known) or [summary for room in rooms if (summary := self._summaries.build(room)) is not None]
        built.sort(key=_order)
        self._rooms = built
        self._known = {summary.room: summary for summary in built}
        self._schedule()

    async def refresh(self, rooms: Iterable[RoomId]) -> None:
        """Build every summary again, the newest rooms first, a few in each turn of the loop."""
        waiting = [*(summary.room for summary in self._rooms), *(room for room in rooms if room not in self._known)]
        for start in range(0, len(waiting), _TURN):
            self.update(waiting[start : start + _TURN])
            await asyncio.sleep(0)

    @property
    def rooms(self) -> Sequence[RoomSummary]:
        return tuple(self._rooms)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def watch(self, listener: Listener[RoomListBatch]) -> Cancel:
        listener(RoomListBatch((Reset(tuple(self._rooms)),), self._loading))
        return self._news.listen(listener)

    def get(self, room: RoomId) -> RoomSummary | None:
        return self._known.get(room)

    def set_loading(self, loading: bool) -> None:
        if loading != self._loading:
            self._loading = loading
            self._news.emit(RoomListBatch((), loading))

    def update(self, rooms: Iterable[RoomId]) -> None:
        """Called after each commit with the rooms it touched."""
        changes = [change for room in dict.fromkeys(rooms) for change in self._changed(room)]
        if changes:
            self._news.emit(RoomListBatch(tuple(changes), self._loading))
        self._schedule()

    def _changed(self, room: RoomId) -> list[Change[RoomSummary]]:
        old, new = self._known.get(room), self._summaries.build(room)
        if old == new:
            return []
        if new is None:
            assert old is not None
            index = self._index(old)
            del self._rooms[index]
            del self._known[room]
            return [Remove(index, 1)]
        self._known[room] = new
        if old is None:
            index = self._place(new)
            self._rooms.insert(index, new)
            return [Insert(index, (new,))]
        source = self._index(old)
        del self._rooms[source]
        target = self._place(new)
        self._rooms.insert(target, new)
        moved: list[Change[RoomSummary]] = [Move(source, target)] if source != target else []
        return [*moved, Replace(target, new)]

    def _index(self, summary: RoomSummary) -> int:
        return next(index for index, listed in enumerate(self._rooms) if listed.room == summary.room)

    def _place(self, summary: RoomSummary) -> int:
        order = _order(summary)
        low, high = 0, len(self._rooms)
        while low < high:
            middle = (low + high) // 2
            if _order(self._rooms[middle]) < order:
                low = middle + 1
            else:
                high = middle
        return low

    def _schedule(self) -> None:
        self.close()
        expiry = self._summaries.call_expiry
        if not expiry:
            return
        room = min(expiry, key=expiry.__getitem__)
        delay = max(0.0, (expiry[room] - self._clock.now_ms()) / 1000) + 0.05
        self._timer = asyncio.get_running_loop().call_later(min(delay, 86_400.0), self.update, [room])


def _order(summary: RoomSummary) -> tuple[int, str]:
    return (-summary.order, summary.room)
