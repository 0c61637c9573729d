"""Text with the fixed line height of its type token, wrapped or elided; read by assistive technology as a QLabel."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from welink_desktop.ui.design.fonts import TextStyle
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.design.tokens import TypeName
from welink_desktop.ui.guard import guarded


class Label(QLabel):
    """A plain text. `color` is a token; `wrap` breaks lines, else the text is elided at the right."""

    def __init__(
        self,
        text: str = "",
        *,
        type_name: TypeName = "body",
        color: str = "text",
        wrap: bool = False,
        weight: int = 0,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._type_name: TypeName = type_name
        self._color = color
        self._weight = weight
        self._wrap = wrap
        self._align = align
        self._heights: dict[int, int] = {}
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(0)
        vertical = QSizePolicy.Policy.MinimumExpanding if wrap else QSizePolicy.Policy.Fixed
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        policy.setHeightForWidth(wrap)
        self.setSizePolicy(policy)
        super().setText(text)
        on_theme(self, self._themed)

    def setText(self, text: str) -> None:
        if text == self.text():
            return
        super().setText(text)
        self._heights.clear()
        self.updateGeometry()
        self.update()

    def set_color(self, color: str) -> None:
        self._color = color
        self.update()

    def style_of_text(self) -> TextStyle:
        return theme_of(self).type(self._type_name, weight=self._weight)

    def _themed(self, _: Theme) -> None:
        self._heights.clear()
        self.setFont(self.style_of_text().font)
        self.updateGeometry()
        self.update()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        style = self.style_of_text()
        color = theme_of(self).color(self._color if self.isEnabled() else "text-disabled")
        if not self._wrap:
            style.draw(painter, QRectF(self.rect()), self.text().replace("\n", " "), color, align=self._align)
            return
        painter.setPen(color)
        painter.setFont(style.font)
        layout, _ = self._lay_out(self.width())
        for index in range(layout.lineCount()):
            line = layout.lineAt(index)
            left = {
                Qt.AlignmentFlag.AlignHCenter: (self.width() - line.naturalTextWidth()) / 2,
                Qt.AlignmentFlag.AlignRight: self.width() - line.naturalTextWidth(),
            }.get(self._align, 0.0)
            line.draw(painter, QPointF(left - line.x(), style.baseline(index * style.line) - line.ascent() - line.y()))

    @guarded(default=QSize(0, 0))
    def sizeHint(self) -> QSize:
        style = self.style_of_text()
        lines = self.text().split("\n")
        width = max(style.width(line) for line in lines)
        if not self._wrap:
            return QSize(int(width) + 2, style.line)
        limit = min(int(width) + 2, style.line * 24)
        return QSize(limit, self.heightForWidth(limit))

    @guarded(default=QSize(0, 0))
    def minimumSizeHint(self) -> QSize:
        style = self.style_of_text()
        return QSize(style.line, self.heightForWidth(self.width()) if self._wrap and self.width() > 0 else style.line)

    @guarded(default=20)
    def heightForWidth(self, width: int) -> int:
        if not self._wrap:
            return self.style_of_text().line
        height = self._heights.get(width)
        if height is None:
            height = self._heights[width] = max(1, self._lay_out(width)[1]) * self.style_of_text().line
        return height

    def hasHeightForWidth(self) -> bool:
        return self._wrap

    def _lay_out(self, width: int) -> tuple[QTextLayout, int]:
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout = QTextLayout(self.text().replace("\n", "\u2028"), self.style_of_text().font)
        layout.setTextOption(option)
        layout.beginLayout()
        count = 0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            count += 1
        layout.endLayout()
        return layout, count
