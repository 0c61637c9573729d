"""Menus with our icons; opened without a nested event loop."""

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from welink_desktop.ui.design.icons import icon
from welink_desktop.ui.design.theme import theme_of


class Menu(QMenu):
    """`add` actions, then `open_at`. The menu deletes itself when it closes."""

    def __init__(self, parent: QWidget, name: str = "") -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFont(theme_of(self).type("body").font)
        self.aboutToHide.connect(self.deleteLater)

    def add(
        self,
        text: str,
        act: Callable[[], None] | None,
        *,
        icon_name: str = "",
        shortcut: str = "",
        danger: bool = False,
        checked: bool | None = None,
    ) -> QAction:
        """`act` None shows the entry as unavailable just now."""
        theme = theme_of(self)
        action = QAction(f"{text}\t{shortcut}" if shortcut else text, self)
        if icon_name:
            color = theme.color("danger" if danger else "text-secondary")
            action.setIcon(icon(icon_name, theme.icon_size(20), color, theme.color("text-disabled")))
        if checked is not None:
            action.setCheckable(True)
            action.setChecked(checked)
        action.setEnabled(act is not None)
        if act is not None:
            action.triggered.connect(lambda *_: act())
        self.addAction(action)
        return action

    def open_at(self, global_position: QPoint) -> None:
        self.popup(global_position)

    def open_under(self, widget: QWidget) -> None:
        self.popup(widget.mapToGlobal(QPoint(0, widget.height() + 4)))
