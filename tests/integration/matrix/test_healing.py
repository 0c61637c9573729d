"""Sessions that heal, against a real homeserver: secrets and keys between own devices, history for newcomers, old copies."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.engine import Person, RoomsSeen, TimelineSeen, people, shared_room, signed_in, until
from tests.support.healing import signed, verify
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.identities import SECRET_NAMES
from welink_desktop.adapters.matrix.crypto.records import News
from welink_desktop.core.errors import HistoryNotShared
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.security import HistoryArrival
from welink_desktop.core.timeline import OutgoingText, TimelineItem, UndecryptableContent
from welink_desktop.core.trust import Shield, UndecryptableReason


async def say(person: Person, room: RoomId, *bodies: str) -> None:
    for body in bodies:
        await person.session.chat.send_text(room, OutgoingText(body))
    await until(lambda: not person.session.outbox.pending(room), seconds=60)


async def opened(person: Person, room: RoomId) -> TimelineSeen:
    rooms = RoomsSeen(person.session)
    await until(lambda: rooms.get(room) is not None)
    rooms.cancel()
    seen = TimelineSeen(await person.session.chat.open_timeline(room))
    while await seen.timeline.load_older(50):
        pass
    return seen


def unreadable(seen: TimelineSeen) -> list[UndecryptableReason]:
    return [item.content.why.reason for item in seen.items if isinstance(item.content, UndecryptableContent)]


def item_of(seen: TimelineSeen, body: str) -> TimelineItem:
    item = seen.item(body)
    assert item is not None
    return item


@asynccontextmanager
async def two_devices(synapse: TestSynapse, folder: Path) -> AsyncIterator[tuple[Person, Person]]:
    """A first device with the account's identity, and a second one that is not open yet."""
    account = synapse.register("lin")
    first = await signed_in(synapse, account, folder / "first")
    second = await signed_in(synapse, account, folder / "second")
    try:
        await first.live()
        await signed(first)
        yield first, second
    finally:
        await first.close()
        await second.close()


async def test_a_verified_new_device_is_given_the_secrets(synapse: TestSynapse, tmp_path: Path) -> None:
    async with two_devices(synapse, tmp_path) as (first, second):
        await second.live()
        await verify(first, second)
        await until(lambda: set(second.session.encryption.identities.secrets()) == set(SECRET_NAMES))
        assert second.session.encryption.identities.secrets() == first.session.encryption.identities.secrets()
        await until(lambda: not second.session.security._gossip.wanted & set(SECRET_NAMES))


async def test_an_unverified_device_is_given_nothing(synapse: TestSynapse, tmp_path: Path) -> None:
    """It asks on its own account, as a device of a thief who knows the password would."""
    async with two_devices(synapse, tmp_path) as (first, second):
        await second.live()
        theft, user, device = second.session.encryption, second.account.user, second.account.device
        asked: list[object] = []
        came: list[object] = []
        first.session.encryption.listen("m.secret.request", asked.append)
        theft.listen("m.secret.send", came.append)
        content = {"name": SECRET_NAMES[0], "action": "request", "requesting_device_id": device, "request_id": "r"}
        theft.post("m.secret.request", [{user: {first.account.device: content}}])
        await until(lambda: asked)
        first.session.security._gossip.device_verified(device)
        room = await shared_room(first)
        await say(first, room, "something else")
        seen = await opened(second, room)
        await until(lambda: seen.item("something else"))
        assert not came
        assert len(first.session.security._gossip._gossip._wishes) == 1, "it waits for a signature that never comes"


async def test_a_new_device_reads_old_messages_with_keys_of_the_other(synapse: TestSynapse, tmp_path: Path) -> None:
    async with two_devices(synapse, tmp_path) as (first, second):
        room = await shared_room(first)
        first.session.encryption.machine.end_session(room)
        with first.session.encryption.change():
            device = first.session.encryption.identities.device(first.account.user, second.account.device)
        assert device is None, "the second device has no keys yet"
        await say(first, room, "written before the second device")
        await second.live()
        second.session.security._sharing._grace = 0.2
        seen = await opened(second, room)
        await until(lambda: unreadable(seen))
        assert sum((await second.session.chat.undecryptable_counts()).values()) == 1
        await verify(first, second)
        await until(lambda: seen.item("written before the second device"))
        assert item_of(seen, "written before the second device").shield is Shield.UNPROVEN
        assert not await second.session.chat.undecryptable_counts()


