"""The frame arena: newest frame per tile in shared memory, three slots each, no locks (media_process §4).

Little endian, offsets multiples of 64, every word has one writer. The app owns the layout and `held`, the media process
owns everything else. The app never follows a number of the media process beyond its own layout.
"""

import math
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from welink_desktop.adapters.media.wire import TileLayout
from welink_desktop.core.calls import Frame, TileRequest, TrackSource

MAGIC = 0x0001_454E_4552_4157  # "WARE" and the version
ENTRIES = 128
_HEADER = 64
_ENTRY = 128
_DIRECTORY = ENTRIES * _ENTRY
_STAMP = struct.Struct("<IIIIQQ")
_SLOTS = 3
_MAX_SIDE = 16384


def bank_bytes(size: int) -> int:
    """Bytes of one of the two banks of an arena of `size` bytes."""
    return (size - _HEADER) // 2 // 64 * 64


def pixel_bytes(size: int) -> int:
    """Bytes for pixels in one bank."""
    return bank_bytes(size) - _DIRECTORY


def plan(tiles: Sequence[TileRequest], size: int) -> tuple[TileLayout, ...]:
    """Give the first 128 tiles their places in a bank; all shrink by the same factor if they do not fit."""
    wanted = [tile for tile in tiles if tile.width > 0 and tile.height > 0][:ENTRIES]
    space = pixel_bytes(size)
    scale = 1.0
    while True:
        layouts = _place(wanted, scale)
        end = layouts[-1].offset + _SLOTS * layouts[-1].slot_bytes if layouts else 0
        if end <= space:
            return layouts
        scale *= min(0.98, math.sqrt(space / end))


