"""The state of the fake world and the ways it changes."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from welink_desktop.core.account import Connection, Link
from welink_desktop.core.calls import CallMember, OngoingCall
from welink_desktop.core.changes import Insert, Move, Remove, Replace, Reset
from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.errors import NotFound
from welink_desktop.core.ids import EventId, ItemKey, RoomId, UserId
from welink_desktop.core.media import Picture
from welink_desktop.core.organisation import Department, Organisation
from welink_desktop.core.people import Person
from welink_desktop.core.reactive import Signal, State
from welink_desktop.core.rooms import Member, MessagePreview, PreviewState, RoomListBatch, RoomSummary, Typing, Unread
from welink_desktop.core.text import text
from welink_desktop.core.timeline import (
    AttachmentContent,
    Content,
    IncomingMessage,
    SendPhase,
    TextContent,
    TimelineBatch,
    TimelineItem,
)
from welink_desktop.core.trust import Shield

PictureMaker = Callable[[str, int, int], Picture | None]
"""Makes the picture of an `mxc://sample/NAME` uri that fits into width × height."""


def no_pictures(_name: str, _width: int, _height: int) -> Picture | None:
    return None


@dataclass(eq=False)
class FakeRoom:
    """A room; `items` are loaded rows oldest first, `older` what `load_older` still brings (oldest first)."""

    summary: RoomSummary
    members: list[Member] = field(default_factory=list)
    items: list[TimelineItem] = field(default_factory=list)
    older: list[TimelineItem] = field(default_factory=list)
    read_up_to: EventId | None = None
    draft: str = ""
    news: Signal[TimelineBatch] = field(default_factory=Signal)
    typing: Signal[Typing] = field(default_factory=Signal)
    call: list[CallMember] = field(default_factory=list)
    call_changed: Signal[tuple[CallMember, ...]] = field(default_factory=Signal)

    def batch(self, *changes: Insert[TimelineItem] | Remove | Replace[TimelineItem] | Reset[TimelineItem]) -> TimelineBatch:
        return TimelineBatch(tuple(changes), at_start=not self.older, read_up_to=self.read_up_to)

    def index(self, key: str) -> int:
        """Index of a loaded row by its key or ref. Raises `NotFound`."""
        for index, item in enumerate(self.items):
            if key in (item.key, item.ref):
                return index
        raise NotFound


class FakeWorld:
    """Everything there is. All methods run on one loop; news reach watchers at once."""

    def __init__(self, me: Person, *, clock: Clock | None = None, pictures: PictureMaker = no_pictures) -> None:
        self.me = me
        self.clock = clock or SystemClock()
        self.pictures = pictures
        self.people: dict[UserId, Person] = {me.user: me}
        self.departments: dict[RoomId, list[UserId]] = {}
        self.organisation: Organisation | None = None
        self.rooms: list[FakeRoom] = []
        self.connection = State(Connection(Link.LIVE))
        self.room_news: Signal[RoomListBatch] = Signal()
        self.incoming: Signal[IncomingMessage] = Signal()
        self.person_news: Signal[Person] = Signal()
        self.password = "spruce"
        self._numbers = itertools.count(1)

    @property
    def online(self) -> bool:
        return self.connection.value.link is Link.LIVE

    def room(self, room: RoomId) -> FakeRoom:
        """Raises `NotFound`."""
        for found in self.rooms:
            if found.summary.room == room:
                return found
        raise NotFound

    def number(self) -> int:
        return next(self._numbers)

    def new_event_id(self) -> EventId:
        return EventId(f"$event-{self.number()}")

    def add_person(self, person: Person) -> Person:
        self.people[person.user] = person
        self.person_news.emit(person)
        return person

    def add_room(self, room: FakeRoom) -> FakeRoom:
        """Insert a room where its order belongs."""
        index = sum(1 for other in self.rooms if other.summary.order > room.summary.order)
        self.rooms.insert(index, room)
        self.room_news.emit(RoomListBatch((Insert(index, (room.summary,)),)))
        return room

    def remove_room(self, room: FakeRoom) -> None:
        index = self.rooms.index(room)
        del self.rooms[index]
        self.room_news.emit(RoomListBatch((Remove(index, 1),)))

    def set_summary(self, room: FakeRoom, summary: RoomSummary) -> None:
        """Change a room's summary; a larger order moves it up."""
        source = self.rooms.index(room)
        room.summary = summary
        target = sum(1 for other in self.rooms if other is not room and other.summary.order > summary.order)
        if source != target:
            self.rooms.insert(target, self.rooms.pop(source))
            self.room_news.emit(RoomListBatch((Move(source, target), Replace(target, summary))))
        else:
            self.room_news.emit(RoomListBatch((Replace(source, summary),)))

    def append(self, room: FakeRoom, item: TimelineItem, *, live: bool = True) -> TimelineItem:
        """Add a row at the end. A live one from somebody else counts as unread and is announced."""
        room.items.append(item)
        room.news.emit(room.batch(Insert(len(room.items) - 1, (item,))))
        summary = replace(room.summary, order=self.number(), last=preview_of(item))
        counts = live and not item.own
        if counts:
            unread = summary.unread
            mentions = unread.mentions + (1 if item.mentions_me else 0)
            summary = replace(summary, unread=Unread(unread.messages + 1, mentions, unread.marked))
        self.set_summary(room, summary)
        if counts and not room.summary.muted:
            self.incoming.emit(_announce(room, item))
        return item

    def receive(self, room: RoomId, sender: UserId, content: Content | str, *, mention: bool = False) -> TimelineItem:
        """Somebody says something, now."""
        body = TextContent(content) if isinstance(content, str) else content
        return self.append(
            self.room(room), self.make_item(sender, body, mention=mention, encrypted=self.room(room).summary.encrypted)
        )

    def make_item(
        self, sender: UserId, content: Content, *, at_ms: int | None = None, mention: bool = False, encrypted: bool = True
    ) -> TimelineItem:
        person = self.people[sender]
        event = self.new_event_id()
        return TimelineItem(
            key=ItemKey(event),
            ref=event,
            sender=sender,
            sender_name=person.name,
            timestamp_ms=self.clock.now_ms() if at_ms is None else at_ms,
            content=content,
            own=sender == self.me.user,
            sender_avatar=person.avatar,
            external=person.external,
            mentions_me=mention,
            shield=Shield.AUTHENTIC if encrypted else Shield.NONE,
        )

    def replace_item(self, room: FakeRoom, index: int, item: TimelineItem) -> None:
        room.items[index] = item
        room.news.emit(room.batch(Replace(index, item)))

    def remove_item(self, room: FakeRoom, index: int) -> None:
        del room.items[index]
        room.news.emit(room.batch(Remove(index, 1)))

    def set_call(self, room: FakeRoom, members: Iterable[CallMember]) -> None:
        room.call = list(members)
        ongoing = OngoingCall(tuple(room.call), any(member.own for member in room.call)) if room.call else None
        self.set_summary(room, replace(room.summary, call=ongoing))
        room.call_changed.emit(tuple(room.call))

    def people_below(self, department: Department) -> set[UserId]:
        people = set(self.departments.get(department.space, ()))
        for child in department.children:
            people |= self.people_below(child)
        return people


def preview_of(item: TimelineItem) -> MessagePreview:
    states = {
        SendPhase.QUEUED: PreviewState.SENDING,
        SendPhase.SENDING: PreviewState.SENDING,
        SendPhase.FAILED: PreviewState.FAILED,
    }
    state = states.get(item.send.phase, PreviewState.SENT) if item.own else PreviewState.RECEIVED
    body, notice = "", None
    match item.content:
        case TextContent(body=said):
            body = said
        case AttachmentContent(name=name, caption=caption):
            body, notice = caption, text("preview-attachment", name=name)
        case _:
            notice = text("preview-other")
    return MessagePreview(item.sender, item.sender_name, item.own, item.timestamp_ms, body, notice, state)


def _announce(room: FakeRoom, item: TimelineItem) -> IncomingMessage:
    preview = preview_of(item)
    return IncomingMessage(
        room=room.summary.room,
        room_name=room.summary.name,
        event=EventId(item.ref),
        sender=item.sender,
        sender_name=item.sender_name,
        body=preview.body,
        mention=item.mentions_me,
        timestamp_ms=item.timestamp_ms,
        notice=preview.notice,
    )
