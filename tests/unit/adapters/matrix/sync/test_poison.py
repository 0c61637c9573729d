"""A malformed answer never stops the sync: every value of a rich answer is replaced by every kind of nonsense."""

import copy
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.offline_rooms import ME, MEI, PUSH_RULES, ROOM, OfflineRooms, encrypted, member, message, room_start, state
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.store import account
from welink_desktop.adapters.matrix.wire.sync import SyncAnswer, parse_sliding, parse_v3
from welink_desktop.core.errors import ServerFault

Way = tuple[str | int, ...]


DOSE = 5
"""How many of the kinds of nonsense each place gets; neighbours get others."""


def nested(depth: int) -> Any:
    value: Any = "leaf"
    for _ in range(depth):
        value = {"x": [value]}
    return value


NONSENSE: tuple[Any, ...] = (
    None, True, -1, 2**70, 1e308, float("inf"), float("nan"), "", "\ud800\x00", "x" * 70_000,
    [], [None], [[]], {}, {"": None}, {"x": 1}, {"$x": {"m.read": {"@x:y": None}}}, nested(200),
)  # fmt: skip
MESSAGE = {"type": "m.room.message", "content": {"msgtype": "m.text", "body": "hidden"}}
EVENTS = (
    message(1, "plain", unsigned={"transaction_id": "t1"}),
    message(2, "html"),
    message(3, "answer"),
    {**message(4, "edit"), "content": {"msgtype": "m.text", "body": "* new",
                                       "m.new_content": {"msgtype": "m.text", "body": "new"},
                                       "m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}}},
    {**message(5), "type": "m.reaction", "content": {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$1", "key": "+"}}},
    {**message(6), "type": "m.room.redaction", "redacts": "$2", "content": {"redacts": "$2"}},
    encrypted(7, "known", MESSAGE),
    encrypted(8, "unknown", MESSAGE),
    {**message(9), "content": {"msgtype": "m.image", "body": "x.png", "url": "mxc://a/b",
                               "info": {"w": 1, "h": 2, "size": 3, "mimetype": "image/png"}}},
    state("m.room.name", {"name": "New name"}, number="10"),
    {**member(MEI, "Mei Lin", number="11"), "unsigned": {"prev_content": {"membership": "join", "displayname": "Mei"}}},
)  # fmt: skip
STATES = [
    state("m.room.topic", {"topic": "T"}),
    state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
    state("m.room.power_levels", {"users": {ME: 100}, "events": {"m.room.name": 50}, "users_default": 0}),
    state("m.room.join_rules", {"join_rule": "invite"}),
    state("m.room.avatar", {"url": "mxc://a/b"}),
    state("org.matrix.msc3401.call.member", {"application": "m.call", "call_id": "", "device_id": "D"}, key=f"_{ME}_D"),
]
RECEIPTS = {"$1": {"m.read": {MEI: {"ts": 5, "thread_id": "main"}}}}
SLIDING: dict[str, Any] = {
    "pos": "2",
    "lists": {"all": {"count": 1}},
    "rooms": {
        ROOM: {**room_start(*EVENTS, state=STATES), "heroes": [{"user_id": MEI, "displayname": "M", "avatar_url": "mxc://a/b"}],
               "num_live": 2, "limited": True, "prev_batch": "p"},
        "!invite:welink.test": {"invite_state": [state("m.room.name", {"name": "I"}), member(ME, "Lin", "invite")]},
    },
    "extensions": {
        "to_device": {"next_batch": "3", "events": [{"type": "m.dummy", "sender": MEI, "content": {}}]},
        "e2ee": {"device_lists": {"changed": [MEI], "left": []}, "device_one_time_keys_count": {"signed_curve25519": 50},
                 "device_unused_fallback_key_types": ["signed_curve25519"]},
        "account_data": {"global": [{"type": "m.push_rules", "content": PUSH_RULES},
                                    {"type": "m.direct", "content": {MEI: [ROOM]}}],
                         "rooms": {ROOM: [{"type": "m.tag", "content": {"tags": {"m.favourite": {"order": 0.5}}}},
                                          {"type": "m.fully_read", "content": {"event_id": "$1"}}]}},
        "receipts": {"rooms": {ROOM: {"content": RECEIPTS}}},
        "typing": {"rooms": {ROOM: {"content": {"user_ids": [MEI]}}}},
    },
}  # fmt: skip
V3: dict[str, Any] = {
    "next_batch": "2",
    "account_data": {"events": SLIDING["extensions"]["account_data"]["global"]},
    "to_device": SLIDING["extensions"]["to_device"],
    **SLIDING["extensions"]["e2ee"],
    "rooms": {
        "join": {ROOM: {
            "summary": {"m.heroes": [MEI], "m.joined_member_count": 2, "m.invited_member_count": 0},
            "state": {"events": SLIDING["rooms"][ROOM]["required_state"]},
            "timeline": {"events": list(EVENTS[:3]), "limited": True, "prev_batch": "p"},
            "ephemeral": {"events": [{"type": "m.receipt", "content": RECEIPTS},
                                     {"type": "m.typing", "content": {"user_ids": [MEI]}}]},
            "account_data": {"events": SLIDING["extensions"]["account_data"]["rooms"][ROOM]},
        }},
        "invite": {"!invite:welink.test": {"invite_state": {"events": [member(ME, "Lin", "invite")]}}},
        "leave": {"!left:welink.test": {"timeline": {"events": [member(ME, "Lin", "leave")]}}},
    },
}  # fmt: skip


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """The place of every value below `value`, the deepest first."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from ways(inner, (*way, step))
        yield (*way, step)


def bent(answer: dict[str, Any], way: Way, nonsense: Any) -> dict[str, Any]:
    made: Any = copy.deepcopy(answer)
    inner = made
    for step in way[:-1]:
        inner = inner[step]
    inner[way[-1]] = nonsense
    assert isinstance(made, dict)
    return made


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[OfflineRooms]:
    http = Http("http://127.0.0.1:9")
    made = OfflineRooms(tmp_path, http)
    with made.database.read() as t:
        t.execute("PRAGMA synchronous = OFF")
    made.crypto.keys.add("known")
    yield made
    made.close()
    await http.aclose()


@pytest.mark.parametrize(
    ("answer", "parse", "fact"),
    [(SLIDING, parse_sliding, "sliding-position"), (V3, parse_v3, "v3-position")],
    ids=["sliding", "v3"],
)
async def test_no_value_of_an_answer_stops_the_sync(
    world: OfflineRooms, answer: dict[str, Any], parse: Callable[[dict[str, Any]], SyncAnswer], fact: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    timeline = world.timeline()
    timeline.watch(lambda batch: None)
    world.room_list.watch(lambda batch: None)
    tried = 0
    for number, way in enumerate(ways(answer)):
        for nonsense in (NONSENSE * 2)[(start := number * DOSE % len(NONSENSE)) : start + DOSE]:
            try:
                parsed = parse(bent(answer, way, nonsense))
            except ServerFault:
                assert way in (("pos",), ("next_batch",)), way
                continue
            try:
                world.applier.apply(parsed, fact)
            except Exception as error:
                raise AssertionError(f"{way}: {str(nonsense)[:60]}: {error!r}") from error
            tried += 1
    assert tried > 400
    with world.database.read() as t:
        assert account.fact(t, fact)
    tripped = {record.getMessage()[:200] for record in caplog.records if record.levelname == "ERROR"}
    assert not tripped
