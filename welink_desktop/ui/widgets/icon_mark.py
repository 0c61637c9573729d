"""An icon as decoration beside words; silent for assistive technology."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded


class IconMark(QWidget):
    def __init__(self, icon_name: str, *, size: int = 20, color: str = "text-secondary", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._size = size
        self._color = color
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        on_theme(self, self._themed)

    def set_icon(self, icon_name: str, color: str = "") -> None:
        self._icon_name, self._color = icon_name, color or self._color
        self.update()

    @guarded(default=QSize(20, 20))
    def sizeHint(self) -> QSize:
        size = theme_of(self).icon_size(self._size)
        return QSize(size, size)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        size = theme.icon_size(self._size)
        draw_icon(QPainter(self), self._icon_name, QRectF(self.rect()), size, theme.color(self._color))

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
