"""A large choice: icon, title, one sentence, radio mark. Role and keyboard of a radio button."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QRadioButton, QSizePolicy, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded

HEIGHT = 70


class ChoiceCard(QRadioButton):
    def __init__(self, icon_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._title = ""
        self._sentence = ""
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.toggled.connect(lambda _: self.update())
        on_theme(self, self._themed)

    def set_words(self, title: str, sentence: str) -> None:
        self._title, self._sentence = title, sentence
        describe(self, title, sentence)
        self.update()

    @guarded(default=QSize(200, HEIGHT))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        words = theme.type("strong").line + theme.type("small").line + theme.space(2)
        return QSize(theme.padded(320), max(theme.padded(HEIGHT), words + 2 * theme.space(4)))

    @guarded(default=QSize(200, HEIGHT))
    def minimumSizeHint(self) -> QSize:
        return QSize(theme_of(self).padded(200), self.sizeHint().height())

    @guarded(default=True)
    def hitButton(self, position: QPoint) -> bool:
        return self.rect().contains(position)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = self.isChecked()
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        fill = "accent-subtle" if chosen else ("hover" if self.underMouse() else "surface")
        painter.setPen(QPen(theme.color("accent" if chosen else "border"), 2 if chosen else 1))
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(box, theme.radius("card"), theme.radius("card"))
        side = theme.padded(40)
        tile = QRectF(theme.space(5), (self.height() - side) / 2, side, side)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent" if chosen else "surface-inset"))
        painter.drawRoundedRect(tile, theme.radius("tile"), theme.radius("tile"))
        draw_icon(painter, self._icon_name, tile, theme.icon_size(20), theme.color("accent-contrast" if chosen else "text"))
        self._paint_words(painter, tile.right() + theme.space(5))
        self._paint_mark(painter, chosen)

    def _paint_words(self, painter: QPainter, left: float) -> None:
        theme = theme_of(self)
        title, sentence = theme.type("strong"), theme.type("small")
        top = (self.height() - title.line - sentence.line) / 2
        width = self.width() - left - theme.padded(56)
        title.draw(painter, QRectF(left, top, width, title.line), self._title, theme.color("text"))
        below = QRectF(left, top + title.line, width, sentence.line)
        sentence.draw(painter, below, self._sentence, theme.color("text-secondary"))

    def _paint_mark(self, painter: QPainter, chosen: bool) -> None:
        theme = theme_of(self)
        side = theme.padded(20)
        mark = QRectF(self.width() - side - theme.space(5), (self.height() - side) / 2, side, side).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("accent" if chosen else "border-control"), 1))
        painter.setBrush(theme.color("accent" if chosen else "surface"))
        painter.drawEllipse(mark)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent-contrast"))
            inner = side * 0.3
            painter.drawEllipse(mark.adjusted(inner, inner, -inner, -inner))

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
