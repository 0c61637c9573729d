"""The rows an open timeline shows, with the record of how they change. No store, no loop."""

import bisect
from collections.abc import Callable, Iterable, Sequence

from welink_desktop.core.changes import Change, Insert, Move, Remove, Replace, Reset
from welink_desktop.core.ids import EventId, MessageRef
from welink_desktop.core.timeline import TimelineItem

Decorate = Callable[[TimelineItem], TimelineItem]


class Window:
    """Remote rows by position, then the local echoes. `changes` collects what happened since `take`."""

    def __init__(self) -> None:
        self._positions: list[float] = []
        self._base: list[TimelineItem] = []
        self._shown: list[TimelineItem] = []
        self._echoes: list[TimelineItem] = []
        self._where: dict[EventId, float] = {}
        self._changes: list[Change[TimelineItem]] = []

    def take(self) -> tuple[Change[TimelineItem], ...]:
        changes, self._changes = tuple(self._changes), []
        return changes

    @property
    def items(self) -> tuple[TimelineItem, ...]:
        return (*self._shown, *self._echoes)

    def has(self, event: EventId) -> bool:
        return event in self._where

    def reset(self, rows: Sequence[tuple[float, TimelineItem]], echoes: Sequence[TimelineItem], decorate: Decorate) -> None:
        """`rows` in order."""
        self._positions = [position for position, _ in rows]
        self._base = [item for _, item in rows]
        self._where = {EventId(item.ref): position for position, item in rows}
        self._shown = [decorate(item) for item in self._base]
        keys = {item.key for item in self._base}
        self._echoes = [echo for echo in echoes if echo.key not in keys]
        self._changes = [Reset(self.items)]

    def upsert(self, rows: Iterable[tuple[float, EventId, TimelineItem | None]], decorate: Decorate) -> None:
        """New, changed (or, with None, vanished) rows. An echo that came back moves to its place and keeps its key."""
        fresh: list[tuple[float, TimelineItem]] = []
        for position, event, item in rows:
            if event in self._where:
                self._change(position, event, item, decorate)
            elif item is not None and not self._returned(position, item, decorate):
                fresh.append((position, item))
        fresh.sort(key=lambda row: row[0])
        self._insert(fresh, decorate)

    def prepend(self, rows: Sequence[tuple[float, TimelineItem]], decorate: Decorate) -> None:
        """Older rows, in order."""
        self._insert(list(rows), decorate)

    def redecorate(self, decorate: Decorate, only: Callable[[TimelineItem], bool] | None = None) -> None:
        for index, item in enumerate(self._base):
            if only is not None and not only(item):
                continue
            self._show(index, decorate(item))

    def set_echoes(self, echoes: Sequence[TimelineItem]) -> None:
        """Bring the tail up to date; echoes whose message is a remote row already are left out."""
        keys = {item.key for item in self._base[-len(echoes) - 200 :]} if echoes else set()
        wanted = [echo for echo in echoes if echo.key not in keys]
        kept = {echo.key for echo in wanted}
        start = len(self._shown)
        for index in range(len(self._echoes) - 1, -1, -1):
            if self._echoes[index].key not in kept:
                del self._echoes[index]
                self._changes.append(Remove(start + index, 1))
        for index, echo in enumerate(wanted):
            if index < len(self._echoes) and self._echoes[index].key == echo.key:
                if self._echoes[index] != echo:
                    self._echoes[index] = echo
                    self._changes.append(Replace(start + index, echo))
                continue
            found = next((at for at in range(index, len(self._echoes)) if self._echoes[at].key == echo.key), None)
            if found is not None:
                self._echoes.insert(index, self._echoes.pop(found))
                self._changes.append(Move(start + found, start + index))
                self._echoes[index] = echo
                self._changes.append(Replace(start + index, echo))
            else:
                self._echoes.insert(index, echo)
                self._changes.append(Insert(start + index, (echo,)))

    def row_at_or_before(self, position: float) -> MessageRef | None:
        """The row that stands at `position`, or the nearest one above it."""
        index = bisect.bisect_right(self._positions, position) - 1
        return self._base[index].ref if index >= 0 else None

    def _change(self, position: float, event: EventId, item: TimelineItem | None, decorate: Decorate) -> None:
        index = self._index(event)
        if item is None:
            for listed in (self._positions, self._base, self._shown):
                del listed[index]
            del self._where[event]
            self._changes.append(Remove(index, 1))
        elif item != self._base[index]:
            self._base[index] = item
            self._show(index, decorate(item))

    def _returned(self, position: float, item: TimelineItem, decorate: Decorate) -> bool:
        echo = next((at for at, known in enumerate(self._echoes) if known.key == item.key), None)
        if echo is None:
            return False
        source = len(self._shown) + echo
        del self._echoes[echo]
        index = bisect.bisect_right(self._positions, position)
        self._put(index, position, item, decorate)
        if source != index:
            self._changes.append(Move(source, index))
        self._changes.append(Replace(index, self._shown[index]))
        return True

    def _insert(self, fresh: list[tuple[float, TimelineItem]], decorate: Decorate) -> None:
        start = 0
        while start < len(fresh):
            index = bisect.bisect_right(self._positions, fresh[start][0])
            limit = self._positions[index] if index < len(self._positions) else None
            end = start + 1
            while end < len(fresh) and (limit is None or fresh[end][0] < limit):
                end += 1
            run = fresh[start:end]
            shown = [decorate(item) for _, item in run]
            self._positions[index:index] = [position for position, _ in run]
            self._base[index:index] = [item for _, item in run]
            self._shown[index:index] = shown
            self._where.update({EventId(item.ref): position for position, item in run})
            self._changes.append(Insert(index, tuple(shown)))
            start = end

    def _put(self, index: int, position: float, item: TimelineItem, decorate: Decorate) -> None:
        self._positions.insert(index, position)
        self._base.insert(index, item)
        self._shown.insert(index, decorate(item))
        self._where[EventId(item.ref)] = position

    def _show(self, index: int, item: TimelineItem) -> None:
        if self._shown[index] != item:
            self._shown[index] = item
            self._changes.append(Replace(index, item))

    def _index(self, event: EventId) -> int:
        position = self._where[event]
        index = bisect.bisect_left(self._positions, position)
        while self._base[index].ref != event:
            index += 1
        return index
