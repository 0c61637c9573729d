"""`Chat` and `Timeline` over the fake world. Sending takes two turns of the loop; offline it waits."""

import asyncio
import mimetypes
from collections import Counter
from dataclasses import replace
from pathlib import Path

from welink_desktop.adapters.fake.world import FakeRoom, FakeWorld, preview_of
from welink_desktop.core.changes import Insert, Reset
from welink_desktop.core.errors import NotAllowed, NotFound, Offline
from welink_desktop.core.ids import ContentUri, EventId, ItemKey, MessageRef, RoomId, TransactionId, UserId
from welink_desktop.core.media import MediaInfo
from welink_desktop.core.ports.chat import Timeline
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel
from welink_desktop.core.rooms import Member, Membership, RoomListBatch, RoomRequest, RoomSummary, Typing, Unread
from welink_desktop.core.timeline import (
    AttachmentContent,
    IncomingMessage,
    OutgoingFile,
    OutgoingText,
    Reaction,
    RecalledContent,
    ReplyPreview,
    SendPhase,
    SendState,
    TextContent,
    TimelineBatch,
    TimelineItem,
    UndecryptableContent,
)
from welink_desktop.core.trust import UndecryptableReason


class FakeTimeline:
    def __init__(self, world: FakeWorld, room: FakeRoom) -> None:
        self._world = world
        self._room = room

    def watch(self, listener: Listener[TimelineBatch]) -> Cancel:
        listener(self._room.batch(Reset(tuple(self._room.items))))
        return self._room.news.listen(listener)

    async def load_older(self, count: int = 50) -> bool:
        if not self._world.online and self._room.older:
            raise Offline
        page = self._room.older[-count:]
        if page:
            del self._room.older[-count:]
            self._room.items[:0] = page
            self._room.news.emit(self._room.batch(Insert(0, tuple(page))))
        return bool(self._room.older)

    async def load_until(self, event: EventId) -> bool:
        while True:
            if any(item.ref == event for item in self._room.items):
                return True
            if not self._room.older:
                return False
            await self.load_older()

    async def close(self) -> None:
        return None


