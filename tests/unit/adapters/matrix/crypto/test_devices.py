"""Device lists: what is fetched, what is believed (matrix.md §8.1, §8.2; §8.9 rules 1, 11-13)."""

import copy
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.key_server import CURVE, FakeClock, KeyServer, Party, rules_for
from welink_desktop.adapters.matrix.crypto.canonical import encode, signed_part
from welink_desktop.adapters.matrix.crypto.devices import parse_device
from welink_desktop.adapters.matrix.crypto.identities import Published, published_identity
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.records import Decrypted, KeysClaim, KeysQuery, KeysUpload
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Shield

ROOM = RoomId("!room")
ALICE, BOB = UserId("@alice:x"), UserId("@bob:x")
FAR = UserId("@far:elsewhere")


def party(server: KeyServer, clock: FakeClock, user: UserId, device: str) -> Party:
    return Party(server, CryptoMachine(user, DeviceId(device), MemoryStore(), b"k" * 32, clock))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


def object_of(server: KeyServer, user: UserId, device: str) -> dict[str, Any]:
    return copy.deepcopy(server.devices[user][device])


def test_a_proper_device_is_taken(server: KeyServer, clock: FakeClock) -> None:
    party(server, clock, BOB, "D")
    raw = object_of(server, BOB, "D")
    raw["unsigned"] = {"device_display_name": "Bob's laptop"}
    device = parse_device(BOB, DeviceId("D"), raw)
    assert device is not None
    assert (device.user, device.device, device.name) == (BOB, "D", "Bob's laptop")


def broken_devices() -> list[tuple[str, Any]]:
    def with_(path: tuple[str, ...], value: object) -> Any:
        def change(raw: dict[str, Any]) -> None:
            target = raw
            for part in path[:-1]:
                target = target[part]
            target[path[-1]] = value

        return change

    return [
        ("another user inside", with_(("user_id",), "@eve:x")),
        ("another device inside", with_(("device_id",), "E")),
        ("no keys", with_(("keys",), {})),
        ("keys are a list", with_(("keys",), [])),
        ("key ids of another device", with_(("keys",), {"curve25519:E": "x", "ed25519:E": "y"})),
        ("curve key is no key", with_(("keys", "curve25519:D"), "short")),
        ("another ed25519 key", with_(("keys", "ed25519:D"), encode(b"z" * 32))),
        ("another curve25519 key", with_(("keys", "curve25519:D"), encode(b"z" * 32))),
        ("signature missing", with_(("signatures",), {})),
        ("signature of another key", with_(("signatures", "@bob:x"), {"ed25519:E": "x"})),
        ("added field", with_(("extra",), True)),
        ("float", with_(("extra",), 1.5)),
    ]


@pytest.mark.parametrize(("why", "change"), broken_devices(), ids=[why for why, _ in broken_devices()])
def test_a_broken_device_does_not_exist(server: KeyServer, clock: FakeClock, why: str, change: Any) -> None:
    party(server, clock, BOB, "D")
    raw = object_of(server, BOB, "D")
    change(raw)
    assert parse_device(BOB, DeviceId("D"), raw) is None, why


@pytest.mark.parametrize(
    "raw", [None, [], "x", {}, {"user_id": BOB, "device_id": "D", "keys": {"ed25519:D": 1, "curve25519:D": 2}}]
)
def test_what_is_no_device(raw: object) -> None:
    assert parse_device(BOB, DeviceId("D"), raw) is None


def test_new_keys_under_an_old_id_are_not_taken_over_and_get_no_key(server: KeyServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE, "A"), party(server, clock, BOB, "D")
    rules = rules_for(ROOM, ALICE, BOB)
    alice.say(rules, "one", event="$1")
    bob.sync()
    old = alice.machine.devices_of(BOB)[0]
    impostor = party(server, clock, BOB, "D")
    alice.sync()
    (kept,) = alice.machine.devices_of(BOB)
    assert (kept.curve25519, kept.ed25519, kept.keys_changed) == (old.curve25519, old.ed25519, True)
    event = alice.say(rules, "two", event="$2")
    news = impostor.sync()
    assert not news.room_keys
    assert not isinstance(impostor.machine.decrypt(ROOM, event), Decrypted)


