"""The recovery key as people can read and copy it: groups of four in a frame."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.features.security.recovery.model import grouped
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr

GROUPS = 4
"""Groups in a line."""


class KeyBox(QWidget):
    """Painted, so that no other program's selection keeps it; `Copy` is a button beside it."""

    def __init__(self) -> None:
        super().__init__()
        identify(self, "recovery-key")
        self._lines: list[list[str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        on_theme(self, self._themed)

    def show_key(self, key: str) -> None:
        self._lines = [line.split() for line in grouped(key).split("\n")] if key else []
        describe(self, tr("recovery-key-name"), " ".join(group for line in self._lines for group in line))
        self.updateGeometry()
        self.update()

    @guarded(default=QSize(200, 80))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.padded(320), max(1, len(self._lines)) * theme.type("title").line + 2 * theme.space(4))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("surface-inset"))
        radius = theme.radius("row")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        style = theme.type("title", tabular=True)
        pad = theme.space(4)
        width = (self.width() - 2 * pad) / GROUPS
        for at, line in enumerate(self._lines):
            for number, group in enumerate(line):
                box = QRectF(pad + number * width, pad + at * style.line, width, style.line)
                style.draw(painter, box, group, theme.color("text"))
        painter.end()

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