class FakeChat:
    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self._typing: dict[RoomId, bool] = {}

    def watch_rooms(self, listener: Listener[RoomListBatch]) -> Cancel:
        listener(RoomListBatch((Reset(tuple(room.summary for room in self._world.rooms)),)))
        return self._world.room_news.listen(listener)

    def watch_typing(self, room: RoomId, listener: Listener[Typing]) -> Cancel:
        listener(Typing(room, ()))
        return self._world.room(room).typing.listen(listener)

    def watch_incoming(self, listener: Listener[IncomingMessage]) -> Cancel:
        return self._world.incoming.listen(listener)

    async def open_timeline(self, room: RoomId) -> Timeline:
        return FakeTimeline(self._world, self._world.room(room))

    async def members(self, room: RoomId) -> tuple[Member, ...]:
        return tuple(self._world.room(room).members)

    async def send_text(self, room: RoomId, message: OutgoingText) -> TransactionId:
        content = TextContent(message.body, message.html, message.kind)
        return self._queue(self._world.room(room), content, message.reply_to)

    async def send_file(self, room: RoomId, file: OutgoingFile) -> TransactionId:
        uri = ContentUri(f"mxc://sample/upload-{self._world.number()}")
        return self._queue(self._world.room(room), _attachment(file, uri), None)

    async def edit(self, room: RoomId, message: MessageRef, text: OutgoingText) -> None:
        found = self._world.room(room)
        index = found.index(message)
        item = found.items[index]
        if not item.own or not isinstance(item.content, TextContent):
            raise NotAllowed
        content = TextContent(text.body, text.html, item.content.kind)
        self._world.replace_item(found, index, replace(item, content=content, edited=True))

    async def react(self, room: RoomId, message: MessageRef, key: str) -> None:
        found = self._world.room(room)
        index = found.index(message)
        item = found.items[index]
        if any(reaction.key == key and reaction.mine for reaction in item.reactions):
            return
        me = self._world.me.user
        known = [reaction for reaction in item.reactions if reaction.key == key]
        mine = Reaction(key, (*(known[0].people if known else ()), me), self._world.new_event_id())
        others = tuple(mine if reaction.key == key else reaction for reaction in item.reactions)
        self._world.replace_item(found, index, replace(item, reactions=others if known else (*others, mine)))

    async def recall(self, room: RoomId, message: MessageRef, reason: str = "") -> None:
        found = self._world.room(room)
        if self._undo_reaction(found, message):
            return
        index = found.index(message)
        item = found.items[index]
        if not item.own:
            raise NotAllowed
        if item.send.phase in (SendPhase.QUEUED, SendPhase.FAILED):
            self._world.remove_item(found, index)
            return
        me = self._world.me
        gone = RecalledContent(me.user, me.name, self._world.clock.now_ms(), reason)
        self._world.replace_item(found, index, replace(item, content=gone, reactions=(), edited=False))

    async def retry(self, room: RoomId, message: TransactionId) -> None:
        found = self._world.room(room)
        index = found.index(message)
        self._world.replace_item(found, index, replace(found.items[index], send=SendState(SendPhase.QUEUED)))
        self._deliver_soon(found, found.items[index].key)

    async def mark_read(self, room: RoomId, up_to: EventId) -> None:
        found = self._world.room(room)
        found.read_up_to = up_to
        found.news.emit(found.batch())
        self._world.set_summary(found, replace(found.summary, unread=Unread()))

    async def set_marked_unread(self, room: RoomId, unread: bool) -> None:
        found = self._world.room(room)
        self._world.set_summary(found, replace(found.summary, unread=replace(found.summary.unread, marked=unread)))

    async def set_favourite(self, room: RoomId, favourite: bool) -> None:
        found = self._world.room(room)
        self._world.set_summary(found, replace(found.summary, favourite=favourite))

    async def set_muted(self, room: RoomId, muted: bool) -> None:
        found = self._world.room(room)
        self._world.set_summary(found, replace(found.summary, muted=muted))

    async def set_typing(self, room: RoomId, typing: bool) -> None:
        self._typing[room] = typing

    async def draft(self, room: RoomId) -> str:
        return self._world.room(room).draft

    async def set_draft(self, room: RoomId, text: str) -> None:
        found = self._world.room(room)
        found.draft = text
        self._world.set_summary(found, replace(found.summary, draft=text))

    async def create_room(self, request: RoomRequest) -> RoomId:
        room = RoomId(f"!room-{self._world.number()}")
        people = [self._world.people[user] for user in (self._world.me.user, *request.invite) if user in self._world.people]
        name = request.name or ", ".join(person.name for person in people[1:])
        summary = RoomSummary(
            room=room,
            name=name,
            topic=request.topic,
            encrypted=request.encrypted and not request.public,
            joined=1,
            order=self._world.number(),
            direct_with=request.invite[0] if request.direct and request.invite else None,
            external_organisations=tuple(sorted({p.organisation for p in people if p.external})),
        )
        members = [Member(person.user, person.name, avatar=person.avatar, external=person.external) for person in people]
        self._world.add_room(FakeRoom(summary, members))
        return room

    async def direct_room(self, user: UserId) -> RoomId:
        for room in self._world.rooms:
            if room.summary.direct_with == user and room.summary.membership is Membership.JOINED:
                return room.summary.room
        return await self.create_room(RoomRequest(invite=(user,), direct=True))

    async def join(self, room: RoomId) -> None:
        found = self._world.room(room)
        self._world.set_summary(found, replace(found.summary, membership=Membership.JOINED, inviter=None))

    async def leave(self, room: RoomId) -> None:
        self._world.remove_room(self._world.room(room))

    async def invite(self, room: RoomId, user: UserId, *, share_history: bool = False) -> None:
        person = self._world.people.get(user)
        if person is None:
            raise NotFound
        self._world.room(room).members.append(Member(user, person.name, membership=Membership.INVITED, external=person.external))

    async def undecryptable_counts(self) -> dict[UndecryptableReason, int]:
        contents = (item.content for room in self._world.rooms for item in room.items)
        return dict(Counter(content.why.reason for content in contents if isinstance(content, UndecryptableContent)))

    def _queue(self, room: FakeRoom, content: TextContent | AttachmentContent, reply_to: EventId | None) -> TransactionId:
        if room.summary.membership is not Membership.JOINED:
            raise NotAllowed
        transaction = TransactionId(f"txn-{self._world.number()}")
        item = replace(
            self._world.make_item(self._world.me.user, content, encrypted=room.summary.encrypted),
            key=ItemKey(transaction),
            ref=transaction,
            reply=self._reply(room, reply_to),
            send=SendState(SendPhase.QUEUED),
        )
        self._world.append(room, item)
        self._deliver_soon(room, item.key)
        return transaction

    def _reply(self, room: FakeRoom, event: EventId | None) -> ReplyPreview | None:
        if event is None:
            return None
        answered = room.items[room.index(event)]
        body = answered.content.body if isinstance(answered.content, TextContent) else ""
        return ReplyPreview(event, answered.sender, answered.sender_name, body)

    def _deliver_soon(self, room: FakeRoom, key: ItemKey) -> None:
        asyncio.get_running_loop().call_soon(self._deliver, room, key)

    def _deliver(self, room: FakeRoom, key: ItemKey) -> None:
        if not self._world.online:
            cancel: list[Cancel] = []

            def back(_connection: object) -> None:
                if self._world.online and cancel:
                    cancel.pop()()
                    self._deliver_soon(room, key)

            cancel.append(self._world.connection.watch(back))
            return
        try:
            index = room.index(key)
        except NotFound:
            return
        sent: TimelineItem = replace(room.items[index], ref=self._world.new_event_id(), send=SendState(SendPhase.SENT))
        self._world.replace_item(room, index, sent)
        if index == len(room.items) - 1:
            self._world.set_summary(room, replace(room.summary, last=preview_of(sent)))

    def _undo_reaction(self, room: FakeRoom, message: MessageRef) -> bool:
        me = self._world.me.user
        for index, item in enumerate(room.items):
            for reaction in item.reactions:
                if reaction.mine == message:
                    left = Reaction(reaction.key, tuple(user for user in reaction.people if user != me))
                    kept = (left if one is reaction else one for one in item.reactions)
                    self._world.replace_item(room, index, replace(item, reactions=tuple(one for one in kept if one.people)))
                    return True
        return False


def _attachment(file: OutgoingFile, uri: ContentUri) -> AttachmentContent:
    path = Path(file.path)
    if not path.is_file():
        raise NotFound
    mimetype = file.mimetype or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    info = MediaInfo(mimetype, path.stat().st_size, file.width, file.height)
    return AttachmentContent(file.kind, path.name, uri, info, file.caption)
