"""Whole verifications between machines: either side, both channels, every order, everything that can go wrong."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.verifying import (
    ALICE,
    BOB,
    MASTER,
    ROOM,
    STEPS,
    Party,
    World,
    asked,
    assert_both_done,
    comparing,
    own_devices,
    public,
    to_ready,
    to_requested,
    two_people,
)
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.verification_records import Received
from welink_desktop.core.ids import DeviceId, EventId, UserId
from welink_desktop.core.security import VerificationEnd, VerificationPhase

Phase, End = VerificationPhase, VerificationEnd
PREFIX = "m.key.verification."


@pytest.mark.parametrize("kind", ["room", "own"])
@pytest.mark.parametrize("asker", [0, 1])
@pytest.mark.parametrize("starter", [0, 1])
@pytest.mark.parametrize("decider", [0, 1])
def test_emoji_from_either_side(kind: str, asker: int, starter: int, decider: int) -> None:
    world, first, second = comparing(kind, asker=asker, starter=starter)
    assert first.shown.emoji == second.shown.emoji and len(first.shown.emoji) == 7
    assert first.shown.decimals == second.shown.decimals
    assert first.shown.device == second.device and first.shown.device_name == f"{second.device}'s"
    deciders = (first, second) if decider == 0 else (second, first)
    deciders[0].do("decide", True)
    world.run()
    assert (deciders[0].phase, deciders[1].phase) == (Phase.WAITING, Phase.COMPARING)
    assert not first.proved and not second.proved
    deciders[1].do("decide", True)
    world.run()
    assert_both_done(kind, first, second)


@pytest.mark.parametrize("kind", ["room", "own"])
@pytest.mark.parametrize("asker", [0, 1])
@pytest.mark.parametrize("shower", [0, 1])
def test_a_code_from_either_side(kind: str, asker: int, shower: int) -> None:
    world, first, second = asked(kind, asker=asker)
    showing, scanning = (first, second) if shower == 0 else (second, first)
    assert showing.shown.code and scanning.shown.may_scan
    scanning.do("scan", showing.shown.code)
    world.run()
    assert (showing.phase, scanning.phase) == (Phase.SCANNED, Phase.WAITING)
    assert not first.proved and not second.proved
    showing.do("decide", True)
    world.run()
    assert_both_done(kind, first, second)


def test_the_code_of_a_trusted_device_has_the_head_that_others_write() -> None:
    _, first, _ = asked("own")
    assert first.shown.code.hex().startswith("4d41545249580201")


@pytest.mark.parametrize("kind", ["room", "own"])
def test_both_press_emoji_at_once_and_the_smaller_one_counts(kind: str) -> None:
    world, first, second = asked(kind)
    first.do("compare")
    second.do("compare")
    world.run()
    assert first.shown.emoji == second.shown.emoji != ()
    starts = [party for party, send in world.sent if send.type == PREFIX + "accept"]
    assert starts == [max((first, second), key=lambda one: (one.user, one.device))]
    first.do("decide", True)
    second.do("decide", True)
    world.run()
    assert_both_done(kind, first, second)


@pytest.mark.parametrize("kind", ["room", "own"])
def test_both_scan_at_once(kind: str) -> None:
    world, first, second = asked(kind)
    codes = first.shown.code, second.shown.code
    first.do("scan", codes[1])
    second.do("scan", codes[0])
    world.run()
    assert sorted((first.phase.value, second.phase.value)) == ["scanned", "waiting"]
    for party in (first, second):
        party.do("decide", True)
    world.run()
    assert_both_done(kind, first, second)


def test_different_ways_at_once_end_it() -> None:
    world, first, second = asked("room")
    code = first.shown.code
    first.do("compare")
    second.do("scan", code)
    world.run()
    assert [party.shown.end for party in (first, second)] == [End.FAILED, End.FAILED]


@pytest.mark.parametrize("kind", ["room", "own"])
@pytest.mark.parametrize("who", [0, 1])
def test_different_emoji(kind: str, who: int) -> None:
    world, *both = comparing(kind)
    both[who].do("decide", False)
    world.run()
    assert [party.shown.end for party in both] == [End.MISMATCH, End.MISMATCH]
    assert world.sent[-1][1].content["code"] == "m.mismatched_sas"
    assert not both[0].proved and not both[1].proved


def test_a_scan_that_the_other_device_does_not_confirm() -> None:
    world, first, second = asked("own")
    second.do("scan", first.shown.code)
    world.run()
    first.do("decide", False)
    world.run()
    assert (first.shown.end, second.shown.end) == (End.MISMATCH, End.CANCELLED)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("who", [0, 1])
def test_cancelled_in_every_phase(step: Callable[[World, Party, Party], None], who: int) -> None:
    world, *both = own_devices()
    step(world, *both)
    world.run()
    both[who].do("cancel")
    world.run()
    declined = step is to_requested and who == 1
    assert [party.shown.end for party in both] == [End.DECLINED if declined else End.CANCELLED] * 2
    both[0].do("decide", True)
    both[1].do("accept")
    world.run()
    assert not both[0].proved and not both[1].proved


@pytest.mark.parametrize("step", STEPS)
def test_ten_minutes_end_it_in_every_phase(step: Callable[[World, Party, Party], None]) -> None:
    world, *both = own_devices()
    step(world, *both)
    world.run()
    world.clock.seconds += 599
    for party in both:
        party.machine.tick()
    assert all(party.shown.end is None for party in both)
    assert both[0].machine.next_end() == pytest.approx(1_600)
    world.clock.seconds += 2
    both[0].machine.tick()
    world.run()
    assert [party.shown.end for party in both] == [End.TIMEOUT, End.TIMEOUT]
    assert both[0].machine.next_end() is None


def test_an_unanswered_request_runs_out_without_a_word_to_others() -> None:
    world, first, second = own_devices()
    to_requested(world, first, second)
    world.run()
    world.clock.seconds += 601
    second.machine.tick()
    assert second.shown.end is End.TIMEOUT
    assert second.machine.take() == ([], [])


@pytest.mark.parametrize(("age", "taken"), [(0, True), (599, True), (601, False), (-299, True), (-301, False), (10**9, False)])
@pytest.mark.parametrize("kind", ["room", "own"])
def test_old_and_future_requests_are_ignored(kind: str, age: int, taken: bool) -> None:
    world, first, second = two_people() if kind == "room" else own_devices()
    if kind == "room":
        world.ask_in_room(first, second.user)
    else:
        to_requested(world, first, second)
    world.collect()
    world.clock.seconds += age
    if kind == "room" or age < 600:
        letter = next(one for one in world.mail if one.to is second)
        second.machine.receive(letter.event)
    assert bool(second.machine.verifications()) is (taken and (kind == "room" or age < 600))


@pytest.mark.parametrize("timestamp", [None, "now", True, 0, 1.5])
def test_a_request_needs_a_time(timestamp: object) -> None:
    world, first, second = own_devices()
    world.bend = lambda party, send: {**send.content, "timestamp": timestamp}
    to_requested(world, first, second)
    world.run()
    assert second.machine.verifications() == ()


@pytest.mark.parametrize(
    "change",
    [
        {"from_device": None},
        {"from_device": "UNKNOWN"},
        {"from_device": "NEW"},
        {"from_device": "x" * 256},
        {"from_device": "\ud800"},
        {"methods": None},
        {"methods": "m.sas.v1"},
        {"transaction_id": None},
        {"transaction_id": ""},
        {"transaction_id": "x" * 256},
    ],
)
def test_malformed_requests_and_those_of_unknown_devices_are_ignored(change: JsonObject) -> None:
    world, first, second = own_devices()
    world.bend = lambda party, send: {**send.content, **change}
    to_requested(world, first, second)
    world.run()
    assert second.machine.verifications() == ()


def test_a_request_for_somebody_else_is_ignored() -> None:
    world, first, second = two_people()
    content = {**first.machine.room_request(BOB), "to": "@carol:ex.org"}
    second.machine.receive(Received(PREFIX + "request", ALICE, content, ROOM, EventId("$1"), world.clock.now_ms()))
    assert second.machine.verifications() == ()


@pytest.mark.parametrize("methods", [[], ["m.magic.v1"], ["m.reciprocate.v1"], ["m.qr_code.show.v1"], [5, None]])
def test_methods_that_we_do_not_know_are_refused(methods: list[object]) -> None:
    world, first, second = own_devices()
    world.bend = lambda party, send: {**send.content, "methods": methods} if party is first else send.content
    to_requested(world, first, second)
    world.run()
    assert [party.shown.end for party in (first, second)] == [End.NOT_SUPPORTED] * 2


def test_an_answer_with_unknown_methods_is_refused() -> None:
    world, first, second = own_devices()
    world.bend = lambda party, send: {**send.content, "methods": ["m.magic.v1"]} if party is second else send.content
    to_ready(world, first, second)
    world.run()
    assert [party.shown.end for party in (first, second)] == [End.NOT_SUPPORTED] * 2


def test_without_codes_only_emoji_are_offered() -> None:
    world, first, second = own_devices()
    world.bend = lambda party, send: {**send.content, "methods": ["m.sas.v1"]} if "methods" in send.content else send.content
    to_ready(world, first, second)
    world.run()
    assert all((one.shown.may_compare, one.shown.may_scan, one.shown.code) == (True, False, b"") for one in (first, second))
    ready = next(send for _, send in world.sent if send.type == PREFIX + "ready")
    assert set(ready.content["methods"]) == {"m.sas.v1"}


def test_all_own_devices_are_asked_and_the_first_that_answers_is_the_one() -> None:
    world = World((ALICE, "OLD", True), (ALICE, "NEW", False), (ALICE, "PAD", False))
    old, new, pad = world.parties
    old.machine.request_devices([new.device, pad.device])
    world.run()
    assert old.shown.device == ""
    pad.do("accept")
    world.run()
    assert (old.shown.device, new.shown.end, pad.phase) == ("PAD", End.ELSEWHERE, Phase.READY)
    new.do("accept")
    world.run()
    assert (old.shown.device, old.phase) == ("PAD", Phase.READY)


def test_two_devices_that_answer_at_once() -> None:
    world = World((ALICE, "OLD", True), (ALICE, "NEW", False), (ALICE, "PAD", False))
    old, new, pad = world.parties
    old.machine.request_devices([new.device, pad.device])
    world.run()
    pad.do("accept")
    new.do("accept")
    world.run()
    assert sorted(str(one.shown.end) for one in (new, pad)) == ["None", str(End.ELSEWHERE)]


def test_a_request_in_a_room_is_answered_by_one_of_the_devices() -> None:
    world = World((ALICE, "A1", True), (BOB, "B1", True), (BOB, "B2", True), (ALICE, "A2", True))
    alice, bob, bobs_other, alices_other = world.parties
    world.ask_in_room(alice, BOB)
    world.run()
    assert alices_other.machine.verifications() == ()
    bobs_other.do("accept")
    world.run()
    assert (bob.shown.end, alice.shown.device) == (End.ELSEWHERE, "B2")
    alice.do("compare")
    world.run()
    for party in (alice, bobs_other):
        party.do("decide", True)
    world.run()
    assert_both_done("room", alice, bobs_other)
    assert bob.shown.end is End.ELSEWHERE and not bob.proved


def test_what_is_meant_for_another_device_of_ours_is_not_answered() -> None:
    """The other device's answer may be unreadable here for a while."""
    world = World((ALICE, "A1", True), (BOB, "B1", True), (BOB, "B2", True))
    alice, bob, bobs_other = world.parties
    world.ask_in_room(alice, BOB)
    world.run()
    bobs_other.do("accept")
    world.collect()
    world.mail = [letter for letter in world.mail if letter.to is not bob]
    world.run()
    alice.do("compare")
    world.run()
    assert (bob.shown.end, alice.phase, bobs_other.phase) == (End.ELSEWHERE, Phase.COMPARING, Phase.COMPARING)


