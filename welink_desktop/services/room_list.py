"""The rooms of an account: sections, filters and what a person does with a room."""

import enum
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from welink_desktop.core.changes import apply
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.rooms import Membership, RoomListBatch, RoomSummary
from welink_desktop.services.names import spelled
from welink_desktop.services.totals import Totals, totals


class RoomFilter(enum.Enum):
    ALL = "all"
    UNREAD = "unread"
    MENTIONS = "mentions"
    DIRECT = "direct"


class SectionKind(enum.Enum):
    """Sections in the order they are shown."""

    INVITES = "invites"
    PINNED = "pinned"
    GROUPS = "groups"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Section:
    kind: SectionKind
    rooms: tuple[RoomSummary, ...]


@dataclass(frozen=True, slots=True)
class RoomListStatus:
    """`rooms` is the whole list, newest first. `failure` is the last refusal that was not dismissed."""

    rooms: tuple[RoomSummary, ...] = ()
    loading: bool = True
    totals: Totals = Totals()
    failure: WeLinkError | None = None


class RoomList:
    """Follows the room list port; actions return at once and report refusals in `state`."""

    def __init__(self, chat: Chat, scope: Scope) -> None:
        self.state = State(RoomListStatus())
        self._chat = chat
        self._scope = scope
        self._rooms: list[RoomSummary] = []
        self._failure: WeLinkError | None = None
        self._loading = True
        scope.add(chat.watch_rooms(self._receive))

    def room(self, room: RoomId) -> RoomSummary | None:
        return next((found for found in self._rooms if found.room == room), None)

    def accept(self, room: RoomId) -> None:
        self._do(lambda: self._chat.join(room), "accept-invitation")

    def leave(self, room: RoomId) -> None:
        """Leave a room, or decline an invitation."""
        self._do(lambda: self._chat.leave(room), "leave-room")

    def set_pinned(self, room: RoomId, pinned: bool) -> None:
        self._do(lambda: self._chat.set_favourite(room, pinned), "pin-room")

    def set_muted(self, room: RoomId, muted: bool) -> None:
        self._do(lambda: self._chat.set_muted(room, muted), "mute-room")

    def set_marked_unread(self, room: RoomId, unread: bool) -> None:
        self._do(lambda: self._chat.set_marked_unread(room, unread), "mark-unread")

    def dismiss_failure(self) -> None:
        self._failure = None
        self._publish()

    def _receive(self, batch: RoomListBatch) -> None:
        apply(self._rooms, batch.changes)
        self._loading = batch.loading
        self._publish()

    def _publish(self) -> None:
        rooms = tuple(self._rooms)
        self.state.set(RoomListStatus(rooms, self._loading and not rooms, totals(rooms), self._failure))

    def _do(self, action: Callable[[], Awaitable[None]], name: str) -> None:
        if not self._scope.closed:
            self._scope.spawn(self._attempt(action), name=name)

    async def _attempt(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except WeLinkError as error:
            self._failure = error
            self._publish()


def sections(rooms: Iterable[RoomSummary], shown: RoomFilter = RoomFilter.ALL, search: str = "") -> tuple[Section, ...]:
    """Rooms that pass the filter and the search, in their sections; empty sections are left out."""
    parts: dict[SectionKind, list[RoomSummary]] = {kind: [] for kind in SectionKind}
    wanted = search.casefold().strip()
    for room in rooms:
        if room.is_space or room.membership not in (Membership.JOINED, Membership.INVITED):
            continue
        if passes(room, shown) and (not wanted or matches(room.name, wanted)):
            parts[section_of(room)].append(room)
    return tuple(Section(kind, tuple(found)) for kind, found in parts.items() if found)


def section_of(room: RoomSummary) -> SectionKind:
    if room.membership is Membership.INVITED:
        return SectionKind.INVITES
    if room.favourite:
        return SectionKind.PINNED
    return SectionKind.PEOPLE if room.direct_with is not None else SectionKind.GROUPS


def passes(room: RoomSummary, shown: RoomFilter) -> bool:
    invited = room.membership is Membership.INVITED
    match shown:
        case RoomFilter.ALL:
            return True
        case RoomFilter.UNREAD:
            return invited or room.unread.any
        case RoomFilter.MENTIONS:
            return room.unread.mentions > 0
        case RoomFilter.DIRECT:
            return room.direct_with is not None


def matches(name: str, wanted: str) -> bool:
    """Whether `wanted` (case-folded) is in the name, its pinyin or its pinyin initials."""
    if wanted in name.casefold():
        return True
    if not wanted.isascii() or name.isascii():
        return False
    full, initials = spelled(name)
    compact = wanted.replace(" ", "")
    return compact in full or compact in initials


def neighbour(rooms: Sequence[RoomSummary], current: RoomId | None, step: int, *, unread_only: bool = False) -> RoomId | None:
    """The room `step` (+1/-1) away from `current` in the shown order; with `unread_only` the next unread one that way."""
    order = [room for section in sections(rooms) for room in section.rooms]
    if not order:
        return None
    index = next((index for index, room in enumerate(order) if room.room == current), None)
    if index is None:
        index = -1 if step > 0 else len(order)
    index += step
    while 0 <= index < len(order):
        if not unread_only or order[index].unread.any:
            return order[index].room
        index += step
    return None
