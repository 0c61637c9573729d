"""The round button that goes to the newest message, with the number of new ones."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr


class JumpButton(QAbstractButton):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("jump-to-end")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._count = 0
        self.hide()

    def set_count(self, count: int) -> None:
        self._count = count
        describe(self, tr("chat-jump-to-end"), tr("chat-new-messages", count=count) if count else "", tooltip=True)
        self.update()

    @guarded(default=QSize(36, 36))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        side = theme.scaled(36)
        words = theme.type("strong").width(str(self._count)) + 10 if self._count else 0
        return QSize(round(side + words + (10 if words else 0)), side)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("hover" if self.underMouse() else "surface-raised"))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        side = box.height()
        draw_icon(painter, "arrow-down", QRectF(4 if self._count else 0, 0, side, side), theme.icon_size(20), theme.color("text"))
        if self._count:
            words = QRectF(side, 0, box.width() - side - 4, side)
            theme.type("strong").draw(painter, words, str(self._count), theme.color("text"))
        painter.end()