def test_a_request_that_was_over_before_it_was_seen_is_not_shown() -> None:
    world, first, second = two_people()
    world.ask_in_room(first, BOB)
    first.do("cancel")
    world.collect()
    request, cancel = [letter.event for letter in world.mail if letter.to is second]
    second.machine.receive(cancel)
    second.machine.receive(request)
    assert second.machine.verifications() == ()


def test_what_others_say_in_the_flow_is_ignored() -> None:
    world = World((ALICE, "A1", True), (BOB, "B1", True), (UserId("@eve:ex.org"), "E1", True))
    alice, bob, eve = world.parties
    world.ask_in_room(alice, BOB)
    world.run()
    bob.do("accept")
    world.run()
    event = alice.shown.flow.split(" ")[1]
    relation = {"m.relates_to": {"rel_type": "m.reference", "event_id": event}}
    for kind, content in (("cancel", {"code": "m.user"}), ("start", {"from_device": "B1"}), ("done", {}), ("mac", {})):
        for party in (alice, bob):
            party.machine.receive(
                Received(PREFIX + kind, eve.user, content | relation, ROOM, EventId("$x"), world.clock.now_ms())
            )
    plain = {"transaction_id": event, "code": "m.user"}
    alice.machine.receive(Received(PREFIX + "cancel", BOB, plain))
    assert (alice.phase, bob.phase) == (Phase.READY, Phase.READY)


