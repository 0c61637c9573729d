"""A switch: on or off, at once. Role and keyboard of a check box."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded


class SwitchButton(QCheckBox):
    def __init__(self, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        describe(self, name)
        on_theme(self, self._themed)

    @guarded(default=QSize(36, 28))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.padded(36), max(28, theme.padded(28)))

    @guarded(default=False)
    def hitButton(self, position: object) -> bool:
        return True

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = theme.padded(20)
        box = QRectF(0.5, (self.height() - height) / 2 + 0.5, self.width() - 1, height - 1)
        on, usable = self.isChecked(), self.isEnabled()
        fill = ("accent" if usable else "text-disabled") if on else ("surface" if usable else "surface-inset")
        edge = fill if on else ("border-control" if usable else "border")
        painter.setPen(QPen(theme.color(edge), 1))
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        knob = box.height() - (6 if on else 8)
        right = on != (self.layoutDirection() == Qt.LayoutDirection.RightToLeft)
        left = box.right() - knob - 3 if right else box.left() + 4
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent-contrast" if on else "border-control"))
        painter.drawEllipse(QRectF(left, box.center().y() - knob / 2, knob, knob))

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
