"""Media keys on the wire."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.rtc.key_events import InboundKeys, KeyEvent, key_content, parse_key_event
from welink_desktop.core.ids import DeviceId, RoomId, UserId

ANN, PHONE, ROOM = UserId("@ann:example.org"), DeviceId("PHONE"), RoomId("!r")
KEY = bytes(range(240, 256))


def content(**changes: Any) -> dict[str, Any]:
    return key_content(ANN, PHONE, ROOM, 3, KEY, 1000) | changes


def key_event(index: int = 0, sent_ms: int = 1, key: bytes = KEY, device: str = "PHONE") -> KeyEvent:
    return KeyEvent(ANN, DeviceId(device), ROOM, index, key, sent_ms)


def test_what_we_write_is_what_we_read() -> None:
    event = parse_key_event(ANN, PHONE, content())
    assert event == KeyEvent(ANN, PHONE, ROOM, 3, KEY, 1000)
    assert event.media_key.identity == "@ann:example.org:PHONE"
    assert "240" not in repr(event) and repr(KEY) not in repr(event)


@pytest.mark.parametrize("text", ["8PHy8/T19vf4+fr7/P3+/w==", "8PHy8/T19vf4+fr7/P3+/w", "8PHy8_T19vf4-fr7_P3-_w"])
def test_every_spelling_of_base64_is_read(text: str) -> None:
    event = parse_key_event(ANN, PHONE, content(keys={"index": 0, "key": text}))
    assert event is not None and event.key == KEY


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": []},
        {"keys": {"index": 255, "key": "8PHy8/T19vf4+fr7/P3+/w=="}},
        {"keys": {"index": True, "key": "8PHy8/T19vf4+fr7/P3+/w=="}},
        {"keys": {"index": 0, "key": "c2hvcnQ="}},
        {"keys": {"index": 0, "key": "!!!!"}},
        {"keys": {"index": 0, "key": 5}},
        {"member": {"claimed_device_id": "OTHER"}},
        {"member": None},
        {"room_id": 7},
        {"session": {"application": "m.call", "call_id": "other"}},
        {"session": {"application": "m.game"}},
    ],
)
def test_malformed_or_foreign_events_are_dropped(changes: dict[str, Any]) -> None:
    assert parse_key_event(ANN, PHONE, content(**changes)) is None


@given(
    st.dictionaries(
        st.sampled_from(["keys", "member", "room_id", "session", "sent_ts"]),
        st.none() | st.text("aA=/+", max_size=30) | st.integers() | st.lists(st.none()),
    )
)
def test_no_content_raises(changes: dict[str, Any]) -> None:
    parse_key_event(ANN, PHONE, content(**changes))


def test_keys_wait_for_their_member() -> None:
    keys = InboundKeys()
    assert keys.add(key_event(0)) is None
    assert keys.add(key_event(1)) is None
    assert [key.index for key in keys.present({(ANN, PHONE)})] == [0, 1]
    assert keys.present({(ANN, PHONE)}) == ()
    assert keys.add(key_event(2)) is not None
    assert len(keys.known()) == 3


def test_an_older_key_of_the_same_index_is_dropped_a_newer_one_overwrites() -> None:
    keys = InboundKeys()
    keys.present({(ANN, PHONE)})
    keys.add(key_event(sent_ms=5))
    assert keys.add(key_event(sent_ms=4, key=b"o" * 16)) is None
    assert keys.add(key_event(sent_ms=6, key=b"n" * 16)) is not None
    assert keys.known()[0].key == b"n" * 16


def test_a_member_who_comes_back_still_has_keys() -> None:
    keys = InboundKeys()
    keys.present({(ANN, PHONE)})
    keys.add(key_event())
    assert keys.present(set()) == ()
    assert keys.known() == ()
    assert len(keys.present({(ANN, PHONE)})) == 1
    keys.forget()
    assert keys.present({(ANN, PHONE)}) == ()


def test_invented_devices_cannot_fill_the_memory() -> None:
    keys = InboundKeys()
    for number in range(3000):
        keys.add(key_event(device=f"D{number}"))
    assert len(keys._keys) <= 2000
