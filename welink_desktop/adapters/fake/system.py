"""Secrets, settings and desktop kept in memory."""

from welink_desktop.core.errors import KeyringMissing
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.ports.system import Notification
from welink_desktop.core.reactive import Cancel, Signal
from welink_desktop.core.settings import Settings


class MemorySecrets:
    """`locked` makes every call fail like a keyring that is missing."""

    def __init__(self, *, locked: bool = False) -> None:
        self.locked = locked
        self._values: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        self._check()
        return self._values.get(name)

    def set(self, name: str, value: bytes) -> None:
        self._check()
        self._values[name] = value

    def delete(self, name: str) -> None:
        self._check()
        self._values.pop(name, None)

    def _check(self) -> None:
        if self.locked:
            raise KeyringMissing


class MemorySettings:
    def __init__(self, settings: Settings | None = None, *, forced: frozenset[str] = frozenset()) -> None:
        self._settings = settings or Settings()
        self._forced = forced

    @property
    def forced(self) -> frozenset[str]:
        return self._forced

    def load(self) -> Settings:
        return self._settings

    def save(self, settings: Settings) -> None:
        self._settings = settings


class MemoryDesktop:
    """Remembers what it was asked; `click` plays a person who clicks a notification."""

    def __init__(self) -> None:
        self.shown: dict[RoomId, Notification] = {}
        self.badge = 0
        self.awake = False
        self.links: list[str] = []
        self._activated: Signal[Notification] = Signal()

    def notify(self, notification: Notification) -> None:
        self.shown[notification.room] = notification

    def withdraw(self, room: RoomId) -> None:
        self.shown.pop(room, None)

    def watch_activated(self, listener: Listener[Notification]) -> Cancel:
        return self._activated.listen(listener)

    def click(self, room: RoomId) -> None:
        self._activated.emit(self.shown[room])

    def set_badge(self, unread: int) -> None:
        self.badge = unread

    def keep_awake(self, on: bool) -> None:
        self.awake = on

    def open_link(self, url: str) -> bool:
        if url.partition(":")[0].lower() not in ("http", "https", "mailto"):
            return False
        self.links.append(url)
        return True
