"""Where the tiles of a meeting stand: a pure function (visual.md §5, "Meeting stage" and "Share"). Units: logical pixels."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from welink_desktop.core.calls import TrackSource

PAD = 12
GAP = 8
NARROWEST = 1.2
WIDEST = 1.78
PER_PAGE = 25
STRIP_WIDTH = 204
STRIP_TILES = 5
PAGER_HEIGHT = 36
BANNER_HEIGHT = 36


@dataclass(frozen=True, slots=True)
class Rect:
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height


class Role(enum.Enum):
    """GRID: one of the gallery. MAIN: the large one. STRIP: beside the large one."""

    GRID = "grid"
    MAIN = "main"
    STRIP = "strip"


@dataclass(frozen=True, slots=True)
class Place:
    """`identity`'s camera or screen at `rect`."""

    identity: str
    source: TrackSource
    rect: Rect
    role: Role


@dataclass(frozen=True, slots=True)
class Arrangement:
    """`page` of `pages` pages: of the gallery, or of the strip. `banner` is the row that says who shares, `pager` has the
    arrows; both are None when there is nothing to say.
    """

    places: tuple[Place, ...] = ()
    page: int = 0
    pages: int = 1
    banner: Rect | None = None
    pager: Rect | None = None


@dataclass(frozen=True, slots=True)
class Featured:
    """What stands in the large place."""

    identity: str
    source: TrackSource = TrackSource.CAMERA


def arrange(
    order: Sequence[str], width: int, height: int, *, page: int = 0, featured: Featured | None = None, sharing: bool = False
) -> Arrangement:
    """`order`: identities in stage order. Without `featured` a gallery; with it one large tile and a strip of the others
    (a shared screen's owner stays in the strip). `page` is clamped. `sharing` reserves the banner. Tiles never overlap and
    stay inside; a stage too small for tiles has none.
    """
    if featured is None:
        return _gallery(order, width, height, page)
    return _stage(order, width, height, page, featured, sharing)


def _gallery(order: Sequence[str], width: int, height: int, page: int) -> Arrangement:
    pages = max(1, -(-len(order) // PER_PAGE))
    page = min(max(page, 0), pages - 1)
    shown = order[page * PER_PAGE : (page + 1) * PER_PAGE]
    rects = grid(len(shown), Rect(PAD, PAD, width - 2 * PAD, height - 2 * PAD))
    places = tuple(Place(one, TrackSource.CAMERA, rect, Role.GRID) for one, rect in zip(shown, rects, strict=False))
    return Arrangement(places, page, pages)


def grid(count: int, area: Rect) -> tuple[Rect, ...]:
    """`count` equal tiles, as large as they can be in `area`, rows centred; empty if they do not fit."""
    best: tuple[int, int, int, int] | None = None
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        wide, high = _fit((area.width - (columns - 1) * GAP) // columns, (area.height - (rows - 1) * GAP) // rows)
        if wide <= 0 or high <= 0:
            continue
        if best is None or wide * high > best[0] * best[1]:
            best = (wide, high, columns, rows)
    if best is None:
        return ()
    wide, high, columns, rows = best
    top = area.y + (area.height - rows * high - (rows - 1) * GAP) // 2
    rects = []
    for row in range(rows):
        in_row = min(columns, count - row * columns)
        left = area.x + (area.width - in_row * wide - (in_row - 1) * GAP) // 2
        y = top + row * (high + GAP)
        rects += [Rect(left + column * (wide + GAP), y, wide, high) for column in range(in_row)]
    return tuple(rects)


def _fit(width: int, height: int) -> tuple[int, int]:
    """The largest tile of an allowed shape inside `width` × `height`; (0, 0) if there is none."""
    if width < 8 or height < 8:
        return 0, 0
    if width > WIDEST * height:
        return int(WIDEST * height), height
    if width < NARROWEST * height:
        return width, int(width / NARROWEST)
    return width, height


def _stage(order: Sequence[str], width: int, height: int, page: int, featured: Featured, sharing: bool) -> Arrangement:
    top = PAD
    banner = None
    if sharing and width > 2 * PAD:
        banner = Rect(PAD, top, width - 2 * PAD, BANNER_HEIGHT)
        top += BANNER_HEIGHT + GAP
    screen = featured.source is TrackSource.SCREEN
    others = [one for one in order if screen or one != featured.identity]
    strip_width = STRIP_WIDTH if others and width >= 2 * STRIP_WIDTH + GAP + 2 * PAD else 0
    area = Rect(PAD, top, width - 2 * PAD - (strip_width + GAP if strip_width else 0), height - top - PAD)
    if area.width < 8 or area.height < 8:
        return Arrangement()
    main = area if screen else _centred(area)
    places = [Place(featured.identity, featured.source, main, Role.MAIN)]
    if not strip_width:
        return Arrangement(tuple(places), banner=banner)
    column = Rect(area.right + GAP, top, strip_width, area.height)
    strip, page, pages, pager = _strip(others, column, page)
    return Arrangement((*places, *strip), page, pages, banner, pager)


def _strip(others: Sequence[str], column: Rect, page: int) -> tuple[list[Place], int, int, Rect | None]:
    """At most five tiles under each other; with more people than fit there is a pager at the foot."""
    lowest = int(column.width / WIDEST) + 1
    fits = min(STRIP_TILES, (column.height + GAP) // (lowest + GAP))
    pager = None
    if len(others) > fits:
        fits = min(STRIP_TILES, (column.height - PAGER_HEIGHT) // (lowest + GAP))
        pager = Rect(column.x, column.bottom - PAGER_HEIGHT, column.width, PAGER_HEIGHT)
    if fits < 1:
        return [], 0, 1, None
    pages = max(1, -(-len(others) // fits))
    page = min(max(page, 0), pages - 1)
    room = column.height - (PAGER_HEIGHT + GAP if pager else 0)
    high = min((room - (fits - 1) * GAP) // fits, int(column.width / 1.56))
    shown = others[page * fits : (page + 1) * fits]
    places = [
        Place(one, TrackSource.CAMERA, Rect(column.x, column.y + row * (high + GAP), column.width, high), Role.STRIP)
        for row, one in enumerate(shown)
    ]
    return places, page, pages, pager


def _centred(area: Rect) -> Rect:
    wide, high = _fit(area.width, area.height)
    return Rect(area.x + (area.width - wide) // 2, area.y + (area.height - high) // 2, wide, high)
