"""The computer: secrets, settings, notifications, links, desktop."""

from dataclasses import dataclass
from typing import Protocol

from welink_desktop.core.ids import EventId, RoomId
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel
from welink_desktop.core.settings import Settings


class Secrets(Protocol):
    """Small secrets under names; the OS keyring, or the file a person chose instead. Blocking: call off the UI loop."""

    def get(self, name: str) -> bytes | None:
        """Raises `KeyringMissing`."""

    def set(self, name: str, value: bytes) -> None:
        """Stored durably on return. Raises `KeyringMissing`."""

    def delete(self, name: str) -> None:
        """Deleting what is not there is fine. Raises `KeyringMissing`."""


class SettingsStore(Protocol):
    """settings.toml: unknown keys and comments survive; a broken file is kept aside and defaults are used."""

    @property
    def forced(self) -> frozenset[str]:
        """Keys ("appearance.theme") that a rule of the organisation fixes: to be shown as locked."""

    def load(self) -> Settings: ...

    def save(self, settings: Settings) -> None:
        """Atomic. Raises `DiskFull`."""


@dataclass(frozen=True, slots=True)
class Notification:
    """`title` and `body` are plain text, already rendered; a new one replaces an older one of the same `room`."""

    room: RoomId
    event: EventId
    title: str
    body: str
    silent: bool = False


class Desktop(Protocol):
    """Notifications, badge and sleep guard of the desktop environment. Missing services are silently done without."""

    def notify(self, notification: Notification) -> None: ...

    def withdraw(self, room: RoomId) -> None: ...

    def watch_activated(self, listener: Listener[Notification]) -> Cancel:
        """A notification was clicked."""

    def set_badge(self, unread: int) -> None: ...

    def keep_awake(self, on: bool) -> None:
        """No screen sleep while `on` (a meeting runs)."""

    def open_link(self, url: str) -> bool:
        """Open http, https or mailto in the system's program; anything else is refused (false)."""


class EvaluationBackend(Protocol):
    """The embedded evaluation backend on this computer."""

    async def start(self, progress: Listener[str]) -> "EvaluationPlace":
        """Start (or find running) and seed. `progress` gets a text key of the present step. Raises `EvaluationFailed`."""


@dataclass(frozen=True, slots=True, repr=False)
class EvaluationPlace:
    """Where the evaluation organisation answers, and the account to try it with."""

    base_url: str
    server_name: str
    user: str
    password: str
