"""Two engines on the real homeserver: messages, relations, receipts, typing, notifications."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.engine import Person, RoomsSeen, TimelineSeen, people, shared_room, until
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import EventId, RoomId
from welink_desktop.core.rooms import PreviewState, Typing
from welink_desktop.core.timeline import IncomingMessage, OutgoingText, RecalledContent, SendPhase, TimelineItem
from welink_desktop.core.trust import Shield

BOTH = pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])


@asynccontextmanager
async def talking(
    synapse: TestSynapse, folder: Path, *, encrypted: bool
) -> AsyncIterator[tuple[Person, Person, RoomId, TimelineSeen, TimelineSeen]]:
    """Two people in one room, both looking at it."""
    async with people(synapse, folder, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei, encrypted=encrypted)
        yield (
            lin,
            mei,
            room,
            TimelineSeen(await lin.session.chat.open_timeline(room)),
            TimelineSeen(await mei.session.chat.open_timeline(room)),
        )


async def shown(seen: TimelineSeen, body: str) -> TimelineItem:
    item = await until(lambda: seen.item(body))
    assert item is not None
    return item


async def on_server(seen: TimelineSeen, body: str) -> EventId:
    await until(lambda: (item := seen.item(body)) is not None and item.ref.startswith("$"))
    return EventId((await shown(seen, body)).ref)


@BOTH
async def test_messages_go_both_ways(synapse: TestSynapse, tmp_path: Path, encrypted: bool) -> None:
    async with talking(synapse, tmp_path, encrypted=encrypted) as (lin, mei, room, of_lin, of_mei):
        sent = await lin.session.chat.send_text(room, OutgoingText("你好,周三的会议几点?"))
        received = await shown(of_mei, "你好,周三的会议几点?")
        assert received.sender == lin.account.user
        assert received.shield in ((Shield.AUTHENTIC, Shield.UNSIGNED) if encrypted else (Shield.NONE,))
        await mei.session.chat.send_text(room, OutgoingText("十点。"))
        await shown(of_lin, "十点。")
        await on_server(of_lin, "你好,周三的会议几点?")
        final = await shown(of_lin, "你好,周三的会议几点?")
        assert str(final.key) == str(sent)
        assert final.send.phase is SendPhase.SENT
        assert of_lin.bodies == of_mei.bodies == ["你好,周三的会议几点?", "十点。"]


@BOTH
async def test_edits_reactions_replies_and_recalls_arrive(synapse: TestSynapse, tmp_path: Path, encrypted: bool) -> None:
    async with talking(synapse, tmp_path, encrypted=encrypted) as (lin, mei, room, of_lin, of_mei):
        await lin.session.chat.send_text(room, OutgoingText("Ward round at nine"))
        event = await on_server(of_mei, "Ward round at nine")
        await lin.session.chat.edit(room, event, OutgoingText("Ward round at ten"))
        assert (await shown(of_mei, "Ward round at ten")).edited
        await mei.session.chat.react(room, event, "👍")
        await until(lambda: of_lin.items[-1].reactions)
        assert of_lin.items[-1].reactions[0].people == (mei.account.user,)
        await mei.session.chat.send_text(room, OutgoingText("Fine", reply_to=event))
        reply = await shown(of_lin, "Fine")
        assert reply.reply is not None
        assert reply.reply.body == "Ward round at ten"
        await lin.session.chat.recall(room, event, "wrong room")
        await until(lambda: any(isinstance(item.content, RecalledContent) for item in of_mei.items))
        recalled = next(item for item in of_mei.items if isinstance(item.content, RecalledContent))
        assert recalled.ref == event
        assert isinstance(recalled.content, RecalledContent)
        assert recalled.content.by == lin.account.user
        assert not recalled.edited


@BOTH
async def test_unread_counts_follow_receipts(synapse: TestSynapse, tmp_path: Path, encrypted: bool) -> None:
    async with talking(synapse, tmp_path, encrypted=encrypted) as (lin, mei, room, of_lin, of_mei):
        rooms = RoomsSeen(mei.session)
        lists = RoomsSeen(lin.session)
        incoming: list[IncomingMessage] = []
        mei.session.chat.watch_incoming(incoming.append)
        for number in range(3):
            await lin.session.chat.send_text(room, OutgoingText(f"note {number}"))
        await lin.session.chat.send_text(room, OutgoingText("look", mentions=(mei.account.user,)))
        last = await on_server(of_mei, "look")
        await until(lambda: (summary := rooms.get(room)) is not None and summary.unread.messages == 4)
        summary = rooms.get(room)
        assert summary is not None
        assert summary.unread.mentions == 1
        assert summary.last is not None
        assert summary.last.body == "look"
        await until(lambda: len(incoming) == 4)
        assert incoming[-1].mention
        assert incoming[-1].body == "look"
        await mei.session.chat.mark_read(room, last)
        await until(lambda: (summary := rooms.get(room)) is not None and not summary.unread.any)
        await until(lambda: mei.account.user in of_lin.items[-1].readers)
        await until(lambda: (s := lists.get(room)) is not None and s.last is not None and s.last.state is PreviewState.READ)
        await mei.session.chat.set_marked_unread(room, True)
        await until(lambda: (summary := rooms.get(room)) is not None and summary.unread.marked)


async def test_typing_is_seen_and_ends(synapse: TestSynapse, tmp_path: Path) -> None:
    async with talking(synapse, tmp_path, encrypted=True) as (lin, mei, room, _, _):
        seen: list[Typing] = []
        mei.session.chat.watch_typing(room, seen.append)
        await lin.session.chat.set_typing(room, True)
        await until(lambda: seen[-1].people == (lin.account.user,))
        await lin.session.chat.send_text(room, OutgoingText("done"))
        await until(lambda: seen[-1].people == ())


async def test_favourites_and_mute_survive_on_the_server(synapse: TestSynapse, tmp_path: Path) -> None:
    async with talking(synapse, tmp_path, encrypted=True) as (lin, mei, room, _, of_mei):
        rooms = RoomsSeen(mei.session)
        incoming: list[IncomingMessage] = []
        mei.session.chat.watch_incoming(incoming.append)
        await mei.session.chat.set_favourite(room, True)
        await mei.session.chat.set_muted(room, True)
        await until(lambda: (s := rooms.get(room)) is not None and s.favourite and s.muted)
        await lin.session.chat.send_text(room, OutgoingText("quiet"))
        await shown(of_mei, "quiet")
        assert incoming == []
        await mei.session.chat.set_muted(room, False)
        await mei.session.chat.set_favourite(room, False)
        await until(lambda: (s := rooms.get(room)) is not None and not s.favourite and not s.muted)


async def test_drafts_are_kept(synapse: TestSynapse, tmp_path: Path) -> None:
    async with talking(synapse, tmp_path, encrypted=True) as (lin, _, room, _, _):
        await lin.session.chat.set_draft(room, "unfinished")
        assert await lin.session.chat.draft(room) == "unfinished"
        await lin.close()
        await lin.open()
        assert await lin.session.chat.draft(room) == "unfinished"
        summary = RoomsSeen(lin.session).get(room)
        assert summary is not None
        assert summary.draft == "unfinished"


async def test_everything_is_there_after_a_restart(synapse: TestSynapse, tmp_path: Path) -> None:
    async with talking(synapse, tmp_path, encrypted=True) as (lin, mei, room, of_lin, of_mei):
        for number in range(5):
            await lin.session.chat.send_text(room, OutgoingText(f"before {number}"))
        await on_server(of_mei, "before 4")
        await mei.close()
        await lin.session.chat.send_text(room, OutgoingText("while away"))
        await on_server(of_lin, "while away")
        await mei.open()
        again = TimelineSeen(await mei.session.chat.open_timeline(room))
        assert again.bodies[:5] == [f"before {number}" for number in range(5)]
        await shown(again, "while away")
        assert again.bodies == of_lin.bodies
