"""What `Chat` and `People` promise, held by the fake world and by the engine on a real homeserver alike."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.engine import RoomsSeen, TimelineSeen, people, shared_room, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.fake import FakeAccounts, sample_world
from welink_desktop.core.errors import NotAllowed, NotFound
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.people import Person
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.rooms import Membership, RoomRequest
from welink_desktop.core.timeline import OutgoingFile, OutgoingText, Reaction, RecalledContent, SendPhase, TimelineItem


@dataclass
class Place:
    """A session under test, a room it shares with a colleague who has said "Good morning"."""

    session: Session
    room: RoomId
    colleague: UserId


@pytest.fixture(params=["fake", "real"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "fake":
        world = sample_world()
        accounts = FakeAccounts(world)
        (account,) = await accounts.accounts()
        colleague = next(person.user for person in world.people.values() if person.name == "陈嘉木")
        world.receive(RoomId("!dm-chen"), colleague, "Good morning")
        yield Place(await accounts.open(account.key), RoomId("!dm-chen"), colleague)
        return
    synapse: TestSynapse = request.getfixturevalue("synapse")
    async with people(synapse, tmp_path, "lin", "chen") as (lin, chen):
        room = await shared_room(lin, chen)
        seen = await timeline_of(lin.session, room)
        await chen.session.chat.send_text(room, OutgoingText("Good morning"))
        await until(lambda: seen.item("Good morning"))
        await done(seen)
        yield Place(lin.session, room, chen.account.user)


async def timeline_of(session: Session, room: RoomId) -> TimelineSeen:
    return TimelineSeen(await session.chat.open_timeline(room))


async def done(seen: TimelineSeen) -> None:
    seen.cancel()
    await seen.timeline.close()


async def sent(seen: TimelineSeen, body: str) -> TimelineItem:
    """The row of `body` once the server has it."""

    def found() -> TimelineItem | None:
        item = seen.item(body)
        return item if item is not None and item.send.phase is SendPhase.SENT and item.ref.startswith("$") else None

    item = await until(found)
    assert item is not None
    return item


async def test_a_sent_text_has_its_row_at_once_and_keeps_it(place: Place) -> None:
    seen = await timeline_of(place.session, place.room)
    transaction = await place.session.chat.send_text(place.room, OutgoingText("收到 👍"))
    first = await until(lambda: seen.item("收到 👍"))
    assert first is not None
    assert str(first.key) == str(transaction)
    assert first.own
    final = await sent(seen, "收到 👍")
    assert str(final.key) == str(transaction)
    assert seen.bodies.count("收到 👍") == 1
    await done(seen)


async def test_texts_stay_in_order(place: Place) -> None:
    seen = await timeline_of(place.session, place.room)
    bodies = [f"line {number}" for number in range(8)]
    for body in bodies:
        await place.session.chat.send_text(place.room, OutgoingText(body))
    await sent(seen, bodies[-1])
    assert [body for body in seen.bodies if body in bodies] == bodies
    await done(seen)


async def test_an_own_text_can_be_edited_and_recalled(place: Place) -> None:
    seen = await timeline_of(place.session, place.room)
    await place.session.chat.send_text(place.room, OutgoingText("at ten"))
    item = await sent(seen, "at ten")
    await place.session.chat.edit(place.room, item.ref, OutgoingText("at eleven"))
    edited = await until(lambda: seen.item("at eleven"))
    assert edited is not None
    assert edited.edited
    assert edited.key == item.key
    await place.session.chat.recall(place.room, edited.ref)
    await until(lambda: any(isinstance(one.content, RecalledContent) and one.key == item.key for one in seen.items))
    await done(seen)


async def test_somebody_elses_text_cannot_be_edited(place: Place) -> None:
    seen = await timeline_of(place.session, place.room)
    item = await until(lambda: seen.item("Good morning"))
    assert item is not None
    assert not item.own
    with pytest.raises(NotAllowed):
        await place.session.chat.edit(place.room, item.ref, OutgoingText("Good night"))
    await done(seen)


async def test_the_same_reaction_twice_is_one_and_can_be_undone(place: Place) -> None:
    seen = await timeline_of(place.session, place.room)
    item = await until(lambda: seen.item("Good morning"))
    assert item is not None
    await place.session.chat.react(place.room, item.ref, "👍")
    await place.session.chat.react(place.room, item.ref, "👍")

    def mine() -> Reaction | None:
        shown = seen.item("Good morning")
        found = [one for one in shown.reactions if one.key == "👍"] if shown is not None else []
        return found[0] if found and found[0].mine is not None and str(found[0].mine).startswith("$") else None

    reaction = await until(mine)
    assert reaction is not None
    assert reaction.mine is not None
    assert len(reaction.people) == 1
    await place.session.chat.recall(place.room, reaction.mine)
    await until(lambda: (shown := seen.item("Good morning")) is not None and not shown.reactions)
    await done(seen)


async def test_a_reply_shows_what_it_answers(place: Place) -> None:
    seen = await timeline_of(place.session, place.room)
    item = await until(lambda: seen.item("Good morning"))
    assert item is not None
    await place.session.chat.send_text(place.room, OutgoingText("Good morning to you", reply_to=EventId(item.ref)))
    reply = await sent(seen, "Good morning to you")
    assert reply.reply is not None
    assert (reply.reply.event, reply.reply.body) == (item.ref, "Good morning")
    await done(seen)


async def test_reading_clears_what_is_unread(place: Place) -> None:
    rooms = RoomsSeen(place.session)
    seen = await timeline_of(place.session, place.room)
    item = await until(lambda: seen.item("Good morning"))
    assert item is not None
    await until(lambda: (room := rooms.get(place.room)) is not None and room.unread.messages > 0)
    await place.session.chat.mark_read(place.room, EventId(item.ref))
    await until(lambda: (room := rooms.get(place.room)) is not None and not room.unread.any)
    rooms.cancel()
    await done(seen)


async def test_marks_of_a_room_come_back_in_the_list(place: Place) -> None:
    rooms = RoomsSeen(place.session)
    await place.session.chat.set_favourite(place.room, True)
    await place.session.chat.set_muted(place.room, True)
    await until(lambda: (room := rooms.get(place.room)) is not None and room.favourite and room.muted)
    await place.session.chat.set_favourite(place.room, False)
    await place.session.chat.set_muted(place.room, False)
    await until(lambda: (room := rooms.get(place.room)) is not None and not room.favourite and not room.muted)
    rooms.cancel()


async def test_a_draft_is_kept(place: Place) -> None:
    await place.session.chat.set_draft(place.room, "half a sentence")
    assert await place.session.chat.draft(place.room) == "half a sentence"
    await place.session.chat.set_draft(place.room, "")
    assert await place.session.chat.draft(place.room) == ""


async def test_a_created_room_is_known_and_encrypted(place: Place) -> None:
    rooms = RoomsSeen(place.session)
    room = await place.session.chat.create_room(RoomRequest(name="Ward 3", invite=(place.colleague,)))
    summary = await until(lambda: rooms.get(room))
    assert summary is not None
    assert (summary.name, summary.encrypted, summary.membership) == ("Ward 3", True, Membership.JOINED)
    rooms.cancel()


async def test_a_direct_chat_is_one(place: Place) -> None:
    first = await place.session.chat.direct_room(place.colleague)
    assert await place.session.chat.direct_room(place.colleague) == first


async def test_an_unknown_room_is_said_to_be_unknown(place: Place) -> None:
    with pytest.raises(NotFound):
        await place.session.chat.open_timeline(RoomId("!nowhere"))


async def test_a_file_that_is_not_there_is_not_queued(place: Place, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await place.session.chat.send_file(place.room, OutgoingFile(str(tmp_path / "missing.pdf")))


async def test_people_are_known_by_their_id(place: Place) -> None:
    person = await place.session.people.person(place.colleague)
    assert isinstance(person, Person)
    assert person.user == place.colleague
    me = await place.session.people.me()
    assert me.user == place.session.account.user


async def test_nothing_is_delivered_after_a_cancel(place: Place) -> None:
    rooms = RoomsSeen(place.session)
    await until(lambda: rooms.get(place.room))
    rooms.cancel()
    before = list(rooms.rooms)
    await place.session.chat.set_marked_unread(place.room, True)
    again = RoomsSeen(place.session)
    await until(lambda: (room := again.get(place.room)) is not None and room.unread.marked)
    again.cancel()
    assert rooms.rooms == before
