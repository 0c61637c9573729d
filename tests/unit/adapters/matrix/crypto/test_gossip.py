"""Secrets between own devices: asked of and given to verified ones only, taken once (matrix.md §8.7, §8.9 rule 5)."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.key_server import FakeClock
from welink_desktop.adapters.matrix.crypto.gossip import NAMES, Gossip, SecretWish, answer_to
from welink_desktop.adapters.matrix.crypto.records import Device, JsonObject, ToDevice
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.healing import SqlHealingStore
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId, UserId

ME, EVE = UserId("@me:x"), UserId("@eve:x")
DESK, PHONE, TABLET = DeviceId("DESK"), DeviceId("PHONE"), DeviceId("TABLET")
MASTER, BACKUP = "m.cross_signing.master", "m.megolm_backup.v1"
MINUTE = 60_000


def device(name: DeviceId, user: UserId = ME, **changes: Any) -> Device:
    return dataclasses.replace(Device(user, name, f"curve-{name}", f"ed-{name}"), **changes)


class World:
    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.store = SqlHealingStore(database)
        self.devices = {name: device(name) for name in (DESK, PHONE, TABLET)}
        self.trusted = {DESK, PHONE}
        self.gossip = self.again()

    def again(self) -> Gossip:
        """This device (the desk one) after a restart."""
        self.gossip = Gossip((ME, DESK), self.store, self.clock, self.devices.values, lambda one: one.device in self.trusted)
        return self.gossip

    def ask(self, name: str = MASTER) -> str:
        """Returns the id of the question."""
        (post,) = self.gossip.want([name])
        return str(post[ME][PHONE]["request_id"])

    def answer(self, request: str, **changes: Any) -> ToDevice:
        content = {"request_id": request, "secret": "c2VjcmV0"}
        event = ToDevice("m.secret.send", content, ME, PHONE, "curve-PHONE", encrypted=True, owner_signed=True)
        return dataclasses.replace(event, **changes)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database.open(tmp_path / "a.db", b"d" * 32, MIGRATIONS)
    yield World(database)
    database.close()


def question(sender: UserId = ME, **changes: Any) -> ToDevice:
    content: JsonObject = {"name": MASTER, "action": "request", "requesting_device_id": PHONE, "request_id": "r1", **changes}
    return ToDevice("m.secret.request", content, sender)


def test_verified_own_devices_are_asked_once(world: World) -> None:
    (post,) = world.gossip.want([MASTER])
    assert list(post) == [ME]
    assert list(post[ME]) == [PHONE], "neither this device nor the tablet, which is not verified"
    content = post[ME][PHONE]
    assert (content["name"], content["action"], content["requesting_device_id"]) == (MASTER, "request", DESK)
    assert world.gossip.want([MASTER]) == []
    assert world.gossip.wanted == {MASTER}


def test_names_that_are_no_secrets_are_not_asked_for(world: World) -> None:
    assert world.gossip.want(["m.other"]) == []
    assert not world.gossip.wanted


def test_a_device_verified_later_is_asked_then(world: World) -> None:
    request = world.ask()
    world.trusted.add(TABLET)
    (post,) = world.gossip.ask_others()
    assert list(post[ME]) == [TABLET]
    assert post[ME][TABLET]["request_id"] == request


def test_an_answer_that_fits_closes_the_question_and_spares_the_others(world: World) -> None:
    world.trusted.add(TABLET)
    request = world.ask()
    answer = world.gossip.arrived(world.answer(request))
    assert answer is not None and (answer.name, answer.secret) == (MASTER, "c2VjcmV0")
    (post,) = world.gossip.taken(answer)
    assert set(post[ME]) == {PHONE, TABLET}
    assert post[ME][TABLET] == {"action": "request_cancellation", "request_id": request, "requesting_device_id": DESK}
    assert not world.gossip.wanted
    assert world.gossip.arrived(world.answer(request)) is None, "once"
    assert "c2VjcmV0" not in repr(answer)


def test_a_question_survives_a_restart(world: World) -> None:
    request = world.ask()
    world.again()
    assert world.gossip.arrived(world.answer(request)) is not None


def test_an_answer_that_does_not_fit_silences_that_device_only(world: World) -> None:
    world.trusted.add(TABLET)
    request = world.ask()
    answer = world.gossip.arrived(world.answer(request))
    assert answer is not None
    world.gossip.refused(answer)
    assert world.gossip.arrived(world.answer(request)) is None
    other = world.answer(request, sender_device=TABLET, sender_key="curve-TABLET")
    assert world.gossip.arrived(other) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"encrypted": False},
        {"sender": EVE},
        {"sender_device": TABLET, "sender_key": "curve-TABLET"},
        {"sender_device": DESK, "sender_key": "curve-DESK"},
        {"sender_device": DeviceId("GHOST")},
        {"sender_key": "curve-other"},
        {"content": {"request_id": "another", "secret": "c2VjcmV0"}},
        {"content": {"secret": "c2VjcmV0"}},
        {"content": {"request_id": ["list"], "secret": "c2VjcmV0"}},
    ],
)
def test_secrets_that_nobody_may_bring(world: World, changes: dict[str, Any]) -> None:
    request = world.ask()
    assert world.gossip.arrived(world.answer(request, **changes)) is None
    assert world.gossip.arrived(world.answer(request)) is not None, "the question is still open"


@pytest.mark.parametrize("secret", [None, 5, "", "x" * 1_001, {"a": 1}])
def test_malformed_secrets(world: World, secret: object) -> None:
    request = world.ask()
    assert world.gossip.arrived(world.answer(request, content={"request_id": request, "secret": secret})) is None


def test_a_secret_without_a_question_is_refused(world: World) -> None:
    assert world.gossip.arrived(world.answer("made up")) is None


def test_a_device_that_lost_our_trust_meanwhile_is_refused(world: World) -> None:
    request = world.ask()
    world.trusted.discard(PHONE)
    assert world.gossip.arrived(world.answer(request)) is None


def test_a_device_with_changed_keys_is_refused(world: World) -> None:
    request = world.ask()
    world.devices[PHONE] = device(PHONE, keys_changed=True)
    assert world.gossip.arrived(world.answer(request)) is None


def test_a_question_is_forgotten_after_a_day(world: World) -> None:
    request = world.ask()
    world.clock.pass_ms(24 * 60 * MINUTE + 1)
    assert world.gossip.arrived(world.answer(request)) is None
    assert not world.gossip.wanted


def test_what_came_another_way_is_cancelled(world: World) -> None:
    request = world.ask()
    (post,) = world.gossip.give_up([MASTER])
    assert post[ME][PHONE]["action"] == "request_cancellation"
    assert world.gossip.arrived(world.answer(request)) is None


def test_secrets_are_given_for_five_minutes_after_a_verification(world: World) -> None:
    assert world.gossip.wished(question()) == [], "not before a verification"
    (wish,) = world.gossip.allow(PHONE)
    assert wish == SecretWish(world.devices[PHONE], MASTER, "r1")
    assert answer_to(wish, "s") == {"request_id": "r1", "secret": "s", "name": MASTER}
    world.clock.pass_ms(5 * MINUTE)
    assert len(world.gossip.wished(question(request_id="r2", name=BACKUP))) == 1
    world.clock.pass_ms(1)
    assert world.gossip.wished(question(request_id="r3")) == []


def test_a_question_is_answered_once(world: World) -> None:
    world.gossip.allow(PHONE)
    assert len(world.gossip.wished(question())) == 1
    assert world.gossip.review() == []


def test_a_restart_ends_the_permission(world: World) -> None:
    world.gossip.allow(PHONE)
    world.again()
    assert world.gossip.wished(question()) == []


def test_a_question_waits_until_the_signature_of_its_device_is_seen(world: World) -> None:
    world.gossip.allow(TABLET)
    assert world.gossip.wished(question(requesting_device_id=TABLET)) == []
    world.trusted.add(TABLET)
    assert [wish.device.device for wish in world.gossip.review()] == [TABLET]


def test_an_old_question_is_not_answered_any_more(world: World) -> None:
    world.gossip.wished(question())
    world.clock.pass_ms(11 * MINUTE)
    assert world.gossip.allow(PHONE) == []


def test_a_question_taken_back_is_not_answered(world: World) -> None:
    world.gossip.wished(question())
    world.gossip.wished(question(action="request_cancellation"))
    assert world.gossip.allow(PHONE) == []


@pytest.mark.parametrize(
    "event",
    [
        question(EVE),
        question(requesting_device_id=DESK),
        question(requesting_device_id=TABLET),
        question(requesting_device_id="GHOST"),
        question(requesting_device_id=5),
        question(request_id=None),
        question(name="m.other"),
        question(name=["m.cross_signing.master"]),
        question(name=None),
        question(action="give"),
        dataclasses.replace(question(), encrypted=True, sender_device=TABLET),
    ],
)
def test_nothing_is_given_to_others(world: World, event: ToDevice) -> None:
    for name in (PHONE, TABLET, DESK, DeviceId("GHOST")):
        world.gossip.allow(name)
    assert world.gossip.wished(event) == []
    assert world.gossip.review() == []


def test_nothing_is_given_to_a_device_with_changed_keys(world: World) -> None:
    world.devices[PHONE] = device(PHONE, keys_changed=True)
    world.gossip.allow(PHONE)
    assert world.gossip.wished(question()) == []


def test_the_names_of_all_secrets() -> None:
    assert len(NAMES) == 4
