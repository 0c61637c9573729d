"""Our whole engine (accounts, sync, outbox, timeline, media) in an encrypted chat with matrix-js-sdk, in both directions."""

import dataclasses
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.opponents import eventually
from tests.interop.peers import Peer, missing
from tests.support.engine import Person, RoomsSeen, TimelineSeen, people, until
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import EventId, RoomId
from welink_desktop.core.timeline import (
    AttachmentContent,
    OutgoingFile,
    OutgoingText,
    RecalledContent,
    TextContent,
    TimelineItem,
    UndecryptableContent,
)
from welink_desktop.core.trust import Shield

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "present")


@dataclasses.dataclass
class Talk:
    """A person of ours and an opponent in one encrypted room, and what our person sees of it."""

    lin: Person
    peer: Peer
    room: RoomId
    seen: TimelineSeen

    async def shown(self, body: str) -> TimelineItem:
        await until(lambda: self.seen.item(body))
        item = self.seen.item(body)
        assert item is not None
        return item

    async def sent(self, text: OutgoingText) -> EventId:
        """Send; the event's id once the server has it."""
        await self.lin.session.chat.send_text(self.room, text)
        await until(lambda: (item := self.seen.item(text.body)) is not None and item.ref.startswith("$"))
        return EventId((await self.shown(text.body)).ref)

    def row(self, event: str) -> TimelineItem | None:
        return next((item for item in self.seen.items if item.ref == event), None)


@pytest.fixture
async def talk(synapse: TestSynapse, tmp_path: Path) -> AsyncIterator[Talk]:
    other = synapse.register("opponent")
    peer = await Peer.start("opponent", tmp_path)
    try:
        await peer.login(base=synapse.base_url, user=other.localpart, password=other.password)
        async with people(synapse, tmp_path / "profiles", "lin") as (lin,):
            room = RoomId((await peer.create_room(name="interop", invite=[lin.account.user]))["room"])
            rooms = RoomsSeen(lin.session)
            await until(lambda: rooms.get(room))
            await lin.session.chat.join(room)
            await peer.wait_member(room=room, user=lin.account.user)
            await until(lambda: (summary := rooms.get(room)) is not None and summary.encrypted)
            rooms.cancel()
            seen = TimelineSeen(await lin.session.chat.open_timeline(room))
            yield Talk(lin, peer, room, seen)
            seen.cancel()
            await seen.timeline.close()
    finally:
        await peer.stop()


async def test_text_in_both_languages_and_directions(talk: Talk) -> None:
    await talk.sent(OutgoingText("你好,周三的会议几点?"))
    got = await talk.peer.wait_for_text(room=talk.room, text="你好,周三的会议几点?", sender=talk.lin.account.user)
    assert got["encrypted"]
    await talk.peer.send(room=talk.room, body="At ten 🕙, room 三号会议室")
    item = await talk.shown("At ten 🕙, room 三号会议室")
    assert item.shield is Shield.AUTHENTIC
    await talk.peer.send(room=talk.room, body="bold", html="<b>bold</b>")
    content = (await talk.shown("bold")).content
    assert isinstance(content, TextContent)
    assert content.html == "<b>bold</b>"


async def test_our_edit_reply_reaction_and_recall_are_understood(talk: Talk) -> None:
    chat, room, peer = talk.lin.session.chat, talk.room, talk.peer
    event = await talk.sent(OutgoingText("Ward round at nine"))
    await chat.edit(room, event, OutgoingText("Ward round at ten"))
    assert (await peer.wait_for_text(room=room, text="Ward round at ten"))["event_id"] == event
    theirs = (await peer.send(room=room, body="understood"))["event_id"]
    await talk.shown("understood")
    await chat.send_text(room, OutgoingText("thanks", reply_to=EventId(theirs)))
    reply = await peer.wait_for_text(room=room, text="thanks")
    assert reply["content"]["m.relates_to"]["m.in_reply_to"]["event_id"] == theirs
    await chat.react(room, EventId(theirs), "👍")
    assert (await peer.wait_for_reaction(room=room, event_id=theirs, key="👍"))["senders"] == [talk.lin.account.user]
    await chat.recall(room, event, "typo")
    await eventually(lambda: peer.wait_for_event(room=room, event_id=event), lambda found: bool(found["redacted"]))


