"""The coloured half of the sign-in page: what the product is, drawn once per size."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.core.resources import resource
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.box import column
from welink_desktop.ui.widgets.brand import draw_mark
from welink_desktop.ui.widgets.label import Label

_FACES = ("portrait-06-camera", "portrait-02-camera", "portrait-04-camera", "portrait-01-camera")


class Art(QWidget):
    """Decorative; only its two sentences are spoken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sign-in-art")
        self._picture: QPixmap | None = None
        self._headline = Label(type_name="display", color="accent-contrast", wrap=True)
        self._promise = Label(type_name="body", color="accent-contrast", wrap=True)
        self._layout = column(self)
        self._layout.addStretch(1)
        self._layout.addWidget(self._headline)
        self._layout.addWidget(self._promise)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        translated(self, self._retranslate)
        on_theme(self, self._themed)

    def _retranslate(self) -> None:
        self._headline.setText(tr("sign-in-headline"))
        self._promise.setText(tr("sign-in-promise"))

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self._picture = None
        self.setFixedWidth(theme.layout("signin-art"))
        side = theme.padded(56)
        self._layout.setContentsMargins(side, side, side, theme.space(11))
        self._layout.setSpacing(theme.space(5))
        self.update()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.deviceIndependentSize().toSize() != self.size():
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            painter = QPainter(self._picture)
            self._draw(painter)
            painter.end()
        QPainter(self).drawPixmap(0, 0, self._picture)

    def _draw(self, painter: QPainter) -> None:
        theme = theme_of(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.color("accent-pressed"))
        side, pad = theme.padded(40), theme.padded(56)
        mark = QRectF(pad, theme.space(10), side, side)
        draw_mark(painter, mark, theme.color("accent-contrast"), theme.color("accent"))
        name = QRectF(mark.right() + theme.space(4), mark.top(), self.width(), side)
        theme.type("title").draw(painter, name, tr("app-name"), theme.color("accent-contrast"))
        middle = self.height() * 0.36
        if middle + 190 > self._headline.geometry().top() or middle < theme.padded(240):
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent-hover"))
        painter.drawRoundedRect(QRectF(-60, middle - 170, self.width() + 120, 340), 150, 150)
        self._draw_meeting(painter, QRectF(self.width() * 0.18, middle - 124, 250, 190))
        self._draw_lock(painter, QRectF(self.width() * 0.68, middle - 84, 64, 64))
        self._draw_message(painter, QRectF(self.width() * 0.3, middle + 30, 260, 80))

    def _draw_meeting(self, painter: QPainter, box: QRectF) -> None:
        theme = theme_of(self).stage()
        painter.setBrush(theme.color("stage"))
        painter.drawRoundedRect(box, 14, 14)
        width, height = (box.width() - 30) / 2, (box.height() - 30) / 2
        for index, face in enumerate(_FACES):
            x, y = box.left() + 11 + (index % 2) * (width + 8), box.top() + 11 + (index // 2) * (height + 8)
            tile = QRectF(x, y, width, height)
            clip = QPainterPath()
            clip.addRoundedRect(tile, 6, 6)
            painter.save()
            painter.setClipPath(clip)
            grown = QRectF(tile.left(), tile.top() - (tile.width() * 0.75 - height) / 2, tile.width(), tile.width() * 0.75)
            QSvgRenderer(str(resource("people", f"{face}.svg"))).render(painter, grown)
            painter.restore()
            if index == 0:
                painter.setPen(QPen(theme.color("stage-speaking"), 3))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(tile.adjusted(-2, -2, 2, 2), 8, 8)
                painter.setPen(Qt.PenStyle.NoPen)

    def _draw_lock(self, painter: QPainter, box: QRectF) -> None:
        theme = theme_of(self)
        painter.setBrush(theme.color("encrypted-subtle"))
        painter.drawRoundedRect(box, 14, 14)
        draw_icon(painter, "lock", box, 32, theme.color("encrypted"))

    def _draw_message(self, painter: QPainter, box: QRectF) -> None:
        theme = theme_of(self)
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(box, 16, 16)
        painter.setBrush(theme.color("own-bubble"))
        for top, width in ((24, 150), (46, 110)):
            painter.drawRoundedRect(QRectF(box.left() + 76, box.top() + top, width, 10), 5, 5)
        head = QRectF(box.left() + 18, box.top() + 18, 44, 44)
        clip = QPainterPath()
        clip.addEllipse(head)
        painter.save()
        painter.setClipPath(clip)
        QSvgRenderer(str(resource("people", "portrait-04-avatar.svg"))).render(painter, head)
        painter.restore()
