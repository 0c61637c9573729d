"""A control of the meeting bar: 44 × 36 with its word below (visual.md §5); the state has a form, not only a colour."""

import enum

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.design.tokens import tokens
from welink_desktop.ui.guard import guarded

RADIUS = 10
LEAVE_WIDTH = 56
PITCH = 70
PITCH_NARROW = 62


class Look(enum.Enum):
    """PLAIN: available. OFF: switched off, light with a red icon. ACTIVE: runs, accent. LEAVE: red."""

    PLAIN = "plain"
    OFF = "off"
    ACTIVE = "active"
    LEAVE = "leave"


_TOKENS = {
    Look.PLAIN: ("stage-control", "stage-text"),
    Look.OFF: ("stage-control-off", "stage-control-off-icon"),
    Look.ACTIVE: ("accent", "accent-contrast"),
    Look.LEAVE: ("stage-leave", "stage-leave-text"),
}


class StageControl(QAbstractButton):
    """`word` stands below, `spoken` is the accessible name with the state apart ("Microphone, muted")."""

    def __init__(self, icon_name: str, look: Look = Look.PLAIN, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._look = look
        self._busy = False
        self._count = 0
        self._narrow = False
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        on_theme(self, self._themed)

    def show_state(self, icon_name: str, word: str, spoken: str, look: Look, *, busy: bool = False, shortcut: str = "") -> None:
        """`busy` shows a waiting mark in place of the icon; the word stays."""
        self._icon_name, self._look, self._busy = icon_name, look, busy
        self.setText(word)
        describe(self, spoken)
        self.setToolTip(f"{spoken} ({shortcut})" if shortcut else spoken)
        self.updateGeometry()
        self.update()

    def set_narrow(self, narrow: bool) -> None:
        if narrow != self._narrow:
            self._narrow = narrow
            self.updateGeometry()

    def set_count(self, count: int) -> None:
        """A small number at the corner; 0 hides it."""
        self._count = count
        self.update()

    @guarded(default=QSize(70, 60))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        pitch = theme.scaled(PITCH_NARROW if self._narrow else PITCH)
        word = theme.type("caption").width(self.text()) + theme.space(2)
        return QSize(max(pitch, round(word)), self._key_size(theme).height() + theme.space(1) + theme.type("caption").line)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = self._key_size(theme)
        key = QRectF((self.width() - size.width()) / 2, 0, size.width(), size.height())
        fill, ink = _TOKENS[self._look]
        if self._look is Look.PLAIN and self.underMouse():
            fill = "stage-control-hover"
        painter.setPen(theme.color("border") if theme.high_contrast else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(key, RADIUS, RADIUS)
        draw_icon(painter, "refresh" if self._busy else self._icon_name, key, theme.icon_size(20), theme.color(ink))
        caption = theme.type("caption")
        line = QRectF(0, key.bottom() + theme.space(1), self.width(), caption.line)
        caption.draw(painter, line, self.text(), theme.color("stage-text"), align=Qt.AlignmentFlag.AlignHCenter)
        if self._count:
            self._paint_count(painter, theme, key)
        painter.end()

    def _paint_count(self, painter: QPainter, theme: Theme, key: QRectF) -> None:
        style = theme.type("badge", tabular=True)
        side = max(style.line, style.width(str(self._count)) + theme.space(2))
        badge = QRectF(key.right() - side / 2, key.top() - theme.space(1), side, style.line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("badge-mention"))
        painter.drawRoundedRect(badge, badge.height() / 2, badge.height() / 2)
        style.draw(painter, badge, str(self._count), theme.color("badge-mention-text"), align=Qt.AlignmentFlag.AlignHCenter)

    def _key_size(self, theme: Theme) -> QSize:
        width, height = tokens().layout_size("meeting-control")
        return QSize(theme.padded(LEAVE_WIDTH if self._look is Look.LEAVE else width), theme.padded(height))

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