def test_a_device_that_disappeared_may_come_back_with_new_keys(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    party(server, clock, BOB, "D")
    alice.machine.track([BOB])
    alice.work()
    server.devices[BOB] = {}
    server.announce(BOB)
    alice.sync()
    assert not alice.machine.devices_of(BOB)
    party(server, clock, BOB, "D")
    alice.sync()
    (device,) = alice.machine.devices_of(BOB)
    assert not device.keys_changed


def test_a_curve_key_of_somebody_else_is_refused(server: KeyServer, clock: FakeClock) -> None:
    """Eve shows Bob's curve25519 key in a device of her own, properly signed by herself."""
    alice = party(server, clock, ALICE, "A")
    party(server, clock, BOB, "D")
    alice.machine.track([BOB])
    alice.work()
    eve, private = UserId("@eve:x"), Ed25519PrivateKey.generate()
    public = encode(private.public_key().public_bytes_raw())
    stolen = object_of(server, BOB, "D")["keys"]["curve25519:D"]
    raw = {"user_id": eve, "device_id": "E", "algorithms": [], "keys": {"curve25519:E": stolen, "ed25519:E": public}}
    server.devices[eve] = {"E": {**raw, "signatures": {eve: {"ed25519:E": encode(private.sign(signed_part(raw)))}}}}
    alice.machine.track([eve])
    alice.work()
    assert not alice.machine.devices_of(eve)
    assert len(alice.machine.devices_of(BOB)) == 1


def test_our_own_device_with_other_keys_is_not_believed(
    server: KeyServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    alice = party(server, clock, ALICE, "A")
    alice.machine.receive_sync(changed=[ALICE])
    alice.work()
    keys = dict(alice.machine.keys)
    party(server, clock, BOB, "D")
    server.devices[ALICE]["A"] = CryptoMachine(ALICE, DeviceId("A"), MemoryStore(), b"k" * 32, clock)._account.device_keys
    server.announce(ALICE)
    alice.sync()
    assert alice.machine.keys == keys
    assert not alice.machine.devices_of(ALICE)
    assert "the server shows other keys for this device" in caplog.text


def test_users_that_were_not_asked_for_are_ignored(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    party(server, clock, BOB, "D")
    query = KeysQuery({ALICE: 0})
    alice.machine.request_done(query, {"device_keys": {BOB: server.devices[BOB]}, "failures": {}})
    assert not alice.machine.devices_of(BOB)


def test_a_device_under_the_wrong_user_is_ignored(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    party(server, clock, BOB, "D")
    carol = UserId("@carol:x")
    server.devices[carol] = server.devices[BOB]
    alice.machine.track([carol])
    alice.work()
    assert not alice.machine.devices_of(carol)


def test_a_dead_server_leaves_its_users_outdated_and_is_left_alone_for_a_while(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    server.failures = {"elsewhere"}
    alice.machine.track([FAR])
    alice.work()
    assert alice.machine.waiting_for([FAR]) == {FAR}
    assert not alice.machine.queries()
    clock.pass_ms(61_000)
    assert len(alice.machine.queries()) == 1
    server.failures = set()
    party(server, clock, FAR, "F")
    alice.work()
    assert not alice.machine.waiting_for([FAR])


def test_a_user_marked_again_during_a_query_stays_outdated(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    alice.machine.track([BOB])
    (query,) = alice.machine.queries()
    alice.machine.receive_sync(changed=[BOB])
    alice.machine.request_done(query, server.answer(alice.who, query))
    assert alice.machine.waiting_for([BOB]) == {BOB}
    alice.work()
    assert not alice.machine.waiting_for([BOB])


def test_queries_come_in_batches(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    alice.machine.track(UserId(f"@u{number}:x") for number in range(600))
    assert [len(query.users) for query in alice.machine.queries()] == [100] * 6


def test_only_tracked_users_are_fetched_again(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    alice.machine.receive_sync(changed=[BOB, 7, None])
    assert not alice.machine.queries()
    alice.machine.track([BOB])
    alice.work()
    alice.machine.receive_sync(left=[BOB, ALICE])
    alice.machine.receive_sync(changed=[BOB, ALICE])
    assert [set(query.users) for query in alice.machine.queries()] == [{ALICE}]


def test_after_a_lost_position_every_list_is_fetched_again(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    alice.machine.track([BOB])
    alice.work()
    alice.machine.forget_device_lists()
    assert [set(query.users) for query in alice.machine.queries()] == [{ALICE, BOB}]


@pytest.mark.parametrize(
    "answer", [{}, {"device_keys": []}, {"device_keys": {ALICE: None}}, {"device_keys": {ALICE: {"A": 1}}, "failures": 3}]
)
def test_a_malformed_answer_takes_nothing_over(server: KeyServer, clock: FakeClock, answer: dict[str, Any]) -> None:
    alice = party(server, clock, ALICE, "A")
    alice.machine.forget_device_lists()
    (query,) = alice.machine.queries()
    alice.machine.request_done(query, answer)
    assert not alice.machine.waiting_for([ALICE])


class Identity:
    """A cross-signing identity of a user, as the server would show it."""

    def __init__(self, user: UserId, number: int = 0) -> None:
        self.user = user
        self.master, self.self_signing = (Ed25519PrivateKey.from_private_bytes(bytes([number + part] * 32)) for part in (1, 2))

    @staticmethod
    def public(key: Ed25519PrivateKey) -> str:
        return encode(key.public_key().public_bytes_raw())

    def signed(self, value: dict[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
        signatures = copy.deepcopy(value.get("signatures", {}))
        signatures.setdefault(self.user, {})[f"ed25519:{self.public(key)}"] = encode(key.sign(signed_part(value)))
        return {**value, "signatures": signatures}

    def answer(self) -> dict[str, Any]:
        def key(usage: str, private: Ed25519PrivateKey) -> dict[str, Any]:
            public = self.public(private)
            return {"user_id": self.user, "usage": [usage], "keys": {f"ed25519:{public}": public}}

        return {
            "master_keys": {self.user: key("master", self.master)},
            "self_signing_keys": {self.user: self.signed(key("self_signing", self.self_signing), self.master)},
        }


def test_the_self_signing_key_counts_only_with_the_masters_signature() -> None:
    identity = Identity(BOB)
    answer = identity.answer()
    expected = (identity.public(identity.master), identity.public(identity.self_signing))
    found = published_identity(BOB, answer)
    assert (found.master, found.self_signing) == expected
    del answer["self_signing_keys"][BOB]["signatures"]
    found = published_identity(BOB, answer)
    assert (found.master, found.self_signing) == (expected[0], "")
    answer["master_keys"][BOB]["usage"] = ["self_signing"]
    assert published_identity(BOB, answer) == Published()
    odd = {"user_id": BOB, "usage": ["master"], "keys": {"ed25519:x": "y"}}
    assert published_identity(BOB, {"master_keys": {BOB: odd}}) == Published()


def shield(server: KeyServer, clock: FakeClock, *, sign: bool) -> Shield:
    """The shield of Bob's message when Bob has an identity that did or did not sign his device."""
    alice, bob = party(server, clock, ALICE, "A"), party(server, clock, BOB, "D")
    identity = Identity(BOB)
    server.extra = identity.answer()
    if sign:
        server.devices[BOB]["D"] = identity.signed(server.devices[BOB]["D"], identity.self_signing)
    server.announce(BOB)
    alice.machine.track([BOB])
    alice.sync()
    event = bob.say(rules_for(ROOM, ALICE, BOB), "x", event="$1")
    alice.sync()
    result = alice.machine.decrypt(ROOM, event)
    assert isinstance(result, Decrypted)
    return result.shield


def test_a_device_its_owner_signed_is_authentic(server: KeyServer, clock: FakeClock) -> None:
    assert shield(server, clock, sign=True) is Shield.AUTHENTIC


def test_a_device_its_owner_did_not_sign_is_marked(server: KeyServer, clock: FakeClock) -> None:
    assert shield(server, clock, sign=False) is Shield.UNSIGNED


def test_the_first_master_key_stays_pinned(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    party(server, clock, BOB, "D")
    first = Identity(BOB)
    for extra, changed in ((first.answer(), False), (Identity(BOB, 8).answer(), True), ({}, True), (first.answer(), False)):
        server.extra = extra
        server.announce(BOB)
        alice.machine.track([BOB])
        alice.sync()
        pinned = alice.machine._store.identity(BOB)
        assert pinned is not None
        assert (pinned.master, pinned.changed) == (first.public(first.master), changed)


# Our own keys


def uploads(server: KeyServer) -> list[KeysUpload]:
    return [one for one in server.asked if isinstance(one, KeysUpload)]


def test_a_new_device_uploads_everything_once(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    (upload,) = uploads(server)
    assert set(upload.body) == {"device_keys", "one_time_keys", "fallback_keys"}
    assert len(upload.body["one_time_keys"]) == 50
    assert parse_device(ALICE, DeviceId("A"), json.loads(json.dumps(upload.body["device_keys"]))) is not None
    alice.sync()
    assert len(uploads(server)) == 1


def test_one_time_keys_are_topped_up_below_half(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    keys = server.one_time[alice.who]
    for left, wanted in ((25, 0), (24, 26)):
        while len(keys) > left:
            keys.popitem()
        server.asked.clear()
        alice.sync()
        assert sum(len(one.body["one_time_keys"]) for one in uploads(server)) == wanted
    assert len(keys) == 50


def test_asking_again_gives_the_same_keys_until_they_are_up(server: KeyServer, clock: FakeClock) -> None:
    """A lost answer or a crash: the same private keys, the same request."""
    store = MemoryStore()
    machine = CryptoMachine(ALICE, DeviceId("A"), store, b"k" * 32, clock)
    first = machine.pending_requests()[0]
    again = CryptoMachine(ALICE, DeviceId("A"), store, b"k" * 32, clock).pending_requests()[0]
    assert isinstance(first, KeysUpload)
    assert isinstance(again, KeysUpload)
    assert first.body == again.body


def test_after_a_refusal_the_keys_have_fresh_ids(clock: FakeClock) -> None:
    machine = CryptoMachine(ALICE, DeviceId("A"), MemoryStore(), b"k" * 32, clock)
    first = machine.pending_requests()[0]
    assert isinstance(first, KeysUpload)
    machine.request_refused(first)
    second = machine.pending_requests()[0]
    assert isinstance(second, KeysUpload)
    assert not set(first.body["one_time_keys"]) & set(second.body["one_time_keys"])
    assert "device_keys" in second.body


def test_a_used_fallback_key_is_replaced_and_an_old_one_too(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    server.asked.clear()
    server.fallback_used[alice.who] = True
    alice.sync()
    assert not uploads(server), "an answer from before our upload may still be on its way"
    clock.pass_ms(301_000)
    alice.sync()
    assert [set(one.body) for one in uploads(server)] == [{"fallback_keys"}]
    clock.pass_ms(8 * 24 * 3_600_000)
    alice.sync()
    assert len(uploads(server)) == 2


def test_absent_counts_mean_unchanged(server: KeyServer, clock: FakeClock) -> None:
    alice = party(server, clock, ALICE, "A")
    server.asked.clear()
    alice.machine.receive_sync(key_counts=None, fallback_types=None)
    alice.work()
    assert not uploads(server)
    alice.machine.receive_sync(key_counts={})
    alice.work()
    assert len(uploads(server)) == 1


def test_a_one_time_key_with_a_wrong_signature_makes_no_session(server: KeyServer, clock: FakeClock) -> None:
    alice, bob = party(server, clock, ALICE, "A"), party(server, clock, BOB, "D")
    for key in server.one_time[bob.who].values():
        key["key"] = encode(b"m" * 32)
    alice.machine.track([BOB])
    alice.work()
    devices = alice.machine.devices_of(BOB)
    (claim,) = alice.machine.device_claims(devices)
    alice.machine.request_done(claim, server.answer(alice.who, claim))
    assert not alice.machine.encrypt_to_devices("m.x", [(devices[0], {})])
    assert not alice.machine.device_claims(devices), "it rests"
    clock.pass_ms(61_000)
    assert alice.machine.device_claims(devices) == [KeysClaim((devices[0],))]
    alice.machine.request_refused(claim)
    clock.pass_ms(61_000)
    assert not alice.machine.device_claims(devices), "the second rest is longer"


def test_claims_say_what_they_want() -> None:
    assert KeysClaim(()).body == {"one_time_keys": {}, "timeout": 10_000}
    assert CURVE == "signed_curve25519"
