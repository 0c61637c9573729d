"""The card that says, before joining, who can see and hear the meeting and that its keys are new."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import column
from welink_desktop.ui.widgets.label import Label

ICON = 24


class EncryptionCard(QFrame):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setObjectName("lobby-encryption")
        self._encrypted = True
        self._title = Label("", type_name="strong", color="encrypted")
        self._detail = Label("", type_name="small", color="text-secondary", wrap=True)
        self._keys = Banner("encrypted", "key-new")
        self._layout = column(self)
        self._words = column()
        self._words.addWidget(self._title)
        self._words.addWidget(self._detail)
        self._layout.addLayout(self._words)
        self._layout.addWidget(self._keys)
        on_theme(self, self._themed)

    def show_encryption(self, encrypted: bool) -> None:
        self._encrypted = encrypted
        self.retranslate()

    def retranslate(self) -> None:
        on = self._encrypted
        self._title.set_color("encrypted" if on else "warning")
        self._title.setText(tr("lobby-encrypted" if on else "lobby-not-encrypted"))
        self._detail.setText(tr("lobby-encrypted-detail" if on else "lobby-not-encrypted-detail"))
        self._keys.show_fact(tr("lobby-new-keys") if on else "")
        self.setAccessibleName(f"{self._title.text()}. {self._detail.text()}")
        self.update()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        theme = theme_of(self)
        painter = QPainter(self)
        size = theme.icon_size(ICON)
        name, token = ("shield-check", "encrypted") if self._encrypted else ("unlock", "warning")
        draw_icon(painter, name, QRectF(theme.space(5), theme.space(5), size, size), size, theme.color(token))
        painter.end()

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        edge = theme.space(5)
        self._words.setContentsMargins(theme.icon_size(ICON) + theme.space(4), 0, 0, 0)
        self._layout.setSpacing(theme.space(4))
        self._layout.setContentsMargins(edge, edge, edge, edge)
        self.update()
