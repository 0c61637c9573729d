"""Details of the open conversation: about, encryption, members. Qt-free."""

from dataclasses import dataclass, replace
from typing import assert_never

from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.reactive import Signal, State
from welink_desktop.core.rooms import Member, RoomSummary
from welink_desktop.core.text import Text, text
from welink_desktop.services.members import MemberList
from welink_desktop.services.names import name_order
from welink_desktop.services.room_list import matches


@dataclass(frozen=True, slots=True)
class MemberRow:
    """`role` is None for ordinary members."""

    member: Member
    role: Text | None = None


@dataclass(frozen=True, slots=True)
class DetailsState:
    summary: RoomSummary | None = None
    rows: tuple[MemberRow, ...] = ()
    members: MemberList = MemberList()
    search: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    text: str


@dataclass(frozen=True, slots=True)
class OpenMember:
    user: UserId


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    room: RoomId


@dataclass(frozen=True, slots=True)
class Close:
    pass


Wish = Search | OpenMember | LeaveRoom | Close


class DetailsModel:
    """`asked` carries what the chat page does for it."""

    def __init__(self) -> None:
        self.state = State(DetailsState())
        self.asked: Signal[OpenMember | LeaveRoom | Close] = Signal()

    def set_summary(self, summary: RoomSummary | None) -> None:
        self.state.set(replace(self.state.value, summary=summary))

    def set_members(self, members: MemberList) -> None:
        state = self.state.value
        self.state.set(replace(state, members=members, rows=member_rows(members, state.search)))

    def act(self, wish: Wish) -> None:
        state = self.state.value
        match wish:
            case Search(words):
                self.state.set(replace(state, search=words, rows=member_rows(state.members, words)))
            case OpenMember() | LeaveRoom() | Close():
                self.asked.emit(wish)
            case _:
                assert_never(wish)


def member_rows(members: MemberList, search: str = "") -> tuple[MemberRow, ...]:
    """Joined people who match: those with a role first, then by name in pinyin order."""
    wanted = search.casefold().strip()
    found = [member for member in members.people if not wanted or matches(member.name, wanted)]
    found.sort(key=lambda member: (-_rank(member), name_order(member.name)))
    return tuple(MemberRow(member, role_of(member)) for member in found)


def role_of(member: Member) -> Text | None:
    key = {3: "details-owner", 2: "details-admin", 1: "details-moderator"}.get(_rank(member))
    return text(key) if key is not None else None


def _rank(member: Member) -> int:
    if member.creator:
        return 3
    return 2 if member.power >= 100 else (1 if member.power >= 50 else 0)
