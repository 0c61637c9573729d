"""A small fact on the stage: icon and word on a tinted ground ("Encrypted · key 4")."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded

HEIGHT = 30
ICON = 16


class Chip(QWidget):
    """`show_fact(icon, words, tone)`: the tone is a token with a `-subtle` ground (encrypted, warning, danger)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = "info"
        self._words = ""
        self._tone = "encrypted"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        on_theme(self, self._themed)

    def show_fact(self, icon: str, words: str, tone: str) -> None:
        self._icon, self._words, self._tone = icon, words, tone
        self.setAccessibleName(words)
        self.updateGeometry()
        self.update()

    @guarded(default=QSize(100, HEIGHT))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        width = theme.type("small").width(self._words) + theme.icon_size(ICON) + 2 * theme.space(4) + theme.space(2)
        return QSize(round(width) + 1, theme.scaled(HEIGHT))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = theme.color(self._tone)
        painter.setPen(QPen(ink) if theme.high_contrast else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(f"{self._tone}-subtle"))
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.radius("control"), theme.radius("control")
        )
        size = theme.icon_size(ICON)
        left = theme.space(4)
        draw_icon(painter, self._icon, QRectF(left, 0, size, self.height()), size, ink)
        words = QRectF(left + size + theme.space(2), 0, self.width(), self.height())
        theme.type("small").draw(painter, words, self._words, ink)
        painter.end()

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
