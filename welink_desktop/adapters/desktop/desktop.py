"""Implements the port `Desktop` over the system this process runs on."""

import platform
import subprocess
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import topic
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.ports.system import Notification
from welink_desktop.core.reactive import Cancel, Signal

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
SHOWN_MS = 8000
_log = topic("desktop")


class SystemDesktop:
    """`tray` gives the tray icon while there is one: it shows the notifications."""

    def __init__(self, tray: Callable[[], QSystemTrayIcon | None]) -> None:
        self._tray = tray
        self._activated: Signal[Notification] = Signal()
        self._shown: Notification | None = None
        self._wired: QSystemTrayIcon | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def notify(self, notification: Notification) -> None:
        icon = self._tray()
        if icon is None or not icon.supportsMessages():
            return
        if icon is not self._wired:
            icon.messageClicked.connect(self._clicked)
            self._wired = icon
        self._shown = notification
        icon.showMessage(notification.title, notification.body, icon.icon(), SHOWN_MS)

    def withdraw(self, room: RoomId) -> None:
        """The tray cannot take a message back; a click on an old one leads nowhere any more."""
        if self._shown is not None and self._shown.room == room:
            self._shown = None

    def watch_activated(self, listener: Listener[Notification]) -> Cancel:
        return self._activated.listen(listener)

    def set_badge(self, unread: int) -> None:
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication):
            app.setBadgeNumber(unread)

    def keep_awake(self, on: bool) -> None:
        if on and self._guard is None:
            self._guard = _start(guard_command())
        elif not on and self._guard is not None:
            self._guard.terminate()
            self._guard.wait(2)
            self._guard = None

    def open_link(self, url: str) -> bool:
        if not is_safe_link(url):
            return False
        return QDesktopServices.openUrl(QUrl(url))

    def _clicked(self) -> None:
        if self._shown is not None:
            self._activated.emit(self._shown)


def is_safe_link(url: str) -> bool:
    """Only web and mail addresses, and web addresses only with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    scheme = parts.scheme.lower()
    return scheme in LINK_SCHEMES and (scheme == "mailto" or bool(parts.netloc)) and url.isprintable()


def guard_command() -> Sequence[str]:
    """A program of the system that holds the screen awake as long as it runs; empty where there is none."""
    system = platform.system()
    if system == "Darwin":
        return ("caffeinate", "-d")
    if system == "Linux":
        why = ("--who=WeLink Desktop", "--why=Meeting")
        return ("systemd-inhibit", "--what=idle:sleep", *why, "sleep", "infinity")
    return ()


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes] | None":
    if not command:
        return None
    try:
        return subprocess.Popen(  # noqa: S603  # fixed command of the system
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        _log.info("no sleep guard on this system")
        return None
