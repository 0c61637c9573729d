"""To-device messages: every check of §8.3, the allowed cells of §8.9, broken sessions, unknown devices."""

import copy
import dataclasses
import json

import pytest
import vodozemac
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.key_server import FakeClock, KeyServer, Party, rules_for
from welink_desktop.adapters.matrix.crypto.canonical import encode
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.records import OLM, Decrypted, Device, JsonObject, KeysClaim, News, SendToDevice
from welink_desktop.core.ids import DeviceId, RoomId, UserId

ROOM = RoomId("!room")
ALICE, BOB, EVE = UserId("@alice:x"), UserId("@bob:x"), UserId("@eve:x")
CALL = "io.element.call.encryption_keys"


def party(server: KeyServer, clock: FakeClock, user: UserId, device: str = "", store: MemoryStore | None = None) -> Party:
    name = DeviceId(device or user[1].upper())
    return Party(server, CryptoMachine(user, name, store or MemoryStore(), b"k" * 32, clock))


class Two:
    """Alice and Bob, who know each other's devices."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.server = KeyServer()
        self.alice = party(self.server, self.clock, ALICE)
        self.bob = party(self.server, self.clock, BOB)
        for one, other in ((self.alice, BOB), (self.bob, ALICE)):
            one.machine.track([other])
            one.work()

    def device(self, of: Party, at: Party) -> Device:
        (found,) = at.machine.devices_named([(of.machine.user, of.machine.device)])
        return found

    def sealed(self, sender: Party, target: Party, kind: str, content: JsonObject) -> JsonObject:
        """A to-device event from one to the other, taken from the wire."""
        device = self.device(target, sender)
        for claim in sender.machine.device_claims([device]):
            sender.machine.request_done(claim, self.server.answer(sender.who, claim))
        (request,) = sender.machine.encrypt_to_devices(kind, [(device, content)])
        sender.machine.request_done(request, {})
        sealed = json.loads(json.dumps(request.body["messages"][target.machine.user][target.machine.device]))
        return {"type": "m.room.encrypted", "sender": sender.machine.user, "content": sealed}

    def forged(self, kind: str = CALL, *, by: Party | None = None, **changes: object) -> JsonObject:
        """An Olm message to Bob whose plaintext its sender changed by hand; None takes a field away."""
        sender = by or self.alice
        device = self.device(self.bob, sender)
        for claim in sender.machine.device_claims([device]):
            sender.machine.request_done(claim, self.server.answer(sender.who, claim))
        store, account = sender.machine._store, sender.machine._account
        row = store.olm_sessions(device.curve25519)[-1]
        plain = {
            "type": kind,
            "content": {"a": 1},
            "sender": account.user,
            "recipient": device.user,
            "recipient_keys": {"ed25519": device.ed25519},
            "keys": {"ed25519": account.ed25519},
            "sender_device_keys": account.device_keys,
            **changes,
        }
        session = vodozemac.Session.from_pickle(row.pickle, b"k" * 32)
        shown = {key: part for key, part in plain.items() if part is not None}
        number, body = session.encrypt(json.dumps(shown).encode()).to_parts()
        store.save_olm_session(dataclasses.replace(row, pickle=session.pickle(b"k" * 32)))
        ciphertext = {device.curve25519: {"type": number, "body": encode(body)}}
        content = {"algorithm": OLM, "sender_key": account.curve25519, "ciphertext": ciphertext}
        return {"type": "m.room.encrypted", "sender": account.user, "content": content}


@pytest.fixture
def two() -> Two:
    return Two()


def kinds(news: News) -> list[str]:
    return [event.type for event in news.to_device]


def test_a_message_is_passed_on_with_its_proved_sender(two: Two) -> None:
    news = two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {"key": 1}))
    (event,) = news.to_device
    assert (event.type, event.content, event.sender, event.sender_device) == (CALL, {"key": 1}, ALICE, "A")
    assert event.encrypted
    assert event.sender_key == two.alice.machine.keys["curve25519"]


def test_the_same_event_twice_has_one_effect(two: Two) -> None:
    first = two.sealed(two.alice, two.bob, CALL, {})
    second = two.sealed(two.alice, two.bob, CALL, {})
    assert kinds(two.bob.machine.receive_to_device(first)) == [CALL]
    assert kinds(two.bob.machine.receive_to_device(first)) == []
    assert kinds(two.bob.machine.receive_to_device(second)) == [CALL]
    assert kinds(two.bob.machine.receive_to_device(second)) == []
    assert not two.bob.machine._receiver.claims(), "a duplicate is no broken session"


def test_messages_may_arrive_out_of_order(two: Two) -> None:
    events = [two.sealed(two.alice, two.bob, CALL, {"n": number}) for number in range(5)]
    got = [two.bob.machine.receive_to_device(events[number]).to_device[0].content["n"] for number in (0, 3, 1, 4, 2)]
    assert got == [0, 3, 1, 4, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": EVE},
        {"sender": None},
        {"recipient": EVE},
        {"recipient": None},
        {"recipient_keys": {"ed25519": "other"}},
        {"recipient_keys": {}},
        {"recipient_keys": []},
        {"keys": {}},
        {"keys": None},
        {"keys": {"ed25519": "other"}, "sender_device_keys": None},
        {"keys": {"ed25519": 5}},
        {"type": 5},
        {"content": "text"},
    ],
)
def test_a_payload_with_a_wrong_identity_field_is_refused(two: Two, changes: dict[str, object]) -> None:
    two.bob.work()
    news = two.bob.machine.receive_to_device(two.forged(CALL, by=None, **changes))
    two.bob.work()
    assert not news.to_device
    assert not two.bob.news.to_device


def test_an_unchanged_payload_is_accepted_so_that_the_test_above_means_something(two: Two) -> None:
    assert kinds(two.bob.machine.receive_to_device(two.forged())) == [CALL]


def test_the_senders_name_on_the_envelope_must_be_the_one_inside(two: Two) -> None:
    event = two.sealed(two.alice, two.bob, CALL, {})
    assert not kinds(two.bob.machine.receive_to_device({**event, "sender": EVE}))


@pytest.mark.parametrize(
    "kind", ["m.room_key", "m.forwarded_room_key", "m.room_key_bundle", "m.secret.send", "m.dummy", CALL, "m.x"]
)
def test_what_must_not_come_in_clear(two: Two, kind: str) -> None:
    session = two.alice.say(rules_for(ROOM, ALICE), "x", event="$1")["content"]["session_id"]
    row = two.alice.machine._store.outbound(ROOM)
    assert row is not None
    content = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": ROOM, "session_id": session, "session_key": row.first_key}
    news = two.bob.machine.receive_to_device({"type": kind, "sender": ALICE, "content": content})
    assert (news.room_keys, news.to_device) == ([], [])


@pytest.mark.parametrize("kind", ["m.key.verification.request", "m.room_key_request", "m.secret.request"])
def test_what_may_come_in_clear(two: Two, kind: str) -> None:
    (event,) = two.bob.machine.receive_to_device({"type": kind, "sender": ALICE, "content": {"a": 1}}).to_device
    assert (event.type, event.encrypted, event.sender_device) == (kind, False, "")


def test_an_olm_message_inside_an_olm_message_is_dropped(two: Two) -> None:
    assert two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, "m.room.encrypted", {})) == News()


@pytest.mark.parametrize("kind", ["m.forwarded_room_key", "m.room_key_bundle", "m.secret.send"])
def test_what_needs_a_question_of_ours_only_goes_to_whoever_asked(two: Two, kind: str) -> None:
    news = two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, kind, {}))
    assert news.room_keys == []
    (event,) = news.to_device
    assert (event.type, event.encrypted, event.sender_device) == (kind, True, two.alice.machine.device)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"room_id": 5},
        {"room_id": ""},
        {"room_id": "!" + "x" * 300},
        {"room_id": ROOM},
        {"room_id": ROOM, "algorithm": "m.megolm.v1.aes-sha2", "session_id": "s", "session_key": "AAAA"},
    ],
)
def test_malformed_room_keys_are_dropped(two: Two, content: JsonObject) -> None:
    assert two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, "m.room_key", content)) == News()


def test_room_keys_of_one_user_cannot_be_brought_by_another(two: Two) -> None:
    """What Bob believes about a session is who delivered it, whatever the content says."""
    row_of = two.alice.say(rules_for(ROOM, ALICE), "x", event="$1")["content"]["session_id"]
    outbound = two.alice.machine._store.outbound(ROOM)
    assert outbound is not None
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": ROOM,
        "session_id": row_of,
        "session_key": outbound.first_key,
        "sender_key": "k",
        "sender": EVE,
    }
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, "m.room_key", content))
    (kept,) = two.bob.machine._store.inbound(ROOM, row_of)
    assert (kept.sender, kept.device) == (ALICE, "A")


def test_a_new_device_introduces_itself_in_its_message(two: Two) -> None:
    """MSC4147: the sender's device object comes along, so that its keys count before the list was fetched."""
    phone = party(two.server, two.clock, ALICE, "PHONE")
    phone.machine.track([BOB])
    phone.work()
    news = two.bob.machine.receive_to_device(two.sealed(phone, two.bob, CALL, {}))
    assert [(event.sender, event.sender_device) for event in news.to_device] == [(ALICE, "PHONE")]


