"""Two and more devices talk through an in-memory key server: sharing, rotation, late keys, replay, binding."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.key_server import FakeClock, KeyServer, Party, rules_for
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.outbound import NotPrepared
from welink_desktop.adapters.matrix.crypto.records import Decrypted, SendToDevice, Source
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.errors import EncryptionRefused
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

ROOM = RoomId("!room")
ALICE, BOB, CAROL = UserId("@alice:x"), UserId("@bob:x"), UserId("@carol:x")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Stores:
    """Makes a store per device; `sql` ones are files."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        self.open: list[Database] = []
        self._shared: Party | None = None

    def shared(self, make: Callable[[], Party]) -> Party:
        """One party for all examples of a test."""
        if self._shared is None:
            self._shared = make()
        return self._shared

    def make(self) -> CryptoStore:
        if self._kind == "memory":
            return MemoryStore()
        self.open.append(Database.open(self._folder / f"{len(self.open)}.db", b"d" * 32, MIGRATIONS))
        return SqlCryptoStore(self.open[-1])


class TestServer(KeyServer):
    __test__ = False

    def __init__(self, stores: Stores) -> None:
        super().__init__()
        self.stores = stores


@pytest.fixture(params=["memory", "sql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestServer]:
    stores = Stores(request.param, tmp_path)
    yield TestServer(stores)
    for database in stores.open:
        database.close()


def party(server: TestServer, clock: FakeClock, user: UserId, device: str = "") -> Party:
    name = DeviceId(device or user[1:].partition(":")[0].upper())
    return Party(server, CryptoMachine(user, name, server.stores.make(), b"k" * 32, clock))


def reason(result: object) -> UndecryptableReason:
    assert isinstance(result, Undecryptable), result
    return result.reason


def body(result: object) -> str:
    assert isinstance(result, Decrypted), result
    return str(result.content["body"])


def test_a_message_reaches_the_other_side_as_authentic(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "你好", event="$1")
    news = bob.sync()
    assert news.room_keys == [(ROOM, event["content"]["session_id"])]
    result = bob.machine.decrypt(ROOM, event)
    assert body(result) == "你好"
    assert isinstance(result, Decrypted)
    assert result.shield is Shield.AUTHENTIC
    assert (result.sender_device, result.index) == ("ALICE", 0)


def test_we_read_our_own_messages(server: TestServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE)
    event = alice.say(rules_for(ROOM, ALICE), "note", event="$1")
    assert body(alice.machine.decrypt(ROOM, event)) == "note"


def test_our_other_devices_get_the_key(server: TestServer, clock: FakeClock) -> None:
    alice, phone = party(server, clock, ALICE), party(server, clock, ALICE, "PHONE")
    alice.sync()
    event = alice.say(rules_for(ROOM, ALICE), "note", event="$1")
    phone.sync()
    assert body(phone.machine.decrypt(ROOM, event)) == "note"


def test_a_key_is_shared_only_once_and_a_joiner_gets_it_from_now_on(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    rules = rules_for(ROOM, ALICE, BOB)
    first = alice.say(rules, "one", event="$1")
    alice.say(rules, "two", event="$2")
    bob.sync()
    sent = [one for one in server.asked if isinstance(one, SendToDevice)]
    assert len(sent) == 1
    carol = party(server, clock, CAROL)
    alice.sync()
    third = alice.say(rules_for(ROOM, ALICE, BOB, CAROL), "three", event="$3")
    carol.sync()
    assert third["content"]["session_id"] == first["content"]["session_id"]
    assert body(carol.machine.decrypt(ROOM, third)) == "three"
    assert reason(carol.machine.decrypt(ROOM, first)) is UndecryptableReason.KEY_MISSING


def test_leaving_starts_a_new_session_that_the_leaver_never_sees(server: TestServer, clock: FakeClock) -> None:
    alice, bob, carol = (party(server, clock, user) for user in (ALICE, BOB, CAROL))
    first = alice.say(rules_for(ROOM, ALICE, BOB, CAROL), "all", event="$1")
    second = alice.say(rules_for(ROOM, ALICE, BOB), "two of us", event="$2")
    bob.sync()
    carol.sync()
    assert first["content"]["session_id"] != second["content"]["session_id"]
    assert body(bob.machine.decrypt(ROOM, second)) == "two of us"
    assert reason(carol.machine.decrypt(ROOM, second)) is UndecryptableReason.KEY_LATE


def test_a_removed_device_starts_a_new_session(server: TestServer, clock: FakeClock) -> None:
    alice, _ = party(server, clock, ALICE), party(server, clock, BOB, "OLD")
    party(server, clock, BOB, "NEW")
    rules = rules_for(ROOM, ALICE, BOB)
    first = alice.say(rules, "both", event="$1")
    del server.devices[BOB]["OLD"]
    server.announce(BOB)
    alice.sync()
    second = alice.say(rules, "one", event="$2")
    assert first["content"]["session_id"] != second["content"]["session_id"]


@pytest.mark.parametrize(("messages", "ms"), [(3, None), (None, 3_600_000)])
def test_count_and_time_end_a_session(server: TestServer, clock: FakeClock, messages: int | None, ms: int | None) -> None:
    alice = party(server, clock, ALICE)
    rules = rules_for(ROOM, ALICE, rotation_messages=messages, rotation_ms=ms)
    sessions = []
    for number in range(4):
        sessions.append(alice.say(rules, "x", event=f"${number}")["content"]["session_id"])
        if ms:
            clock.pass_ms(ms // 3)
    assert sessions[0] == sessions[1] == sessions[2] != sessions[3]


@pytest.mark.parametrize("change", [{"shared_history": True}, {"rotation_messages": 7}])
def test_changed_rules_end_a_session(server: TestServer, clock: FakeClock, change: dict[str, object]) -> None:
    alice = party(server, clock, ALICE)
    first = alice.say(rules_for(ROOM, ALICE), "x", event="$1")
    second = alice.say(dataclasses.replace(rules_for(ROOM, ALICE), **change), "x", event="$2")  # type: ignore[arg-type]  # a table of changes
    assert first["content"]["session_id"] != second["content"]["session_id"]


def test_nothing_is_encrypted_without_a_session_or_for_an_unknown_algorithm(server: TestServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE)
    with pytest.raises(NotPrepared):
        alice.machine.encrypt(ROOM, "m.room.message", {})
    with pytest.raises(EncryptionRefused):
        alice.machine.share_room_key(rules_for(ROOM, ALICE, algorithm="m.future"))
    alice.say(rules_for(ROOM, ALICE), "x", event="$1")
    alice.machine.end_session(ROOM)
    with pytest.raises(NotPrepared):
        alice.machine.encrypt(ROOM, "m.room.message", {})


def test_a_late_key_makes_the_message_readable(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "early", event="$1")
    early = bob.machine.decrypt(ROOM, event)
    assert reason(early) is UndecryptableReason.KEY_LATE
    assert isinstance(early, Undecryptable)
    assert early.curable
    assert bob.sync().room_keys == [(ROOM, event["content"]["session_id"])]
    assert body(bob.machine.decrypt(ROOM, event)) == "early"


def test_the_relation_is_copied_to_the_clear_part(server: TestServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE)
    alice.share(rules_for(ROOM, ALICE))
    relation = {"rel_type": "m.replace", "event_id": "$0"}
    content = alice.machine.encrypt(ROOM, "m.room.message", {"body": "x", "m.relates_to": relation})
    assert content["m.relates_to"] == relation
    assert set(content) == {"algorithm", "ciphertext", "session_id", "sender_key", "device_id", "m.relates_to"}


def test_reading_again_is_fine_but_another_event_with_the_same_index_is_a_replay(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "once", event="$1")
    bob.sync()
    assert body(bob.machine.decrypt(ROOM, event)) == "once"
    assert body(bob.machine.decrypt(ROOM, event)) == "once"
    assert reason(bob.machine.decrypt(ROOM, {**event, "event_id": "$2"})) is UndecryptableReason.REPLAYED


def test_a_message_of_another_sender_is_not_shown(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "mine", event="$1")
    bob.sync()
    assert reason(bob.machine.decrypt(ROOM, {**event, "sender": CAROL})) is UndecryptableReason.SENDER_MISMATCH


def test_a_ciphertext_pasted_into_another_room_is_refused(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "here", event="$1")
    bob.sync()
    other = RoomId("!other")
    assert reason(bob.machine.decrypt(other, event)) is UndecryptableReason.KEY_LATE
    row = bob.machine._store.inbound(ROOM, event["content"]["session_id"])[0]
    bob.machine._store.save_inbound(dataclasses.replace(row, room=other))
    assert reason(bob.machine.decrypt(other, event)) is UndecryptableReason.WRONG_ROOM


def test_hints_in_the_event_have_no_vote(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "x", event="$1")
    bob.sync()
    lying = {**event, "content": {**event["content"], "sender_key": "nonsense", "device_id": "OTHER"}}
    result = bob.machine.decrypt(ROOM, lying)
    assert isinstance(result, Decrypted)
    assert result.sender_device == "ALICE"


@pytest.mark.parametrize("source", [Source.BACKUP, Source.FILE, Source.BUNDLE, Source.FORWARDED])
def test_keys_that_did_not_come_by_olm_prove_nothing(server: TestServer, clock: FakeClock, source: Source) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "x", event="$1")
    bob.sync()
    store = bob.machine._store
    store.save_inbound(dataclasses.replace(store.inbound(ROOM, event["content"]["session_id"])[0], source=source))
    bob.machine.forget()
    result = bob.machine.decrypt(ROOM, event)
    assert isinstance(result, Decrypted)
    assert result.shield is Shield.UNPROVEN


def test_somebody_else_with_our_session_key_does_not_take_the_messages_over(server: TestServer, clock: FakeClock) -> None:
    """Carol, who has Alice's session, sends it to Bob as hers before Alice's key arrives."""
    alice, bob, carol = (party(server, clock, user) for user in (ALICE, BOB, CAROL))
    event = alice.say(rules_for(ROOM, ALICE, BOB, CAROL), "x", event="$1")
    held_back = server.take(bob.who)
    session = alice.machine._store.outbound(ROOM)
    assert session is not None
    key = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": ROOM, "session_id": session.session, "session_key": session.first_key}
    carol.machine.track([BOB])
    carol.work()
    target = carol.machine.devices_named([(BOB, DeviceId("BOB"))])
    for claim in carol.machine.device_claims(target):
        carol.machine.request_done(claim, server.answer(carol.who, claim))
    carol.machine.encrypt_to_devices("m.room_key", [(target[0], key)])
    carol.work()
    bob.sync()
    assert reason(bob.machine.decrypt(ROOM, event)) is UndecryptableReason.SENDER_MISMATCH
    server.queues[bob.who] = held_back
    bob.sync()
    result = bob.machine.decrypt(ROOM, event)
    assert isinstance(result, Decrypted)
    assert result.sender_device == "ALICE"


def test_a_device_without_one_time_keys_is_told_so_once(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    server.one_time[bob.who] = {}
    server.fallback.pop(bob.who)
    rules = rules_for(ROOM, ALICE, BOB)
    event = alice.say(rules, "x", event="$1")
    alice.say(rules, "y", event="$2")
    withheld = server.take(bob.who)
    assert [(one["type"], one["content"]["code"]) for one in withheld] == [("m.room_key.withheld", "m.no_olm")]
    server.queues[bob.who] = withheld
    server.one_time[alice.who].clear()
    server.fallback.pop(alice.who)
    bob.machine.track([ALICE])
    bob.work()
    bob.sync()
    assert reason(bob.machine.decrypt(ROOM, event)) is UndecryptableReason.WITHHELD_NO_CHANNEL


def test_after_no_channel_the_other_side_opens_one(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    bob.machine.track([ALICE])
    bob.work()
    server.one_time[bob.who] = {}
    fallback = server.fallback.pop(bob.who)
    rules = rules_for(ROOM, ALICE, BOB)
    alice.say(rules, "x", event="$1")
    server.fallback[bob.who] = fallback
    bob.sync()
    alice.sync()
    event = alice.say(rules, "y", event="$2")
    bob.sync()
    assert body(bob.machine.decrypt(ROOM, event)) == "y"


def test_withheld_codes_explain_and_a_later_key_still_counts(server: TestServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE), party(server, clock, BOB)
    event = alice.say(rules_for(ROOM, ALICE, BOB), "x", event="$1")
    session = event["content"]["session_id"]
    keys = server.take(bob.who)
    for code, expected in {
        "m.unverified": UndecryptableReason.WITHHELD_UNVERIFIED,
        "m.blacklisted": UndecryptableReason.WITHHELD_BLOCKED,
        "m.unauthorised": UndecryptableReason.WITHHELD_UNAUTHORISED,
        "io.element.msc4268.history_not_shared": UndecryptableReason.SENT_BEFORE_JOIN,
    }.items():
        content = {"algorithm": "m.megolm.v1.aes-sha2", "code": code, "room_id": ROOM, "session_id": session, "sender_key": "k"}
        news = bob.machine.receive_to_device({"type": "m.room_key.withheld", "sender": ALICE, "content": content})
        assert news.withheld == [(ROOM, session)]
        assert reason(bob.machine.decrypt(ROOM, event)) is expected
    server.queues[bob.who] = keys
    bob.sync()
    assert body(bob.machine.decrypt(ROOM, event)) == "x"


def test_many_devices_are_served_in_batches(server: TestServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE)
    people = [UserId(f"@p{number}:x") for number in range(130)]
    for person in people:
        Party(server, CryptoMachine(person, DeviceId("D"), MemoryStore(), b"k" * 32, clock))
    server.asked.clear()
    alice.say(rules_for(ROOM, ALICE, *people), "x", event="$1")
    sizes = [len(one.devices) for one in server.asked if isinstance(one, SendToDevice)]
    assert sizes == [100, 30]


def test_no_secret_shows_in_a_repr(server: TestServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE)
    alice.say(rules_for(ROOM, ALICE), "x", event="$1")
    store = alice.machine._store
    outbound, account = store.outbound(ROOM), store.account()
    assert outbound is not None
    assert account is not None
    shown = repr((outbound, account, store.inbound(ROOM, outbound.session)))
    assert outbound.first_key not in shown
    assert outbound.pickle not in shown
    assert account.pickle not in shown


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"content": None},
        {"content": {}},
        {"content": {"algorithm": "m.megolm.v1.aes-sha2"}},
        {"content": {"algorithm": "m.megolm.v1.aes-sha2", "session_id": 5, "ciphertext": "x"}},
        {"content": {"algorithm": ["m.megolm.v1.aes-sha2"], "session_id": "s", "ciphertext": "x"}},
        {"event_id": None},
        {"sender": 7},
        {"origin_server_ts": "now", "content": {"algorithm": "m.megolm.v1.aes-sha2", "session_id": "s", "ciphertext": "x"}},
    ],
)
def test_a_malformed_event_is_undecryptable_and_raises_nothing(
    server: TestServer, clock: FakeClock, broken: dict[str, object]
) -> None:
    bob = party(server, clock, BOB)
    event = {"type": "m.room.encrypted", "event_id": "$1", "sender": ALICE, "content": {}, **broken}
    assert isinstance(bob.machine.decrypt(ROOM, event), Undecryptable)


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries({"event_id": HOSTILE, "sender": HOSTILE, "origin_server_ts": HOSTILE}),
    st.fixed_dictionaries(
        {"algorithm": st.just("m.megolm.v1.aes-sha2"), "session_id": HOSTILE, "ciphertext": HOSTILE, "device_id": HOSTILE}
    ),
)
def test_hostile_events_never_raise(
    server: TestServer, clock: FakeClock, event: dict[str, object], content: dict[str, object]
) -> None:
    bob = server.stores.shared(lambda: party(server, clock, BOB))
    assert isinstance(bob.machine.decrypt(ROOM, {**event, "content": content}), Undecryptable)
    news = bob.machine.receive_to_device({"type": "m.room_key.withheld", "sender": event["sender"], "content": content})
    assert not news.room_keys


@pytest.mark.parametrize("kind", ["m.room_key", "m.room.encrypted", "m.dummy", "m.secret.request"])
def test_forbidden_types_inside_a_room_message_are_refused(server: TestServer, clock: FakeClock, kind: str) -> None:
    alice = party(server, clock, ALICE)
    alice.share(rules_for(ROOM, ALICE))
    content = alice.machine.encrypt(ROOM, kind, {"a": 1})
    event = {"event_id": "$1", "sender": ALICE, "content": json.loads(json.dumps(content))}
    assert reason(alice.machine.decrypt(ROOM, event)) is UndecryptableReason.DAMAGED
