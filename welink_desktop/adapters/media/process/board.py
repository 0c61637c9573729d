"""Boards: where pictures go. The arena in a media process; plain memory where a session runs without one."""

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from welink_desktop.adapters.media.arena import ArenaWriter
from welink_desktop.adapters.media.process.pictures import Picture, fitted, paint, scaled
from welink_desktop.adapters.media.wire import TileLayout
from welink_desktop.core.calls import Frame, TileRequest, TrackSource

OWN = ""
"""Identity of our own camera and screen on a board."""


class PictureBoard(Protocol):
    """Takes pictures from any thread."""

    def arrange(self, tiles: Sequence[TileRequest], own: str) -> None:
        """The tiles that are wanted; `own` is our identity at the SFU."""

    def put(self, identity: str, source: TrackSource, picture: Picture) -> None:
        """Show the picture in every tile that wants it."""


class _Pace:
    """Leaves out pictures that come faster than a tile wants them."""

    def __init__(self) -> None:
        self._due: dict[int, float] = {}

    def due(self, tile: int, fps: int) -> bool:
        now = time.monotonic()
        due = self._due.get(tile, 0.0)
        period = 1 / fps
        if now < due - period * 0.3:
            return False
        self._due[tile] = max(due + period, now)
        return True


class ArenaBoard:
    """Writes into the shared frame arena. The layout comes with `lay_out`, not with `arrange`."""

    def __init__(self, writer: ArenaWriter) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._gen = 0
        self._own = OWN
        self._tiles: tuple[TileLayout, ...] = ()
        self._pace = _Pace()

    def arrange(self, tiles: Sequence[TileRequest], own: str) -> None:
        del tiles
        self._own = own

    def lay_out(self, gen: int, tiles: tuple[TileLayout, ...]) -> None:
        """From now on nothing is written into the bank of the generation before."""
        with self._lock:
            self._gen, self._tiles, self._pace = gen, tiles, _Pace()

    def put(self, identity: str, source: TrackSource, picture: Picture) -> None:
        with self._lock:
            for tile in self._tiles:
                wanted = OWN if tile.identity == self._own else tile.identity
                if wanted == identity and tile.source is source and self._pace.due(tile.entry, tile.fps):
                    self._write(tile, picture)

    def _write(self, tile: TileLayout, picture: Picture) -> None:
        small = scaled(picture, *fitted(picture, tile.width, tile.height))
        if small.width > tile.width or small.height > tile.height:
            small = scaled(picture, *fitted(picture, min(tile.width, tile.height), min(tile.width, tile.height)))
        slot, memory = self._writer.slot(self._gen, tile)
        paint(small, memory)
        stamp = max(0, picture.capture)
        self._writer.publish(self._gen, tile, slot, small.width, small.height, small.rotation, picture.arrival_ns, stamp)


class MemoryBoard:
    """Keeps the newest frame of each tile in this process's memory; a `FrameSource`."""

    def __init__(self) -> None:
        self._tiles: tuple[TileRequest, ...] = ()
        self._own = OWN
        self._frames: dict[int, Frame] = {}
        self._count = 0
        self._seen = 0
        self._lock = threading.Lock()

    def arrange(self, tiles: Sequence[TileRequest], own: str) -> None:
        with self._lock:
            self._tiles, self._own = tuple(tiles), own
            wanted = {tile.tile for tile in tiles}
            self._frames = {tile: frame for tile, frame in self._frames.items() if tile in wanted}

    def put(self, identity: str, source: TrackSource, picture: Picture) -> None:
        with self._lock:
            for tile in self._tiles:
                wanted = OWN if tile.identity == self._own else tile.identity
                if wanted == identity and tile.source is source:
                    small = scaled(picture, *fitted(picture, tile.width, tile.height))
                    pixels = memoryview(bytearray(small.width * small.height * 4))
                    paint(small, pixels)
                    self._count += 1
                    self._frames[tile.tile] = Frame(
                        small.width, small.height, small.width * 4, small.rotation, self._count, pixels
                    )

    def changed(self) -> bool:
        news = self._count != self._seen
        self._seen = self._count
        return news

    def take(self, tile: int) -> Frame | None:
        return self._frames.get(tile)