def test_a_message_of_an_unknown_device_waits_for_the_device_list(two: Two) -> None:
    phone = party(two.server, two.clock, ALICE, "PHONE")
    phone.machine.track([BOB])
    phone.work()
    event = two.forged(by=phone, sender_device_keys=None)
    assert two.bob.machine.receive_to_device(event) == News()
    two.bob.news = News()
    two.bob.work()
    assert [(one.sender, one.sender_device) for one in two.bob.news.to_device] == [(ALICE, "PHONE")]


def test_a_message_of_a_device_that_the_list_does_not_show_is_dropped(two: Two) -> None:
    phone = party(two.server, two.clock, ALICE, "PHONE")
    phone.machine.track([BOB])
    phone.work()
    del two.server.devices[ALICE]["PHONE"]
    event = two.forged(by=phone, sender_device_keys=None)
    two.bob.machine.receive_to_device(event)
    two.bob.news = News()
    two.bob.work()
    assert not two.bob.news.to_device
    assert not two.bob.machine._store.held(ALICE)


@pytest.mark.parametrize("change", [{"user_id": BOB}, {"device_id": "X"}, {"keys": {}}, {"signatures": {}}])
def test_a_false_introduction_is_not_believed(two: Two, change: dict[str, object]) -> None:
    phone = party(two.server, two.clock, ALICE, "PHONE")
    phone.machine.track([BOB])
    phone.work()
    raw = copy.deepcopy(two.server.devices[ALICE].pop("PHONE"))
    event = two.forged(by=phone, sender_device_keys={**raw, **change})
    assert two.bob.machine.receive_to_device(event) == News()