def _place(tiles: Sequence[TileRequest], scale: float) -> tuple[TileLayout, ...]:
    layouts = []
    offset = 0
    for entry, tile in enumerate(tiles):
        width, height = (_even(side * scale) for side in (tile.width, tile.height))
        slot = -(-width * height * 4 // 64) * 64
        layouts.append(TileLayout(entry, tile.identity, tile.source, width, height, max(1, tile.fps), offset, slot))
        offset += _SLOTS * slot
    return tuple(layouts)


def _even(side: float) -> int:
    return max(2, min(_MAX_SIDE, int(side) // 2 * 2))


def with_preview(tiles: Sequence[TileRequest], preview: bool) -> tuple[TileRequest, ...]:
    """The lobby's tile 0 shows our camera, at 640 × 360 unless the asker named a size."""
    own = TileRequest(0, "", TrackSource.CAMERA, 640, 360, 15)
    asked = any(tile.tile == 0 for tile in tiles)
    return (own, *tiles) if preview and not asked else tuple(tiles)


class Arena:
    """The words of the mapping; shared by both sides."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self.size = len(mapping)
        self.mapping = mapping
        self.bytes = memoryview(mapping)
        self.words = self.bytes[: self.size // 8 * 8].cast("Q")

    @property
    def published(self) -> int:
        """How many frames of any tile were written."""
        return self.words[1]

    def entry_offset(self, gen: int, entry: int) -> int:
        return _HEADER + (gen & 1) * bank_bytes(self.size) + entry * _ENTRY

    def slot_offset(self, gen: int, tile: TileLayout, slot: int) -> int:
        return _HEADER + (gen & 1) * bank_bytes(self.size) + _DIRECTORY + tile.offset + slot * tile.slot_bytes

    def release(self) -> None:
        """Give the mapping back; pages stay until pictures that still look at them are gone."""
        self.words.release()
        self.bytes.release()
        try:
            self.mapping.close()
        except BufferError:
            return  # a picture on screen still looks at it; the mapping ends with the picture


def prepare(mapping: mmap.mmap) -> None:
    """Mark fresh memory as an arena, before the media process sees it."""
    mapping[:8] = MAGIC.to_bytes(8, "little")


@dataclass(slots=True)
class _Place:
    """Where a tile's pictures come from: generation, layout, and the last frame taken."""

    gen: int
    layout: TileLayout
    latest: int = 0
    frame: Frame | None = None


class ArenaReader:
    """The app's side; a `FrameSource`."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self._arena: Arena | None = Arena(mapping)
        self._seen = 0
        self._places: dict[int, _Place] = {}
        self._before: dict[int, _Place] = {}

    @property
    def size(self) -> int:
        return self._arena.size if self._arena is not None else 0

    def lay_out(self, gen: int, tiles: Sequence[TileRequest]) -> tuple[TileLayout, ...]:
        """Prepare the bank of `gen` and give the places to send. Pictures of the generation before stay until replaced."""
        arena = self._arena
        if arena is None:
            return ()
        layouts = plan(tiles, arena.size)
        start = arena.entry_offset(gen, 0)
        arena.bytes[start : start + _DIRECTORY] = bytes(_DIRECTORY)
        kept = {tile: place for tile, place in self._places.items() if place.latest}
        shown = [tile for tile in tiles if tile.width > 0 and tile.height > 0]
        self._places = {tile.tile: _Place(gen, layout) for tile, layout in zip(shown, layouts, strict=False)}
        self._before = {
            tile: kept[tile]
            for tile, place in self._places.items()
            if tile in kept and kept[tile].gen == gen - 1 and _same(kept[tile].layout, place.layout)
        }
        return layouts

    def changed(self) -> bool:
        if self._arena is None:
            return False
        published = self._arena.published
        news = published != self._seen
        self._seen = published
        return news

    def take(self, tile: int) -> Frame | None:
        place = self._places.get(tile)
        if place is None or self._arena is None:
            return None
        frame = _newest(self._arena, place)
        if frame is not None:
            self._before.pop(tile, None)
            return frame
        before = self._before.get(tile)
        return before.frame if before is not None else None

    def close(self) -> None:
        """Drop every view. Frames handed out before stay readable until they are dropped, too."""
        self._places.clear()
        self._before.clear()
        if self._arena is not None:
            self._arena.release()
            self._arena = None


def _same(one: TileLayout, other: TileLayout) -> bool:
    return one.identity == other.identity and one.source == other.source


def _newest(arena: Arena, place: _Place) -> Frame | None:
    """Take the newest slot and mark it held, so that the writer leaves it alone."""
    word = arena.entry_offset(place.gen, place.layout.entry) // 8
    latest = arena.words[word]
    for _ in range(4):
        slot = latest & 3
        if latest >> 2 == 0 or slot >= _SLOTS:
            return place.frame
        if latest == place.latest:
            return place.frame
        arena.words[word + 1] = slot + 1
        again = arena.words[word]
        if again == latest:
            break
        latest = again
    frame = _frame(arena, place, latest)
    if frame is not None:
        place.latest, place.frame = latest, frame
    return place.frame


def _frame(arena: Arena, place: _Place, latest: int) -> Frame | None:
    slot = latest & 3
    if slot >= _SLOTS:
        return None
    stamp = arena.entry_offset(place.gen, place.layout.entry) + 16 + slot * _STAMP.size
    width, height, stride, rotation, _, _ = _STAMP.unpack_from(arena.bytes, stamp)
    fits = 0 < width <= place.layout.width and 0 < height <= place.layout.height and stride == 4 * width
    if not fits or rotation not in (0, 90, 180, 270):
        return None
    start = arena.slot_offset(place.gen, place.layout, slot)
    return Frame(width, height, stride, rotation, latest >> 2, arena.bytes[start : start + height * stride])


class ArenaWriter:
    """The media process's side. Raises `ValueError` for a mapping that is not an arena."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self._arena = Arena(mapping)
        if self._arena.words[0] != MAGIC:
            raise ValueError("this is no frame arena")

    @property
    def frames(self) -> int:
        return self._arena.published

    def slot(self, gen: int, tile: TileLayout) -> tuple[int, memoryview]:
        """A slot that is neither the newest nor held, and its bytes. Never waits."""
        word = self._arena.entry_offset(gen, tile.entry) // 8
        latest, held = self._arena.words[word], self._arena.words[word + 1]
        taken = {latest & 3 if latest else -1, held - 1}
        slot = next(number for number in range(_SLOTS) if number not in taken)
        start = self._arena.slot_offset(gen, tile, slot)
        return slot, self._arena.bytes[start : start + tile.slot_bytes]

    def publish(
        self, gen: int, tile: TileLayout, slot: int, width: int, height: int, rotation: int, arrival_ns: int, capture: int
    ) -> None:
        """Make the filled slot the tile's newest frame."""
        arena = self._arena
        start = arena.entry_offset(gen, tile.entry)
        _STAMP.pack_into(arena.bytes, start + 16 + slot * _STAMP.size, width, height, 4 * width, rotation, arrival_ns, capture)
        number = arena.published + 1
        arena.words[start // 8] = number << 2 | slot
        arena.words[1] = number
