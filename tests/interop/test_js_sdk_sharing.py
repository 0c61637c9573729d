"""Secrets between devices of one account and history for newcomers, between WeLink and matrix-js-sdk."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.opponents import (
    Opponent,
    accepted,
    compared,
    device,
    eventually,
    in_state,
    joined,
    met,
    opponent,
    read,
    say,
    timeline,
    unreadable,
)
from tests.interop.peers import missing
from tests.support.engine import Person, shared_room, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.identities import SECRET_NAMES
from welink_desktop.core.errors import HistoryNotShared
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.security import HistoryArrival, RecoveryState
from welink_desktop.core.trust import Shield, UndecryptableReason

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")


@pytest.fixture
async def lin(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Person]:
    async with device(synapse, synapse.register("lin"), tmp_path / "lin") as person:
        await in_state(person, RecoveryState.NOT_SET_UP)
        yield person


@pytest.fixture
async def theirs(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Opponent]:
    async with opponent(synapse, synapse.register("theirs"), tmp_path, identity=True) as made:
        yield made


async def test_their_device_gives_the_secrets_to_ours_that_it_confirmed(synapse: TestSynapse, tmp_path: Path) -> None:
    account = synapse.register("tom")
    async with opponent(synapse, account, tmp_path, identity=True) as theirs:
        await theirs.peer.bootstrap_secret_storage(backup=True)
        room = RoomId((await theirs.peer.create_room(name="Notes"))["room"])
        await theirs.peer.send(room=room, body="before the second device")
        await theirs.peer.wait_backed_up(count=1)
        async with device(synapse, account, tmp_path / "ours") as ours:
            await in_state(ours, RecoveryState.UNVERIFIED)
            await compared(ours, theirs)
            await in_state(ours, RecoveryState.READY)
            assert set(ours.session.encryption.identities.secrets()) == set(SECRET_NAMES)
            assert ours.session.security._backup.private_key == (await theirs.peer.backup_status())["key"]
            await read(ours, room, "before the second device")


async def test_our_device_gives_the_secrets_to_theirs_that_it_confirmed(synapse: TestSynapse, tmp_path: Path) -> None:
    account = synapse.register("lin")
    async with device(synapse, account, tmp_path / "ours") as ours:
        await in_state(ours, RecoveryState.NOT_SET_UP)
        room = await shared_room(ours)
        await say(ours, room, "before the second device")
        await ours.session.security.turn_on_recovery()
        await in_state(ours, RecoveryState.READY)
        async with opponent(synapse, account, tmp_path) as theirs:
            await compared(ours, theirs)
            assert (await theirs.peer.wait_secrets())["key"] == ours.session.security._backup.private_key
            assert (await theirs.peer.cross_signing())["ready"]
            await theirs.peer.restore_backup()
            await theirs.peer.wait_for_text(room=room, text="before the second device")


async def test_a_device_of_theirs_that_nobody_confirmed_is_given_no_secret(synapse: TestSynapse, tmp_path: Path) -> None:
    """It asks by the name of a signed device; what it is told is readable for the signed device alone."""
    account = synapse.register("lin")
    async with device(synapse, account, tmp_path / "ours") as ours:
        await in_state(ours, RecoveryState.NOT_SET_UP)
        asked: list[object] = []
        ours.session.encryption.listen("m.secret.request", asked.append)
        async with opponent(synapse, account, tmp_path) as theirs:
            question = {"action": "request", "name": SECRET_NAMES[0], "request_id": "r", "requesting_device_id": theirs.device}
            await theirs.peer.send_to_device(
                type="m.secret.request", user=theirs.user, device=ours.account.device, content=question
            )
            await until(lambda: asked)
            room = await shared_room(ours)
            await say(ours, room, "afterwards")
            await theirs.peer.wait_for_text(room=room, text="afterwards")
            status = (await theirs.peer.cross_signing())["status"]["privateKeysCachedLocally"]
            assert not any(status.values())


async def test_a_newcomer_of_ours_reads_the_history_that_their_inviter_gives(lin: Person, theirs: Opponent) -> None:
    arrivals: list[tuple[RoomId, HistoryArrival]] = []
    lin.session.security.bundles.arrivals.listen(arrivals.append)
    room = RoomId((await theirs.peer.create_room(name="Project", history="shared"))["room"])
    await theirs.peer.send(room=room, body="first of all")
    await theirs.peer.rotate(room=room)
    await theirs.peer.send(room=room, body="second")
    await theirs.peer.invite(room=room, user=lin.account.user)
    await joined(lin, room)
    await until(lambda: (room, HistoryArrival.HERE) in arrivals)
    assert (await read(lin, room, "first of all")).shield is Shield.UNPROVEN
    await read(lin, room, "second")


async def test_a_newcomer_of_theirs_reads_the_history_that_we_give(lin: Person, theirs: Opponent) -> None:
    room = await shared_room(lin)
    await say(lin, room, "first of all")
    lin.session.encryption.machine.end_session(room)
    await say(lin, room, "second")
    await lin.session.chat.invite(room, theirs.user, share_history=True)
    await accepted(theirs, room)
    first = await theirs.peer.wait_for_text(room=room, text="first of all")
    assert (first["shield"]["colour"], first["shield"]["reason"]) == (1, 4)
    await theirs.peer.wait_for_text(room=room, text="second")


async def test_a_newcomer_of_theirs_reads_nothing_old_unless_we_chose_so(lin: Person, theirs: Opponent) -> None:
    room = await shared_room(lin)
    await say(lin, room, "first of all")
    await lin.session.chat.invite(room, theirs.user)
    await accepted(theirs, room)
    await say(lin, room, "welcome")
    await theirs.peer.wait_for_text(room=room, text="welcome")
    assert "first of all" not in [one["content"].get("body") for one in await theirs.peer.timeline(room=room)]


async def test_their_unsigned_device_gets_no_history_from_us(lin: Person, synapse: TestSynapse, tmp_path: Path) -> None:
    async with opponent(synapse, synapse.register("unsigned"), tmp_path, name="unsigned") as unsigned:
        room = await shared_room(lin)
        await say(lin, room, "first of all")
        with pytest.raises(HistoryNotShared):
            await lin.session.chat.invite(room, UserId(unsigned.user), share_history=True)
        await accepted(unsigned, room)
        await say(lin, room, "welcome")
        await unsigned.peer.wait_for_text(room=room, text="welcome")


async def test_history_that_they_keep_from_newcomers_is_explained(lin: Person, theirs: Opponent) -> None:
    """Visibility "joined" at first: their bundle names those sessions as withheld."""
    room = RoomId((await theirs.peer.create_room(name="Project", history="joined"))["room"])
    await theirs.peer.send(room=room, body="among ourselves")
    await theirs.peer.state(room=room, type="m.room.history_visibility", content={"history_visibility": "shared"})
    await eventually(
        lambda: theirs.peer.timeline(room=room), lambda events: events[-1]["content"] == {"history_visibility": "shared"}
    )
    await theirs.peer.send(room=room, body="for newcomers")
    await theirs.peer.invite(room=room, user=lin.account.user)
    await joined(lin, room)
    await read(lin, room, "for newcomers")
    async with timeline(lin, room) as seen:
        assert seen.item("among ourselves") is None
        assert set(unreadable(seen)) <= {UndecryptableReason.SENT_BEFORE_JOIN}


async def test_a_newcomer_of_ours_and_one_of_theirs_talk_under_the_current_key(
    lin: Person, theirs: Opponent, synapse: TestSynapse, tmp_path: Path
) -> None:
    room = await met(theirs, lin)
    await say(lin, room, "before")
    async with device(synapse, synapse.register("mei"), tmp_path / "mei") as mei:
        await theirs.peer.invite(room=room, user=mei.account.user)
        await joined(mei, room)
        await until(lambda: mei.account.user in lin.session._rooms.joined(room))
        await say(lin, room, "welcome")
        await read(mei, room, "welcome")
        await theirs.peer.wait_member(room=room, user=mei.account.user)
        await theirs.peer.wait_device(user=mei.account.user, device=mei.account.device)
        await theirs.peer.send(room=room, body="welcome from them, too")
        await read(mei, room, "welcome from them, too")
