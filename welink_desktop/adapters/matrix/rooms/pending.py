"""The seam between timelines and the outbox: what is on its way, and how it meets its return from the server."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from welink_desktop.adapters.matrix.store.database import Transaction
from welink_desktop.core.ids import EventId, MessageRef, RoomId, TransactionId, UserId
from welink_desktop.core.reactive import Cancel
from welink_desktop.core.timeline import Content, SendState


class PendingKind(enum.Enum):
    MESSAGE = "message"
    EDIT = "edit"
    REACTION = "reaction"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Pending:
    """An outbox item as a timeline shows it. `content` is set for MESSAGE and EDIT; `target` for all but MESSAGE.

    `event` is known once the server answered; the item stays until sync brings the event back (`Outbox.settle`).
    """

    transaction: TransactionId
    room: RoomId
    kind: PendingKind
    created_ms: int
    state: SendState
    content: Content | None = None
    event: EventId | None = None
    reply_to: EventId | None = None
    target: MessageRef | None = None
    key: str = ""
    mentions: tuple[UserId, ...] = ()


class Outbox(Protocol):
    """The part of the outbox that timelines and the room list use."""

    def pending(self, room: RoomId) -> tuple[Pending, ...]:
        """All items of `room` that sync has not brought back, in sending order."""

    def watch(self, room: RoomId, listener: Callable[[tuple[Pending, ...]], None]) -> Cancel:
        """Call `listener` now and after each committed change with all pending items of `room`."""

    def watch_all(self, listener: Callable[[RoomId], None]) -> Cancel:
        """Call `listener` with a room after each committed change of its items."""

    def settle(self, t: Transaction, room: RoomId, event: EventId, transaction: TransactionId | None) -> TransactionId | None:
        """An own event came back through sync, inside its transaction: forget the item it belongs to and return its id.

        Matched by `transaction`, else by the `event` of an answer. None if it is not from this outbox.
        """


class NoOutbox:
    """An account that only reads."""

    def pending(self, room: RoomId) -> tuple[Pending, ...]:
        return ()

    def watch(self, room: RoomId, listener: Callable[[tuple[Pending, ...]], None]) -> Cancel:
        listener(())
        return lambda: None

    def watch_all(self, listener: Callable[[RoomId], None]) -> Cancel:
        return lambda: None

    def settle(self, t: Transaction, room: RoomId, event: EventId, transaction: TransactionId | None) -> TransactionId | None:
        return transaction
