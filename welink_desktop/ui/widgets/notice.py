"""A framed sentence about what it stands next to, with choices under it: errors that need a decision."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.widgets.banner import BannerTone
from welink_desktop.ui.widgets.box import column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.label import Label

_INK = {"accent": "accent-text"}


class Notice(QWidget):
    """`show_fact("")` hides it. Buttons hide and show by themselves; the row of buttons follows."""

    def __init__(self, tone: BannerTone, icon_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone: BannerTone = tone
        self._icon_name = icon_name
        self._fact = Label(wrap=True)
        self._why = Label(type_name="small", color="text-secondary", wrap=True)
        self._buttons = row(spacing=8)
        self._buttons.addStretch(1)
        self._layout = column(self, spacing=8)
        self._layout.addWidget(self._fact)
        self._layout.addWidget(self._why)
        self._layout.addLayout(self._buttons)
        on_theme(self, self._themed)
        self.hide()

    def show_fact(self, fact: str, why: str = "", *, tone: BannerTone | None = None, icon_name: str = "") -> None:
        self._tone = tone or self._tone
        self._icon_name = icon_name or self._icon_name
        self._fact.setText(fact)
        self._why.setText(why)
        self._why.setVisible(bool(why))
        self.setAccessibleName(fact)
        self.setAccessibleDescription(why)
        self.setVisible(bool(fact))
        self.update()

    def add_button(self, button: Button) -> None:
        self._buttons.insertWidget(self._buttons.count() - 1, button)

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        left = theme.space(4) * 2 + theme.icon_size(20)
        self._layout.setContentsMargins(left, theme.space(4), theme.space(4), theme.space(4))
        self.update()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = theme.color(_INK.get(self._tone, self._tone))
        painter.setPen(QPen(ink, 1) if theme.high_contrast else QPen(Qt.PenStyle.NoPen))
        painter.setBrush(theme.color(f"{self._tone}-subtle"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.radius("row"), theme.radius("row"))
        size = theme.icon_size(20)
        draw_icon(
            painter, self._icon_name, QRectF(theme.space(4), theme.space(4), size, self._fact.style_of_text().line), size, ink
        )
