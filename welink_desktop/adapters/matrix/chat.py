"""The port `Chat` of one account, put together from rooms, outbox and server requests."""

import asyncio
from dataclasses import dataclass

from welink_desktop.adapters.matrix.outbox.queue import Outbox
from welink_desktop.adapters.matrix.outbox.receipts import ReadMarks
from welink_desktop.adapters.matrix.outbox.typing import TypingNotices
from welink_desktop.adapters.matrix.rooms import rows
from welink_desktop.adapters.matrix.rooms.administration import RoomAdministration
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.history import History
from welink_desktop.adapters.matrix.rooms.hub import Hub
from welink_desktop.adapters.matrix.rooms.ingest import RoomNews
from welink_desktop.adapters.matrix.rooms.items import ItemBuilder
from welink_desktop.adapters.matrix.rooms.members import RoomMembers
from welink_desktop.adapters.matrix.rooms.room_list import RoomList
from welink_desktop.adapters.matrix.rooms.timeline import RoomTimeline
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.wire.sync import Receipt
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import NotFound, WeLinkError
from welink_desktop.core.ids import EventId, MessageRef, RoomId, TransactionId, UserId
from welink_desktop.core.log import topic
from welink_desktop.core.ports.chat import Timeline
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope
from welink_desktop.core.rooms import Member, RoomListBatch, RoomRequest, Typing
from welink_desktop.core.timeline import IncomingMessage, OutgoingFile, OutgoingText
from welink_desktop.core.trust import UndecryptableReason

DRAFT_SECONDS = 1.0
_log = topic("chat")


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What a chat is made of; built by `client`."""

    database: Database
    rooms: RoomStore
    room_list: RoomList
    hub: Hub
    members: RoomMembers
    history: History
    builder: ItemBuilder
    administration: RoomAdministration
    outbox: Outbox
    marks: ReadMarks
    typing: TypingNotices
    scope: Scope
    clock: Clock


class MatrixChat:
    """Runs on the engine loop."""

    def __init__(self, parts: ChatParts) -> None:
        self._parts = parts
        self._drafts: dict[RoomId, str] = {}
        self._saving: asyncio.TimerHandle | None = None

    def watch_rooms(self, listener: Listener[RoomListBatch]) -> Cancel:
        return self._parts.room_list.watch(listener)

    def watch_typing(self, room: RoomId, listener: Listener[Typing]) -> Cancel:
        return self._parts.hub.watch_typing(room, listener)

    def watch_incoming(self, listener: Listener[IncomingMessage]) -> Cancel:
        return self._parts.hub.incoming.listen(listener)

    async def open_timeline(self, room: RoomId) -> Timeline:
        row = self._parts.rooms.row(room)
        if row is None:
            raise NotFound
        timeline = RoomTimeline(
            room,
            self._parts.database,
            self._parts.rooms,
            self._parts.builder,
            self._parts.outbox,
            self._parts.history,
            closed=self._parts.hub.remove,
        )
        self._parts.hub.add(timeline)
        if row.membership == "join" and not row.members_complete:
            self._parts.scope.spawn(self._complete_members(room), name="members")
        return timeline

    async def _complete_members(self, room: RoomId) -> None:
        """Names of everybody, and no wait at the first encrypted message."""
        try:
            await self._parts.members.load_members(room)
        except WeLinkError:
            _log.info("members not loaded yet")

    async def members(self, room: RoomId) -> tuple[Member, ...]:
        return await self._parts.members.members(room)

    async def send_text(self, room: RoomId, message: OutgoingText) -> TransactionId:
        return await self._parts.outbox.send_text(room, message)

    async def send_file(self, room: RoomId, file: OutgoingFile) -> TransactionId:
        return await self._parts.outbox.send_file(room, file)

    async def edit(self, room: RoomId, message: MessageRef, text: OutgoingText) -> None:
        await self._parts.outbox.edit(room, message, text)

    async def react(self, room: RoomId, message: MessageRef, key: str) -> None:
        await self._parts.outbox.react(room, message, key)

    async def recall(self, room: RoomId, message: MessageRef, reason: str = "") -> None:
        await self._parts.outbox.recall(room, message, reason)

    async def retry(self, room: RoomId, message: TransactionId) -> None:
        await self._parts.outbox.retry(room, message)

    async def mark_read(self, room: RoomId, up_to: EventId) -> None:
        if self._parts.marks.mark(room, up_to):
            with self._parts.database.transaction() as t:
                self._parts.hub.publish_in(t, RoomNews(room, receipts=True))
                self._parts.rooms.put_receipt(t, room, Receipt(self._parts.rooms.user, up_to, self._parts.clock.now_ms()))
        try:
            await self._parts.administration.set_marked_unread(room, False)
        except WeLinkError:
            _log.info("mark not cleared at the server")

    async def set_marked_unread(self, room: RoomId, unread: bool) -> None:
        await self._parts.administration.set_marked_unread(room, unread)

    async def set_favourite(self, room: RoomId, favourite: bool) -> None:
        await self._parts.administration.set_favourite(room, favourite)

    async def set_muted(self, room: RoomId, muted: bool) -> None:
        await self._parts.administration.set_muted(room, muted)

    async def set_typing(self, room: RoomId, typing: bool) -> None:
        self._parts.typing.set(room, typing)

    async def draft(self, room: RoomId) -> str:
        return self._drafts.get(room, self._parts.rooms.draft(room))

    async def set_draft(self, room: RoomId, text: str) -> None:
        self._drafts[room] = text
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(DRAFT_SECONDS, self.save_drafts)

    def save_drafts(self) -> None:
        """Write what was typed; also called before the store closes."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        drafts, self._drafts = self._drafts, {}
        if not drafts:
            return
        with self._parts.database.transaction() as t:
            for room, text in drafts.items():
                self._parts.hub.publish_in(t, RoomNews(room))
                self._parts.rooms.set_draft(t, room, text)

    async def create_room(self, request: RoomRequest) -> RoomId:
        return await self._parts.administration.create(request)

    async def direct_room(self, user: UserId) -> RoomId:
        return await self._parts.administration.direct(user)

    async def join(self, room: RoomId) -> None:
        await self._parts.administration.join(room)

    async def leave(self, room: RoomId) -> None:
        await self._parts.administration.leave(room)

    async def invite(self, room: RoomId, user: UserId, *, share_history: bool = False) -> None:
        await self._parts.administration.invite(room, user, share_history=share_history)

    async def undecryptable_counts(self) -> dict[UndecryptableReason, int]:
        with self._parts.database.read() as t:
            return rows.undecryptable_counts(t)
