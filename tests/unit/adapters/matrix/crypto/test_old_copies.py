"""Olm after one side's store was set back, and sessions that are begun anew (matrix.md §8.3)."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.key_server import FakeClock, Party, rules_for
from tests.unit.adapters.matrix.crypto.test_olm import ALICE, BOB, CALL, EVE, ROOM, Two, kinds
from welink_desktop.adapters.matrix.crypto import memory
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.records import Decrypted, KeysClaim
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.store import crypto as sql
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId


@pytest.fixture
def two() -> Two:
    made = Two()
    made.alice.machine.receive_to_device(made.sealed(made.bob, made.alice, CALL, {}))
    made.bob.machine.receive_to_device(made.sealed(made.alice, made.bob, CALL, {}))
    return made


def set_back(party: Party, store: MemoryStore, clock: FakeClock) -> None:
    """The device goes on with an old copy of its store."""
    user, device = party.who
    party.machine = CryptoMachine(user, device, store, b"k" * 32, clock)


def store_of(party: Party) -> MemoryStore:
    store = party.machine._store
    assert isinstance(store, MemoryStore)
    return store


def test_another_message_under_a_used_key_is_a_broken_session(two: Two) -> None:
    old = copy.deepcopy(store_of(two.alice))
    first = two.sealed(two.alice, two.bob, CALL, {"n": 1})
    assert kinds(two.bob.machine.receive_to_device(first)) == [CALL]
    set_back(two.alice, old, two.clock)
    second = two.sealed(two.alice, two.bob, CALL, {"n": 2})
    assert kinds(two.bob.machine.receive_to_device(first)) == []
    assert not two.bob.machine._receiver.claims(), "the very same message is only a duplicate"
    assert kinds(two.bob.machine.receive_to_device(second)) == []
    assert two.bob.machine._receiver.claims(), "another one under its key is not"


def test_both_sides_talk_again_after_one_was_set_back(two: Two) -> None:
    rules = rules_for(ROOM, ALICE, BOB)
    old = copy.deepcopy(store_of(two.alice))
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {}))
    set_back(two.alice, old, two.clock)
    two.clock.pass_ms(5_000)
    event = two.alice.say(rules, "after the copy", event="$1")
    two.bob.sync()
    assert not isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)
    two.alice.sync()
    two.bob.sync()
    assert isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)
    answer = two.bob.say(rules, "heard", event="$2")
    two.alice.sync()
    assert isinstance(two.alice.machine.decrypt(ROOM, answer), Decrypted)


def test_a_lost_key_is_asked_for_by_a_new_session(two: Two) -> None:
    rules = rules_for(ROOM, ALICE, BOB)
    event = two.alice.say(rules, "its key is lost", event="$1")
    two.server.take(two.bob.who)
    two.clock.pass_ms(5_000)
    assert not isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)
    assert two.bob.machine.renew_session(ALICE, DeviceId("A"))
    two.bob.work()
    two.alice.sync()
    two.bob.sync()
    assert isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)


def test_our_own_new_session_does_not_keep_us_from_answering_theirs(two: Two) -> None:
    rules = rules_for(ROOM, ALICE, BOB)
    assert two.alice.machine.renew_session(BOB, DeviceId("B"))
    two.alice.work()
    two.bob.sync()
    event = two.alice.say(rules, "its key is lost", event="$1")
    two.server.take(two.bob.who)
    two.clock.pass_ms(5_000)
    assert two.bob.machine.renew_session(ALICE, DeviceId("A"))
    two.bob.work()
    two.alice.sync()
    two.bob.sync()
    assert isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)


def test_sessions_are_begun_anew_rarely_and_with_known_devices_only(two: Two) -> None:
    assert not two.bob.machine.renew_session(ALICE, DeviceId("NOSUCH"))
    assert not two.bob.machine.renew_session(EVE, DeviceId("E"))
    assert not two.bob.machine.renew_session(BOB, DeviceId("B"))
    assert two.bob.machine.renew_session(ALICE, DeviceId("A"))
    assert not two.bob.machine.renew_session(ALICE, DeviceId("A")), "it is on its way"
    two.bob.work()
    assert not two.bob.machine.renew_session(ALICE, DeviceId("A")), "it was made less than an hour ago"
    two.clock.pass_ms(3_700_000)
    assert two.bob.machine.renew_session(ALICE, DeviceId("A"))


def test_a_device_without_one_time_keys_is_tried_again_later(two: Two) -> None:
    two.server.one_time.pop(two.alice.who)
    two.server.fallback.pop(two.alice.who, None)
    assert two.bob.machine.renew_session(ALICE, DeviceId("A"))
    two.bob.work()
    assert not two.bob.machine._receiver.claims(), "it rests"
    two.clock.pass_ms(60_000)
    (claim,) = two.bob.machine._receiver.claims()
    assert isinstance(claim, KeysClaim)


@pytest.fixture(params=["memory", "sql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CryptoStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    database = Database.open(tmp_path / "a.db", b"d" * 32, MIGRATIONS)
    yield SqlCryptoStore(database)
    database.close()


def test_the_memory_of_opened_messages_is_limited(store: CryptoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "OLM_SEEN", 3)
    monkeypatch.setattr(sql, "OLM_SEEN", 3)
    for name in ("a", "b", "c", "d"):
        store.save_olm_seen(name)
    assert [store.olm_seen(name) for name in ("a", "b", "c", "d")] == [False, True, True, True]
    store.save_olm_seen("d")
    assert store.olm_seen("b")
