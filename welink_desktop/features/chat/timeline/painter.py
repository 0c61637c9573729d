"""Row layouts of a timeline: made when a row is looked at, kept while it is near, dropped when it changes."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap

from welink_desktop.core.ids import ItemKey
from welink_desktop.core.timeline import SendPhase, TimelineItem
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.timeline.model import TimelineState
from welink_desktop.features.chat.timeline.row_layout import RowLayout, Setting
from welink_desktop.features.chat.timeline.rows import is_notice, shape_of
from welink_desktop.features.chat.timeline.sheet import Look
from welink_desktop.ui.design.theme import Theme

MAX_KEPT = 300
MAX_IMAGE_HEIGHT = 1200
MAX_IMAGE_BYTES = 16 << 20
"""Painted rows kept as images so that scrolling only copies them; dropped when the person pauses."""
_SCAN = 300


@dataclass(frozen=True, slots=True)
class Selection:
    """A piece of one message's text; positions of its layout."""

    key: ItemKey
    start: int
    end: int


class TimelinePainter:
    """A `RowPainter` over `items` (the rows as shown)."""

    def __init__(self, items: Callable[[], list[TimelineItem]], pixmaps: Pixmaps) -> None:
        self.hovered: ItemKey | None = None
        self.selection: Selection | None = None
        self.flashed: ItemKey | None = None
        self.ring: Callable[[int], bool] = lambda row: False
        self._items = items
        self._pixmaps = pixmaps
        self._kept: OrderedDict[ItemKey, RowLayout] = OrderedDict()
        self._state: TimelineState | None = None
        self._theme: Theme | None = None
        self._width = 0
        self._read_key: ItemKey | None = None
        self._read_by = 0
        self._images: OrderedDict[ItemKey, QPixmap] = OrderedDict()
        self._image_bytes = 0

    @property
    def estimate(self) -> int:
        if self._theme is None:
            return 64
        return self._theme.scaled(44 if self._theme.compact else 60)

    def use(self, state: TimelineState, theme: Theme) -> None:
        """What all rows depend on; a change of it drops every layout."""
        before, self._state = self._state, state
        if theme != self._theme:
            self._theme = theme
            self.forget_all()
        elif before is not None and (before.members, before.mark, before.reading) != (state.members, state.mark, state.reading):
            self.forget_all()

    def forget_all(self) -> None:
        self._kept.clear()
        self.forget_images()

    def forget_images(self) -> None:
        """A picture arrived, or nothing was scrolled for a while."""
        self._images.clear()
        self._image_bytes = 0

    def update_readers(self) -> list[ItemKey]:
        """Find the newest own message that others have read; returns rows whose line of readers changed."""
        readers: set[str] = set()
        found: ItemKey | None = None
        for item in reversed(self._items()[-_SCAN:]):
            if item.own and item.send.phase is SendPhase.SENT and not is_notice(item):
                readers.update(item.readers)
                found = item.key
                break
            readers.update(item.readers)
            if not item.own:
                readers.add(item.sender)
        count = len(readers) if found is not None else 0
        key = found if count else None
        if (key, count) == (self._read_key, self._read_by):
            return []
        changed = [one for one in (self._read_key, key) if one is not None]
        self._read_key, self._read_by = key, count
        for one in changed:
            self._drop(one)
        return changed

    def layout(self, row: int) -> RowLayout:
        items = self._items()
        item = items[row]
        known = self._kept.get(item.key)
        if known is not None:
            self._kept.move_to_end(item.key)
            return known
        if self._state is None or self._theme is None:
            raise RuntimeError("the painter has no state yet")
        setting = Setting(self._theme, self._width, self._state.me, self._state.members, self._state.reading)
        read_by = self._read_by if item.key == self._read_key else 0
        made = self._kept[item.key] = RowLayout(item, shape_of(items, row, self._state.mark), setting, read_by=read_by)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return made

    def measure(self, row: int, width: int) -> int:
        if width != self._width:
            self._width = width
            self.forget_all()
        return self.layout(row).height

    def paint(self, painter: QPainter, row: int, box: QRect) -> None:
        layout = self.layout(row)
        if self._is_plain(layout, row):
            painter.drawPixmap(box.topLeft(), self._image(layout, box, painter.device().devicePixelRatioF()))
            return
        painter.save()
        painter.translate(box.topLeft())
        self._paint(painter, layout, box.width(), painter.device().devicePixelRatioF())
        if self.ring(row):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(layout.sheet.theme.color("focus-ring"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            bare = is_notice(layout.item)
            edge = layout.bubble.adjusted(-6, -1, 6, 0) if bare else layout.bubble.adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(edge, 8 if bare else 11, 8 if bare else 11)
        painter.restore()

    def _is_plain(self, layout: RowLayout, row: int) -> bool:
        """Whether nothing of the moment is on the row, so that its image can be kept."""
        key = layout.item.key
        selected = self.selection is not None and self.selection.key == key
        return (
            key not in (self.hovered, self.flashed) and not selected and layout.height < MAX_IMAGE_HEIGHT and not self.ring(row)
        )

    def _image(self, layout: RowLayout, box: QRect, ratio: float) -> QPixmap:
        key = layout.item.key
        known = self._images.get(key)
        if known is not None and known.devicePixelRatioF() == ratio:
            self._images.move_to_end(key)
            return known
        made = QPixmap(round(box.width() * ratio), round(box.height() * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(layout.sheet.theme.color("surface"))
        painter = QPainter(made)
        self._paint(painter, layout, box.width(), ratio)
        painter.end()
        self._images[key] = made
        self._image_bytes += made.width() * made.height() * 4
        while self._image_bytes > MAX_IMAGE_BYTES:
            _, gone = self._images.popitem(last=False)
            self._image_bytes -= gone.width() * gone.height() * 4
        return made

    def _drop(self, key: ItemKey) -> None:
        self._kept.pop(key, None)
        gone = self._images.pop(key, None)
        if gone is not None:
            self._image_bytes -= gone.width() * gone.height() * 4

    def _paint(self, painter: QPainter, layout: RowLayout, width: int, ratio: float) -> None:
        key, selection = layout.item.key, self.selection
        look = Look(
            hovered=key == self.hovered,
            ratio=ratio,
            selection=(selection.start, selection.end) if selection is not None and selection.key == key else None,
            picture=lambda source, info, wide, high: self._pixmaps.picture(source, info, wide, high, ratio),
            avatar=lambda uri, size: self._pixmaps.avatar(uri, size, ratio),
        )
        if key == self.flashed:
            box = layout.bubble.adjusted(0, -4, 0, 4)
            painter.fillRect(QRectF(0, box.top(), width, box.height()), layout.sheet.theme.color("accent-subtle"))
        layout.paint(painter, look)

    def changed(self, first: int, last: int) -> None:
        items = self._items()
        if last - first > MAX_KEPT:
            self.forget_all()
            return
        for row in range(max(0, first), min(len(items) - 1, last) + 1):
            self._drop(items[row].key)
