"""The page of meetings: what runs now, and where one can be started. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from welink_desktop.core.ids import ContentUri, RoomId, UserId
from welink_desktop.core.reactive import Cancel, State
from welink_desktop.core.rooms import Membership, RoomSummary
from welink_desktop.services.room_list import RoomList, matches


@dataclass(frozen=True, slots=True)
class MeetingPlace:
    """A group or person to meet with. `in_call` counts the people in its running meeting."""

    room: RoomId
    name: str
    person: UserId | None = None
    avatar: ContentUri | None = None
    external: bool = False
    members: int = 0
    in_call: int = 0
    here: bool = False


@dataclass(frozen=True, slots=True)
class HomeState:
    """`running` first joined by most; `places` newest first, filtered by `search`."""

    running: tuple[MeetingPlace, ...] = ()
    places: tuple[MeetingPlace, ...] = ()
    search: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    text: str


@dataclass(frozen=True, slots=True)
class Meet:
    """Open the lobby of a room's meeting, running or new."""

    room: RoomId


Wish = Search | Meet


class MeetingsHomeModel:
    """`meet` opens the lobby (the app's navigation). `close` un-watches the room list."""

    def __init__(self, rooms: RoomList, meet: Callable[[RoomId], None]) -> None:
        self.state = State(HomeState())
        self._rooms = rooms
        self._meet = meet
        self._watch: Cancel = rooms.state.watch(lambda _: self._update())

    def act(self, wish: Wish) -> None:
        match wish:
            case Search(text):
                self.state.set(replace(self.state.value, search=text))
                self._update()
            case Meet(room):
                self._meet(room)

    def close(self) -> None:
        self._watch()

    def _update(self) -> None:
        wanted = self.state.value.search.casefold().strip()
        joined = [room for room in self._rooms.state.value.rooms if room.membership is Membership.JOINED and not room.is_space]
        found = [_place(room) for room in joined if not wanted or matches(room.name, wanted)]
        running = sorted((place for place in found if place.in_call), key=lambda place: -place.in_call)
        self.state.set(replace(self.state.value, running=tuple(running), places=tuple(p for p in found if not p.in_call)))


def _place(room: RoomSummary) -> MeetingPlace:
    return MeetingPlace(
        room=room.room,
        name=room.name,
        person=room.direct_with,
        avatar=room.avatar,
        external=bool(room.external_organisations),
        members=room.joined,
        in_call=len(room.call.members) if room.call is not None else 0,
        here=room.call is not None and room.call.joined_here,
    )
