"""Sections, filters, search and steps of the conversation list."""

import pytest

from tests.support.messages import ANN, summary
from tests.support.until import eventually, until
from welink_desktop.adapters.fake import sample_world
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.rooms import Membership, Unread
from welink_desktop.services.room_list import RoomFilter, RoomList, SectionKind, matches, neighbour, sections

ROOMS = (
    summary("!invited", membership=Membership.INVITED),
    summary("!pinned", "外科新楼", favourite=True, unread=Unread(3, 1)),
    summary("!group", "Weekly"),
    summary("!ann", "Ann", direct_with=ANN, unread=Unread(1, 0)),
    summary("!left", membership=Membership.LEFT),
    summary("!space", is_space=True),
)


def test_rooms_stand_in_their_sections() -> None:
    found = {section.kind: [room.room for room in section.rooms] for section in sections(ROOMS)}
    assert found == {
        SectionKind.INVITES: ["!invited"],
        SectionKind.PINNED: ["!pinned"],
        SectionKind.GROUPS: ["!group"],
        SectionKind.PEOPLE: ["!ann"],
    }


@pytest.mark.parametrize(
    ("shown", "rooms"),
    [
        (RoomFilter.UNREAD, ["!invited", "!pinned", "!ann"]),
        (RoomFilter.MENTIONS, ["!pinned"]),
        (RoomFilter.DIRECT, ["!ann"]),
    ],
)
def test_filters(shown: RoomFilter, rooms: list[str]) -> None:
    assert [room.room for section in sections(ROOMS, shown) for room in section.rooms] == rooms


@pytest.mark.parametrize("wanted", ["外科", "waike", "wkxl", "waikexinlou"])
def test_names_are_found_by_pinyin(wanted: str) -> None:
    assert matches("外科新楼", wanted)
    assert not matches("外科新楼", "neike")


def test_steps_follow_the_shown_order() -> None:
    assert neighbour(ROOMS, RoomId("!pinned"), 1) == "!group"
    assert neighbour(ROOMS, RoomId("!pinned"), 1, unread_only=True) == "!ann"
    assert neighbour(ROOMS, RoomId("!invited"), -1) is None
    assert neighbour(ROOMS, None, 1) == "!invited"
    assert neighbour((), None, 1) is None


async def test_wishes_reach_the_rooms_and_refusals_come_back() -> None:
    world, scope = sample_world(), Scope("test")
    rooms = RoomList(FakeChat(world), scope)
    site = RoomId("!site")
    rooms.set_muted(site, True)
    rooms.set_pinned(site, False)
    rooms.set_marked_unread(site, True)
    await until(rooms.state, lambda state: (found := rooms.room(site)) is not None and found.muted and found.unread.marked)
    rooms.accept(RoomId("!invitation"))
    await eventually(lambda: (room := rooms.room(RoomId("!invitation"))) is not None and room.membership is Membership.JOINED)
    rooms.leave(RoomId("!nowhere"))
    state = await until(rooms.state, lambda state: state.failure is not None)
    assert state.totals.rooms
    rooms.dismiss_failure()
    assert rooms.state.value.failure is None
    rooms.leave(site)
    await eventually(lambda: rooms.room(site) is None)
    await scope.aclose()