def test_an_olm_message_of_another_device_is_not_the_flows() -> None:
    world, first, _ = asked("own")
    transaction = first.shown.flow.split(" ")[1]
    cancel: JsonObject = {"transaction_id": transaction, "code": "m.user"}
    first.machine.receive(Received(PREFIX + "cancel", ALICE, cancel, device=DeviceId("PAD")))
    assert first.phase is Phase.READY
    first.machine.receive(Received(PREFIX + "cancel", ALICE, cancel, device=DeviceId("NEW")))
    assert first.shown.end is End.CANCELLED
    world.run()


@pytest.mark.parametrize("at", ["request", "ready", "accept", "key", "mac", "done"])
@pytest.mark.parametrize("kind", ["room", "own"])
def test_every_message_twice_changes_nothing(kind: str, at: str) -> None:
    world, *both = two_people() if kind == "room" else own_devices()
    first, second = both
    if kind == "room":
        world.ask_in_room(first, second.user)
    else:
        to_requested(world, first, second)

    def run_twice() -> None:
        world.collect()
        while world.mail:
            letter = world.mail.pop(0)
            letter.to.machine.receive(letter.event)
            if letter.event.type == PREFIX + at:
                letter.to.machine.receive(letter.event)
            world.collect()

    run_twice()
    second.do("accept")
    run_twice()
    second.do("compare")
    run_twice()
    first.do("decide", True)
    second.do("decide", True)
    run_twice()
    assert_both_done(kind, first, second)


