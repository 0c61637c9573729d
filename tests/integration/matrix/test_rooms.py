"""Rooms on the real homeserver: invitations, direct chats, members, names, leaving."""

from pathlib import Path

import pytest

from tests.support.engine import RoomsSeen, people, shared_room, until
from tests.support.servers import TestSynapse
from welink_desktop.core.errors import NotAllowed, NotFound
from welink_desktop.core.ids import RoomId
from welink_desktop.core.rooms import Membership, RoomRequest


async def test_an_invitation_shows_who_invites_and_can_be_accepted(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        rooms = RoomsSeen(mei.session)
        room = await lin.session.chat.create_room(RoomRequest(name="Tender", invite=(mei.account.user,)))
        invited = await until(lambda: rooms.get(room))
        assert invited is not None
        assert (invited.membership, invited.name, invited.inviter) == (Membership.INVITED, "Tender", lin.account.user)
        await mei.session.chat.join(room)
        joined = rooms.get(room)
        assert joined is not None
        assert joined.membership is Membership.JOINED
        assert joined.encrypted
        members = await mei.session.chat.members(room)
        assert {member.user for member in members} == {lin.account.user, mei.account.user}
        assert [member.creator for member in members if member.user == lin.account.user] == [True]


async def test_a_declined_invitation_disappears(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        rooms = RoomsSeen(mei.session)
        room = await lin.session.chat.create_room(RoomRequest(name="Tender", invite=(mei.account.user,)))
        await until(lambda: rooms.get(room))
        await mei.session.chat.leave(room)
        await until(lambda: rooms.get(room) is None)


async def test_one_direct_chat_per_person(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        of_lin, of_mei = RoomsSeen(lin.session), RoomsSeen(mei.session)
        room = await lin.session.chat.direct_room(mei.account.user)
        assert await lin.session.chat.direct_room(mei.account.user) == room
        await until(lambda: of_mei.get(room))
        await mei.session.chat.join(room)
        await until(lambda: (s := of_mei.get(room)) is not None and s.direct_with == lin.account.user)
        assert await mei.session.chat.direct_room(lin.account.user) == room
        await until(lambda: (s := of_lin.get(room)) is not None and s.name == "Mei")
        summary = of_lin.get(room)
        assert summary is not None
        assert summary.direct_with == mei.account.user
        assert summary.encrypted


async def test_being_removed_takes_the_room_from_the_list(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        rooms = RoomsSeen(mei.session)
        assert rooms.get(room)
        await lin.session._around.http.request(
            "POST", ("_matrix", "client", "v3", "rooms", room, "kick"), json={"user_id": mei.account.user}
        )
        await until(lambda: rooms.get(room) is None)


async def test_a_room_left_elsewhere_is_gone_after_a_fresh_connection(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        with synapse.client(synapse.register("other")):
            pass
        await mei.session._around.http.request("POST", ("_matrix", "client", "v3", "rooms", room, "leave"), json={})
        await mei.close()
        await mei.live()
        rooms = RoomsSeen(mei.session)
        await until(lambda: rooms.get(room) is None)


async def test_refusals_have_their_names(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        closed = await lin.session.chat.create_room(RoomRequest(name="Closed"))
        with pytest.raises(NotAllowed):
            await mei.session.chat.join(closed)
        with pytest.raises(NotFound):
            await mei.session.chat.open_timeline(RoomId("!nowhere:welink.test"))
        with pytest.raises(NotFound):
            await mei.session.chat.members(RoomId("!nowhere:welink.test"))


async def test_two_people_of_one_name_are_told_apart(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "lin") as (first, second):
        room = await shared_room(first, second)
        members = await first.session.chat.members(room)
        assert [member.ambiguous for member in members] == [True, True]
