"""Our encryption against matrix-js-sdk with its Rust crypto, on a real Synapse: both directions, and when things go wrong."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.peers import Peer, missing
from tests.interop.small_client import SmallClient
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.records import ToDevice
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason
from welink_desktop.evaluation.client import Registered

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")


@dataclasses.dataclass
class Pair:
    ours: SmallClient
    theirs: Peer
    their_account: Registered
    their_device: str
    room: str


@pytest.fixture
async def pair(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Pair]:
    """Our client and one of the opponent in an encrypted room that the opponent made."""
    mine, other = synapse.register("ours"), synapse.register("theirs")
    ours = await SmallClient.start(synapse, mine, tmp_path)
    theirs = await Peer.start("theirs", tmp_path)
    try:
        device = await theirs.login(base=synapse.base_url, user=other.localpart, password=other.password)
        room = (await theirs.create_room(name="interop", invite=[mine.user_id]))["room"]
        await ours.join(room)
        await theirs.wait_member(room=room, user=mine.user_id)
        yield Pair(ours, theirs, other, device["device_id"], room)
    finally:
        await theirs.stop()
        await ours.stop()


async def test_text_in_both_directions(pair: Pair) -> None:
    ours, theirs, room = pair.ours, pair.theirs, pair.room
    await ours.text(room, "你好,周三的会议几点?")
    seen = await theirs.wait_for_text(room=room, text="你好,周三的会议几点?", sender=ours.user)
    assert seen["encrypted"]
    answer = (await theirs.send(room=room, body="At three 🕒"))["event_id"]
    assert (await ours.wait_for(room, answer))["body"] == "At three 🕒"
    result = ours.read[room][answer]
    assert not isinstance(result, Undecryptable)
    assert (result.shield, result.sender_device) == (Shield.AUTHENTIC, pair.their_device)
    await ours.text(room, "second, over the same session")
    await theirs.wait_for_text(room=room, text="second, over the same session")


async def test_edit_reply_reaction_and_redaction(pair: Pair) -> None:
    ours, theirs, room = pair.ours, pair.theirs, pair.room
    first = await ours.text(room, "wrnog")
    await theirs.wait_for_text(room=room, text="wrnog")
    relation = {"rel_type": "m.replace", "event_id": first}
    new = {"msgtype": "m.text", "body": "right"}
    await ours.send(room, {"msgtype": "m.text", "body": "* right", "m.new_content": new, "m.relates_to": relation})
    assert (await theirs.wait_for_text(room=room, text="right"))["edited"]
    reply = (await theirs.reply(room=room, event_id=first, body="yes"))["event_id"]
    content = await ours.wait_for(room, reply)
    assert content["m.relates_to"]["m.in_reply_to"]["event_id"] == first
    edit = (await theirs.edit(room=room, event_id=reply, body="yes!"))["event_id"]
    assert (await ours.wait_for(room, edit))["m.new_content"]["body"] == "yes!"
    reaction = (await theirs.react(room=room, event_id=first, key="👍"))["event_id"]
    await ours.until(lambda: reaction in ours.events[room])
    assert ours.events[room][reaction]["content"]["m.relates_to"]["key"] == "👍"
    await theirs.redact(room=room, event_id=reply)
    await ours.until(lambda: any(event["type"] == "m.room.redaction" for event in ours.events[room].values()))


async def test_a_device_that_signs_in_later_reads_what_comes_after(pair: Pair, synapse: TestSynapse, tmp_path: Path) -> None:
    ours, theirs, room = pair.ours, pair.theirs, pair.room
    await ours.text(room, "before")
    await theirs.wait_for_text(room=room, text="before")
    late = await Peer.start("late", tmp_path)
    try:
        account = pair.their_account
        device = (await late.login(base=synapse.base_url, user=account.localpart, password=account.password))["device_id"]
        them = UserId(account.user_id)
        await ours.until(lambda: any(one.device == device for one in ours.encryption.devices_of(them)))
        after = await ours.text(room, "after")
        await late.wait_for_text(room=room, text="after")
        assert not (await late.wait_for_event(room=room, event_id=after)).get("failed")
        event = (await late.send(room=room, body="from the late one"))["event_id"]
        assert (await ours.wait_for(room, event))["body"] == "from the late one"
    finally:
        await late.stop()


async def test_a_leaver_cannot_read_what_comes_after(pair: Pair, synapse: TestSynapse, tmp_path: Path) -> None:
    ours, theirs, room = pair.ours, pair.theirs, pair.room
    leaver_account = synapse.register("leaver")
    leaver = await Peer.start("leaver", tmp_path)
    try:
        await leaver.login(base=synapse.base_url, user=leaver_account.localpart, password=leaver_account.password)
        await theirs.invite(room=room, user=leaver_account.user_id)
        await leaver.join(room=room)
        await ours.until(lambda: ours.membership(room, leaver_account.user_id) == "join")
        first = await ours.text(room, "for three")
        await leaver.wait_for_text(room=room, text="for three")
        await theirs.kick(room=room, user=leaver_account.user_id)
        await ours.until(lambda: ours.membership(room, leaver_account.user_id) == "leave")
        second = await ours.text(room, "for two")
        await theirs.wait_for_text(room=room, text="for two")
        sessions = {ours.events[room][event]["content"]["session_id"] for event in (first,)}
        await ours.until(lambda: second in ours.events[room])
        assert ours.events[room][second]["content"]["session_id"] not in sessions
    finally:
        await leaver.stop()


async def test_their_rotation_reaches_us(pair: Pair) -> None:
    ours, theirs, room = pair.ours, pair.theirs, pair.room
    first = (await theirs.send(room=room, body="one"))["event_id"]
    await ours.wait_for(room, first)
    await theirs.rotate(room=room)
    second = (await theirs.send(room=room, body="two"))["event_id"]
    await ours.wait_for(room, second)
    sessions = {ours.events[room][event]["content"]["session_id"] for event in (first, second)}
    assert len(sessions) == 2


async def test_a_message_replayed_by_the_server_is_not_shown_twice(pair: Pair) -> None:
    ours, theirs, room = pair.ours, pair.theirs, pair.room
    first = (await theirs.send(room=room, body="once"))["event_id"]
    await ours.wait_for(room, first)
    again = await theirs.raw_send(room=room, type="m.room.encrypted", content=ours.events[room][first]["content"])
    await ours.until(lambda: again["event_id"] in ours.read[room])
    result = ours.read[room][again["event_id"]]
    assert isinstance(result, Undecryptable)
    assert result.reason is UndecryptableReason.REPLAYED


async def test_our_lost_olm_sessions_heal(pair: Pair) -> None:
    """We lose our sessions with the opponent: its next key cannot be opened, a new session is made, talk goes on."""
    ours, theirs, room = pair.ours, pair.theirs, pair.room
    await ours.wait_for(room, (await theirs.send(room=room, body="fine"))["event_id"])
    await ours.text(room, "fine, too")
    await theirs.wait_for_text(room=room, text="fine, too")
    with ours.database.transaction() as transaction:
        transaction.execute("DELETE FROM crypto_olm")
    await theirs.rotate(room=room)
    lost = (await theirs.send(room=room, body="lost"))["event_id"]
    await ours.until(lambda: lost in ours.read[room])
    assert isinstance(ours.read[room][lost], Undecryptable)
    with_session = "SELECT count(*) FROM crypto_olm"

    def healed() -> bool:
        with ours.database.read() as transaction:
            return bool(transaction.value(with_session))

    await ours.until(healed)
    await theirs.rotate(room=room)
    await ours.text(room, "healed")
    await theirs.wait_for_text(room=room, text="healed")
    event = (await theirs.send(room=room, body="again"))["event_id"]
    assert (await ours.wait_for(room, event))["body"] == "again"


async def test_encrypted_to_device_messages_in_both_directions(pair: Pair) -> None:
    ours, theirs = pair.ours, pair.theirs
    got: asyncio.Future[ToDevice] = asyncio.get_running_loop().create_future()
    cancel = ours.encryption.listen("io.element.call.encryption_keys", got.set_result)
    await theirs.encrypt_to_device(
        type="io.element.call.encryption_keys", user=ours.user, device=ours.device, content={"room_id": pair.room}
    )
    async with asyncio.timeout(20):
        event = await got
    cancel()
    assert (event.sender, event.sender_device, event.encrypted) == (pair.their_account.user_id, pair.their_device, True)
    assert event.content == {"room_id": pair.room}
    them, nobody = (UserId(pair.their_account.user_id), DeviceId(pair.their_device)), DeviceId("NOSUCH")
    reached = await ours.encryption.send_to_device_encrypted("io.test", {them[0]: {them[1]: {"a": 1}, nobody: {"a": 1}}})
    assert reached == {them}


async def test_a_key_in_clear_is_ignored(pair: Pair) -> None:
    ours, theirs = pair.ours, pair.theirs
    got: list[ToDevice] = []
    cancel = ours.encryption.listen("io.element.call.encryption_keys", got.append)
    listened = asyncio.get_running_loop().create_future()
    last = ours.encryption.listen("io.test.last", listened.set_result)
    await theirs.send_to_device(type="io.element.call.encryption_keys", user=ours.user, device=ours.device, content={"a": 1})
    await theirs.encrypt_to_device(type="io.test.last", user=ours.user, device=ours.device, content={})
    async with asyncio.timeout(20):
        await listened
    cancel()
    last()
    assert not got


async def test_a_room_may_hold_many_messages_and_rotations(pair: Pair) -> None:
    ours, theirs = pair.ours, pair.theirs
    room = (await theirs.create_room(name="fast", invite=[ours.user], encryption={"rotation_period_msgs": 3}))["room"]
    await ours.join(room)
    await theirs.wait_member(room=room, user=ours.user)
    events = [await ours.text(room, f"message {number}") for number in range(8)]
    await theirs.wait_for_text(room=room, text="message 7")
    shown = {one["event_id"]: one for one in await theirs.timeline(room=room)}
    assert [shown[event]["content"]["body"] for event in events] == [f"message {number}" for number in range(8)]
    assert len({shown[event]["session_id"] for event in events}) == 3
    assert RoomId(room) in ours.state
