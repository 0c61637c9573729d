"""Push buttons: a verb, perhaps an icon. Looks come from the style sheet by `kind`."""

from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QPushButton, QWidget

from welink_desktop.ui.design.icons import icon
from welink_desktop.ui.design.style_sheet import restyle
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded

ButtonKind = Literal["primary", "secondary", "danger", "success", "ghost", "link"]
_INK = {
    "primary": "accent-contrast",
    "secondary": "text",
    "danger": "danger-contrast",
    "success": "success-contrast",
    "ghost": "text-secondary",
    "link": "accent-text",
}

GAP = 4
"""Room between icon and label, besides the 4 that the toolkit leaves."""


class Button(QPushButton):
    """`set_busy(True)` keeps the label and ignores clicks; `set_unavailable(why)` disables and says what is missing."""

    def __init__(
        self,
        text: str = "",
        *,
        kind: ButtonKind = "secondary",
        icon_name: str = "",
        small: bool = False,
        large: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._icon_name = icon_name
        self._kind: ButtonKind = kind
        self.setProperty("kind", kind)
        self.setProperty("small", small)
        self.setProperty("large", large)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(False)
        on_theme(self, self._themed)

    def set_kind(self, kind: ButtonKind) -> None:
        if kind == self._kind:
            return
        self._kind = kind
        self.setProperty("kind", kind)
        restyle(self)
        self._themed(theme_of(self))

    def set_icon(self, name: str) -> None:
        self._icon_name = name
        self._themed(theme_of(self))

    def set_unavailable(self, why: str) -> None:
        """Disable with a tooltip; "" enables again (visual.md §7: disabled is only for "not now")."""
        self.setEnabled(not why)
        self.setToolTip(why)

    @guarded(default=None)
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange:
            self._themed(theme_of(self))

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self.setFont(theme.type("strong").font)
        if self._icon_name:
            size = theme.icon_size(16 if self.property("small") else 20)
            before = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            ink, faded = theme.color(_INK[self._kind]), theme.color("text-disabled")
            self.setIconSize(QSize(size + GAP, size))
            self.setIcon(icon(self._icon_name, size, ink, faded, gap=GAP, before=before))
