"""A microphone meter of 20 steps."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded

STEPS = 20
HEIGHT = 8


class LevelMeter(QWidget):
    """`set_level(0–1)`. Its steps have a frame as well, so that the state is not only a colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._full = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def full(self) -> int:
        """How many of the 20 steps are lit."""
        return self._full

    def set_level(self, level: float) -> None:
        full = round(min(1.0, max(0.0, level)) * STEPS)
        if full != self._full:
            self._full = full
            self.update()

    @guarded(default=QSize(200, HEIGHT))
    def sizeHint(self) -> QSize:
        return QSize(200, theme_of(self).scaled(HEIGHT))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gap = theme.space(1)
        width = (self.width() - gap * (STEPS - 1)) / STEPS
        for step in range(STEPS):
            lit = step < self._full
            painter.setPen(Qt.PenStyle.NoPen if lit else QPen(theme.color("border")))
            painter.setBrush(theme.color("success-fill" if lit else "surface-inset"))
            painter.drawRoundedRect(QRectF(step * (width + gap) + 0.5, 0.5, width - 1, self.height() - 1), gap / 2, gap / 2)
        painter.end()
