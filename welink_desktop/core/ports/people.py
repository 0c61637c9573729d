"""People and the organisation."""

from typing import Protocol

from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.organisation import Organisation
from welink_desktop.core.people import Person, PersonHit, Status
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel


class People(Protocol):
    """Profiles, search and the department tree as this account may see them."""

    async def me(self) -> Person: ...

    async def person(self, user: UserId) -> Person:
        """Profile from the cache if younger than 10 minutes, else from the server; the cached one when offline.

        Raises `NotFound`, or `Offline` if nothing is cached.
        """

    async def search(self, text: str, limit: int = 50) -> tuple[PersonHit, ...]:
        """Local hits first (names, pinyin, initials, staff number, title, department), then the server's directory.

        Each person once, closest first. Offline: local hits only.
        """

    async def organisation(self) -> Organisation | None:
        """The department tree, from the cache at once if there is one. None: this account belongs to no organisation space."""

    async def people_of(self, department: RoomId) -> tuple[Person, ...]:
        """Direct members of a department, by name in pinyin order. Raises `Offline`, `NotFound`."""

    def watch_people(self, listener: Listener[Person]) -> Cancel:
        """Profiles as they become known or change. (No initial state: ask `person`.)"""

    async def set_status(self, status: Status) -> None: ...

    async def set_name(self, name: str) -> None: ...
