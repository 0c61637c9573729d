"""A box to tick, with its sentence. Role and keyboard of a check box."""

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded

BOX = 18


class Tick(QCheckBox):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        on_theme(self, self._themed)

    def set_words(self, words: str) -> None:
        self.setText(words)
        describe(self, words)
        self.updateGeometry()

    @guarded(default=QSize(100, 28))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        width = theme.padded(BOX) + theme.space(3) + theme.type("body").width(self.text()) + 2
        return QSize(int(width), max(28, theme.type("body").line + theme.space(2)))

    @guarded(default=False)
    def hitButton(self, position: QPoint) -> bool:
        return self.rect().contains(position)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, on = theme_of(self), self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = theme.padded(BOX)
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        left = self.width() - side - 1 if mirrored else 1
        box = QRectF(left + 0.5, (self.height() - side) / 2 + 0.5, side - 1, side - 1)
        painter.setPen(QPen(theme.color("accent" if on else "border-control"), 1))
        painter.setBrush(theme.color("accent" if on else "surface"))
        painter.drawRoundedRect(box, theme.radius("control") / 2, theme.radius("control") / 2)
        if on:
            painter.setPen(QPen(theme.color("accent-contrast"), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            corner = QPointF(box.left() + 0.43 * side, box.top() + 0.68 * side)
            painter.drawLine(QPointF(box.left() + 0.24 * side, box.top() + 0.5 * side), corner)
            painter.drawLine(corner, QPointF(box.left() + 0.74 * side, box.top() + 0.3 * side))
        gap = side + theme.space(3)
        words = QRectF(0 if mirrored else gap, 0, self.width() - gap, self.height())
        align = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        style, ink = theme.type("body"), theme.color("text" if self.isEnabled() else "text-disabled")
        line = QRectF(words.left(), (self.height() - style.line) / 2, words.width(), style.line)
        style.draw(painter, line, self.text(), ink, align=align)
        painter.end()

    def _themed(self, _: Theme) -> None:
        self.setFont(theme_of(self).type("body").font)
        self.updateGeometry()
        self.update()
