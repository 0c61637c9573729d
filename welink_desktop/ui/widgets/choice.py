"""A choice of one of a few values: a drop-down list with our chevron."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded


class Choice(QComboBox):
    """`chosen` carries the value a person picked; `set_options` and `set_value` are silent."""

    chosen = Signal(str)

    def __init__(self, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        describe(self, name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(lambda index: self.chosen.emit(str(self.itemData(index))))
        on_theme(self, self._themed)

    def set_options(self, options: Sequence[tuple[str, str]], value: str) -> None:
        """`options` are (value, words)."""
        shown = [(str(self.itemData(i)), self.itemText(i)) for i in range(self.count())]
        if shown != list(options):
            self.clear()
            for data, words in options:
                self.addItem(words, data)
        self.set_value(value)

    def set_value(self, value: str) -> None:
        self.setCurrentIndex(max(0, self.findData(value)))

    @guarded(default=None)
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        theme = theme_of(self)
        size = theme.icon_size(16)
        painter = QPainter(self)
        box = QRectF(self.width() - size - theme.space(4), 0, size, self.height())
        draw_icon(painter, "chevron-down", box, size, theme.color("text-muted"))

    def _themed(self, _: Theme) -> None:
        self.setFont(theme_of(self).type("body").font)
