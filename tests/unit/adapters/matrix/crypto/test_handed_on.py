"""Sessions that were handed on: they open messages, never prove anything, never push out what is proved (§8.4, §8.9 rule 15)."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac

from tests.support.key_server import FakeClock, KeyServer, Party, rules_for
from welink_desktop.adapters.matrix.crypto.canonical import decode, encode
from welink_desktop.adapters.matrix.crypto.exported import ExportedSession, exported, parse_exported, shared_history_in
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Decrypted, Inbound, Source
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

ROOM, OTHER = RoomId("!room"), RoomId("!other")
ALICE, BOB, EVE = UserId("@alice:x"), UserId("@bob:x"), UserId("@eve:x")
HANDED_ON = [Source.FORWARDED, Source.BUNDLE, Source.BACKUP, Source.FILE]
SESSION = "b1JtgbvZ9k2NlEhJP0h9oh0nnLSI+cUfGEaSZBepm+A"
EXPORTED_AT_1 = (
    "AQAAAAGOaflWy+YikNJ2FkF6zkR9MJCZQp2ZveF4kyJ9AH+YxNQ4rLRrPLkwwf6NOWflqCTzvuljhSBifkp2LcakpvRiBfZ2hLqDFl0mFt1x1y/k0MFPh5c"
    "nHpLiRuom+rBCCsvfWzSS/u4Ptyt8DJ5NMzUj6SGf9R84iLUJAXdnH/V3Ym9SbYG72fZNjZRIST9IfaIdJ5y0iPnFHxhGkmQXqZvg"
)


@pytest.fixture(params=["memory", "sql"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], CryptoStore]]:
    opened: list[Database] = []

    def make() -> CryptoStore:
        if request.param == "memory":
            return MemoryStore()
        opened.append(Database.open(tmp_path / f"{len(opened)}.db", b"d" * 32, MIGRATIONS))
        return SqlCryptoStore(opened[-1])

    yield make
    for database in opened:
        database.close()


class Two:
    """Alice writes, Bob reads; `events` were written before Bob got any key."""

    def __init__(self, make_store: Callable[[], CryptoStore]) -> None:
        self.clock, self.server = FakeClock(), KeyServer()
        self.alice = Party(self.server, CryptoMachine(ALICE, DeviceId("A"), make_store(), b"k" * 32, self.clock))
        self.bob = Party(self.server, CryptoMachine(BOB, DeviceId("B"), make_store(), b"k" * 32, self.clock))
        self.bob.machine.track([ALICE])
        self.bob.work()
        self.events = [self.alice.say(rules_for(ROOM, ALICE), f"text {n}", event=f"${n}") for n in range(3)]

    @property
    def row(self) -> Inbound:
        (row,) = self.alice.machine.sessions(ROOM)
        return row

    def given(self, *, index: int = 0, **changes: Any) -> ExportedSession:
        content = exported(self.row, b"k" * 32, index=index)
        parsed = parse_exported(content)
        assert parsed is not None
        return dataclasses.replace(parsed, **changes)

    def proved(self) -> None:
        """Bob gets the session by Olm, from the message on that comes next."""
        self.alice.share(rules_for(ROOM, ALICE, BOB))
        self.bob.sync()

    def read(self, number: int) -> Decrypted | Undecryptable:
        return self.bob.machine.decrypt(ROOM, self.events[number])


@pytest.fixture
def two(make_store: Callable[[], CryptoStore]) -> Two:
    return Two(make_store)


def shield(result: Decrypted | Undecryptable) -> Shield:
    assert isinstance(result, Decrypted), result
    return result.shield


@pytest.mark.parametrize("source", HANDED_ON)
def test_it_opens_messages_and_proves_nothing(two: Two, source: Source) -> None:
    assert two.bob.machine.take_session(two.given(), source) == two.row.session
    assert [shield(two.read(number)) for number in range(3)] == [Shield.UNPROVEN] * 3


def test_it_cannot_claim_to_be_proved(two: Two) -> None:
    assert two.bob.machine.take_session(two.given(), Source.OLM) is None


@pytest.mark.parametrize("source", HANDED_ON)
def test_the_proved_key_that_comes_later_counts_and_keeps_the_longer_reach(two: Two, source: Source) -> None:
    two.bob.machine.take_session(two.given(index=1), source)
    two.proved()
    late = two.alice.say(rules_for(ROOM, ALICE, BOB), "late", event="$late")
    assert shield(two.bob.machine.decrypt(ROOM, late)) is Shield.AUTHENTIC
    assert shield(two.read(1)) is Shield.AUTHENTIC, "the same ratchet, so the same proof"
    assert isinstance(two.read(0), Undecryptable)


@pytest.mark.parametrize("source", HANDED_ON)
def test_it_lets_a_proved_one_reach_further_back(two: Two, source: Source) -> None:
    two.proved()
    assert isinstance(two.read(1), Undecryptable)
    assert two.bob.machine.take_session(two.given(sender_key="", sender_ed25519=""), source) is not None
    assert shield(two.read(0)) is Shield.AUTHENTIC
    (row,) = two.bob.machine.sessions(ROOM)
    assert (row.source, row.sender, row.device, row.first_index) == (Source.OLM, ALICE, "A", 0)


def test_a_worse_copy_changes_nothing(two: Two) -> None:
    two.bob.machine.take_session(two.given(), Source.BACKUP)
    assert two.bob.machine.take_session(two.given(index=2), Source.BUNDLE) is None
    assert two.bob.machine.sessions(ROOM)[0].first_index == 0


@pytest.mark.parametrize("source", HANDED_ON)
def test_another_ratchet_under_the_same_name_never_replaces_a_proved_one(two: Two, source: Source) -> None:
    """Whoever knows the signing key's public half can write such an export; it must not take the place of the real one."""
    two.proved()
    content = exported(two.row, b"k" * 32, index=0)
    assert content is not None
    raw = bytearray(decode(content["session_key"]))
    raw[10] ^= 1
    forged = dataclasses.replace(two.given(), key=encode(bytes(raw)))
    assert two.bob.machine.take_session(forged, source) is None
    late = two.alice.say(rules_for(ROOM, ALICE, BOB), "late", event="$late")
    assert shield(two.bob.machine.decrypt(ROOM, late)) is Shield.AUTHENTIC


