"""The tray icon: unread mark, click toggles the window, a menu with open and quit. Absent where there is no tray."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from welink_desktop.app.window import MainWindow
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.brand import app_icon


class Tray(QObject):
    quit_wanted = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._unread = 0
        self.icon: QSystemTrayIcon | None = None
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        self._menu = QMenu()
        self._open = QAction(self._menu)
        self._quit = QAction(self._menu)
        self._open.triggered.connect(window.come_forward)
        self._quit.triggered.connect(self.quit_wanted)
        self._menu.addAction(self._open)
        self._menu.addSeparator()
        self._menu.addAction(self._quit)
        self.icon = QSystemTrayIcon(app_icon(), self)
        self.icon.setContextMenu(self._menu)
        self.icon.activated.connect(self._activated)
        translated(self, self._retranslate)
        self.icon.show()

    @property
    def available(self) -> bool:
        return self.icon is not None

    def set_unread(self, unread: int) -> None:
        if self.icon is not None and bool(unread) != bool(self._unread):
            self.icon.setIcon(app_icon(unread=bool(unread)))
        self._unread = unread
        self._retranslate()

    def explain(self) -> None:
        """Once: the window is gone, the app is not."""
        if self.icon is not None:
            self.icon.showMessage(tr("app-name"), tr("tray-explained"))

    def hide(self) -> None:
        if self.icon is not None:
            self.icon.hide()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is not QSystemTrayIcon.ActivationReason.Trigger:
            return
        if self._window.isVisible() and not self._window.isMinimized():
            self._window.hide()
        else:
            self._window.come_forward()

    def _retranslate(self) -> None:
        if self.icon is None:
            return
        self._open.setText(tr("tray-open"))
        self._quit.setText(tr("command-quit"))
        words = tr("tray-unread", count=self._unread) if self._unread else ""
        self.icon.setToolTip(" · ".join(part for part in (tr("app-name"), words) if part))
