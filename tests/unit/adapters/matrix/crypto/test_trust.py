"""Truth tables of the decisions in `crypto/trust.py`."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.crypto.records import MEGOLM, OLM, Device, Outbound, RoomRules, Source, Withheld
from welink_desktop.adapters.matrix.crypto.trust import (
    HOUR_MS,
    LATE_MS,
    WEEK_MS,
    Channel,
    DeviceVerdict,
    is_owner,
    judge_device,
    key_withheld,
    may_arrive,
    missing_reason,
    rotation_of,
    session_ended,
    session_worn,
    shield_of,
)
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Shield, UndecryptableReason

ALICE = UserId("@alice:x")
DEVICE = Device(ALICE, DeviceId("D"), "curve", "ed")
ROOM = RoomId("!room")

OLM_ONLY = ("m.room_key", "m.forwarded_room_key", "m.room_key_bundle", "m.secret.send", "m.dummy")
PLAIN_TOO = ("m.room_key.withheld", "m.room_key_request", "m.secret.request", "m.key.verification.start", "m.key.verification.x")


@pytest.mark.parametrize(
    ("event_type", "plain", "olm", "megolm"),
    [
        *((one, False, True, False) for one in OLM_ONLY),
        *((one, True, True, False) for one in PLAIN_TOO),
        ("m.room.encrypted", False, False, False),
        ("io.element.call.encryption_keys", False, True, True),
        ("m.room.message", False, True, True),
        ("", False, True, True),
    ],
)
def test_allowed_cells(event_type: str, plain: bool, olm: bool, megolm: bool) -> None:
    found = tuple(may_arrive(event_type, channel) for channel in (Channel.PLAIN, Channel.OLM, Channel.MEGOLM))
    assert found == (plain, olm, megolm)


@pytest.mark.parametrize(
    ("well_formed", "known", "keys", "owners", "verdict"),
    [
        (False, None, ("curve", "ed"), [], DeviceVerdict.REFUSE),
        (False, DEVICE, ("curve", "ed"), [], DeviceVerdict.REFUSE),
        (True, None, ("curve", "ed"), [], DeviceVerdict.ACCEPT),
        (True, DEVICE, ("curve", "ed"), [DEVICE.ref], DeviceVerdict.ACCEPT),
        (True, DEVICE, ("other", "ed"), [], DeviceVerdict.KEEP_OLD),
        (True, DEVICE, ("curve", "other"), [DEVICE.ref], DeviceVerdict.KEEP_OLD),
        (True, DEVICE, ("other", "other"), [(ALICE, "E")], DeviceVerdict.KEEP_OLD),
        (True, None, ("curve", "ed"), [("@eve:x", "D")], DeviceVerdict.REFUSE),
        (True, None, ("curve", "ed"), [(ALICE, "OTHER")], DeviceVerdict.REFUSE),
    ],
)
def test_a_shown_device(
    well_formed: bool, known: Device | None, keys: tuple[str, str], owners: list[tuple[UserId, DeviceId]], verdict: DeviceVerdict
) -> None:
    found = judge_device(
        well_formed=well_formed, known=known, curve25519=keys[0], ed25519=keys[1], key_owners=owners, ref=DEVICE.ref
    )
    assert found is verdict


@pytest.mark.parametrize(
    ("keys_changed", "signed", "algorithms", "code"),
    [
        (False, False, (OLM, MEGOLM), None),
        (False, True, (OLM, MEGOLM), None),
        (True, False, (OLM, MEGOLM), Withheld.UNVERIFIED),
        (True, True, (OLM, MEGOLM), Withheld.UNVERIFIED),
        (False, True, (OLM,), Withheld.UNAVAILABLE),
        (False, True, (), Withheld.UNAVAILABLE),
    ],
)
def test_who_gets_no_key(keys_changed: bool, signed: bool, algorithms: tuple[str, ...], code: Withheld | None) -> None:
    device = Device(ALICE, DeviceId("D"), "c", "e", algorithms, keys_changed=keys_changed, owner_signed=signed)
    assert key_withheld(device) is code


def test_shields() -> None:
    for source, signed, identity in itertools.product(Source, (False, True), (False, True)):
        expected = Shield.UNPROVEN
        if source is Source.OLM:
            expected = Shield.UNSIGNED if identity and not signed else Shield.AUTHENTIC
        assert shield_of(source, device_signed=signed, owner_has_identity=identity) is expected


def test_only_the_owner_speaks() -> None:
    assert is_owner(event_sender="@a:x", session_owner="@a:x")
    assert not is_owner(event_sender="@A:x", session_owner="@a:x")
    assert not is_owner(event_sender="", session_owner="@a:x")


@pytest.mark.parametrize(
    ("period", "messages", "expected"),
    [
        (None, None, (WEEK_MS, 100)),
        (0, 0, (HOUR_MS, 1)),
        (-5, -5, (HOUR_MS, 1)),
        (2 * HOUR_MS, 50, (2 * HOUR_MS, 50)),
        (2**60, 10**9, (2**60, 10_000)),
    ],
)
def test_rotation_settings_are_clamped(period: int | None, messages: int | None, expected: tuple[int, int]) -> None:
    rotation = rotation_of(period, messages)
    assert (rotation.period_ms, rotation.messages) == expected


def outbound(**changes: object) -> Outbound:
    values: dict[str, object] = {
        "room": ROOM,
        "session": "s",
        "pickle": "",
        "first_key": "",
        "created_ms": 1000,
        "messages": 0,
        "period_ms": WEEK_MS,
        "period_messages": 100,
        "shared_history": False,
        **changes,
    }
    return Outbound(**values)  # type: ignore[arg-type]  # a table of fields


HOLDERS = [DEVICE.ref]


@pytest.mark.parametrize(
    ("changes", "rules", "holders", "ended"),
    [
        ({}, {}, HOLDERS, False),
        ({}, {}, [], False),
        ({"invalid": True}, {}, HOLDERS, True),
        ({"messages": 100}, {}, HOLDERS, True),
        ({"created_ms": 1000 - WEEK_MS}, {}, HOLDERS, True),
        ({}, {"shared_history": True}, HOLDERS, True),
        ({}, {"rotation_messages": 5}, HOLDERS, True),
        ({}, {"rotation_ms": HOUR_MS}, HOLDERS, True),
        ({}, {}, [*HOLDERS, (ALICE, DeviceId("GONE"))], True),
        ({}, {}, [(UserId("@left:x"), DeviceId("D"))], True),
    ],
)
def test_when_a_session_ends(
    changes: dict[str, object], rules: dict[str, object], holders: list[tuple[UserId, DeviceId]], ended: bool
) -> None:
    settings = RoomRules(ROOM, (ALICE,), **rules)  # type: ignore[arg-type]  # a table of fields
    assert session_ended(outbound(**changes), settings, now_ms=1000, holders=holders, allowed=[DEVICE.ref]) is ended


def test_a_clock_that_goes_back_far_ends_a_session() -> None:
    assert session_worn(outbound(created_ms=2 * HOUR_MS), 0)
    assert not session_worn(outbound(created_ms=HOUR_MS // 2), 0)


@given(st.integers(0, 20_000), st.integers(1, 10_000), st.integers(0, 2 * WEEK_MS), st.integers(HOUR_MS, 2 * WEEK_MS))
def test_a_session_is_worn_exactly_by_count_or_age(messages: int, limit: int, age: int, period: int) -> None:
    row = outbound(messages=messages, period_messages=limit, period_ms=period, created_ms=0)
    assert session_worn(row, age) is (messages >= limit or age >= period)


REASONS = {
    Withheld.BLACKLISTED: UndecryptableReason.WITHHELD_BLOCKED,
    Withheld.UNVERIFIED: UndecryptableReason.WITHHELD_UNVERIFIED,
    Withheld.UNAUTHORISED: UndecryptableReason.WITHHELD_UNAUTHORISED,
    Withheld.UNAVAILABLE: UndecryptableReason.KEY_MISSING,
    Withheld.NO_OLM: UndecryptableReason.WITHHELD_NO_CHANNEL,
    Withheld.HISTORY_NOT_SHARED: UndecryptableReason.SENT_BEFORE_JOIN,
}


@pytest.mark.parametrize(
    ("withheld", "later", "sent", "joined", "made", "expected"),
    [
        *((code, True, 5, 9, 9, expected) for code, expected in REASONS.items()),
        (None, True, 5, 9, 9, UndecryptableReason.SENT_BEFORE_JOIN),
        (None, True, 9, 9, 10, UndecryptableReason.SENT_BEFORE_DEVICE),
        (None, True, 9, 0, 0, UndecryptableReason.KEY_MISSING),
        (None, False, 9, 9, 9, UndecryptableReason.KEY_LATE),
        (None, False, 0, 0, 0, UndecryptableReason.KEY_LATE),
        (None, False, 10 - LATE_MS, 0, 0, UndecryptableReason.KEY_MISSING),
        (None, False, 10 + LATE_MS, 0, 0, UndecryptableReason.KEY_MISSING),
    ],
)
def test_why_a_key_is_missing(
    withheld: Withheld | None, later: bool, sent: int, joined: int, made: int, expected: UndecryptableReason
) -> None:
    found = missing_reason(
        withheld=withheld, has_later_copy=later, sent_ms=sent, now_ms=10, joined_ms=joined, device_made_ms=made, device="D"
    )
    assert (found.reason, found.device, found.curable) == (expected, "D", True)
