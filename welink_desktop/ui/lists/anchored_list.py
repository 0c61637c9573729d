"""A long list with its own geometry: rows are measured when they are looked at, and what is read never moves.

A stock `QListView` with rows of different heights asks every row again on each change; this one knows estimates, measures
visible rows only and keeps one anchor row at its place through insertions, resizes and late pictures. No widget per row.
"""

import enum
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QWidget

from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.lists.heights import HeightMap
from welink_desktop.ui.lists.rows_model import RowsModel

Index = QModelIndex | QPersistentModelIndex


class Gravity(enum.Enum):
    """Where a list that is shorter than the view stands, and which end it follows."""

    TOP = "top"
    BOTTOM = "bottom"


class RowPainter(Protocol):
    """Knows how rows look. Called on the UI thread; must not change the model."""

    @property
    def estimate(self) -> int:
        """A typical height, for rows that nobody looked at yet."""

    def measure(self, row: int, width: int) -> int:
        """The exact height of a row in a view `width` wide."""

    def paint(self, painter: QPainter, row: int, box: QRect) -> None:
        """Paint a row into `box` (viewport coordinates)."""

    def changed(self, first: int, last: int) -> None:
        """Forget what is known of rows `first` to `last`."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A row on screen: `top` is relative to the viewport."""

    row: int
    top: int
    height: int