def lose_sessions(who: Party) -> None:
    store = who.machine._store
    assert isinstance(store, MemoryStore)
    store._olm.clear()


def test_a_broken_session_is_renewed_once_per_hour_and_keys_are_sent_again(two: Two) -> None:
    rules = rules_for(ROOM, ALICE, BOB)
    event = two.bob.say(rules, "Bob's", event="$1")
    two.alice.sync()
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {}))
    lose_sessions(two.bob)
    first = two.sealed(two.alice, two.bob, CALL, {})
    two.bob.machine.receive_to_device(first)
    two.server.asked.clear()
    two.bob.work()
    sent = [one for one in two.server.asked if isinstance(one, SendToDevice)]
    assert len(sent) == 2, "m.dummy, and Bob's room key again"
    lose_sessions(two.alice)
    news = two.alice.sync()
    assert not news.to_device
    assert isinstance(two.alice.machine.decrypt(ROOM, event), Decrypted)
    lose_sessions(two.bob)
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {}))
    assert not two.bob.machine._receiver.claims(), "at most once per hour"
    two.clock.pass_ms(3_700_000)
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {}))
    assert two.bob.machine._receiver.claims()


def test_a_dummy_over_a_new_session_brings_our_room_key_again(two: Two) -> None:
    """Alice's store was set back: Bob cannot open her key; his m.dummy makes her send it again, from the first message on."""
    rules = rules_for(ROOM, ALICE, BOB)
    two.alice.machine.receive_to_device(two.sealed(two.bob, two.alice, CALL, {}))
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {}))
    store = two.alice.machine._store
    assert isinstance(store, MemoryStore)
    old = dict(store._olm)
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {}))
    lose_sessions(two.bob)
    store._olm = old
    two.clock.pass_ms(5_000)
    event = two.alice.say(rules, "unreadable at first", event="$1")
    two.bob.sync()
    assert not isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)
    two.alice.sync()
    two.bob.sync()
    assert isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)