def test_a_dismissed_request_does_not_come_back() -> None:
    world, first, second = own_devices()
    to_requested(world, first, second)
    world.collect()
    letter = world.mail[0]
    world.run()
    second.do("cancel")
    world.run()
    second.do("dismiss")
    assert second.machine.verifications() == ()
    second.machine.receive(letter.event)
    assert second.machine.verifications() == ()
    first.do("dismiss")
    assert first.machine.verifications() == ()


def test_both_ask_each_other_at_once_and_one_verification_remains() -> None:
    for kind in ("room", "own"):
        world, *both = two_people() if kind == "room" else own_devices()
        flows = []
        for party, other in (both, both[::-1]):
            if kind == "room":
                flows.append(world.ask_in_room(party, other.user))
            else:
                flows.append(party.machine.request_devices([other.device]))
        world.run()
        assert [party.phase for party in both] == [Phase.READY, Phase.READY]
        assert [len(party.machine.verifications()) for party in both] == [1, 1]
        assert [party.shown.flow for party in both] == flows
        both[1].do("compare")
        world.run()
        for party in both:
            party.do("decide", True)
        world.run()
        assert_both_done(kind, *both)


def test_a_new_request_of_the_same_device_replaces_the_old_one() -> None:
    world, first, second = asked("own")
    first.machine.fail(first.shown.flow)
    first.machine.request_devices([second.device])
    world.run()
    assert [one.phase for one in second.machine.verifications()] == [Phase.ENDED, Phase.REQUESTED]


def test_two_verifications_with_different_people_run_side_by_side() -> None:
    carol = UserId("@carol:ex.org")
    world = World((ALICE, "A1", True), (BOB, "B1", True), (carol, "C1", True))
    alice, bob, other = world.parties
    flows = {BOB: world.ask_in_room(alice, BOB), carol: world.ask_in_room(alice, carol)}
    world.run()
    for party in (bob, other):
        party.do("accept")
        world.run()
        party.do("compare")
        world.run()
        alice.machine.decide(flows[party.user], True)
        party.do("decide", True)
        world.run()
    assert {effects.sign_user for effects in alice.proved.values()} == {
        (BOB, MASTER[BOB]),
        (carol, public(f"master {carol}")),
    }


def test_strangers_cannot_flood_the_list() -> None:
    world, _, second = two_people()
    for number in range(60):
        user = UserId(f"@s{number}:ex.org")
        stranger = replace(second.keys.devices[(ALICE, DeviceId("A1"))], user=user)
        second.keys.devices[(user, DeviceId("A1"))] = stranger
        content = {"to": BOB, "from_device": "A1", "methods": ["m.sas.v1"]}
        second.machine.receive(Received(PREFIX + "request", user, content, ROOM, EventId(f"${number}"), world.clock.now_ms()))
    assert len(second.machine.verifications()) == 20
    for shown in second.machine.verifications():
        second.machine.cancel(shown.flow)
    assert all(shown.end is End.DECLINED for shown in second.machine.verifications())