async def test_an_unverified_device_is_given_no_keys(synapse: TestSynapse, tmp_path: Path) -> None:
    async with two_devices(synapse, tmp_path) as (first, second):
        room = await shared_room(first)
        await say(first, room, "not for everybody")
        await second.live()
        seen = await opened(second, room)
        theft, user = second.session.encryption, second.account.user
        asked: list[object] = []
        came: list[object] = []
        first.session.encryption.listen("m.room_key_request", asked.append)
        theft.listen("m.forwarded_room_key", came.append)
        (row,) = first.session.encryption.machine.sessions(room)
        body = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": room, "session_id": row.session}
        content = {"action": "request", "body": body, "request_id": "r", "requesting_device_id": second.account.device}
        theft.post("m.room_key_request", [{user: {first.account.device: content}}])
        await until(lambda: asked)
        await say(first, room, "said later")
        await until(lambda: seen.item("said later"))
        assert seen.item("not for everybody") is None
        assert not came
        assert not first.session.security._sharing._wishes


@asynccontextmanager
async def host_and_guest(synapse: TestSynapse, folder: Path) -> AsyncIterator[tuple[Person, Person]]:
    """Two people whose devices are signed."""
    async with people(synapse, folder, "lin", "mei") as (lin, mei):
        await signed(lin)
        await signed(mei)
        yield lin, mei


async def joined(guest: Person, room: RoomId) -> None:
    rooms = RoomsSeen(guest.session)
    await until(lambda: rooms.get(room) is not None)
    rooms.cancel()
    await guest.session.chat.join(room)


async def show_history(person: Person, room: RoomId, visibility: str) -> None:
    """Change what newcomers may see, and wait until the engine knows."""
    path = ("_matrix", "client", "v3", "rooms", room, "state", "m.room.history_visibility", "")
    await person.session._around.http.request("PUT", path, json={"history_visibility": visibility})

    def known() -> bool:
        state = person.session._rooms.state(room, "m.room.history_visibility")
        return state is not None and state.content.get("history_visibility") == visibility

    await until(known)


async def test_an_invited_newcomer_reads_what_was_said_before(synapse: TestSynapse, tmp_path: Path) -> None:
    async with host_and_guest(synapse, tmp_path) as (lin, mei):
        room = await shared_room(lin)
        arrivals: list[HistoryArrival] = []
        mei.session.security.watch_history(room, arrivals.append)
        await say(lin, room, "first of all", "second")
        await lin.session.chat.invite(room, mei.account.user, share_history=True)
        rooms = RoomsSeen(mei.session)
        await until(lambda: rooms.get(room) is not None)
        assert not mei.session.encryption.machine.sessions(room), "nothing is loaded before the invitation is accepted"
        await mei.session.chat.join(room)
        await until(lambda: HistoryArrival.HERE in arrivals)
        seen = await opened(mei, room)
        await until(lambda: seen.item("first of all") and seen.item("second"))
        assert item_of(seen, "first of all").shield is Shield.UNPROVEN
        await say(lin, room, "welcome")
        await until(lambda: seen.item("welcome"))
        assert not unreadable(seen)


async def test_without_the_choice_of_the_inviter_no_history_is_given(synapse: TestSynapse, tmp_path: Path) -> None:
    async with host_and_guest(synapse, tmp_path) as (lin, mei):
        told: list[object] = []
        mei.session.encryption.listen("m.room_key_bundle", told.append)
        room = await shared_room(lin)
        await say(lin, room, "first of all")
        await lin.session.chat.invite(room, mei.account.user)
        await joined(mei, room)
        await say(lin, room, "welcome")
        seen = await opened(mei, room)
        await until(lambda: seen.item("welcome"))
        assert unreadable(seen) == [UndecryptableReason.SENT_BEFORE_JOIN]
        assert not told


