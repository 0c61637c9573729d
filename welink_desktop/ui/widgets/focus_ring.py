"""The keyboard focus ring: 2 px with a 2 px gap, drawn outside the focused widget by one overlay per window.

Only for keyboard focus; text inputs show it always. Widgets that paint their own focus (lists, tiles) set the property
`own-focus`.
"""

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QLineEdit, QStyle, QWidget

from welink_desktop.ui.design.theme import Theme, theme_of
from welink_desktop.ui.guard import guarded

_REACH = 4
_KEYBOARD = frozenset({Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason})


class FocusRing(QWidget):
    """The overlay of one window. Create it through `follow_focus`."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setObjectName("focus-ring")
        self._target: QWidget | None = None
        self._watched: list[QWidget] = []
        self.hide()

    def surround(self, target: QWidget | None) -> None:
        for widget in self._watched:
            if shiboken6.isValid(widget):
                widget.removeEventFilter(self)
        self._watched = []
        self._target = target
        if target is None:
            self.hide()
            return
        place: QWidget | None = target
        while place is not None:
            place.installEventFilter(self)
            self._watched.append(place)
            place = None if place.isWindow() else place.parentWidget()
        self._place()

    @guarded(default=False)
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kinds = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Hide, QEvent.Type.Show)
        if event.type() in kinds and watched is not self:
            self._place()
        return False

    def _place(self) -> None:
        target, window = self._target, self.parentWidget()
        if target is None or window is None or not shiboken6.isValid(target) or not target.isVisible():
            self.hide()
            return
        corner = target.mapTo(window, QPoint(0, 0))
        self.setGeometry(QRect(corner, target.size()).adjusted(-_REACH, -_REACH, _REACH, _REACH))
        self.raise_()
        self.show()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self._target or self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("focus-ring"), 2))
        radius = theme.radius("control") + 3
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), radius, radius)


class _Follower(QObject):
    """Watches the application's focus and moves the ring of the window it is in."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._by_keyboard = False
        app.installEventFilter(self)
        app.focusChanged.connect(self._changed)

    @guarded(default=False)
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn and isinstance(event, QFocusEvent):
            reason = event.reason()
            if reason in _KEYBOARD:
                self._by_keyboard = True
            elif reason is Qt.FocusReason.MouseFocusReason:
                self._by_keyboard = False
        return False

    def _changed(self, old: QWidget | None, new: QWidget | None) -> None:
        for widget in (old, new):
            if widget is not None and shiboken6.isValid(widget):
                _ring_of(widget).surround(None)
        if new is None or new.property("own-focus") or isinstance(new, QAbstractScrollArea):
            return
        if self._by_keyboard or isinstance(new, QLineEdit):
            _ring_of(new).surround(new)


def _ring_of(widget: QWidget) -> FocusRing:
    window = widget.window()
    ring = window.findChild(FocusRing, "focus-ring", Qt.FindChildOption.FindDirectChildrenOnly)
    return ring if isinstance(ring, FocusRing) else FocusRing(window)


def follow_focus(app: QApplication) -> None:
    """Show the ring in all windows of `app`. Call once."""
    if app.findChild(_Follower) is None:
        _Follower(app)


def paint_row_focus(painter: QPainter, box: QRectF, state: QStyle.StateFlag, theme: Theme) -> None:
    """The focus of a list's current row, inside its edge (visual.md §7)."""
    if not state & QStyle.StateFlag.State_HasFocus:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.color("focus-ring"), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), theme.radius("row") - 1, theme.radius("row") - 1)
