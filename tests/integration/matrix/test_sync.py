"""Following the real homeserver through gaps, lost positions, cut lines, bad events and without sliding sync."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.engine import BentWay, Person, RoomsSeen, TimelineSeen, people, shared_room, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.store import account as facts
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.ids import RoomId
from welink_desktop.core.timeline import OutgoingText, UnreadableContent


async def say(person: Person, room: RoomId, *bodies: str) -> None:
    for body in bodies:
        await person.session.chat.send_text(room, OutgoingText(body))
    await until(lambda: not person.session.outbox.pending(room), seconds=60)


def numbered(first: int, last: int) -> list[str]:
    return [f"message {number}" for number in range(first, last)]


async def whole(person: Person, room: RoomId) -> TimelineSeen:
    seen = TimelineSeen(await person.session.chat.open_timeline(room))
    while await seen.timeline.load_older(50):
        pass
    return seen


@asynccontextmanager
async def one_on_a_bent_way(synapse: TestSynapse, folder: Path) -> AsyncIterator[tuple[Person, Person, BentWay]]:
    """Lin on the straight way, Mei on a bent one (not open yet)."""
    way = BentWay()
    mei = await signed_in(synapse, synapse.register("mei"), folder, way=lambda: way)
    async with people(synapse, folder, "lin") as (lin,):
        try:
            yield lin, mei, way
        finally:
            await mei.close()
            await way.end()


async def test_a_gap_is_filled_in_order(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        await say(lin, room, *numbered(0, 5))
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        await until(lambda: of_mei.item("message 4"))
        await mei.close()
        await say(lin, room, *numbered(5, 70))
        await mei.live()
        rooms = RoomsSeen(mei.session)
        await until(lambda: not mei.session._history.gaps_to_fill())
        seen = await whole(mei, room)
        assert seen.bodies == numbered(0, 70)
        await until(lambda: (summary := rooms.get(room)) is not None and summary.unread.messages == 70)


async def test_a_forgotten_position_loses_and_doubles_nothing(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        await say(lin, room, *numbered(0, 10))
        await until(lambda: (s := RoomsSeen(mei.session).get(room)) is not None and s.unread.messages == 10)
        await mei.close()
        await say(lin, room, *numbered(10, 40))
        session = await mei.open()
        await mei.close()
        opened = await mei.accounts.open(mei.account.key)
        await opened.close()
        del session, opened
        await _break_position(mei)
        await mei.live()
        seen = await whole(mei, room)
        assert seen.bodies == numbered(0, 40)


async def _break_position(person: Person) -> None:
    from welink_desktop.adapters.matrix.store.database import Database
    from welink_desktop.adapters.matrix.store.schema import MIGRATIONS

    key = person.secrets.get(f"account.{person.account.key}.store")
    assert key is not None
    database = Database.open(person.folder / "accounts" / person.account.key / "store.db", key, MIGRATIONS)
    with database.transaction() as t:
        facts.set_fact(t, "sliding-position", "99999/s1_2_3_4")
    database.close()


async def test_a_cut_line_is_told_and_comes_back_by_itself(synapse: TestSynapse, tmp_path: Path) -> None:
    async with one_on_a_bent_way(synapse, tmp_path) as (lin, mei, way):
        await mei.live()
        room = await shared_room(lin, mei)
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        states: list[Connection] = []
        mei.session.watch_connection(states.append)
        way.cut = True
        mei.session._sync.poll_again()
        await until(lambda: states[-1].link is Link.OFFLINE)
        assert states[-1].retry_at is not None
        queued = await mei.session.chat.send_text(room, OutgoingText("from the lift"))
        assert of_mei.items[-1].key == str(queued)
        await say(lin, room, "into the lift")
        way.cut = False
        await mei.session.retry_now()
        await until(lambda: states[-1].link is Link.LIVE)
        await until(lambda: of_mei.item("into the lift"))
        of_lin = TimelineSeen(await lin.session.chat.open_timeline(room))
        await until(lambda: of_lin.item("from the lift"))
        assert of_mei.bodies == of_lin.bodies


async def test_without_the_server_everything_stored_is_shown(synapse: TestSynapse, tmp_path: Path) -> None:
    async with one_on_a_bent_way(synapse, tmp_path) as (lin, mei, way):
        await mei.live()
        room = await shared_room(lin, mei)
        await say(lin, room, "kept")
        seen = TimelineSeen(await mei.session.chat.open_timeline(room))
        await until(lambda: seen.item("kept"))
        await mei.close()
        way.cut = True
        await mei.open()
        assert RoomsSeen(mei.session).get(room)
        offline = TimelineSeen(await mei.session.chat.open_timeline(room))
        assert offline.bodies == ["kept"]
        assert {one.user for one in await mei.session.chat.members(room)} == {lin.account.user, mei.account.user}


async def test_a_server_without_sliding_sync_is_followed_by_v3(synapse: TestSynapse, tmp_path: Path) -> None:
    async with one_on_a_bent_way(synapse, tmp_path) as (lin, mei, way):

        def no_sliding(path: str, body: dict[str, Any]) -> dict[str, Any] | None:
            if not path.endswith("/versions"):
                return None
            body["unstable_features"].pop(names.SLIDING_SYNC_FLAG)
            return body

        way.bend = no_sliding
        await mei.live()
        assert mei.session._sync._sliding is False
        room = await shared_room(lin, mei)
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        await say(lin, room, *numbered(0, 3))
        await until(lambda: of_mei.item("message 2"))
        await mei.session.chat.send_text(room, OutgoingText("read"))
        of_lin = TimelineSeen(await lin.session.chat.open_timeline(room))
        await until(lambda: of_lin.item("read"))
        await mei.close()
        await say(lin, room, *numbered(3, 40))
        await mei.live()
        again = await whole(mei, room)
        assert again.bodies == [*numbered(0, 3), "read", *numbered(3, 40)]


async def test_bad_events_stop_nothing_and_hide_nothing(synapse: TestSynapse, tmp_path: Path) -> None:
    async with one_on_a_bent_way(synapse, tmp_path) as (lin, mei, way):
        deep: Any = "leaf"
        for _ in range(400):
            deep = [deep]
        bad: list[Any] = [
            None,
            7,
            {},
            {"event_id": "$nobody"},
            {"event_id": "$bad-content", "sender": "@x:y", "type": "m.room.message", "content": "text", "origin_server_ts": 5},
            {"event_id": "$deep", "sender": "@x:y", "type": "m.room.message", "content": {"x": deep}, "origin_server_ts": 2**70},
            {"event_id": "$power", "sender": "@x:y", "type": "m.room.power_levels", "state_key": "", "content": {"users": 7}},
            {"event_id": "$rules", "sender": "@x:y", "type": "m.room.join_rules", "state_key": "", "content": {"join_rule": [1]}},
            {"event_id": "$self", "sender": "@x:y", "type": "m.reaction", "content": {"m.relates_to": {"event_id": "$self"}}},
        ]

        def poison(path: str, body: dict[str, Any]) -> dict[str, Any] | None:
            if not path.endswith("/sync"):
                return None
            for room in body.get("rooms", {}).values():
                if room.get("timeline"):
                    room["timeline"] = [*bad, *room["timeline"]]
            body["extensions"].setdefault("to_device", {}).setdefault("events", []).extend([None, {}, {"type": 5}])
            return body

        await mei.live()
        room = await shared_room(lin, mei)
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        way.bend = poison
        await say(lin, room, *numbered(0, 3))
        await until(lambda: of_mei.item("message 2"))
        assert of_mei.bodies == numbered(0, 3)
        assert [item.ref for item in of_mei.items if isinstance(item.content, UnreadableContent)] == [
            "$nobody",
            "$bad-content",
            "$deep",
        ]
