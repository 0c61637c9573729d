"""Vectors of matrix.md §10 that belong to canonical JSON, signatures and Megolm."""

import hashlib
import json
from typing import Any

import pytest
import vodozemac
from hypothesis import given
from hypothesis import strategies as st

from tests.support.key_server import FakeClock
from welink_desktop.adapters.matrix.crypto.canonical import (
    NotCanonical,
    canonical,
    decode,
    encode,
    signed_part,
    unpadded,
    verified,
)
from welink_desktop.adapters.matrix.crypto.megolm import RoomReader, same_ratchet
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Device, Source
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Undecryptable, UndecryptableReason

SAMPLE = (
    '{"b": "\\u65e5\\u672c", "a": {"z": [1, null, true], "\\u00e9": "\\u2028/\\"\\\\\\n"}, "10": 1, "2": -0, '
    '"\\ud83d\\ude00": 0, "\\ufb01": 0, "signatures": {"x": 1}, "unsigned": {"age": 1}}'
)
CANONICAL = (
    "7b223130223a312c2232223a302c2261223a7b227a223a5b312c6e756c6c2c747275655d2c22c3a9223a22e280a82f5c225c5c5c6e227d2c2262223a22"
    "e697a5e69cac222c22efac81223a302c22f09f9880223a307d"
)
PUBLIC = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
SIGNATURE = "VRECJu4Ke+AvD2ocMHUkuEXQYYYzsZ9zblAIemluHW/RU7cy/WAc8VTbUx6w6PvZNVp2I91IQDPRvGWtpRyZCA"

SESSION = "b1JtgbvZ9k2NlEhJP0h9oh0nnLSI+cUfGEaSZBepm+A"
SESSION_KEY = (
    "AgAAAACOaflWy+YikNJ2FkF6zkR9MJCZQp2ZveF4kyJ9AH+YxNQ4rLRrPLkwwf6NOWflqCTzvuljhSBifkp2LcakpvRiBfZ2hLqDFl0mFt1x1y/k0MFPh5cn"
    "HpLiRuom+rBCCsvfxPvk894p7qs9rkiB3QN0NLeM5hClsvLzLSksFvyT5m9SbYG72fZNjZRIST9IfaIdJ5y0iPnFHxhGkmQXqZvgyXaZUdOalKMAlh2OPDtm"
    "HAiu/3Na9eH0TEpsuhUQ3L9RTOPWhjUt0LWXdOAKTqXwQz+/kWSS16aYWqpCqKuIAg"
)
MESSAGES = {
    "one": "AwgAEhC/VsWN5y0YnBpJcEDqyjKkcBMQArV+/WBBfrHClmmBMvNEVBoGL7dt6nlJ+9pKU6KMMBuHwjueuZxYy8yfU5Os4TewibZ4AMuvOZr9LSBK9b"
    "CdWS558HME",
    "two": "AwgBEhBgm7jK6EbRx2zUiPVNlekGzTBMCYDvAqlSWHH60vq5Cp9ENUIB4T/cTQrFgrOEg59txEdWIHrfhdUErcCy8oAvibJN0/ljwE0CRLNA8HByp4"
    "f3Mru0hUQP",
    "三": "AwgCEhB9OaQlKCp8rdMcTCN90+d2CoXD4fahjTMW07izp8JmtfyNKR/iU5BSy36tVY8rDGWzAZQo8rAsBY/RQHfIzCN11SDtat62iBVWzlVCxPgAuLbR"
    "Cdq4PNEO",
}
EXPORTED_AT_1 = (
    "AQAAAAGOaflWy+YikNJ2FkF6zkR9MJCZQp2ZveF4kyJ9AH+YxNQ4rLRrPLkwwf6NOWflqCTzvuljhSBifkp2LcakpvRiBfZ2hLqDFl0mFt1x1y/k0MFPh5cn"
    "HpLiRuom+rBCCsvfWzSS/u4Ptyt8DJ5NMzUj6SGf9R84iLUJAXdnH/V3Ym9SbYG72fZNjZRIST9IfaIdJ5y0iPnFHxhGkmQXqZvg"
)
ROOM = RoomId("!r")
SENDER = Device(UserId("@a:x"), DeviceId("A"), "curve", "ed")


def test_canonical_json() -> None:
    found = signed_part(json.loads(SAMPLE))
    assert found.hex() == CANONICAL
    assert hashlib.sha256(found).hexdigest() == "dba9b6d35449fdf5e637af06d47eabe75aabd8784be427104915340347a8d306"


def test_signature() -> None:
    value = {**json.loads(SAMPLE), "signatures": {"@a:x": {"ed25519:K": SIGNATURE}}}
    assert verified(value, "@a:x", "ed25519:K", PUBLIC)
    assert not verified(value, "@b:x", "ed25519:K", PUBLIC)
    assert not verified(value, "@a:x", "ed25519:L", PUBLIC)
    assert not verified({**value, "b": "changed"}, "@a:x", "ed25519:K", PUBLIC)
    assert verified({**value, "unsigned": {"age": 99}}, "@a:x", "ed25519:K", PUBLIC)


