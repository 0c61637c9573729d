"""Heights of many rows: sums and look-ups in O(√n). Qt-free."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

CHUNK = 512


class _Chunk:
    __slots__ = ("heights", "stamps", "total")

    def __init__(self, heights: list[int], stamps: list[int]) -> None:
        self.heights = heights
        self.stamps = stamps
        self.total = sum(heights)


class HeightMap:
    """Heights of rows in device-independent pixels, each measured or estimated.

    `forget_all` keeps the numbers as estimates: a resize costs nothing until rows are looked at again.
    Rows out of range raise `IndexError`.
    """

    def __init__(self) -> None:
        self._chunks: list[_Chunk] = []
        self._stamp = 1
        self._count = 0
        self._total = 0
        self._ends: list[int] | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def total(self) -> int:
        """The sum of all heights."""
        return self._total

    def reset(self, estimates: Iterable[int]) -> None:
        """Forget everything; rows are `estimates`, none of them measured."""
        heights = list(estimates)
        self._chunks = []
        for start in range(0, len(heights), CHUNK):
            part = heights[start : start + CHUNK]
            self._chunks.append(_Chunk(part, [0] * len(part)))
        self._ends = None
        self._count = len(heights)
        self._total = sum(chunk.total for chunk in self._chunks)

    def insert(self, row: int, estimates: Iterable[int]) -> None:
        heights = list(estimates)
        if not 0 <= row <= self._count:
            raise IndexError(row)
        if not heights:
            return
        if not self._chunks:
            self.reset(heights)
            return
        if row == self._count:
            index, inner = len(self._chunks) - 1, len(self._chunks[-1].heights)
        else:
            index, inner = self._find(row)
        chunk = self._chunks[index]
        self._ends = None
        chunk.heights[inner:inner] = heights
        chunk.stamps[inner:inner] = [0] * len(heights)
        added = sum(heights)
        chunk.total += added
        self._total += added
        self._count += len(heights)
        self._split(index)

    def remove(self, row: int, count: int) -> None:
        if count < 1 or row < 0 or row + count > self._count:
            raise IndexError(row)
        while count:
            index, inner = self._find(row)
            chunk = self._chunks[index]
            gone = min(count, len(chunk.heights) - inner)
            lost = sum(chunk.heights[inner : inner + gone])
            self._ends = None
            del chunk.heights[inner : inner + gone]
            del chunk.stamps[inner : inner + gone]
            chunk.total -= lost
            self._total -= lost
            self._count -= gone
            count -= gone
            if not chunk.heights:
                del self._chunks[index]

    def height(self, row: int) -> int:
        index, inner = self._find(row)
        return self._chunks[index].heights[inner]

    def measured(self, row: int) -> bool:
        index, inner = self._find(row)
        return self._chunks[index].stamps[inner] == self._stamp

    def set(self, row: int, height: int) -> int:
        """Record a measured height; returns by how much the row grew."""
        index, inner = self._find(row)
        chunk = self._chunks[index]
        grown = height - chunk.heights[inner]
        chunk.heights[inner] = height
        chunk.stamps[inner] = self._stamp
        chunk.total += grown
        self._total += grown
        return grown

    def forget(self, row: int) -> None:
        """The row must be measured again; until then its height is an estimate."""
        index, inner = self._find(row)
        self._chunks[index].stamps[inner] = 0

    def forget_all(self) -> None:
        self._stamp += 1

    def offset(self, row: int) -> int:
        """The top of `row`; for `len(self)` the total."""
        if row == self._count:
            return self._total
        index, inner = self._find(row)
        before = sum([chunk.total for chunk in self._chunks[:index]])
        return before + sum(self._chunks[index].heights[:inner])

    def row_at(self, offset: int) -> int:
        """The row that covers `offset`, clamped to the list. Raises `IndexError` when there are no rows."""
        if not self._count:
            raise IndexError(offset)
        rest, first = max(0, offset), 0
        for chunk in self._chunks:
            if rest < chunk.total:
                for inner, height in enumerate(chunk.heights):
                    if rest < height:
                        return first + inner
                    rest -= height
            else:
                rest -= chunk.total
            first += len(chunk.heights)
        return self._count - 1

    def _find(self, row: int) -> tuple[int, int]:
        if row < 0:
            raise IndexError(row)
        if row >= self._count:
            raise IndexError(row)
        ends = self._ends
        if ends is None:
            ends = self._ends = list(accumulate(len(chunk.heights) for chunk in self._chunks))
        index = bisect_right(ends, row)
        return index, row - (ends[index - 1] if index else 0)

    def _split(self, index: int) -> None:
        chunk = self._chunks[index]
        if len(chunk.heights) <= 2 * CHUNK:
            return
        parts = [
            _Chunk(chunk.heights[start : start + CHUNK], chunk.stamps[start : start + CHUNK])
            for start in range(0, len(chunk.heights), CHUNK)
        ]
        self._chunks[index : index + 1] = parts
