"""A banner: one fact about the whole screen, with an icon, a sentence and at most two actions (visual.md §13)."""

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.widgets.box import column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.label import Label

BannerTone = Literal["accent", "warning", "danger", "external", "encrypted", "success"]
_INK = {"accent": "accent-text"}


class Banner(QWidget):
    """Tone decides colour and default icon. `show_fact("")` hides it."""

    def __init__(
        self, tone: BannerTone = "accent", icon_name: str = "info", text: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._tone: BannerTone = tone
        self._icon_name = icon_name
        self.text = Label(text, wrap=True)
        self._layout = row(self, spacing=8)
        words = column()
        words.addStretch(1)
        words.addWidget(self.text)
        words.addStretch(1)
        self._layout.addLayout(words, 1)
        self._actions: list[Button] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        on_theme(self, self._themed)
        self.setVisible(bool(text))

    def show_fact(self, text: str, tone: BannerTone | None = None, icon_name: str = "") -> None:
        self._tone = tone or self._tone
        self._icon_name = icon_name or self._icon_name
        self.text.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))
        self.update()

    def add_action(self, text: str, act: Callable[[], None]) -> Button:
        button = Button(text, small=True)
        button.clicked.connect(lambda *_: act())
        self._layout.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        self._actions.append(button)
        return button

    def _themed(self, theme: Theme) -> None:
        look = theme_of(self)
        size = look.icon_size(20)
        self._layout.setContentsMargins(look.space(4) + size + look.space(3), look.space(3), look.space(4), look.space(3))
        self.update()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = theme.color(_INK.get(self._tone, self._tone))
        painter.setPen(QPen(ink, 1) if theme.high_contrast else QPen(Qt.PenStyle.NoPen))
        painter.setBrush(theme.color(f"{self._tone}-subtle"))
        radius = theme.radius("row")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        size = theme.icon_size(20)
        top = theme.space(3)
        line = max(theme.type("body").line, min(self.height() - 2 * top, theme.control("height-compact")))
        box = QRectF(theme.space(4), top, size, self.height() - 2 * top if self.height() <= line + 2 * top + 2 else line)
        draw_icon(painter, self._icon_name, box, size, ink)
