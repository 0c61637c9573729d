"""The truth table of what a verification proves, and what no order of messages and wishes can lead to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.verifying import ALICE, BOB, Letter, Party, World, public
from welink_desktop.adapters.matrix.crypto.qr import QrCode, QrMode
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.verification_proof import (
    Case,
    code_to_show,
    provable,
    proved_by_emoji,
    proved_by_scanning,
    proved_by_showing,
)
from welink_desktop.adapters.matrix.crypto.verification_records import TYPES, Effects, Keys, Received
from welink_desktop.core.errors import WrongCode
from welink_desktop.core.ids import DeviceId, EventId, RoomId
from welink_desktop.core.security import VerificationPhase

OTHER = (BOB, DeviceId("B1"))
KEYS = Keys("mine", "theirs", "own-master", "master")
OWN_KEYS = Keys("mine", "theirs", "own-master", "own-master")
PERSON = Effects(sign_user=(BOB, "master"), device_key="theirs", other=OTHER)
DEVICE = Effects(sign_device=DeviceId("B1"), device_key="theirs", other=OTHER)
MASTER = Effects(trust_own_master="own-master", device_key="theirs", other=OTHER)


def case(own: bool, trusting: bool, masters: bool = True) -> Case:
    keys = (OWN_KEYS if own else KEYS) if masters else Keys("mine", "theirs", "", "")
    return Case(own, trusting, keys, OTHER)


@pytest.mark.parametrize(
    ("own", "trusting", "vouched", "proved"),
    [
        (False, False, False, None),
        (False, False, True, None),
        (False, True, False, None),
        (False, True, True, PERSON),
        (True, False, False, None),
        (True, False, True, MASTER),
        (True, True, False, DEVICE),
        (True, True, True, DEVICE),
    ],
)
def test_emoji(own: bool, trusting: bool, vouched: bool, proved: Effects | None) -> None:
    assert proved_by_emoji(case(own, trusting), master_vouched=vouched) == proved
    assert proved_by_emoji(case(own, trusting, masters=False), master_vouched=vouched) is None


@pytest.mark.parametrize(
    ("own", "trusting", "mode", "keys", "proved"),
    [
        (False, False, None, (), None),
        (False, True, QrMode.PERSON, ("own-master", "master"), PERSON),
        (True, True, QrMode.SELF_TRUSTING, ("own-master", "theirs"), DEVICE),
        (True, False, QrMode.SELF_NEW, ("mine", "own-master"), MASTER),
    ],
)
def test_showing_a_code(own: bool, trusting: bool, mode: QrMode | None, keys: tuple[str, ...], proved: Effects | None) -> None:
    code = code_to_show(case(own, trusting), "TX", bytes)
    assert code_to_show(case(own, trusting, masters=False), "TX", bytes) is None
    if mode is None:
        assert code is None and not provable(case(own, trusting))
        return
    assert code is not None and (code.mode, (code.key1, code.key2), len(code.secret)) == (mode, keys, 16)
    assert proved_by_showing(case(own, trusting), code) == proved


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("trusting", [False, True])
@pytest.mark.parametrize("mode", list(QrMode))
def test_scanning_a_code(own: bool, trusting: bool, mode: QrMode) -> None:
    right = {
        QrMode.PERSON: ("master", "own-master"),
        QrMode.SELF_TRUSTING: ("own-master", "mine"),
        QrMode.SELF_NEW: ("theirs", "own-master"),
    }[mode]
    expected = {
        (False, True, QrMode.PERSON): PERSON,
        (True, False, QrMode.SELF_TRUSTING): MASTER,
        (True, True, QrMode.SELF_TRUSTING): MASTER,
        (True, True, QrMode.SELF_NEW): DEVICE,
    }.get((own, trusting, mode))
    assert proved_by_scanning(case(own, trusting), QrCode(mode, "TX", *right, bytes(8))) == expected
    for wrong in ((right[0], "evil"), ("evil", right[1]), right[::-1], ("", "")):
        assert proved_by_scanning(case(own, trusting), QrCode(mode, "TX", *wrong, bytes(8))) is None
    assert proved_by_scanning(case(own, trusting, masters=False), QrCode(mode, "TX", *right, bytes(8))) is None


WISHES = ("accept", "compare", "same", "scan", "cancel")


def _wish(world: World, party: Party, wish: str) -> None:
    """What a person can do; the right code of the other side may be scanned at any time."""
    for shown in party.machine.verifications():
        if wish == "same":
            party.machine.decide(shown.flow, True)
        elif wish == "scan":
            for other in world.parties:
                for code in [one.code for one in other.machine.verifications() if one.code and other is not party]:
                    try:
                        party.machine.scan(shown.flow, code)
                    except WrongCode:
                        continue
        else:
            getattr(party.machine, wish)(shown.flow)


STEP = st.tuples(st.sampled_from(("deliver", "deliver", "deliver", "again", "late", "wish", "wish")), st.integers(0, 1_000))


def _play(world: World, steps: list[tuple[str, int]]) -> None:
    """Deliver letters in any order, some twice, between wishes of either side."""
    old: list[Letter] = []
    for kind, number in steps:
        world.collect()
        if kind == "wish":
            _wish(world, world.parties[number % 2], WISHES[number // 2 % (len(WISHES) - (number % 7 != 0))])
        elif kind == "again" and old:
            letter = old[number % len(old)]
            letter.to.machine.receive(letter.event)
        elif world.mail:
            letter = world.mail.pop(number % len(world.mail) if kind == "late" else 0)
            old.append(letter)
            letter.to.machine.receive(letter.event)
    world.run()


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=60), st.booleans(), st.booleans())
def test_no_order_of_messages_proves_a_wrong_key(steps: list[tuple[str, int]], in_room: bool, swap_first: bool) -> None:
    """The server shows one side another device and another master key of the other: neither side ever signs those."""
    world = World((ALICE, "A1", True), (BOB, "B1", True)) if in_room else World((ALICE, "OLD", True), (ALICE, "NEW", False))
    deceived, other = world.parties if swap_first else world.parties[::-1]
    world.swap_device(deceived, other)
    if in_room:
        deceived.keys.masters[other.user] = public("evil master")
        world.ask_in_room(world.parties[0], BOB)
    else:
        world.parties[0].machine.request_devices([world.parties[1].device])
    world.run()
    _play(world, steps)
    evil = (public("evil device"), public("evil master"))
    for party in world.parties:
        for effects in party.proved.values():
            named = (effects.device_key if effects.sign_device else "", effects.sign_user and effects.sign_user[1])
            assert not set(named) & set(evil)
    if in_room or swap_first:
        assert not deceived.proved


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=60), st.booleans())
def test_whoever_is_done_saw_the_same_as_the_other(steps: list[tuple[str, int]], in_room: bool) -> None:
    world = World((ALICE, "A1", True), (BOB, "B1", True)) if in_room else World((ALICE, "OLD", True), (ALICE, "NEW", False))
    first, second = world.parties
    if in_room:
        world.ask_in_room(first, BOB)
    else:
        first.machine.request_devices([second.device])
    world.run()
    _play(world, steps)
    shown = [party.machine.verifications()[0] for party in world.parties]
    if VerificationPhase.DONE in [one.phase for one in shown]:
        assert shown[0].emoji == shown[1].emoji
        for party, other in ((first, second), (second, first)):
            for effects in party.proved.values():
                assert effects.other == (other.user, other.device)
                assert effects.device_key == public(f"{other.user}{other.device}")


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["NEW", "OLD", "m.sas.v1", "m.reciprocate.v1", "\ud800", "curve25519-hkdf-sha256", public("x"), "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = [
    *("from_device", "methods", "transaction_id", "timestamp", "method", "secret", "hashes", "key_agreement_protocols"),
    *("message_authentication_codes", "short_authentication_string", "commitment", "hash", "key", "mac", "keys", "code"),
    *("reason", "m.relates_to", "to", "msgtype"),
]
KINDS = st.sampled_from((*TYPES, "m.key.verification.x", ""))
CONTENTS = st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=8)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from((*TYPES, "m.key.verification.x", "")), CONTENTS, st.booleans()), max_size=6), st.booleans()
)
def test_nothing_that_anybody_sends_upsets_it(events: list[tuple[str, JsonObject, bool]], ready: bool) -> None:
    world = World((ALICE, "OLD", True), (ALICE, "NEW", False))
    old, new = world.parties
    old.machine.request_devices([new.device])
    world.run()
    if ready:
        new.do("accept")
        world.run()
    transaction = old.shown.flow.split(" ")[1]
    for party in (old, new):
        for kind, content, in_flow in events:
            full = {**content, "transaction_id": transaction} if in_flow else content
            party.machine.receive(Received(kind, ALICE, full))
            party.machine.needs_device(Received(kind, ALICE, full))
            party.machine.receive(Received(kind, BOB, content, RoomId("!r"), EventId("$e"), world.clock.now_ms()))
            party.machine.verifications()
    assert not old.proved and not new.proved
