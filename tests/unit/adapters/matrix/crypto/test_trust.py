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
    PinVerdict,
    device_verified,
    is_owner,
    judge_device,
    judge_master,
    key_withheld,
    may_arrive,
    may_be_told,
    may_sign_device,
    may_sign_master,
    may_tell,
    missing_reason,
    own_identity_verified,
    person_trust,
    rotation_of,
    secret_fits,
    session_ended,
    session_worn,
    shield_of,
)
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.security import PersonTrust
from welink_desktop.core.trust import Shield, UndecryptableReason

ALICE = UserId("@alice:x")
DEVICE = Device(ALICE, DeviceId("D"), "curve", "ed")
ROOM = RoomId("!room")

OLM_ONLY = ("m.room_key", "m.forwarded_room_key", "m.room_key_bundle", "m.secret.send", "m.dummy")
PLAIN_TOO = ("m.room_key.withheld", "m.room_key_request", "m.secret.request")


@pytest.mark.parametrize(
    ("event_type", "plain", "olm", "megolm"),
    [
        *((one, False, True, False) for one in OLM_ONLY),
        *((one, True, True, False) for one in PLAIN_TOO),
        ("m.key.verification.start", True, True, True),
        ("m.key.verification.x", True, True, True),
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


YES, NO = True, False


@pytest.mark.parametrize(
    ("own_verified", "user_signed", "device_signed", "pin_holds", "verified"),
    [
        (NO, NO, NO, NO, NO),
        (NO, NO, NO, YES, NO),
        (NO, NO, YES, NO, NO),
        (NO, NO, YES, YES, NO),
        (NO, YES, NO, NO, NO),
        (NO, YES, NO, YES, NO),
        (NO, YES, YES, NO, NO),
        (NO, YES, YES, YES, NO),
        (YES, NO, NO, NO, NO),
        (YES, NO, NO, YES, NO),
        (YES, NO, YES, NO, NO),
        (YES, NO, YES, YES, NO),
        (YES, YES, NO, NO, NO),
        (YES, YES, NO, YES, NO),
        (YES, YES, YES, NO, NO),
        (YES, YES, YES, YES, YES),
    ],
)
def test_when_a_device_is_verified(
    own_verified: bool, user_signed: bool, device_signed: bool, pin_holds: bool, verified: bool
) -> None:
    found = device_verified(own_verified=own_verified, user_signed=user_signed, device_signed=device_signed, pin_holds=pin_holds)
    assert found is verified


@pytest.mark.parametrize(
    ("shown", "trusted", "private", "verified"),
    [
        ("", "", "", False),
        ("M", "", "", False),
        ("M", "M", "", True),
        ("M", "", "M", True),
        ("M", "M", "M", True),
        ("M", "N", "N", False),
        ("M", "N", "M", True),
        ("", "M", "M", False),
    ],
)
def test_when_our_own_identity_is_verified(shown: str, trusted: str, private: str, verified: bool) -> None:
    assert own_identity_verified(shown=shown, trusted=trusted, private=private) is verified


def test_what_is_known_of_a_person() -> None:
    for published, changed, was, own, signed in itertools.product((NO, YES), repeat=5):
        if changed:
            expected = PersonTrust.BROKEN if was else PersonTrust.CHANGED
        elif not published:
            expected = PersonTrust.NONE
        else:
            expected = PersonTrust.VERIFIED if own and signed else PersonTrust.SEEN
        found = person_trust(published=published, changed=changed, was_verified=was, own_verified=own, user_signed=signed)
        assert found is expected


@pytest.mark.parametrize(
    ("pinned", "shown", "signed", "verdict"),
    [
        ("", "", False, PinVerdict.NOTHING),
        ("", "", True, PinVerdict.NOTHING),
        ("", "A", False, PinVerdict.FIRST),
        ("", "A", True, PinVerdict.FIRST),
        ("A", "A", False, PinVerdict.SAME),
        ("A", "A", True, PinVerdict.SAME),
        ("A", "B", False, PinVerdict.CHANGED),
        ("A", "B", True, PinVerdict.PROVED),
        ("A", "", False, PinVerdict.CHANGED),
        ("A", "", True, PinVerdict.CHANGED),
    ],
)
def test_what_becomes_of_a_pin(pinned: str, shown: str, signed: bool, verdict: PinVerdict) -> None:
    assert judge_master(pinned=pinned, shown=shown, signed_by_us=signed) is verdict


def test_only_the_compared_master_key_is_signed() -> None:
    for own, key, compared, shown in itertools.product((NO, YES), (NO, YES), ("", "A", "B"), ("", "A", "B")):
        expected = own and key and compared == shown and compared != ""
        assert may_sign_master(own_verified=own, holds_key=key, compared=compared, shown=shown) is expected


def test_only_the_compared_device_is_signed() -> None:
    for own, key, changed, compared in itertools.product((NO, YES), (NO, YES), (NO, YES), ("", "A", "B")):
        expected = own and key and not changed and compared == "A"
        assert may_sign_device(own_verified=own, holds_key=key, keys_changed=changed, compared=compared, known="A") is expected


def test_a_private_key_must_fit_the_published_one() -> None:
    assert secret_fits(public="A", published="A")
    assert not secret_fits(public="A", published="B")
    assert not secret_fits(public="", published="")


def withheld_expected(changed: bool, signed: bool, broken: bool, policy: bool, megolm: bool) -> Withheld | None:
    if changed or broken or (policy and not signed):
        return Withheld.UNVERIFIED
    return None if megolm else Withheld.UNAVAILABLE


def test_who_gets_no_key() -> None:
    for changed, signed, broken, policy, megolm in itertools.product((NO, YES), repeat=5):
        algorithms = (OLM, MEGOLM) if megolm else (OLM,)
        device = Device(ALICE, DeviceId("D"), "c", "e", algorithms, keys_changed=changed, shown_signed=signed)
        found = key_withheld(device, only_signed=policy, owner_broken=broken)
        assert found is withheld_expected(changed, signed, broken, policy, megolm)


def test_by_default_an_unsigned_device_gets_keys() -> None:
    assert key_withheld(DEVICE) is None


def test_a_signature_of_the_pinned_identity_alone_is_not_what_the_policy_asks() -> None:
    """`shown_signed` decides about keys, `owner_signed` about marks: neither stands for the other."""
    device = Device(ALICE, DeviceId("D"), "c", "e", owner_signed=True)
    assert key_withheld(device, only_signed=True) is Withheld.UNVERIFIED


@pytest.mark.parametrize(
    "event_type", ["m.key.verification.start", "m.dummy", "io.element.call.encryption_keys", "m.secret.send"]
)
def test_who_is_told(event_type: str) -> None:
    for changed, signed, broken, policy in itertools.product((NO, YES), repeat=4):
        device = Device(ALICE, DeviceId("D"), "c", "e", keys_changed=changed, shown_signed=signed)
        harmless = event_type in ("m.key.verification.start", "m.dummy")
        expected = not changed and (harmless or (not broken and (signed or not policy)))
        assert may_be_told(event_type, device, only_signed=policy, owner_broken=broken) is expected


@pytest.mark.parametrize(
    ("event_type", "from_unsigned"),
    [
        ("m.room_key", True),
        ("m.dummy", True),
        ("m.room_key.withheld", True),
        ("m.secret.request", True),
        ("m.key.verification.mac", True),
        ("m.secret.send", False),
        ("m.forwarded_room_key", False),
        ("m.room_key_bundle", False),
        ("io.element.call.encryption_keys", False),
        ("x.anything", False),
    ],
)
def test_who_may_tell_under_the_policy(event_type: str, from_unsigned: bool) -> None:
    signed = Device(ALICE, DeviceId("D"), "c", "e", shown_signed=True)
    assert may_tell(event_type, DEVICE)
    assert may_tell(event_type, signed, only_signed=True)
    assert may_tell(event_type, DEVICE, only_signed=True) is from_unsigned


def test_shields() -> None:
    for source, signed, identity, policy in itertools.product(Source, (False, True), (False, True), (False, True)):
        expected = Shield.UNPROVEN
        if source is Source.OLM:
            expected = Shield.UNSIGNED if not signed and (identity or policy) else Shield.AUTHENTIC
        assert shield_of(source, device_signed=signed, owner_has_identity=identity, only_signed=policy) is expected


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
