"""Call members from untrusted state events."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.rtc.membership import (
    FIRST_EXPIRY_MS,
    Face,
    MemberEvent,
    content_of,
    next_expiry_ms,
    parse_members,
    state_key_of,
)
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId

ANN, BOB = UserId("@ann:example.org"), UserId("@bob:example.org")
ROOM = RoomId("!r")
NOW = 1_800_000_000_000
URL = "https://rtc.example.org"


def content(device: str = "D", **changes: Any) -> dict[str, Any]:
    made = content_of(ANN, DeviceId(device), ROOM, URL, video=True) | changes
    return {name: value for name, value in made.items() if value != "absent"}


def event(body: dict[str, Any], sender: UserId = ANN, at: int = NOW - 1000, name: str = "$e") -> MemberEvent:
    return MemberEvent(sender, EventId(name), at, body)


def test_what_we_write_is_what_we_read() -> None:
    (member,) = parse_members(
        [event(content())], {ANN}, NOW, own=(ANN, DeviceId("D")), face=lambda _user: Face("Ann", None, True)
    )
    assert (member.user, member.device, member.identity) == (ANN, "D", "@ann:example.org:D")
    assert (member.service_url, member.name, member.external, member.video, member.own) == (URL, "Ann", True, True, True)
    assert member.since_ms == NOW - 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"device_id": 7},
        {"device_id": ""},
        {"device_id": "x" * 300},
        {"application": "absent"},
        {"application": "m.other"},
        {"call_id": "side-room"},
        {"call_id": None},
        {"scope": 1},
        {"focus_active": "livekit"},
        {"focus_active": {}},
        {"foci_preferred": {}},
        {"foci_preferred": ["x"]},
        {"foci_preferred": [{"type": 1}]},
        {"created_ts": "soon"},
        {"created_ts": True},
        {"created_ts": 1e300},
        {"expires": -1},
        {"expires": float("nan")},
        {"m.call.intent": 3},
        {"created_ts": NOW - FIRST_EXPIRY_MS},
    ],
)
def test_malformed_or_expired_events_are_no_members(changes: dict[str, Any]) -> None:
    assert parse_members([event(content(**changes)), event(content("OK"))], {ANN}, NOW) == parse_members(
        [event(content("OK"))], {ANN}, NOW
    )


@pytest.mark.parametrize("body", [{}, {"device_id": "D"}, {"memberships": []}])
def test_left_and_very_old_events_are_no_members(body: dict[str, Any]) -> None:
    assert parse_members([event(body)], {ANN}, NOW) == ()


def test_only_who_is_joined_to_the_room_is_a_member() -> None:
    assert parse_members([event(content())], {BOB}, NOW) == ()


def test_the_sender_decides_not_the_state_key() -> None:
    forged = MemberEvent(BOB, EventId("$f"), NOW, content(), state_key="_@ann:example.org_D_m.call")
    (member,) = parse_members([forged], {ANN, BOB}, NOW)
    assert member.user == BOB


def test_members_are_in_order_of_joining_and_a_device_counts_once() -> None:
    events = [
        event(content("LATE", created_ts=NOW - 10), name="$1"),
        event(content("EARLY", created_ts=NOW - 500), name="$2"),
        event(content("EARLY", created_ts=NOW - 500, **{"m.call.intent": "audio"}), at=NOW, name="$3"),
    ]
    members = parse_members(events, {ANN}, NOW)
    assert [(member.device, member.event) for member in members] == [("EARLY", "$3"), ("LATE", "$1")]
    assert not members[0].video


def test_the_transport_follows_the_selection() -> None:
    old = {"type": "livekit", "focus_selection": "oldest_membership"}
    events = [
        event(content("A", created_ts=NOW - 30)),
        event(content("B", created_ts=NOW - 20, focus_active=old, foci_preferred=[])),
        event(content("C", created_ts=NOW - 10, focus_active={"type": "other"})),
        event(content("E", created_ts=NOW - 5, foci_preferred=[{"type": "livekit", "livekit_service_url": "ftp://x"}])),
    ]
    assert [member.service_url for member in parse_members(events, {ANN}, NOW)] == [URL, URL, "", ""]


def test_the_next_expiry_is_known() -> None:
    events = [
        event(content("A", created_ts=NOW - 100, expires=1000)),
        event(content("B", created_ts=NOW - 100, expires=50)),
        event({}),
    ]
    assert next_expiry_ms(events, NOW) == NOW + 900
    assert next_expiry_ms([], NOW) is None


def test_state_keys() -> None:
    assert state_key_of(ANN, DeviceId("D"), "12") == "_@ann:example.org_D_m.call"
    assert state_key_of(ANN, DeviceId("D"), "org.matrix.msc3757.10") == "@ann:example.org_D_m.call"


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text("abmt_", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abmt_", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(content())), json), st.integers(0, 2**50))
def test_no_content_raises(changes: dict[str, Any], at: int) -> None:
    events = [event({**content(), **changes}, at=at)]
    parse_members(events, {ANN}, NOW)
    next_expiry_ms(events, NOW)
