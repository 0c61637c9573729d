"""Keys that are swapped or change, and messages that do not belong: nothing wrong is ever proved."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.verifying import (
    ALICE,
    BOB,
    MASTER,
    STEPS,
    Party,
    World,
    asked,
    comparing,
    own_devices,
    public,
    to_comparing,
    to_requested,
    two_people,
)
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.verification_records import Received, Send
from welink_desktop.core.errors import WrongCode
from welink_desktop.core.ids import DeviceId
from welink_desktop.core.security import VerificationEnd, VerificationPhase

Phase, End = VerificationPhase, VerificationEnd
PREFIX = "m.key.verification."


@pytest.mark.parametrize("kind", ["room", "own"])
def test_a_device_key_that_the_server_swapped_for_one_side(kind: str) -> None:
    world, *both = two_people() if kind == "room" else own_devices()
    first, second = both
    world.swap_device(first, second)
    if kind == "room":
        world.ask_in_room(first, second.user)
    else:
        to_requested(world, first, second)
    world.run()
    second.do("accept")
    world.run()
    second.do("compare")
    world.run()
    for party in both:
        party.do("decide", True)
    world.run()
    assert [party.shown.end for party in both] == [End.KEYS_CHANGED] * 2
    assert not first.proved and not second.proved


def test_a_master_key_that_the_server_swapped_for_one_side() -> None:
    world, first, second = two_people()
    first.keys.masters[BOB] = public("evil")
    world.ask_in_room(first, BOB)
    world.run()
    second.do("accept")
    world.run()
    first.do("compare")
    world.run()
    second.do("decide", True)
    first.do("decide", True)
    world.run()
    assert first.shown.end is End.FAILED and second.shown.end is not None
    assert not first.proved and not second.proved


def test_a_master_key_that_the_server_swapped_is_not_trusted_by_a_new_device() -> None:
    world, old, new = own_devices()
    new.keys.masters[ALICE] = public("evil")
    to_comparing(world, old, new)
    world.run()
    for party in (old, new):
        party.do("decide", True)
    world.run()
    assert new.shown.end is End.FAILED and not new.proved


@pytest.mark.parametrize("scanner", [0, 1])
@pytest.mark.parametrize("kind", ["room", "own"])
def test_a_code_with_other_keys_ends_it(kind: str, scanner: int) -> None:
    world, first, second = asked(kind)
    scanning, showing = (first, second) if scanner == 0 else (second, first)
    code = showing.shown.code
    position = 8 + 2 + int.from_bytes(code[8:10], "big")
    for flipped in (position, position + 32):
        world, first, second = asked(kind)
        scanning, showing = (first, second) if scanner == 0 else (second, first)
        code = showing.shown.code
        at = flipped
        scanning.do("scan", code[:at] + bytes((code[at] ^ 1,)) + code[at + 1 :])
        world.run()
        assert [party.shown.end for party in (first, second)] == [End.KEYS_CHANGED] * 2
        assert not first.proved and not second.proved


def test_a_code_of_something_else_is_refused_and_nothing_ends() -> None:
    _, first, second = asked("own")
    other_world, other, _ = asked("own")
    _, person, _ = asked("room")
    for data in (b"", b"hello", other.shown.code, person.shown.code, second.shown.code[:40]):
        with pytest.raises(WrongCode):
            first.do("scan", data)
    assert first.phase is Phase.READY
    other_world.run()


def test_a_wrong_secret_of_the_scanner_ends_it() -> None:
    world, first, second = asked("own")

    def bend(party: Party, send: Send) -> JsonObject:
        return {**send.content, "secret": "AAAAAAAAAAAAAAAAAAAAAA"} if "secret" in send.content else send.content

    world.bend = bend
    second.do("scan", first.shown.code)
    world.run()
    assert [party.shown.end for party in (first, second)] == [End.KEYS_CHANGED] * 2


@pytest.mark.parametrize("what", ["device", "master", "gone", "own master"])
@pytest.mark.parametrize("step", STEPS[1:])
def test_keys_that_change_meanwhile_end_it(step: Callable[[World, Party, Party], None], what: str) -> None:
    world, *both = own_devices()
    first, second = both
    step(world, first, second)
    world.run()
    ref = (second.user, second.device)
    match what:
        case "device":
            first.keys.devices[ref] = replace(first.keys.devices[ref], keys_changed=True)
        case "gone":
            del first.keys.devices[ref]
        case "master" | "own master":
            first.keys.masters[ALICE] = public("new")
    first.machine.keys_changed()
    world.run()
    assert first.shown.end is End.KEYS_CHANGED and second.shown.end is End.KEYS_CHANGED
    assert world.sent[-1][1].content["code"] == "m.key_mismatch"


def test_keys_that_change_at_the_last_moment_are_not_signed() -> None:
    world, first, second = comparing("room")
    second.do("decide", True)
    first.do("decide", True)
    world.collect()
    while world.mail:
        letter = world.mail.pop(0)
        if letter.to is first and letter.event.type == PREFIX + "done":
            first.keys.masters[BOB] = public("new")
        letter.to.machine.receive(letter.event)
        world.collect()
    assert first.shown.end is End.KEYS_CHANGED and not first.proved


def test_a_device_named_like_a_master_key_is_not_verified() -> None:
    world = World((ALICE, "A1", True), (BOB, MASTER[BOB], True))
    alice, bob = world.parties
    world.ask_in_room(alice, BOB)
    world.run()
    bob.do("accept")
    world.run()
    assert alice.shown.end is End.KEYS_CHANGED or bob.shown.end is End.KEYS_CHANGED


@pytest.mark.parametrize("trusting", [(False, False)])
def test_two_devices_that_trust_nothing_prove_nothing(trusting: tuple[bool, bool]) -> None:
    world, first, second = own_devices(trusting=trusting)
    to_comparing(world, first, second)
    world.run()
    for party in (first, second):
        party.do("decide", True)
    world.run()
    assert all(party.shown.end is not None and not party.proved for party in (first, second))


def test_two_trusted_devices_sign_each_other() -> None:
    world, first, second = own_devices(trusting=(True, True))
    to_comparing(world, first, second)
    world.run()
    for party in (first, second):
        party.do("decide", True)
    world.run()
    assert [one.sign_device for party in (first, second) for one in party.proved.values()] == ["NEW", "OLD"]


def test_a_device_without_trust_vouches_for_no_master_key() -> None:
    world, first, second = comparing("own")
    second.do("decide", True)
    world.run()
    mac = next(send for party, send in world.sent if send.type == PREFIX + "mac")
    assert list(mac.content["mac"]) == ["ed25519:NEW"]
    assert first.shown.phase is Phase.COMPARING


def test_effects_that_cannot_be_put_in_place_are_no_success() -> None:
    world, first, second = comparing("room")
    for party in (first, second):
        party.do("decide", True)
    first.machine.concluded(first.shown.flow)
    world.run()
    assert first.phase is Phase.DONE
    first.machine.concluded(first.shown.flow, good=False)
    assert first.phase is Phase.DONE


# Messages that do not belong


def wrong_messages() -> list[tuple[str, JsonObject]]:
    good_start: JsonObject = {
        "from_device": "NEW",
        "method": "m.sas.v1",
        "key_agreement_protocols": ["curve25519-hkdf-sha256"],
        "hashes": ["sha256"],
        "message_authentication_codes": ["hkdf-hmac-sha256.v2"],
        "short_authentication_string": ["emoji"],
    }
    return [
        ("start", {**good_start, "method": "m.magic.v1"}),
        ("start", {**good_start, "from_device": "PAD"}),
        ("start", {**good_start, "hashes": []}),
        ("start", {**good_start, "number": 1.5}),
        ("start", {"from_device": "NEW", "method": "m.reciprocate.v1", "secret": "!"}),
        ("accept", {"commitment": "x"}),
        ("key", {"key": public("x")}),
        ("mac", {"mac": {}, "keys": ""}),
        ("done", {}),
    ]


@pytest.mark.parametrize(("kind", "content"), wrong_messages())
def test_wrong_messages_end_it_at_once(kind: str, content: JsonObject) -> None:
    world, first, second = asked("own")
    transaction = first.shown.flow.split(" ")[1]
    first.machine.receive(Received(PREFIX + kind, ALICE, {**content, "transaction_id": transaction}))
    world.run()
    assert first.shown.end in (End.FAILED, End.NOT_SUPPORTED, End.KEYS_CHANGED)
    assert second.phase is Phase.ENDED
    assert not first.proved and not second.proved


@pytest.mark.parametrize("kind", ["start", "accept", "key", "mac"])
def test_another_message_in_the_place_of_one_that_came_ends_it(kind: str) -> None:
    world, first, second = asked("own")
    second.do("compare")
    world.run()
    receiver = first if kind == "start" else second if kind == "accept" else first
    if kind == "mac":
        second.do("decide", True)
        world.run()
    transaction = first.shown.flow.split(" ")[1]
    extra: JsonObject = {"transaction_id": transaction, "x": 1, "from_device": "NEW", "method": "m.sas.v1"}
    receiver.machine.receive(Received(PREFIX + kind, ALICE, extra))
    world.run()
    assert receiver.shown.end is End.FAILED
    assert not first.proved and not second.proved


def test_a_key_that_breaks_the_promise_ends_it() -> None:
    world, first, second = asked("own")

    def bend(party: Party, send: Send) -> JsonObject:
        return {**send.content, "key": public("other")} if party is second and "key" in send.content else send.content

    world.bend = bend
    first.do("compare")
    world.run()
    assert [party.shown.end for party in (first, second)] == [End.MISMATCH, End.MISMATCH]


def test_answers_of_devices_that_were_not_asked_are_ignored() -> None:
    world = World((ALICE, "OLD", True), (ALICE, "NEW", False), (ALICE, "PAD", False))
    old, new, _ = world.parties
    old.machine.request_devices([new.device])
    world.collect()
    transaction = old.shown.flow.split(" ")[1]
    content: JsonObject = {"transaction_id": transaction, "from_device": "PAD", "methods": ["m.sas.v1"]}
    old.machine.receive(Received(PREFIX + "ready", ALICE, content))
    assert old.phase is Phase.REQUESTED


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("m.user", End.CANCELLED),
        ("m.timeout", End.TIMEOUT),
        ("m.accepted", End.ELSEWHERE),
        ("m.unknown_method", End.NOT_SUPPORTED),
        ("m.key_mismatch", End.KEYS_CHANGED),
        ("m.mismatched_sas", End.MISMATCH),
        ("m.mismatched_commitment", End.MISMATCH),
        ("m.something", End.FAILED),
        (None, End.FAILED),
        ({}, End.FAILED),
    ],
)
def test_why_the_other_side_ended_it(code: Any, end: VerificationEnd) -> None:
    _, first, _ = asked("own")
    transaction = first.shown.flow.split(" ")[1]
    first.machine.receive(Received(PREFIX + "cancel", ALICE, {"transaction_id": transaction, "code": code}))
    assert first.shown.end is end


def test_unknown_devices_are_named_so_that_they_can_be_fetched() -> None:
    world, first, second = own_devices()
    to_requested(world, first, second)
    world.collect()
    event = world.mail[0].event
    assert second.machine.needs_device(event) is None
    del second.keys.devices[(ALICE, DeviceId("OLD"))]
    assert second.machine.needs_device(event) == (ALICE, "OLD")