async def test_history_that_newcomers_may_not_see_is_not_given(synapse: TestSynapse, tmp_path: Path) -> None:
    async with host_and_guest(synapse, tmp_path) as (lin, mei):
        told: list[object] = []
        mei.session.encryption.listen("m.room_key_bundle", told.append)
        room = await shared_room(lin)
        await say(lin, room, "for newcomers")
        await show_history(lin, room, "joined")
        await say(lin, room, "among ourselves")
        with pytest.raises(HistoryNotShared):
            await lin.session.chat.invite(room, mei.account.user, share_history=True)
        await joined(mei, room)
        await say(lin, room, "welcome")
        seen = await opened(mei, room)
        await until(lambda: seen.item("welcome"))
        assert not told
        assert seen.item("among ourselves") is None


async def test_only_sessions_of_open_times_are_in_a_bundle(synapse: TestSynapse, tmp_path: Path) -> None:
    """Joined-only at first, opened later: what was said before stays among those who were there."""
    async with host_and_guest(synapse, tmp_path) as (lin, mei):
        room = await shared_room(lin)
        await show_history(lin, room, "joined")
        await say(lin, room, "among ourselves")
        await show_history(lin, room, "shared")
        await say(lin, room, "for newcomers")
        await lin.session.chat.invite(room, mei.account.user, share_history=True)
        await joined(mei, room)
        seen = await opened(mei, room)
        await until(lambda: seen.item("for newcomers"))
        assert seen.item("among ourselves") is None
        assert [row.shared_history for row in mei.session.encryption.machine.sessions(room)] == [True]


async def test_an_unsigned_invitee_gets_no_history_but_the_invitation(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin") as (lin,):
        await signed(lin)
        stranger = UserId(synapse.register("mei").user_id)
        room = await shared_room(lin)
        await say(lin, room, "first of all")
        with pytest.raises(HistoryNotShared):
            await lin.session.chat.invite(room, stranger, share_history=True)

        async def invited() -> bool:
            return any(member.user == stranger for member in await lin.session.chat.members(room))

        await until(lambda: stranger in lin.session._rooms.members(room))
        assert await invited()


async def test_talk_goes_on_after_one_side_restored_an_old_copy(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        await say(lin, room, "one")
        await say(mei, room, "two")
        at_lin = await opened(lin, room)
        await until(lambda: at_lin.item("two"))
        await mei.close()
        shutil.copytree(mei.folder, tmp_path / "copy")
        await mei.live()
        at_mei = await opened(mei, room)
        for number in range(5):
            await say(mei, room, f"later {number}")
            await say(lin, room, f"answer {number}")
        mei.session.encryption.machine.end_session(room)
        lin.session.encryption.machine.end_session(room)
        await say(lin, room, "under a new key")
        await say(mei, room, "under another one")
        await until(lambda: at_mei.item("under a new key") and at_lin.item("under another one"))
        await mei.close()
        shutil.rmtree(mei.folder)
        shutil.copytree(tmp_path / "copy", mei.folder)

        await mei.live()
        at_mei = await opened(mei, room)
        await until(lambda: at_mei.item("later 4"))
        await say(mei, room, "after the copy")
        await say(lin, room, "do you hear me")
        await until(lambda: at_lin.item("after the copy") and at_mei.item("do you hear me"), seconds=60)
        mei.session.encryption.machine.end_session(room)
        await say(mei, room, "and under a key of mine")
        await until(lambda: at_lin.item("and under a key of mine"), seconds=60)
        assert not unreadable(at_lin)


async def test_a_key_that_got_lost_on_its_way_is_given_again(synapse: TestSynapse, tmp_path: Path) -> None:
    """The sender's message with the key is gone: its receiver begins a new session, and the sender gives the key again."""
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        await say(lin, room, "one")
        at_mei = await opened(mei, room)
        await until(lambda: at_mei.item("one"))
        mei.session.security._sharing._grace = 0.2
        receive = mei.session.encryption.machine.receive_to_device
        lost: list[object] = []

        def lose(event: object) -> News:
            lost.append(event)
            return News()

        mei.session.encryption.machine.receive_to_device = lose  # type: ignore[method-assign]  # what a server may lose
        lin.session.encryption.machine.end_session(room)
        await say(lin, room, "under a lost key")
        await until(lambda: unreadable(at_mei) and lost)
        mei.session.encryption.machine.receive_to_device = receive  # type: ignore[method-assign]  # as before
        await until(lambda: at_mei.item("under a lost key"))
        assert item_of(at_mei, "under a lost key").shield is Shield.AUTHENTIC