def test_any_message_over_a_new_session_brings_our_room_key_again(two: Two) -> None:
    """Not every client sends a dummy after it began anew: its next message says the same."""
    rules = rules_for(ROOM, ALICE, BOB)
    two.alice.machine.receive_to_device(two.sealed(two.bob, two.alice, CALL, {}))
    two.bob.machine.receive_to_device(two.sealed(two.alice, two.bob, CALL, {}))
    event = two.alice.say(rules, "lost", event="$1")
    two.server.queues[(BOB, "B")].clear()
    lose_sessions(two.bob)
    two.clock.pass_ms(5_000)
    two.alice.machine.receive_to_device(two.sealed(two.bob, two.alice, CALL, {}))
    two.alice.work()
    two.bob.sync()
    assert isinstance(two.bob.machine.decrypt(ROOM, event), Decrypted)


def test_a_first_session_brings_no_room_key_again(two: Two) -> None:
    two.alice.say(rules_for(ROOM, ALICE, BOB), "hello", event="$1")
    two.server.asked.clear()
    two.alice.machine.receive_to_device(two.sealed(two.bob, two.alice, CALL, {}))
    two.alice.work()
    assert not any(isinstance(one, SendToDevice) for one in two.server.asked)


def test_no_session_is_renewed_for_strangers(two: Two) -> None:
    eve = party(two.server, two.clock, EVE)
    eve.machine.track([BOB])
    eve.work()
    event = two.sealed(eve, two.bob, CALL, {})
    event["content"]["ciphertext"][two.bob.machine.keys["curve25519"]]["type"] = 1
    two.bob.machine.receive_to_device(event)
    assert not two.bob.machine._receiver.claims()


def test_at_most_five_sessions_are_kept_per_device(two: Two) -> None:
    device = two.device(two.bob, two.alice)
    claim = KeysClaim((device,))
    for _ in range(8):
        two.clock.pass_ms(1)
        two.alice.machine.request_done(claim, two.server.answer(two.alice.who, claim))
    rows = two.alice.machine._store.olm_sessions(device.curve25519)
    assert len(rows) == 5
    assert min(row.created_ms for row in rows) > two.clock.now_ms() - 5


def test_nothing_is_sent_to_our_own_device_or_to_unknown_ones(two: Two) -> None:
    assert not two.alice.machine.devices_named([(ALICE, DeviceId("A")), (BOB, DeviceId("NOSUCH")), (EVE, DeviceId("E"))])


BROKEN: list[object] = [
    None,
    [],
    "x",
    {},
    {"type": "m.room.encrypted"},
    {"type": 5, "sender": ALICE, "content": {}},
    {"type": "m.room.encrypted", "sender": ALICE, "content": {"algorithm": "m.olm.v9"}},
    {"type": "m.room.encrypted", "sender": ALICE, "content": {"algorithm": OLM}},
    {"type": "m.room.encrypted", "sender": ALICE, "content": {"algorithm": OLM, "sender_key": "k", "ciphertext": []}},
    {"type": "m.room_key.withheld", "sender": ALICE, "content": {"code": "m.unknown"}},
    {"type": "m.room_key.withheld", "sender": ALICE, "content": {"code": ["m.no_olm"], "room_id": 5}},
    {"type": "m.room_key.withheld", "sender": ALICE, "content": {"code": "m.no_olm", "from_device": 5}},
]


@pytest.mark.parametrize("event", BROKEN)
def test_malformed_events_change_nothing(two: Two, event: object) -> None:
    assert two.bob.machine.receive_to_device(event) == News()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": 2, "body": "AAAA"},
        {"type": True, "body": "AAAA"},
        {"type": 0, "body": "!!"},
        {"type": 0},
        {"type": 1, "body": ""},
    ],
)
def test_malformed_ciphertexts_change_nothing(two: Two, body: object) -> None:
    event = two.sealed(two.alice, two.bob, CALL, {})
    event["content"]["ciphertext"][two.bob.machine.keys["curve25519"]] = body
    assert two.bob.machine.receive_to_device(event) == News()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.sampled_from(["m.room.encrypted", "m.room_key.withheld", "m.room_key", "m.key.verification.start", "__proto__", ""]),
    st.dictionaries(
        st.sampled_from(["algorithm", "sender_key", "ciphertext", "code", "room_id", "session_id", "from_device", "__proto__"]),
        JSON | st.just(OLM),
        max_size=6,
    ),
)
def test_hostile_content_never_raises(two: Two, kind: str, content: dict[str, object]) -> None:
    two.bob.machine.receive_to_device({"type": kind, "sender": ALICE, "content": content})
