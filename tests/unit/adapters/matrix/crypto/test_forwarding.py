"""Room keys between own devices (matrix.md §8.4, §8.9 rules 1 and 15)."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.key_server import FakeClock
from welink_desktop.adapters.matrix.crypto.forwarding import KeyForwarding, forwarded
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Device, Inbound, JsonObject, Source, ToDevice
from welink_desktop.adapters.matrix.store import healing
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.healing import SqlHealingStore
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId, RoomId, UserId

ME, EVE, BOB = UserId("@me:x"), UserId("@eve:x"), UserId("@bob:x")
DESK, PHONE, TABLET = DeviceId("DESK"), DeviceId("PHONE"), DeviceId("TABLET")
ROOM = RoomId("!room")
HOUR = 3_600_000


class World:
    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.store = SqlHealingStore(database)
        self.devices = {name: Device(ME, name, f"curve-{name}", f"ed-{name}") for name in (DESK, PHONE, TABLET)}
        self.trusted = {DESK, PHONE}
        self.rows: list[Inbound] = []
        self.forwarding = KeyForwarding(
            (ME, DESK),
            self.store,
            self.clock,
            self.devices.values,
            lambda one: one.device in self.trusted,
            lambda room, session: [row for row in self.rows if (row.room, row.session) == (room, session)],
        )

    def have(self, source: Source) -> None:
        self.rows = [Inbound(ROOM, "s", "curve", "ed", BOB, DeviceId("B"), source, 0, "pickle")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database.open(tmp_path / "a.db", b"d" * 32, MIGRATIONS)
    yield World(database)
    database.close()


def question(sender: UserId = ME, body: object = None, **changes: Any) -> ToDevice:
    inside = {"algorithm": MEGOLM, "room_id": ROOM, "session_id": "s"} if body is None else body
    content: JsonObject = {"action": "request", "body": inside, "request_id": "r", "requesting_device_id": PHONE, **changes}
    return ToDevice("m.room_key_request", content, sender)


def key(**changes: Any) -> ToDevice:
    content: JsonObject = {
        "algorithm": MEGOLM,
        "room_id": ROOM,
        "session_id": "s",
        "session_key": "AQ",
        "sender_key": "curve",
        "sender_claimed_ed25519_key": "ed",
        "forwarding_curve25519_key_chain": [],
    }
    event = ToDevice("m.forwarded_room_key", content, ME, PHONE, "curve-PHONE", encrypted=True, owner_signed=True)
    return dataclasses.replace(event, **changes)


def test_verified_own_devices_are_asked(world: World) -> None:
    post = world.forwarding.ask(ROOM, "s")
    assert post is not None and list(post) == [ME] and list(post[ME]) == [PHONE]
    content = post[ME][PHONE]
    assert content["body"] == {"algorithm": MEGOLM, "room_id": ROOM, "session_id": "s"}
    assert (content["action"], content["requesting_device_id"]) == ("request", DESK)


def test_nobody_is_asked_if_no_other_device_is_verified(world: World) -> None:
    world.trusted = {DESK}
    assert world.forwarding.ask(ROOM, "s") is None


def test_the_same_session_is_asked_for_rarely(world: World) -> None:
    assert world.forwarding.ask(ROOM, "s") is not None
    world.clock.pass_ms(HOUR - 1)
    assert world.forwarding.ask(ROOM, "s") is None
    world.clock.pass_ms(1)
    assert world.forwarding.ask(ROOM, "s") is not None
    world.clock.pass_ms(HOUR)
    assert world.forwarding.ask(ROOM, "s") is None, "the rest doubles"
    world.clock.pass_ms(HOUR)
    assert world.forwarding.ask(ROOM, "s") is not None
    assert world.forwarding.ask(ROOM, "another") is not None


def test_on_the_persons_word_it_is_asked_again_after_a_minute(world: World) -> None:
    world.forwarding.ask(ROOM, "s")
    assert world.forwarding.ask(ROOM, "s", wanted=True) is None
    world.clock.pass_ms(60_000)
    assert world.forwarding.ask(ROOM, "s") is None
    assert world.forwarding.ask(ROOM, "s", wanted=True) is not None


def test_a_device_verified_meanwhile_is_asked_at_once(world: World) -> None:
    world.forwarding.ask(ROOM, "s")
    world.trusted.add(TABLET)
    post = world.forwarding.ask(ROOM, "s")
    assert post is not None and TABLET in post[ME]


def test_questions_do_not_pile_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healing, "KEY_REQUESTS", 3)
    for number in range(5):
        world.clock.pass_ms(1)
        world.forwarding.ask(ROOM, f"s{number}")
    kept = [number for number in range(5) if world.store.key_request(ROOM, f"s{number}") is not None]
    assert kept == [2, 3, 4]


def test_a_key_that_came_ends_the_question(world: World) -> None:
    world.forwarding.ask(ROOM, "s")
    post = world.forwarding.came(ROOM, "s")
    assert post is not None and post[ME][PHONE]["action"] == "request_cancellation"
    assert world.forwarding.came(ROOM, "s") is None
    assert world.forwarding.arrived(key()) is None
    assert world.forwarding.ask(ROOM, "s") is None, "and is not asked again at once"


def test_a_forwarded_key_we_asked_for_is_taken(world: World) -> None:
    world.forwarding.ask(ROOM, "s")
    given = world.forwarding.arrived(key())
    assert given is not None and (given.room, given.session, given.key) == (ROOM, "s", "AQ")


@pytest.mark.parametrize(
    "event",
    [
        key(encrypted=False),
        key(sender=EVE),
        key(sender_device=TABLET, sender_key="curve-TABLET"),
        key(sender_key="curve-other"),
        key(sender_device=DeviceId("GHOST")),
        key(content={**key().content, "session_id": "other"}),
        key(content={**key().content, "room_id": "!other"}),
        key(content={**key().content, "algorithm": "m.other"}),
        key(content={}),
    ],
)
def test_forwarded_keys_that_nobody_may_bring(world: World, event: ToDevice) -> None:
    world.forwarding.ask(ROOM, "s")
    assert world.forwarding.arrived(event) is None


def test_a_forwarded_key_without_a_question_is_refused(world: World) -> None:
    assert world.forwarding.arrived(key()) is None


def test_a_verified_device_is_given_a_proved_session(world: World) -> None:
    world.have(Source.OLM)
    (wish,) = world.forwarding.wished(question())
    assert (wish.device.device, wish.row) == (PHONE, world.rows[0])
    assert world.forwarding.wished(question()) == [], "not twice within a minute"
    world.clock.pass_ms(60_000)
    assert len(world.forwarding.wished(question())) == 1


@pytest.mark.parametrize("source", [Source.FORWARDED, Source.BUNDLE, Source.BACKUP, Source.FILE])
def test_what_was_not_proved_to_us_is_not_passed_on(world: World, source: Source) -> None:
    world.have(source)
    assert world.forwarding.wished(question()) == []


@pytest.mark.parametrize(
    "event",
    [
        question(EVE),
        question(BOB),
        question(requesting_device_id=TABLET),
        question(requesting_device_id=DESK),
        question(requesting_device_id="GHOST"),
        question(requesting_device_id=7),
        question(action="request_cancellation"),
        question(body={"algorithm": "m.other", "room_id": ROOM, "session_id": "s"}),
        question(body={"algorithm": MEGOLM, "room_id": 1, "session_id": "s"}),
        question(body="text"),
        dataclasses.replace(question(), encrypted=True, sender_device=TABLET),
    ],
)
def test_no_key_goes_to_others(world: World, event: ToDevice) -> None:
    world.have(Source.OLM)
    assert world.forwarding.wished(event) == []


def test_no_key_goes_to_a_device_with_changed_keys(world: World) -> None:
    world.have(Source.OLM)
    world.devices[PHONE] = dataclasses.replace(world.devices[PHONE], keys_changed=True)
    assert world.forwarding.wished(question()) == []


def test_a_question_of_a_new_device_waits_for_its_signature(world: World) -> None:
    world.have(Source.OLM)
    assert world.forwarding.wished(question(requesting_device_id=TABLET)) == []
    world.trusted.add(TABLET)
    assert [wish.device.device for wish in world.forwarding.review()] == [TABLET]
    assert world.forwarding.review() == []


def test_the_form_of_a_forwarded_key() -> None:
    content = forwarded({"session_key": "AQ", "sender_claimed_keys": {"ed25519": "ed"}, "sender_key": "curve"})
    assert content == {"session_key": "AQ", "sender_key": "curve", "sender_claimed_ed25519_key": "ed"}
