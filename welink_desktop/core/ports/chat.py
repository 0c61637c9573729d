"""Rooms and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from welink_desktop.core.ids import EventId, MessageRef, RoomId, TransactionId, UserId
    from welink_desktop.core.ports.listener import Listener
    from welink_desktop.core.reactive import Cancel
    from welink_desktop.core.rooms import Member, RoomListBatch, RoomRequest, Typing
    from welink_desktop.core.timeline import IncomingMessage, OutgoingFile, OutgoingText, TimelineBatch
    from welink_desktop.core.trust import UndecryptableReason


class Timeline(Protocol):
    """An open room. Its first batch is a `Reset` from the store, without waiting for the network."""

    def watch(self, listener: Listener[TimelineBatch]) -> Cancel: ...

    async def load_older(self, count: int = 50) -> bool:
        """Extend at the old end (store first, then server). Returns whether there is still more. Concurrent calls are one.

        Raises `Offline`, `ServerFault`; what is loaded stays.
        """

    async def load_until(self, event: EventId) -> bool:
        """Extend at the old end until `event` is loaded. Returns false if it is not there or not visible."""

    async def close(self) -> None: ...


class Chat(Protocol):
    """Rooms and messages of one account."""

    def watch_rooms(self, listener: Listener[RoomListBatch]) -> Cancel: ...

    def watch_typing(self, room: RoomId, listener: Listener[Typing]) -> Cancel: ...

    def watch_incoming(self, listener: Listener[IncomingMessage]) -> Cancel:
        """Live messages that should notify. Nothing is delivered for the past."""

    async def open_timeline(self, room: RoomId) -> Timeline:
        """Raises `NotFound` for a room this account does not know."""

    async def members(self, room: RoomId) -> tuple[Member, ...]:
        """All members (loaded from the server when not complete). Raises `Offline` if they were never loaded."""

    async def send_text(self, room: RoomId, message: OutgoingText) -> TransactionId:
        """Returns once queued on disk, not when the server has it: the row appears in the timeline at once."""

    async def send_file(self, room: RoomId, file: OutgoingFile) -> TransactionId:
        """Queue a file. Raises `NotFound` (path), `TooLarge`, `DiskFull`."""

    async def edit(self, room: RoomId, message: MessageRef, text: OutgoingText) -> None:
        """Queue an edit of an own text message. Raises `NotAllowed` for others' messages."""

    async def react(self, room: RoomId, message: MessageRef, key: str) -> None:
        """Queue a reaction. The same key twice is one."""

    async def recall(self, room: RoomId, message: MessageRef, reason: str = "") -> None:
        """Redact a message and our edits of it, or undo a reaction; a message still in the queue is simply dropped."""

    async def retry(self, room: RoomId, message: TransactionId) -> None:
        """Queue a failed message again, under the same transaction id."""

    async def mark_read(self, room: RoomId, up_to: EventId) -> None:
        """Move the read receipt and the fully-read marker forward; never back. Queued while offline."""

    async def set_marked_unread(self, room: RoomId, unread: bool) -> None: ...

    async def set_favourite(self, room: RoomId, favourite: bool) -> None: ...

    async def set_muted(self, room: RoomId, muted: bool) -> None: ...

    async def set_typing(self, room: RoomId, typing: bool) -> None:
        """Fire and forget; limited to one call in 4 s per room."""

    async def draft(self, room: RoomId) -> str:
        """The unsent text kept for `room` ("" = none)."""

    async def set_draft(self, room: RoomId, text: str) -> None:
        """Kept in the store within 2 s."""

    async def create_room(self, request: RoomRequest) -> RoomId:
        """Returns once the room is known here. Raises `NotAllowed`, `Offline`, `TooManyAttempts`."""

    async def direct_room(self, user: UserId) -> RoomId:
        """The direct chat with `user`: the existing one, else a new encrypted one (invites them)."""

    async def join(self, room: RoomId) -> None:
        """Accept an invitation or join. Raises `NotAllowed`, `NotFound`, `Offline`."""

    async def leave(self, room: RoomId) -> None:
        """Leave, or decline an invitation."""

    async def invite(self, room: RoomId, user: UserId, *, share_history: bool = False) -> None:
        """With `share_history` the person gets the keys of older messages first, as far as the room's history visibility
        allows. Raises `HistoryNotShared` if that was not possible; the invitation is out then all the same.
        """

    async def undecryptable_counts(self) -> Mapping[UndecryptableReason, int]:
        """How many kept messages cannot be read, by reason: for diagnostics, names nothing else."""
