"""A button that is only an icon; its name is spoken and shown as tooltip."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QToolButton, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded


class IconButton(QToolButton):
    """`name` is the spoken verb + object. `side` is the square's side at 100 % (hit area ≥ 28)."""

    def __init__(
        self,
        icon_name: str,
        name: str = "",
        *,
        color: str = "text-secondary",
        icon_size: int = 20,
        side: int = 32,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._color = color
        self._icon_size = icon_size
        self._side = side
        self.setProperty("kind", "icon")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_name(name)
        on_theme(self, self._themed)

    def set_name(self, name: str, shortcut: str = "") -> None:
        describe(self, name)
        self.setToolTip(f"{name} ({shortcut})" if shortcut else name)

    def set_icon(self, icon_name: str, color: str = "") -> None:
        self._icon_name = icon_name
        self._color = color or self._color
        self._themed(theme_of(self))

    @guarded(default=None)
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange:
            self._themed(theme_of(self))

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        size = theme.icon_size(self._icon_size)
        side = max(theme.padded(self._side), size + 8)
        self.setFixedSize(side, side)
        self.setIconSize(QSize(size, size))
        self.setIcon(icon(self._icon_name, size, theme.color(self._color), theme.color("text-disabled")))