@pytest.mark.parametrize("signatures", [None, [], {"@a:x": None}, {"@a:x": {"ed25519:K": 5}}, {"@a:x": {"ed25519:K": "AAAA"}}])
def test_malformed_signatures_do_not_verify(signatures: object) -> None:
    assert not verified({"signatures": signatures}, "@a:x", "ed25519:K", PUBLIC)


def test_a_malformed_key_verifies_nothing() -> None:
    assert not verified({"signatures": {"@a:x": {"ed25519:K": SIGNATURE}}}, "@a:x", "ed25519:K", "short")


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [1.0, float("inf"), 2**53, -(2**53), "\ud800", {"\udfff": 1}, {1: 2}, {"x": {1}}, b"bytes", deep(5000)]
)
def test_what_has_no_canonical_form(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_keeps_the_value_and_is_stable(value: object) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(st.binary(max_size=80))
def test_base64_is_written_unpadded_and_read_both_ways(data: bytes) -> None:
    text = encode(data)
    assert "=" not in text
    assert decode(text) == data
    assert decode(text + "=" * (-len(text) % 4)) == data


@pytest.mark.parametrize("text", [None, 5, "a", "ab!d", "ab d", "ab\n", "====", "é", "a=bc"])
def test_what_is_not_base64(text: object) -> None:
    with pytest.raises(ValueError, match="base64"):
        decode(text)


def test_keys_have_32_bytes() -> None:
    assert unpadded(PUBLIC + "=") == PUBLIC
    with pytest.raises(ValueError, match="32-byte"):
        unpadded("AAAA")


def test_megolm_session_opens_its_messages() -> None:
    session = vodozemac.InboundGroupSession(vodozemac.SessionKey(SESSION_KEY))
    assert session.session_id == SESSION
    for index, (text, message) in enumerate(MESSAGES.items()):
        opened = session.decrypt(vodozemac.MegolmMessage.from_base64(message))
        assert (opened.plaintext.decode(), opened.message_index) == (text, index)
    exported = session.export_at(1)
    assert exported is not None
    assert exported.to_base64() == EXPORTED_AT_1


def reader(store: MemoryStore) -> RoomReader:
    return RoomReader(store, b"k" * 32, FakeClock(), joined_at_ms=lambda room: 0, device_made_ms=0)


def key(session_key: str = SESSION_KEY, session_id: str = SESSION) -> dict[str, Any]:
    return {"algorithm": MEGOLM, "room_id": ROOM, "session_id": session_id, "session_key": session_key}


def test_a_session_key_is_kept_once() -> None:
    one = reader(MemoryStore())
    assert one.add(ROOM, key(), SENDER, Source.OLM) == SESSION
    assert one.add(ROOM, key(), SENDER, Source.OLM) is None


@pytest.mark.parametrize(
    "content", [key(session_id="other"), key("AAAA"), {**key(), "session_key": None}, {**key(), "algorithm": "m.megolm.v9"}, {}]
)
def test_malformed_room_keys_are_refused(content: dict[str, Any]) -> None:
    assert reader(MemoryStore()).add(ROOM, content, SENDER, Source.OLM) is None


def test_plaintext_that_is_no_room_event_is_damaged() -> None:
    one = reader(MemoryStore())
    one.add(ROOM, key(), SENDER, Source.OLM)
    event = {
        "event_id": "$1",
        "sender": "@a:x",
        "content": {"algorithm": MEGOLM, "session_id": SESSION, "ciphertext": MESSAGES["one"]},
    }
    result = one.read(ROOM, event)
    assert isinstance(result, Undecryptable)
    assert result.reason is UndecryptableReason.DAMAGED


def later_copy(at: int) -> tuple[vodozemac.GroupSession, str, str]:
    """A session, its key at 0 and its key at `at`."""
    session = vodozemac.GroupSession()
    first = session.session_key.to_base64()
    for _ in range(at):
        session.encrypt(b"x")
    return session, first, session.session_key.to_base64()


def test_the_copy_that_opens_more_wins_whatever_comes_first() -> None:
    session, first, later = later_copy(3)
    for order in ((first, later), (later, first)):
        store = MemoryStore()
        one = reader(store)
        for text in order:
            one.add(ROOM, key(text, session.session_id), SENDER, Source.OLM)
        assert [row.first_index for row in store.inbound(ROOM, session.session_id)] == [0]


def test_a_proved_copy_and_a_fuller_copy_are_joined() -> None:
    """Index and trust are kept apart: earliest index, best proof (§8.4)."""
    session, first, later = later_copy(3)
    for order in (((first, Source.BACKUP), (later, Source.OLM)), ((later, Source.OLM), (first, Source.BACKUP))):
        store = MemoryStore()
        one = reader(store)
        for text, source in order:
            one.add(ROOM, key(text, session.session_id), SENDER, source)
        (row,) = store.inbound(ROOM, session.session_id)
        assert (row.first_index, row.source) == (0, Source.OLM)


def test_two_ratchets_are_never_taken_for_one() -> None:
    first = vodozemac.InboundGroupSession(vodozemac.SessionKey(later_copy(0)[1]))
    second = vodozemac.InboundGroupSession(vodozemac.SessionKey(later_copy(0)[1]))
    assert not same_ratchet(first, second)
    assert same_ratchet(first, first)