async def test_their_edit_reply_reaction_and_redaction_are_understood(talk: Talk) -> None:
    peer, room = talk.peer, talk.room
    event = (await peer.send(room=room, body="first"))["event_id"]
    await talk.shown("first")
    await peer.edit(room=room, event_id=event, body="second")
    item = await talk.shown("second")
    assert (item.ref, item.edited) == (event, True)
    await peer.reply(room=room, event_id=event, body="an answer")
    answer = await talk.shown("an answer")
    assert answer.reply is not None
    assert (answer.reply.event, answer.reply.body) == (event, "second")
    await peer.react(room=room, event_id=event, key="🎉")
    await until(lambda: (row := talk.row(event)) is not None and row.reactions)
    row = talk.row(event)
    assert row is not None
    assert row.reactions[0].key == "🎉"
    await peer.redact(room=room, event_id=event, reason="gone")
    await until(lambda: (row := talk.row(event)) is not None and isinstance(row.content, RecalledContent))


async def test_files_in_both_directions(talk: Talk, tmp_path: Path) -> None:
    data = os.urandom(200_000)
    (tmp_path / "plan.bin").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    await talk.peer.send_file(room=talk.room, path=str(tmp_path / "plan.bin"), name="计划.bin")

    def files() -> list[AttachmentContent]:
        return [item.content for item in talk.seen.items if isinstance(item.content, AttachmentContent)]

    await until(files)
    assert files()[0].name == "计划.bin"
    await talk.lin.session.media.save(files()[0].source, tmp_path / "got.bin")
    assert (tmp_path / "got.bin").read_bytes() == data
    await talk.lin.session.chat.send_file(talk.room, OutgoingFile(str(tmp_path / "plan.bin")))
    await until(lambda: len(files()) == 2 and talk.seen.items[-1].ref.startswith("$"))
    got = await talk.peer.get_file(room=talk.room, event_id=talk.seen.items[-1].ref, timeout=30)
    assert got["sha256"] == digest


async def test_a_device_that_signs_in_later_reads_what_comes_after(talk: Talk, synapse: TestSynapse, tmp_path: Path) -> None:
    """Our second device: unreadable history with its reason, new messages readable."""
    from tests.support.engine import signed_in

    await talk.peer.send(room=talk.room, body="before")
    await talk.shown("before")
    account = synapse.register("late")
    await talk.peer.invite(room=talk.room, user=account.user_id)
    late = await signed_in(synapse, account, tmp_path)
    try:
        session = await late.live()
        rooms = RoomsSeen(session)
        await until(lambda: rooms.get(talk.room))
        await session.chat.join(talk.room)
        await talk.peer.wait_member(room=talk.room, user=account.user_id)
        seen = TimelineSeen(await session.chat.open_timeline(talk.room))
        await talk.peer.send(room=talk.room, body="after")
        await until(lambda: seen.item("after"))
        await until(lambda: any(isinstance(item.content, UndecryptableContent) for item in seen.items) or seen.item("before"))
        await talk.sent(OutgoingText("to both"))
        await until(lambda: seen.item("to both"))
        await talk.peer.wait_for_text(room=talk.room, text="to both")
        rooms.cancel()
        await seen.timeline.close()
    finally:
        await late.close()


async def test_after_a_leave_the_session_is_new_on_both_sides(talk: Talk, synapse: TestSynapse, tmp_path: Path) -> None:
    account = synapse.register("leaver")
    leaver = await Peer.start("leaver", tmp_path)
    try:
        await leaver.login(base=synapse.base_url, user=account.localpart, password=account.password)
        await talk.peer.invite(room=talk.room, user=account.user_id)
        await leaver.join(room=talk.room)
        await talk.peer.wait_member(room=talk.room, user=account.user_id)
        first = await talk.sent(OutgoingText("for three"))
        await leaver.wait_for_text(room=talk.room, text="for three")
        await talk.peer.kick(room=talk.room, user=account.user_id)
        await until(lambda: account.user_id not in talk.lin.session._rooms.joined(talk.room))
        second = await talk.sent(OutgoingText("for two"))
        await talk.peer.wait_for_text(room=talk.room, text="for two")
        shown = {one["event_id"]: one for one in await talk.peer.timeline(room=talk.room)}
        assert shown[first]["session_id"] != shown[second]["session_id"]
    finally:
        await leaver.stop()


async def test_talk_goes_on_after_a_restart(talk: Talk) -> None:
    await talk.sent(OutgoingText("before"))
    await talk.peer.wait_for_text(room=talk.room, text="before")
    talk.seen.cancel()
    await talk.seen.timeline.close()
    await talk.lin.close()
    missed = (await talk.peer.send(room=talk.room, body="while you were away"))["event_id"]
    await talk.lin.live()
    talk.seen = TimelineSeen(await talk.lin.session.chat.open_timeline(talk.room))
    assert (await talk.shown("while you were away")).ref == missed
    await talk.sent(OutgoingText("back again"))
    await talk.peer.wait_for_text(room=talk.room, text="back again")
    assert talk.seen.bodies == ["before", "while you were away", "back again"]