def test_a_forged_copy_that_came_first_gives_way_to_the_proved_one(two: Two) -> None:
    content = exported(two.row, b"k" * 32, index=0)
    assert content is not None
    raw = bytearray(decode(content["session_key"]))
    raw[10] ^= 1
    two.bob.machine.take_session(dataclasses.replace(two.given(), key=encode(bytes(raw))), Source.BUNDLE)
    two.proved()
    late = two.alice.say(rules_for(ROOM, ALICE, BOB), "late", event="$late")
    assert shield(two.bob.machine.decrypt(ROOM, late)) is Shield.AUTHENTIC


def test_its_claimed_device_decides_whose_messages_it_may_open(two: Two) -> None:
    two.bob.machine.take_session(two.given(), Source.BUNDLE)
    forged = {**two.events[0], "sender": EVE}
    result = two.bob.machine.decrypt(ROOM, forged)
    assert isinstance(result, Undecryptable) and result.reason is UndecryptableReason.SENDER_MISMATCH


def test_a_claim_of_an_unknown_device_still_opens_unproven(two: Two) -> None:
    two.bob.machine.take_session(two.given(sender_key="", sender_ed25519=""), Source.BUNDLE)
    assert shield(two.read(0)) is Shield.UNPROVEN


@pytest.mark.parametrize("changes", [{"session": "other"}, {"key": "AAAA"}, {"key": "%"}, {"key": ""}])
def test_malformed_sessions_are_refused(two: Two, changes: dict[str, Any]) -> None:
    assert two.bob.machine.take_session(two.given(**changes), Source.BACKUP) is None
    assert not two.bob.machine.sessions(ROOM)


def test_it_belongs_to_its_room(two: Two) -> None:
    two.bob.machine.take_session(two.given(room=OTHER), Source.BUNDLE)
    assert isinstance(two.read(0), Undecryptable)
    result = two.bob.machine.decrypt(OTHER, two.events[0])
    assert isinstance(result, Undecryptable) and result.reason is UndecryptableReason.WRONG_ROOM


def test_the_export_of_the_vectors_is_read() -> None:
    raw = {"algorithm": MEGOLM, "room_id": ROOM, "session_id": SESSION, "session_key": EXPORTED_AT_1}
    given = parse_exported(raw)
    assert given is not None and given.shared_history is None
    machine = CryptoMachine(BOB, DeviceId("B"), MemoryStore(), b"k" * 32, FakeClock())
    assert machine.take_session(given, Source.FILE) == SESSION
    (row,) = machine.sessions(ROOM)
    assert row.first_index == 1
    content = machine.exported(row)
    assert content is not None and content["session_key"] == EXPORTED_AT_1


def test_an_export_does_not_reach_further_back_than_we_do(two: Two) -> None:
    two.bob.machine.take_session(two.given(index=2), Source.BACKUP)
    (row,) = two.bob.machine.sessions(ROOM)
    assert exported(row, b"k" * 32, index=1) is None


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"algorithm": "m.other", "room_id": ROOM, "session_id": "s", "session_key": "k"},
        {"algorithm": MEGOLM, "room_id": 5, "session_id": "s", "session_key": "k"},
        {"algorithm": MEGOLM, "room_id": ROOM, "session_id": "\ud800", "session_key": "k"},
        {"algorithm": MEGOLM, "room_id": ROOM, "session_id": "s", "session_key": None},
    ],
)
def test_malformed_exports(raw: object) -> None:
    assert parse_exported(raw) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, None),
        ({"m.shared_history": True}, True),
        ({"m.shared_history": "yes"}, None),
        ({"org.matrix.msc3061.shared_history": True}, True),
        ({"m.shared_history": False, "org.matrix.msc3061.shared_history": True}, False),
    ],
)
def test_the_flag_of_shared_history(raw: dict[str, Any], expected: bool | None) -> None:
    assert shared_history_in(raw) is expected


def test_a_session_that_was_handed_on_shows_no_key_in_words(two: Two) -> None:
    given = two.given()
    assert given.key not in repr(given)


def test_a_message_that_this_store_never_wrote_ends_the_session(two: Two) -> None:
    """The store is an old copy: the same index must not be used for a second message."""
    row = two.alice.machine._store.outbound(ROOM)
    assert row is not None
    opened = vodozemac.GroupSession.from_pickle(row.pickle, b"k" * 32)
    two.alice.machine._store.save_outbound(dataclasses.replace(row, messages=1, pickle=opened.pickle(b"k" * 32)))
    two.alice.machine.decrypt(ROOM, two.events[0])
    assert two.alice.machine.is_usable(ROOM)
    two.alice.machine.decrypt(ROOM, two.events[2])
    assert not two.alice.machine.is_usable(ROOM)
