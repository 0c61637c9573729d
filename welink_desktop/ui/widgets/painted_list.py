"""A list of painted rows for pages: one tab stop, arrow keys, Enter, spoken rows. No widget per row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from welink_desktop.core.changes import Reset
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.lists.rows_model import RowsModel

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class RowLook:
    """How a row stands just now. `active` is false while the window is not the active one."""

    selected: bool
    hovered: bool
    focused: bool
    active: bool
    theme: Theme


class RowPainter(Protocol[T_contra]):
    """What a page knows about its rows."""

    def height(self, item: T_contra, theme: Theme) -> int: ...

    def paint(self, painter: QPainter, item: T_contra, box: QRectF, look: RowLook) -> None: ...

    def words(self, item: T_contra) -> str:
        """What a screen reader says."""

    def selectable(self, item: T_contra) -> bool: ...


class PaintedList(QListView, Generic[T]):
    """`chosen` comes with a click or Enter, `pressed_at` carries row and place of a click inside the row,
    `sideways` row and whether the key was Right (else Left)."""

    chosen = Signal(int)
    pressed_at = Signal(int, QPoint)
    sideways = Signal(int, bool)

    def __init__(self, painter: RowPainter[T], name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row_painter = painter
        self.rows: RowsModel[T] = RowsModel(lambda row: painter.words(self.rows.items[row]), self)
        self.setModel(self.rows)
        self.setItemDelegate(_Delegate(self, painter))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setProperty("own-focus", True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.keyboard = False
        describe(self, name)
        on_theme(self, self._themed)

    def show_items(self, items: Sequence[T], selected: int = -1) -> None:
        """Show these rows; `selected` is the row that is marked (-1: none)."""
        if self.rows.items != list(items):
            top = self.verticalScrollBar().value()
            self.rows.apply([Reset(tuple(items))])
            self.verticalScrollBar().setValue(top)
        index = self.rows.index(selected) if selected >= 0 else QModelIndex()
        if index != self.currentIndex():
            self.setCurrentIndex(index)

    def item_at(self, row: int) -> T | None:
        return self.rows.items[row] if 0 <= row < len(self.rows.items) else None

    def _themed(self, _: Theme) -> None:
        self.scheduleDelayedItemsLayout()
        self.viewport().update()

    @guarded(default=None)
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.keyboard = False
        index = self.indexAt(event.position().toPoint())
        item = self.item_at(index.row())
        if item is None or not self._row_painter.selectable(item) or event.button() is not Qt.MouseButton.LeftButton:
            return
        super().mousePressEvent(event)
        self.pressed_at.emit(index.row(), event.position().toPoint() - self.visualRect(index).topLeft())

    @guarded(default=None)
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    @guarded(default=None)
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.keyboard = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if self.keyboard and not self.currentIndex().isValid():
            self.setCurrentIndex(self.rows.index(self._next(-1, 1)))

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.keyboard = True
        row = self.currentIndex().row()
        match event.key():
            case Qt.Key.Key_Down:
                self._go(self._next(row, 1))
            case Qt.Key.Key_Up:
                self._go(self._next(row, -1))
            case Qt.Key.Key_Home:
                self._go(self._next(-1, 1))
            case Qt.Key.Key_End:
                self._go(self._next(len(self.rows.items), -1))
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space:
                if row >= 0:
                    self.chosen.emit(row)
            case Qt.Key.Key_Left | Qt.Key.Key_Right if row >= 0:
                self.sideways.emit(row, event.key() == Qt.Key.Key_Right)
            case _:
                event.ignore()

    def _go(self, row: int) -> None:
        if row >= 0:
            self.setCurrentIndex(self.rows.index(row))
            self.scrollTo(self.rows.index(row))
            self.viewport().update()

    def _next(self, row: int, step: int) -> int:
        row += step
        while 0 <= row < len(self.rows.items):
            if self._row_painter.selectable(self.rows.items[row]):
                return row
            row += step
        return -1


class _Delegate(QStyledItemDelegate, Generic[T]):
    def __init__(self, view: PaintedList[T], painter: RowPainter[T]) -> None:
        super().__init__(view)
        self._view = view
        self._painter = painter

    @guarded(default=QSize(10, 10))
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        item = self._view.item_at(index.row())
        return QSize(10, self._painter.height(item, theme_of(self._view)) if item is not None else 1)

    @guarded(default=None)
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        item = self._view.item_at(index.row())
        if item is None:
            return
        state = option.state  # type: ignore[attr-defined]  # missing in the stubs of QStyleOption's subclass
        usable = self._painter.selectable(item)
        current = index.row() == self._view.currentIndex().row()
        look = RowLook(
            selected=current and usable,
            hovered=bool(state & QStyle.StateFlag.State_MouseOver) and usable,
            focused=current and usable and self._view.keyboard and self._view.hasFocus(),
            active=self._view.window().isActiveWindow(),
            theme=theme_of(self._view),
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._painter.paint(painter, item, QRectF(option.rect), look)  # type: ignore[attr-defined]  # as above
        painter.restore()


def paint_row_ground(painter: QPainter, box: QRectF, look: RowLook) -> None:
    """The floating highlight of a row: selected, hovered, focused (visual.md §7)."""
    theme = look.theme
    token = ("selection" if look.active else "hover") if look.selected else ("hover" if look.hovered else "")
    radius = theme.radius("row")
    if token:
        painter.setPen(QPen(theme.color("selection-strong"), 2) if look.selected and theme.high_contrast else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(token))
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1) if theme.high_contrast else box, radius, radius)
    if look.focused:
        painter.setPen(QPen(theme.color("focus-ring"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), radius, radius)
