"""Attacks 57-60: somebody between two devices that verify each other (matrix.md §8.8, §8.9 rule 19).

The messages of a verification need no homeserver to be bent: here two real machines talk, and the attacker carries the mail.
"""

from collections.abc import Callable

import pytest

from tests.support.verifying import ALICE, BOB, ROOM, Party, World, public
from welink_desktop.adapters.matrix.crypto import sas
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.verification_records import Received, Send
from welink_desktop.core.errors import WrongCode
from welink_desktop.core.ids import EventId, UserId
from welink_desktop.core.security import VerificationEnd, VerificationPhase

PREFIX = "m.key.verification."


def ready(*, own: bool) -> tuple[World, Party, Party]:
    """Two people in a room, or two devices of one account; both are willing."""
    world = World((ALICE, "OLD", True), (ALICE, "NEW", False)) if own else World((ALICE, "A1", True), (BOB, "B1", True))
    first, second = world.parties
    if own:
        first.machine.request_devices([second.device])
    else:
        world.ask_in_room(first, BOB)
    world.run()
    second.do("accept")
    world.run()
    assert first.phase is second.phase is VerificationPhase.READY
    return world, first, second


def both_decide(world: World) -> None:
    for party in world.parties:
        party.do("decide", True)
    world.run()


def assert_nothing_proved(world: World) -> None:
    for party in world.parties:
        assert not party.proved
        assert party.phase is VerificationPhase.ENDED


@pytest.mark.parametrize("own", [False, True])
def test_57_keys_swapped_during_sas(own: bool) -> None:
    world, first, second = ready(own=own)
    first.do("compare")
    world.run()
    assert first.phase is second.phase is VerificationPhase.COMPARING
    world.swap_device(first, second)
    first.machine.keys_changed()
    world.run()
    both_decide(world)
    assert first.shown.end is VerificationEnd.KEYS_CHANGED
    assert_nothing_proved(world)

    world, first, second = ready(own=own)
    first.do("compare")
    world.run()
    first.keys.masters[second.user] = public("evil master")
    both_decide(world)
    assert_nothing_proved(world)

    world, first, second = ready(own=own)
    known = {**first.keys.devices}
    world.swap_device(first, second)
    assert first.keys.devices != known
    first.do("compare")
    world.run()
    assert_nothing_proved(world)


def bent(kind: str, change: Callable[[JsonObject], JsonObject], of: int) -> Callable[[Party, Send], JsonObject | None]:
    """Messages of this kind are changed on their way; `of`: whose."""

    def bend(party: Party, send: Send) -> JsonObject | None:
        mine = send.type == PREFIX + kind and party.user + party.device in bend.__dict__["who"]
        return {**send.content, **change(send.content)} if mine else send.content

    bend.__dict__["who"] = [(ALICE + "A1", BOB + "B1")[of]]
    return bend


def test_58_wrong_commitment_wrong_mac_old_mac_method() -> None:
    def other_key(content: JsonObject) -> JsonObject:
        return {"key": sas.EphemeralKey().public}

    def other_promise(content: JsonObject) -> JsonObject:
        return {"commitment": public("another promise")}

    def wrong_macs(content: JsonObject) -> JsonObject:
        return {"mac": {name: public(name) for name in content["mac"]}}

    def wrong_list(content: JsonObject) -> JsonObject:
        return {"keys": public("keys")}

    def no_device(content: JsonObject) -> JsonObject:
        return {"mac": {name: mac for name, mac in content["mac"].items() if "B1" not in name}}

    def old_method(content: JsonObject) -> JsonObject:
        return {"message_authentication_code": "hkdf-hmac-sha256"}

    for kind, change in (("key", other_key), ("accept", other_promise), ("accept", old_method)):
        world, first, second = ready(own=False)
        world.bend = bent(kind, change, 1)
        first.do("compare")
        world.run()
        assert first.phase is VerificationPhase.ENDED, (kind, change)
        assert_nothing_proved(world)
    for change in (wrong_macs, wrong_list, no_device):
        world, first, second = ready(own=False)
        first.do("compare")
        world.run()
        world.bend = bent("mac", change, 1)
        both_decide(world)
        assert first.shown.end is VerificationEnd.KEYS_CHANGED, change
        assert not first.proved
        assert not second.proved
    offers = ["hkdf-hmac-sha256", "org.matrix.msc3783.hkdf-hmac-sha256"]
    world, first, second = ready(own=False)
    world.bend = bent("start", lambda content: {"message_authentication_codes": offers}, 0)
    first.do("compare")
    world.run()
    assert_nothing_proved(world)
    assert second.shown.end is VerificationEnd.NOT_SUPPORTED


@pytest.mark.parametrize("own", [False, True])
def test_59_code_with_a_wrong_secret_or_keys(own: bool) -> None:
    def bend(party: Party, send: Send) -> JsonObject:
        return {**send.content, "secret": "AAAAAAAAAAAAAAAAAAAAAA"} if "secret" in send.content else send.content

    world, first, second = ready(own=own)
    world.bend = bend
    second.do("scan", first.shown.code)
    world.run()
    assert first.shown.end is VerificationEnd.KEYS_CHANGED
    assert_nothing_proved(world)
    start = 10 + int.from_bytes(first_code(own)[8:10], "big")
    for at in (start, start + 32):
        world, first, second = ready(own=own)
        code = bytearray(first.shown.code)
        code[at] ^= 1
        second.do("scan", bytes(code))
        world.run()
        assert second.shown.end is VerificationEnd.KEYS_CHANGED
        assert_nothing_proved(world)
    world, first, second = ready(own=own)
    _, stranger, _ = ready(own=own)
    for data in (b"", stranger.shown.code[:-20], b"MATRIX" + bytes(80)):
        with pytest.raises(WrongCode):
            second.do("scan", data)
    assert second.phase is VerificationPhase.READY


def first_code(own: bool) -> bytes:
    return ready(own=own)[1].shown.code


def test_60_third_party_in_the_flow() -> None:
    world = World((ALICE, "A1", True), (BOB, "B1", True), (UserId("@eve:ex.org"), "E1", True))
    alice, bob, eve = world.parties
    world.ask_in_room(alice, BOB)
    world.run()
    event = alice.shown.flow.split(" ")[1]
    relation = {"m.relates_to": {"rel_type": "m.reference", "event_id": event}}

    def say(kind: str, content: JsonObject) -> None:
        for party in (alice, bob):
            said = Received(PREFIX + kind, eve.user, content | relation, ROOM, EventId("$eve"), world.clock.now_ms())
            party.machine.receive(said)
        world.run()

    say("ready", {"from_device": "E1", "methods": ["m.sas.v1"]})
    assert {alice.phase, bob.phase} == {VerificationPhase.REQUESTED}
    bob.do("accept")
    world.run()
    say("start", sas.start_content(eve.device))
    say("cancel", {"code": "m.user"})
    assert {alice.phase, bob.phase} == {VerificationPhase.READY}
    alice.do("compare")
    world.run()
    say("key", {"key": sas.EphemeralKey().public})
    say("mac", {"mac": {"ed25519:E1": public("x")}, "keys": public("y")})
    say("done", {})
    assert {alice.phase, bob.phase} == {VerificationPhase.COMPARING}
    assert alice.shown.emoji == bob.shown.emoji
    both = (alice, bob)
    for party in both:
        party.do("decide", True)
    world.run()
    assert [next(iter(party.proved.values())).other for party in both] == [(BOB, "B1"), (ALICE, "A1")]
    assert not eve.proved
