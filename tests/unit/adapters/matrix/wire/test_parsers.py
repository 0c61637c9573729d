"""Untrusted JSON: whatever comes, parsers answer with a record and never raise."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.wire.content import encrypted_file, mentions, message_content
from welink_desktop.adapters.matrix.wire.events import Event, Unreadable, parse_event, parse_stripped, relation_of, shallow
from welink_desktop.adapters.matrix.wire.requests import sliding_body, v3_query
from welink_desktop.adapters.matrix.wire.sync import parse_sliding, parse_v3
from welink_desktop.adapters.matrix.wire.values import clean, content_uri, integer_of, text_of
from welink_desktop.core.errors import ServerFault
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.media import EncryptedFile
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    MessageKind,
    TextContent,
    UnreadableContent,
    UnsupportedContent,
)

ROOM = RoomId("!room:welink.test")
GOOD = {"event_id": "$1", "sender": "@a:b", "type": "m.room.message", "content": {"body": "x"}, "origin_server_ts": 5}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4), max_leaves=12
)
keys = st.sampled_from(
    ["event_id", "sender", "type", "content", "origin_server_ts", "state_key", "unsigned", "redacts", "__proto__", "room_id"]
)
likely = st.sampled_from(["$1", "@a:b", "m.room.message", "m.room.member", {}, {"membership": "join"}, 5, "", "!x"]) | anything
events = st.dictionaries(keys, likely, max_size=9)


@given(events)
@settings(max_examples=300)
def test_no_event_raises(value: Any) -> None:
    parsed = parse_event(value, ROOM)
    assert isinstance(parsed, (Event, Unreadable))
    if isinstance(parsed, Event):
        assert json.loads(parsed.text)["room_id"] == ROOM
        relation_of(parsed.content)
        message_content(parsed.content)
        mentions(parsed.content)
    parse_stripped(value)


@given(
    st.dictionaries(st.sampled_from(["rooms", "extensions", "lists", "next_batch", "device_lists"]), anything), anything, anything
)
@settings(max_examples=200)
def test_no_answer_raises_if_it_has_a_position(body: dict[str, Any], room: Any, extension: Any) -> None:
    extensions = {name: extension for name in ("to_device", "e2ee", "account_data", "receipts", "typing")}
    assert parse_sliding({**body, "pos": "1", "rooms": {"!r": room, "bad": {}}, "extensions": extensions}).position == "1"
    rooms = {"join": {"!r": room}, "leave": {"!l": room}, "invite": {"!i": room}, "knock": {"!k": room}}
    assert parse_v3({**body, "next_batch": "1", "rooms": rooms}).position == "1"


@pytest.mark.parametrize("body", [{}, {"pos": ""}, {"pos": 5}])
def test_an_answer_without_a_position_is_a_fault(body: dict[str, Any]) -> None:
    with pytest.raises(ServerFault):
        parse_sliding(body)
    with pytest.raises(ServerFault):
        parse_v3(body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event_id": 5}, "no event id"),
        ({"event_id": "$" + "x" * 300}, "no event id"),
        ({"sender": "alice"}, "no sender"),
        ({"type": ""}, "no type"),
        ({"state_key": 5}, "bad state key"),
        ({"content": "words"}, "bad content"),
    ],
)
def test_malformed_events_have_a_reason(change: dict[str, Any], reason: str) -> None:
    parsed = parse_event({**GOOD, **change}, ROOM)
    assert isinstance(parsed, Unreadable)
    assert parsed.reason == reason


def test_depth_numbers_and_surrogates_are_held() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"x": deep}
    assert not shallow(deep)
    assert isinstance(parse_event({**GOOD, "content": deep}, ROOM), Unreadable)
    odd = parse_event({**GOOD, "origin_server_ts": 1e400, "content": {"body": "a\ud800b\x00"}}, ROOM)
    assert isinstance(odd, Event)
    assert odd.timestamp_ms == 2**53 - 1
    odd.text.encode()
    assert text_of(odd.content, "body") == "ab"
    assert clean("plain") == "plain"
    assert integer_of({"n": float("nan")}, "n", 3) == 3
    assert integer_of({"n": True}, "n", 3) == 3


@pytest.mark.parametrize(
    "uri",
    [
        "mxc://a.b/../../etc",
        "mxc://a.b/c/d",
        "mxc://a.b/c?x",
        "mxc:///c",
        "mxc://a.b/",
        "http://a.b/c",
        "mxc://a b/c",
        "mxc://a.b/%2e",
        "mxc://a.b/c\n",
        5,
        None,
    ],
)
def test_bad_media_addresses_are_refused(uri: object) -> None:
    assert content_uri(uri) is None
    assert content_uri("mxc://a.b:8448/Ab_-9") == "mxc://a.b:8448/Ab_-9"


def test_texts_and_their_kinds() -> None:
    assert message_content({"msgtype": "m.text", "body": "x"}) == TextContent("x")
    html = {"msgtype": "m.emote", "body": "x", "format": "org.matrix.custom.html", "formatted_body": "<b>x</b>"}
    assert message_content(html) == TextContent("x", "<b>x</b>", MessageKind.EMOTE)
    assert message_content({**html, "format": "other"}) == TextContent("x", "", MessageKind.EMOTE)
    assert message_content({"msgtype": "org.x", "body": "x"}) == UnsupportedContent("org.x", "x")
    assert isinstance(message_content({"msgtype": "m.text"}), UnreadableContent)
    assert isinstance(message_content({}), UnreadableContent)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


FILE = {
    "url": "mxc://a.b/c",
    "v": "v2",
    "key": {"alg": "A256CTR", "kty": "oct", "k": base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("=")},
    "iv": b64(bytes(16)),
    "hashes": {"sha256": b64(bytes(32))},
}


def test_attachments() -> None:
    info = {"mimetype": "audio/ogg", "size": -5, "w": 1e9, "h": "x", "duration": 7, "thumbnail_url": "mxc://a.b/t"}
    voice = message_content(
        {
            "msgtype": "m.audio",
            "body": "said",
            "filename": "voice.ogg",
            "file": FILE,
            "info": info,
            "org.matrix.msc3245.voice": {},
            "org.matrix.msc1767.audio": {"waveform": [1, 5000, "x", True]},
        }
    )
    assert isinstance(voice, AttachmentContent)
    assert (voice.kind, voice.name, voice.caption) == (AttachmentKind.VOICE, "voice.ogg", "said")
    assert isinstance(voice.source, EncryptedFile)
    assert (voice.info.size, voice.info.width, voice.info.height, voice.info.duration_ms) == (0, 100_000, 0, 7)
    assert voice.info.waveform == (1, 1024)
    assert "255" not in repr(voice.source)
    assert isinstance(message_content({"msgtype": "m.image", "body": "x", "url": "file:///etc/passwd"}), UnreadableContent)


@pytest.mark.parametrize(
    "change",
    [
        {"v": "v1"},
        {"url": "http://x"},
        {"iv": "short"},
        {"iv": "é"},
        {"hashes": {}},
        {"key": {"alg": "A256CTR", "kty": "oct", "k": "x"}},
        {"key": {**FILE["key"], "alg": "none"}},  # type: ignore[dict-item]  # a plain dict
    ],
)
def test_attachments_that_are_not_exactly_version_2_are_refused(change: dict[str, Any]) -> None:
    assert encrypted_file(FILE) is not None
    assert encrypted_file({**FILE, **change}) is None


def test_a_relation_needs_its_target() -> None:
    assert relation_of({"m.relates_to": {"rel_type": "m.replace"}}) is None
    assert relation_of({"m.relates_to": "x"}) is None
    reply = relation_of({"m.relates_to": {"m.in_reply_to": {"event_id": "$1"}}})
    assert reply is not None
    assert (reply.kind, reply.reply_to) == ("", "$1")


def test_what_an_answer_says() -> None:
    answer = parse_sliding(
        {
            "pos": "p",
            "lists": {"all": {"count": 7}},
            "rooms": {"!r": {"initial": True, "timeline": [GOOD], "heroes": [{"user_id": "@a:b", "displayname": "A"}, 5]}},
            "extensions": {
                "to_device": {"next_batch": "9", "events": [{"type": "x"}, None]},
                "e2ee": {
                    "device_lists": {"changed": ["@a:b", 5], "left": []},
                    "device_one_time_keys_count": {"signed_curve25519": 3, "x": "y"},
                    "device_unused_fallback_key_types": [],
                },
                "account_data": {
                    "global": [{"type": "m.direct", "content": {}}],
                    "rooms": {"!r": [{"type": "m.tag", "content": {}}]},
                },
                "receipts": {
                    "rooms": {"!r": {"content": {"$1": {"m.read": {"@a:b": {"ts": 5, "thread_id": "$t"}, "@c:d": {}}}}}}
                },
                "typing": {"rooms": {"!r": {"content": {"user_ids": ["@a:b"]}}}},
            },
        }
    )
    (room,) = answer.rooms
    assert room.heroes is not None
    assert [hero.name for hero in room.heroes] == ["A"]
    assert answer.room_count == 7
    assert answer.since == "9"
    assert answer.to_device == ({"type": "x"},)
    assert answer.device_lists == {"changed": ["@a:b"], "left": []}
    assert answer.key_counts == {"signed_curve25519": 3}
    assert answer.fallback_types == ()
    assert answer.room_account_data == {RoomId("!r"): (("m.tag", {}),)}
    assert [receipt.user for receipt in answer.receipts[RoomId("!r")]] == ["@c:d"]
    assert answer.typing == {RoomId("!r"): (UserId("@a:b"),)}
    assert not answer.empty
    quiet = parse_sliding({"pos": "p"})
    assert quiet.empty
    assert (quiet.device_lists, quiet.key_counts, quiet.fallback_types) == (None, None, None)


def test_requests_say_everything_each_time() -> None:
    body = sliding_body(window=20, since="9")
    assert body["lists"]["all"]["ranges"] == [[0, 19]]
    assert body["extensions"]["to_device"] == {"enabled": True, "limit": 100, "since": "9"}
    assert "since" not in sliding_body(window=20, since=None)["extensions"]["to_device"]
    assert v3_query("s1", 0)["since"] == "s1"
    assert "since" not in v3_query(None, 0)
