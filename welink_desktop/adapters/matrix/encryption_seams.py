"""What encryption needs of the rest of the engine. Implemented by `http` and the rooms store; faked in tests."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from welink_desktop.adapters.matrix.crypto.records import RoomRules
from welink_desktop.core.ids import RoomId


class RoomFacts(Protocol):
    """What encryption must know about rooms."""

    async def rules(self, room: RoomId) -> RoomRules:
        """The room's encryption settings and everybody who may read what is sent now.

        Loads the complete member list first if it is lazy. `recipients`: joined members, and invited ones unless the history
        visibility is `joined`; ourselves included. Raises `Offline` if the members cannot be loaded.
        """

    def joined_at_ms(self, room: RoomId) -> int:
        """Server time of our own latest join of `room`, 0 if unknown. Only used to explain unreadable messages."""


class KeyRequests(Protocol):
    """The part of `Http` that encryption uses."""

    def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        json: Mapping[str, Any] | None = None,
        deadline: float = 30.0,
        retry: bool = True,
    ) -> Awaitable[dict[str, Any]]: ...
