"""The timeline of the open room: what is shown and what a person may wish. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from welink_desktop.core.changes import Change, Insert, Reset
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import EventId, ItemKey, RoomId, UserId
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.core.rooms import RoomSummary
from welink_desktop.core.timeline import AttachmentContent, TextContent, TimelineItem
from welink_desktop.core.trust import MessageCure
from welink_desktop.services.members import MemberList
from welink_desktop.services.security import Reading
from welink_desktop.services.timeline import RoomTimeline, TimelineStatus
from welink_desktop.services.unread import UnreadMark, counts, newest_event, unread_mark


@dataclass(frozen=True, slots=True)
class TimelineState:
    """`mark` stays where the unread messages began when the room was opened. `new_below`: arrived while reading above.

    `reading`: what helps against messages that cannot be read, None while that is not known.
    """

    room: RoomId
    me: UserId
    summary: RoomSummary | None = None
    members: MemberList = MemberList()
    status: TimelineStatus = TimelineStatus()
    mark: UnreadMark | None = None
    new_below: int = 0
    empty: bool = True
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class LoadOlder:
    pass


@dataclass(frozen=True, slots=True)
class Looked:
    """What the person can see: `at_end` while the newest row is in view of an active window."""

    at_end: bool


@dataclass(frozen=True, slots=True)
class React:
    key: ItemKey
    emoji: str


@dataclass(frozen=True, slots=True)
class Reply:
    key: ItemKey


@dataclass(frozen=True, slots=True)
class Edit:
    key: ItemKey


@dataclass(frozen=True, slots=True)
class Recall:
    key: ItemKey


@dataclass(frozen=True, slots=True)
class Retry:
    key: ItemKey


@dataclass(frozen=True, slots=True)
class Save:
    key: ItemKey
    target: Path


@dataclass(frozen=True, slots=True)
class JumpTo:
    event: EventId


@dataclass(frozen=True, slots=True)
class OpenPerson:
    user: UserId


@dataclass(frozen=True, slots=True)
class OpenLink:
    address: str


@dataclass(frozen=True, slots=True)
class MakeReadable:
    """Do what helps against messages that cannot be read."""

    cure: MessageCure


@dataclass(frozen=True, slots=True)
class DismissFailure:
    pass


Wish = (
    LoadOlder
    | Looked
    | React
    | Reply
    | Edit
    | Recall
    | Retry
    | Save
    | JumpTo
    | OpenPerson
    | OpenLink
    | MakeReadable
    | DismissFailure
)


@dataclass(frozen=True, slots=True)
class Answering:
    """The composer shall answer this message."""

    item: TimelineItem


@dataclass(frozen=True, slots=True)
class Editing:
    """The composer shall change this message."""

    item: TimelineItem


Asked = Answering | Editing | OpenPerson | OpenLink | MakeReadable


@dataclass(frozen=True, slots=True)
class Saved:
    """An attachment was written (`error` None) or not."""

    name: str
    error: WeLinkError | None


class TimelineModel:
    """Owns one open room. `rows` may be read at any time; `changed` tells what changed in it."""

    def __init__(self, timeline: RoomTimeline, me: UserId, scope: Scope, *, summary: RoomSummary | None = None) -> None:
        self.state = State(TimelineState(timeline.room, me, summary))
        self.changed: Signal[tuple[Change[TimelineItem], ...]] = Signal()
        self.asked: Signal[Asked] = Signal()
        self.saved: Signal[Saved] = Signal()
        self.found: Signal[ItemKey] = Signal()
        self._timeline = timeline
        self._scope = scope
        self._at_end = True
        self._marked: EventId | None = None
        self._opened = False
        self._looking = False
        scope.add(timeline.changed.listen(self._receive))
        scope.add(timeline.status.watch(self._status))

    @property
    def rows(self) -> list[TimelineItem]:
        return self._timeline.rows

    def item(self, key: str) -> TimelineItem | None:
        index = self._timeline.index_of(key)
        return self.rows[index] if index is not None else None

    def set_summary(self, summary: RoomSummary) -> None:
        self.state.set(replace(self.state.value, summary=summary))

    def set_members(self, members: MemberList) -> None:
        self.state.set(replace(self.state.value, members=members))

    def set_reading(self, reading: Reading | None) -> None:
        self.state.set(replace(self.state.value, reading=reading))

    def last_own(self) -> TimelineItem | None:
        """The newest own text message that can be edited."""
        for row in reversed(self.rows[-200:]):
            if row.own and isinstance(row.content, TextContent) and row.ref.startswith("$"):
                return row
        return None

    def act(self, wish: Wish) -> None:
        match wish:
            case LoadOlder():
                self._timeline.load_older()
            case Looked(at_end):
                self._looked(at_end)
            case React(key, emoji):
                self._with(key, lambda item: self._timeline.react(item, emoji))
            case Reply(key):
                self._with(key, lambda item: self.asked.emit(Answering(item)))
            case Edit(key):
                self._with(key, lambda item: self.asked.emit(Editing(item)))
            case Recall(key):
                self._with(key, lambda item: self._timeline.recall(item.ref))
            case Retry(key):
                self._with(key, lambda item: self._timeline.retry(item.ref))
            case Save(key, target):
                self._with(key, lambda item: self._save(item, target))
            case JumpTo(event):
                self._scope.spawn(self._jump(event), name="jump")
            case OpenPerson() | OpenLink() | MakeReadable():
                self.asked.emit(wish)
            case DismissFailure():
                self._timeline.dismiss_failure()
            case _:
                assert_never(wish)

    def _with(self, key: ItemKey, act: Callable[[TimelineItem], None]) -> None:
        item = self.item(key)
        if item is not None:
            act(item)

    def _save(self, item: TimelineItem, target: Path) -> None:
        if isinstance(item.content, AttachmentContent):
            self._timeline.save(item.content, target, lambda error: self.saved.emit(Saved(target.name, error)))

    async def _jump(self, event: EventId) -> None:
        if await self._timeline.load_until(event):
            index = self._timeline.index_of(event)
            if index is not None:
                self.found.emit(self.rows[index].key)

    def _receive(self, changes: tuple[Change[TimelineItem], ...]) -> None:
        state = self.state.value
        if not self._opened and any(isinstance(change, Reset) for change in changes):
            self._opened = True
            state = replace(state, mark=unread_mark(self.rows, self._timeline.status.value.read_up_to))
        fresh = 0
        if not self._at_end:
            for change in changes:
                if isinstance(change, Insert) and change.index + len(change.items) == len(self.rows):
                    fresh += sum(1 for item in change.items if counts(item))
        self.state.set(replace(state, new_below=state.new_below + fresh, empty=not self.rows))
        self.changed.emit(changes)
        if self._at_end:
            self._mark_read()

    def _status(self, status: TimelineStatus) -> None:
        self.state.set(replace(self.state.value, status=status, empty=not self.rows))

    def _looked(self, at_end: bool) -> None:
        self._at_end = at_end
        if at_end:
            if self.state.value.new_below:
                self.state.set(replace(self.state.value, new_below=0))
            self._mark_read()

    def _mark_read(self) -> None:
        """Tell the server what was read, once per newest row, and only when something is unread."""
        newest = newest_event(self.rows)
        summary = self.state.value.summary
        unread = summary is None or summary.unread.any
        if newest is None or newest == self._marked or (newest == self.state.value.status.read_up_to and not unread):
            return
        if not self._looking:
            return
        self._marked = newest
        self._timeline.mark_read(newest)

    def set_looking(self, looking: bool) -> None:
        """Whether the window is active and this room in front; nothing is marked as read otherwise."""
        self._looking = looking
        if looking and self._at_end:
            self._mark_read()