class AnchoredList(QListView):
    """Set a `RowsModel` and a painter with `present`. `moved` follows every scroll or change of what is visible."""

    moved = QtSignal()

    def __init__(self, gravity: Gravity, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gravity = gravity
        self._heights = HeightMap()
        self._painter: RowPainter | None = None
        self._rows: RowsModel[Any] | None = None
        self._anchor_row = 0
        self._anchor_top = 0
        self._at_end = gravity is Gravity.BOTTOM
        self._placed: list[Placed] = []
        self._dirty = True
        self._silent = False
        self._width = -1
        self._padding = (0, 0)
        self.plane = "surface"
        """Colour token behind the rows."""
        self.keyboard = False
        """Whether the focus came by keyboard, so that the current row shows a ring."""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAutoScroll(False)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def present(self, rows: RowsModel[Any], painter: RowPainter, *, top: int = 0, bottom: int = 0) -> None:
        """Show `rows` by `painter`, with empty bands above the first and below the last row."""
        self._rows, self._painter, self._padding = rows, painter, (top, bottom)
        self.setModel(rows)
        rows.settled.connect(self.settle)
        self.start_over()

    def set_padding(self, top: int, bottom: int) -> None:
        self._padding = (top, bottom)
        self.remeasure()

    # What is where

    @property
    def at_end(self) -> bool:
        """Whether the end of the list is in view, and new rows will be followed."""
        return self._at_end

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The rows on screen, top down."""
        self._ensure()
        return tuple(self._placed)

    def beyond(self) -> int:
        """How many pixels lie below the view (partly estimated)."""
        bar = self.verticalScrollBar()
        return int(bar.maximum() - bar.value())

    def above(self) -> int:
        """How many pixels lie above the view (partly estimated)."""
        return int(self.verticalScrollBar().value())

    def row_box(self, row: int) -> QRect:
        """Where a row stands, in viewport coordinates; also for rows out of view (then by estimate)."""
        self._ensure()
        for placed in self._placed:
            if placed.row == row:
                return QRect(0, placed.top, self.viewport().width(), placed.height)
        if not 0 <= row < len(self._heights):
            return QRect()
        top = self._padding[0] + self._heights.offset(row) - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self._heights.height(row))

    def row_under(self, point: QPoint) -> int | None:
        self._ensure()
        for placed in self._placed:
            if placed.top <= point.y() < placed.top + placed.height:
                return placed.row
        return None

    # Going somewhere

    def to_end(self) -> None:
        self._at_end = True
        self.settle()

    def to_row(self, row: int, *, top: int | None = None) -> None:
        """Bring a row into view: with `top` exactly there, else by the shortest way."""
        if not 0 <= row < len(self._heights):
            return
        box = self.row_box(row)
        height = self.viewport().height()
        if top is None:
            if box.top() >= 0 and box.bottom() < height:
                return
            top = 0 if box.top() < 0 or box.height() > height else height - box.height()
        self._at_end = False
        self._anchor_row, self._anchor_top = row, top
        self.settle()

    def scroll_by(self, pixels: int) -> None:
        """Positive numbers go towards the end."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + pixels)

    def start_over(self) -> None:
        """All rows are new."""
        count = len(self._rows.items) if self._rows is not None else 0
        self._heights.reset([self._painter.estimate] * count if self._painter is not None else [])
        self._anchor_row, self._anchor_top = 0, self._padding[0]
        self._at_end = self._gravity is Gravity.BOTTOM
        self.settle()

    def remeasure(self) -> None:
        """All heights may have changed (theme, density, width)."""
        self._heights.forget_all()
        if self._painter is not None and self._rows is not None and self._rows.items:
            self._painter.changed(0, len(self._rows.items) - 1)
        self.settle()

    def remeasure_rows(self, first: int, last: int) -> None:
        """Heights of these rows may have changed."""
        if self._painter is None or not len(self._heights):
            return
        first, last = max(0, first), min(len(self._heights) - 1, last)
        for row in range(first, last + 1):
            self._heights.forget(row)
        if first <= last:
            self._painter.changed(first, last)
        self._dirty = True

    def settle(self) -> None:
        """Measure what is visible, keep the anchor where it is, bring the scroll bar up to date."""
        self._dirty = False
        if self._painter is None:
            return
        self._place()
        self._update_bar()
        self.viewport().update()
        self.moved.emit()

    # Geometry

    def _place(self) -> None:
        """Fill `_placed` from the anchor outwards, then clamp at both ends."""
        height = self.viewport().height()
        count = len(self._heights)
        if not count:
            self._placed = []
            return
        top_pad, bottom_pad = self._padding
        if self._at_end:
            self._place_from(count - 1, height - bottom_pad - self._measured(count - 1), height)
        else:
            self._anchor_row = min(self._anchor_row, count - 1)
            self._place_from(self._anchor_row, self._anchor_top, height)
        first, last = self._placed[0], self._placed[-1]
        end = last.top + last.height + bottom_pad
        reaches_end = last.row == count - 1 and end <= height
        if first.row == 0 and first.top > top_pad and not (reaches_end and self._gravity is Gravity.BOTTOM):
            self._place_from(0, top_pad, height)
            last = self._placed[-1]
            reaches_end = last.row == count - 1 and last.top + last.height + bottom_pad <= height
        if reaches_end and (self._gravity is Gravity.BOTTOM or self._placed[0].row > 0 or self._placed[0].top < top_pad):
            self._place_from(count - 1, height - bottom_pad - self._measured(count - 1), height)
            first = self._placed[0]
            if first.row == 0 and first.top > top_pad and self._gravity is Gravity.TOP:
                self._place_from(0, top_pad, height)
        self._at_end = reaches_end
        self._choose_anchor()

    def _place_from(self, row: int, top: int, height: int) -> None:
        placed = [Placed(row, top, self._measured(row))]
        while placed[-1].top + placed[-1].height < height and placed[-1].row + 1 < len(self._heights):
            last = placed[-1]
            placed.append(Placed(last.row + 1, last.top + last.height, self._measured(last.row + 1)))
        above: list[Placed] = []
        row, top = placed[0].row, placed[0].top
        while top > 0 and row > 0:
            row -= 1
            grown = self._measured(row)
            top -= grown
            above.append(Placed(row, top, grown))
        placed = above[::-1] + placed
        visible = [one for one in placed if one.top + one.height > 0 and one.top < height]
        self._placed = visible or placed[:1]

    def _choose_anchor(self) -> None:
        inside = next((one for one in self._placed if one.top >= 0), self._placed[0])
        self._anchor_row, self._anchor_top = inside.row, inside.top

    def _measured(self, row: int) -> int:
        if self._painter is None or self._heights.measured(row):
            return self._heights.height(row)
        height = self._painter.measure(row, self.viewport().width())
        self._heights.set(row, height)
        return height

    def _update_bar(self) -> None:
        self._silent = True
        bar = self.verticalScrollBar()
        view = self.viewport().height()
        total = self._heights.total + sum(self._padding)
        bar.setPageStep(max(1, view))
        bar.setSingleStep(24)
        bar.setRange(0, max(0, total - view))
        if self._at_end and self._gravity is Gravity.BOTTOM:
            bar.setValue(bar.maximum())
        elif self._placed:
            first = self._placed[0]
            bar.setValue(self._padding[0] + self._heights.offset(first.row) - first.top)
        self._silent = False

    def _ensure(self) -> None:
        if self._dirty:
            self.settle()

    # What Qt asks and tells

    @guarded(default=None)
    def scrollContentsBy(self, dx: int, dy: int) -> None:
        if self._silent or not self._placed:
            return
        bar = self.verticalScrollBar()
        if bar.value() >= bar.maximum() and dy < 0:
            self._at_end = True
        elif abs(dy) <= 3 * self.viewport().height():
            self._at_end = False
            self._anchor_top += dy
        else:
            self._at_end = False
            offset = bar.value() - self._padding[0]
            self._anchor_row = self._heights.row_at(offset)
            self._anchor_top = self._heights.offset(self._anchor_row) - offset
        self.settle()

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        if self.viewport().width() != self._width:
            self._width = self.viewport().width()
            self.remeasure()
        else:
            self.settle()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), theme_of(self).color(self.plane))
        self._ensure()
        if self._painter is not None:
            top, bottom = event.rect().top(), event.rect().bottom()
            width = self.viewport().width()
            for one in self._placed:
                if one.top <= bottom and one.top + one.height >= top:
                    self._painter.paint(painter, one.row, QRect(0, one.top, width, one.height))
        painter.end()

    @guarded(default=None)
    def rowsInserted(self, parent: Index, start: int, end: int) -> None:
        count = end - start + 1
        estimate = self._painter.estimate if self._painter is not None else 1
        self._heights.insert(start, [estimate] * count)
        if self._anchor_row >= start:
            self._anchor_row += count
        self.remeasure_rows(start - 1, start - 1)
        self.remeasure_rows(end + 1, end + 1)
        self._dirty = True

    @guarded(default=None)
    def rowsAboutToBeRemoved(self, parent: Index, start: int, end: int) -> None:
        QAbstractItemView.rowsAboutToBeRemoved(self, _plain(parent), start, end)
        self._heights.remove(start, end - start + 1)
        if self._anchor_row > end:
            self._anchor_row -= end - start + 1
        elif self._anchor_row >= start:
            self._anchor_row = max(0, start - 1) if start >= len(self._heights) else start
        self._placed = []
        self.remeasure_rows(start - 1, start)
        self._dirty = True

    @guarded(default=None)
    def dataChanged(self, top_left: Index, bottom_right: Index, roles: Any = ()) -> None:
        self.remeasure_rows(top_left.row() - 1, bottom_right.row() + 1)
        self.viewport().update()

    @guarded(default=None)
    def reset(self) -> None:
        super().reset()
        self.start_over()

    def doItemsLayout(self) -> None:  # noqa: N802 - Qt's name
        self._dirty = True
        self.viewport().update()

    def updateGeometries(self) -> None:
        return None

    @guarded(default=QRect())
    def visualRect(self, index: Index) -> QRect:
        return self.row_box(index.row()) if index.isValid() else QRect()

    @guarded(default=QModelIndex())
    def indexAt(self, point: QPoint) -> QModelIndex:
        row = self.row_under(point)
        return self.model().index(row, 0) if row is not None and self.model() is not None else QModelIndex()

    @guarded(default=None)
    def scrollTo(self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible) -> None:
        if index.isValid():
            self.to_row(index.row())

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return int(self.verticalScrollBar().value())

    def setSelection(self, rect: QRect, command: Any) -> None:
        return None

    @guarded(default=QRegion())
    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        region = QRegion()
        for index in selection.indexes():
            region += self.visualRect(index)
        return region

    @guarded(default=QModelIndex())
    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        count = len(self._heights)
        if not count:
            return QModelIndex()
        row = self.currentIndex().row()
        if row < 0:
            row = self._placed[-1].row if self._gravity is Gravity.BOTTOM and self._placed else -1
        page = max(1, len(self._placed) - 1)
        steps = {
            QAbstractItemView.CursorAction.MoveUp: row - 1,
            QAbstractItemView.CursorAction.MoveDown: row + 1,
            QAbstractItemView.CursorAction.MovePageUp: row - page,
            QAbstractItemView.CursorAction.MovePageDown: row + page,
            QAbstractItemView.CursorAction.MoveHome: 0,
            QAbstractItemView.CursorAction.MoveEnd: count - 1,
        }
        wanted = self.landing(steps.get(action, row), -1 if steps.get(action, row) < row else 1)
        return self.model().index(max(0, min(count - 1, wanted)), 0)

    def landing(self, row: int, direction: int) -> int:
        """The row where the cursor may stand when it wants to go to `row`; lists with headings skip them."""
        return row

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        before = self.currentIndex().row()
        self.keyboard = True
        super().keyPressEvent(event)
        if self.currentIndex().row() != before and self.currentIndex().isValid():
            self.to_row(self.currentIndex().row())
            self.viewport().update()

    @guarded(default=None)
    def focusInEvent(self, event: QFocusEvent) -> None:
        by_key = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self.keyboard = event.reason() in by_key
        super().focusInEvent(event)
        self.viewport().update()

    @guarded(default=None)
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    @guarded(default=None)
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.keyboard = False
        super().mousePressEvent(event)

    def shows_ring(self, row: int) -> bool:
        """Whether the row is the current one of a list that is used by keyboard."""
        return self.keyboard and self.hasFocus() and self.currentIndex().row() == row


def _plain(index: Index) -> QModelIndex:
    return index if isinstance(index, QModelIndex) else QModelIndex()
