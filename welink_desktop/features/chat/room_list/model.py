"""The list of conversations: rows to show and what a person may wish. Qt-free."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.people import Person
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.core.rooms import RoomSummary
from welink_desktop.services.known_people import KnownPeople
from welink_desktop.services.room_list import RoomFilter, RoomList, RoomListStatus, SectionKind, neighbour, sections
from welink_desktop.services.totals import Totals


@dataclass(frozen=True, slots=True)
class SectionRow:
    kind: SectionKind
    count: int
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class RoomRow:
    """`current`: the conversation that is open. `person` is the other one of a direct chat, if known."""

    room: RoomSummary
    current: bool = False
    person: Person | None = None
    inviter_name: str = ""


ListRow = SectionRow | RoomRow


@dataclass(frozen=True, slots=True)
class RoomListState:
    rows: tuple[ListRow, ...] = ()
    shown: RoomFilter = RoomFilter.ALL
    search: str = ""
    current: RoomId | None = None
    collapsed: frozenset[SectionKind] = frozenset()
    totals: Totals = Totals()
    any_rooms: bool = False
    loading: bool = True
    failure: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    room: RoomId


@dataclass(frozen=True, slots=True)
class Show:
    shown: RoomFilter


@dataclass(frozen=True, slots=True)
class Search:
    text: str


@dataclass(frozen=True, slots=True)
class ToggleSection:
    kind: SectionKind


@dataclass(frozen=True, slots=True)
class Step:
    """Open the conversation above (-1) or below (+1), on request only unread ones."""

    by: int
    unread_only: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    room: RoomId


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave, or decline an invitation."""

    room: RoomId


@dataclass(frozen=True, slots=True)
class Pin:
    room: RoomId
    on: bool


@dataclass(frozen=True, slots=True)
class Mute:
    room: RoomId
    on: bool


@dataclass(frozen=True, slots=True)
class MarkUnread:
    room: RoomId
    on: bool


@dataclass(frozen=True, slots=True)
class DismissFailure:
    pass


Wish = Choose | Show | Search | ToggleSection | Step | Accept | Leave | Pin | Mute | MarkUnread | DismissFailure


class RoomListModel:
    """`chosen` asks for a conversation to be opened; `set_current` says which one is."""

    def __init__(self, rooms: RoomList, people: KnownPeople, scope: Scope) -> None:
        self.state = State(RoomListState())
        self.chosen: Signal[RoomId] = Signal()
        self._rooms = rooms
        self._people = people
        scope.add(rooms.state.watch(self._changed))
        scope.add(people.changed.listen(lambda _: self._publish()))

    def set_current(self, room: RoomId | None) -> None:
        self._publish(current=room, keep_current=False)

    def act(self, wish: Wish) -> None:
        state = self.state.value
        match wish:
            case Choose(room):
                self.chosen.emit(room)
            case Show(shown):
                self.state.set(replace(state, shown=shown))
                self._publish()
            case Search(text):
                self.state.set(replace(state, search=text))
                self._publish()
            case ToggleSection(kind):
                self.state.set(replace(state, collapsed=state.collapsed ^ {kind}))
                self._publish()
            case Step(by, unread_only):
                room_id = neighbour(self._rooms.state.value.rooms, state.current, by, unread_only=unread_only)
                if room_id is not None:
                    self.chosen.emit(room_id)
            case DismissFailure():
                self._rooms.dismiss_failure()
            case _:
                self._act_on_room(wish)

    def _act_on_room(self, wish: Accept | Leave | Pin | Mute | MarkUnread) -> None:
        match wish:
            case Accept(room):
                self._rooms.accept(room)
            case Leave(room):
                self._rooms.leave(room)
            case Pin(room, on):
                self._rooms.set_pinned(room, on)
            case Mute(room, on):
                self._rooms.set_muted(room, on)
            case MarkUnread(room, on):
                self._rooms.set_marked_unread(room, on)
            case _:
                assert_never(wish)

    def _changed(self, _: RoomListStatus) -> None:
        self._publish()

    def _publish(self, *, current: RoomId | None = None, keep_current: bool = True) -> None:
        state, status = self.state.value, self._rooms.state.value
        if keep_current:
            current = state.current
        self.state.set(
            replace(
                state,
                rows=self._rows(status.rooms, state, current),
                current=current,
                totals=status.totals,
                any_rooms=bool(status.rooms),
                loading=status.loading,
                failure=status.failure,
            )
        )

    def _rows(self, rooms: Sequence[RoomSummary], state: RoomListState, current: RoomId | None) -> tuple[ListRow, ...]:
        rows: list[ListRow] = []
        searching = bool(state.search.strip())
        for section in sections(rooms, state.shown, state.search):
            collapsed = section.kind in state.collapsed and not searching
            rows.append(SectionRow(section.kind, len(section.rooms), collapsed))
            if not collapsed:
                rows += [self._row(room, current) for room in section.rooms]
        return tuple(rows)

    def _row(self, room: RoomSummary, current: RoomId | None) -> RoomRow:
        person = self._people.get(room.direct_with) if room.direct_with is not None else None
        inviter = self._people.name_of(room.inviter) if room.inviter is not None else ""
        return RoomRow(room, room.room == current, person, inviter)
