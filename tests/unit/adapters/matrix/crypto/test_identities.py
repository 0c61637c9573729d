"""Identities: pins, our own keys, what is signed and what is believed (matrix.md §8.6; §8.9 rules 1, 6, 11, 19)."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.key_server import FakeClock, KeyServer, Party, rules_for
from welink_desktop.adapters.matrix.crypto.canonical import encode, verified
from welink_desktop.adapters.matrix.crypto.identities import MASTER, SECRET_NAMES, SELF_SIGNING, USER_SIGNING
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.memory import MemoryStore
from welink_desktop.adapters.matrix.crypto.records import Decrypted, OwnIdentity
from welink_desktop.adapters.matrix.crypto.signing import SigningKey
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.security import PersonTrust
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

ROOM = RoomId("!room")
ALICE, BOB, CAROL = UserId("@alice:x"), UserId("@bob:x"), UserId("@carol:x")
MakeStore = Callable[[], CryptoStore]


@pytest.fixture(params=["memory", "sql"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    opened: list[Database] = []

    def make() -> CryptoStore:
        if request.param == "memory":
            return MemoryStore()
        opened.append(Database.open(tmp_path / f"{len(opened)}.db", b"d" * 32, MIGRATIONS))
        return SqlCryptoStore(opened[-1])

    yield make
    for database in opened:
        database.close()


class World:
    def __init__(self, make_store: MakeStore) -> None:
        self.server = KeyServer()
        self.clock = FakeClock()
        self._make_store = make_store
        self.stores: dict[tuple[UserId, str], CryptoStore] = {}

    def party(self, user: UserId, device: str) -> Party:
        store = self.stores[(user, device)] = self._make_store()
        return Party(self.server, CryptoMachine(user, DeviceId(device), store, b"k" * 32, self.clock))

    def again(self, party: Party) -> Party:
        """The same device after a restart."""
        user, device = party.who
        machine = CryptoMachine(user, device, self.stores[(user, device)], b"k" * 32, self.clock)
        return Party(self.server, machine)

    def replace_identity(self, user: UserId) -> None:
        """Somebody makes a new identity of `user` that nobody signed."""
        party = self.party(user, "THIEF")
        party.make_identity()

    def remove_identity(self, user: UserId) -> None:
        self.server.identities.pop(user)
        self.server.announce(user)


@pytest.fixture
def world(make_store: MakeStore) -> World:
    return World(make_store)


def knowing(world: World, *, identity: bool = True) -> tuple[Party, Party]:
    """Alice (with an identity of her own) who knows Bob's."""
    alice, bob = world.party(ALICE, "A"), world.party(BOB, "B")
    alice.make_identity()
    if identity:
        bob.make_identity()
    alice.machine.track([BOB])
    alice.sync()
    return alice, bob


def trust(party: Party, user: UserId) -> PersonTrust:
    return party.machine.identities.trust_of(user)


def verify(alice: Party, user: UserId) -> None:
    identities = alice.machine.identities
    master = identities.master_of(user)
    assert master is not None
    alice.bring(identities.sign_user(user, master))
    alice.sync()


def own(party: Party) -> OwnIdentity:
    found = party.machine.identities.own()
    assert found is not None
    return found


# Our own identity


def test_a_new_account_has_none_and_makes_one(world: World) -> None:
    alice = world.party(ALICE, "A")
    assert alice.machine.identities.own() is None
    assert alice.machine.identities.sign_own_device(DeviceId("A")) is None
    alice.make_identity()
    identity = own(alice)
    assert identity.verified
    assert not identity.replaced
    assert identity.held == set(SECRET_NAMES)
    (device,) = alice.machine.devices_of(ALICE)
    assert device.owner_signed
    assert alice.machine.identities.device_trusted(device)
    assert alice.machine.identities.sign_own_device(DeviceId("A")) is None, "already done"


def test_what_is_uploaded_is_signed_as_it_must_be(world: World) -> None:
    alice = world.party(ALICE, "A")
    body = alice.machine.identities.create()
    (master,) = body["master_key"]["keys"].values()
    assert verified(body["master_key"], ALICE, "ed25519:A", alice.machine.keys["ed25519"])
    for part, usage in (("self_signing_key", "self_signing"), ("user_signing_key", "user_signing")):
        assert verified(body[part], ALICE, f"ed25519:{master}", master)
        assert body[part]["usage"] == [usage]
    text = json.dumps(body)
    assert not [seed for seed in world.stores[(ALICE, "A")].identity_secrets(pending=True).values() if seed in text]


def test_keys_that_the_server_was_not_heard_to_have_are_no_identity(world: World) -> None:
    alice = world.party(ALICE, "A")
    body = alice.machine.identities.create()
    assert alice.machine.identities.own() is None
    assert alice.machine.identities.secrets() == {}
    assert world.again(alice).machine.identities.create() == body, "a second try brings the same"
    alice.machine.identities.forget_pending()
    assert alice.machine.identities.create() != body


def test_a_lost_answer_is_made_up_by_the_next_query(world: World) -> None:
    alice = world.party(ALICE, "A")
    world.server.upload_identity(ALICE, alice.machine.identities.create())
    again = world.again(alice)
    again.sync()
    assert own(again).verified
    assert again.machine.identities.secrets().keys() == set(SECRET_NAMES)


def test_a_restart_keeps_it(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    again = world.again(alice)
    assert own(again) == own(alice)
    assert trust(again, BOB) is PersonTrust.VERIFIED
    assert again.machine.identities.secrets() == alice.machine.identities.secrets()


def test_a_second_device_sees_the_identity_and_is_not_signed(world: World) -> None:
    first, second = world.party(ALICE, "A"), world.party(ALICE, "B")
    first.make_identity()
    second.sync()
    identity = own(second)
    assert (identity.verified, identity.replaced, identity.held) == (False, False, frozenset())
    assert identity.master == own(first).master
    signed = {device.device: device.owner_signed for device in second.machine.devices_of(ALICE)}
    assert signed == {"A": True, "B": False}
    assert not [one for one in second.machine.devices_of(ALICE) if second.machine.identities.device_trusted(one)]
    assert second.machine.identities.sign_own_device(DeviceId("B")) is None


def test_secrets_are_believed_only_if_they_fit(world: World) -> None:
    first, second = world.party(ALICE, "A"), world.party(ALICE, "B")
    first.make_identity()
    second.sync()
    good = first.machine.identities.secrets()
    identities = second.machine.identities
    wrong = {
        MASTER: SigningKey.generate().secret,
        SELF_SIGNING: good[USER_SIGNING],
        USER_SIGNING: "nonsense",
        "m.other": good[MASTER],
    }
    assert identities.take_secrets(wrong) == set()
    assert not own(second).verified
    assert identities.take_secrets({SELF_SIGNING: good[SELF_SIGNING]}) == {SELF_SIGNING}
    assert not own(second).verified, "only the master key proves whose identity it is"
    assert identities.sign_own_device(DeviceId("B")) is None
    assert identities.take_secrets(good) == set(SECRET_NAMES)
    assert own(second).verified
    second.bring(identities.sign_own_device(DeviceId("B")))
    second.sync()
    assert all(identities.device_trusted(device) for device in second.machine.devices_of(ALICE))
    assert identities.secrets() == good


def test_a_verification_proves_our_own_identity(world: World) -> None:
    first, second = world.party(ALICE, "A"), world.party(ALICE, "B")
    first.make_identity()
    second.sync()
    second.machine.identities.trust_own_master(encode(b"x" * 32))
    assert not own(second).verified
    second.machine.identities.trust_own_master(own(first).master)
    assert own(second).verified
    assert second.machine.identities.own_master() == (own(first).master, True)
    assert trust(second, ALICE) is PersonTrust.VERIFIED
    first.sync()
    first.bring(first.machine.identities.sign_own_device(DeviceId("B"), second.machine.keys["ed25519"]))
    second.sync()
    assert {device.device: device.owner_signed for device in second.machine.devices_of(ALICE)} == {"A": True, "B": True}


def test_another_key_than_the_compared_one_is_not_signed(world: World) -> None:
    first, _ = world.party(ALICE, "A"), world.party(ALICE, "B")
    first.make_identity()
    identities = first.machine.identities
    assert identities.sign_own_device(DeviceId("B"), encode(b"x" * 32)) is None
    assert identities.sign_own_device(DeviceId("NONE")) is None
    world.party(ALICE, "B")
    first.sync()
    assert [device.keys_changed for device in first.machine.devices_of(ALICE) if device.device == "B"] == [True]
    assert identities.sign_own_device(DeviceId("B")) is None


def test_an_identity_replaced_elsewhere_is_noticed_and_proves_nothing(world: World) -> None:
    first, second = world.party(ALICE, "A"), world.party(ALICE, "B")
    first.make_identity()
    old = own(first)
    second.make_identity()
    first.sync()
    identity = own(first)
    assert (identity.verified, identity.replaced) == (False, True)
    assert identity.master != old.master
    assert trust(first, ALICE) is PersonTrust.BROKEN
    assert first.machine.identities.secrets() == {}, "they are another identity's"
    assert not [device for device in first.machine.devices_of(ALICE) if first.machine.identities.device_trusted(device)]
    first.machine.identities.accept(ALICE)
    assert not own(first).verified, "our own is proved, never accepted"
    first.machine.identities.take_secrets(second.machine.identities.secrets())
    assert own(first).verified
    assert trust(first, ALICE) is PersonTrust.VERIFIED


def test_a_vanished_identity_of_ours_is_a_replaced_one(world: World) -> None:
    alice, _ = knowing(world)
    world.remove_identity(ALICE)
    alice.sync()
    identity = own(alice)
    assert (identity.master, identity.verified, identity.replaced) == ("", False, True)
    assert alice.machine.identities.own_master() is None


def test_a_device_of_a_swapped_identity_of_ours_gets_no_key(world: World) -> None:
    """The server swaps our identity and adds a device that it signs with it."""
    alice, bob = knowing(world)
    rules = rules_for(ROOM, ALICE, BOB)
    alice.say(rules, "one", event="$1")
    thief = world.party(ALICE, "THIEF")
    thief.make_identity()
    alice.sync()
    event = alice.say(rules, "two", event="$2")
    news = thief.sync()
    assert not news.room_keys
    assert [session for _, session in news.withheld] == [event["content"]["session_id"]]
    bob.sync()
    assert isinstance(bob.machine.decrypt(ROOM, event), Decrypted)


def test_messages_carry_our_signed_device(world: World) -> None:
    """Bob's store does not have Alice's device yet: the copy inside the message is signed by her identity (MSC4147)."""
    alice, bob = world.party(ALICE, "A"), world.party(BOB, "B")
    alice.make_identity()
    bob.machine.track([ALICE])
    bob.work()
    alice = world.again(alice)
    laptop = world.party(ALICE, "LAPTOP")
    laptop.machine.identities.take_secrets(alice.machine.identities.secrets())
    laptop.bring(laptop.machine.identities.sign_own_device(DeviceId("LAPTOP")))
    laptop.share(rules_for(ROOM, ALICE, BOB))
    (event,) = world.server.take(bob.who)
    news = bob.machine.receive_to_device(event)
    assert news.room_keys, "known without a query"
    ((room, session),) = news.room_keys
    (row,) = world.stores[(BOB, "B")].inbound(room, session)
    assert row.owner_signed


# Other people


def test_at_first_sight_an_identity_is_pinned(world: World) -> None:
    alice, bob = knowing(world, identity=False)
    assert trust(alice, BOB) is PersonTrust.NONE
    bob.make_identity()
    news = alice.sync()
    assert trust(alice, BOB) is PersonTrust.SEEN
    assert BOB in news.people
    assert BOB in news.lists
    news = alice.sync()
    assert not news.people


def test_a_person_is_verified_on_every_device_that_knows_our_identity(world: World) -> None:
    alice, _ = knowing(world)
    second = world.party(ALICE, "A2")
    second.machine.track([BOB])
    verify(alice, BOB)
    assert trust(alice, BOB) is PersonTrust.VERIFIED
    (device,) = alice.machine.devices_of(BOB)
    assert alice.machine.identities.device_trusted(device)
    second.sync()
    assert trust(second, BOB) is PersonTrust.SEEN, "its own identity is not proved yet"
    second.machine.identities.take_secrets(alice.machine.identities.secrets())
    assert trust(second, BOB) is PersonTrust.VERIFIED
    assert BOB in second.machine.take_changes().people


def test_only_the_compared_master_key_is_signed(world: World) -> None:
    alice, _ = knowing(world)
    identities = alice.machine.identities
    old = identities.master_of(BOB)
    assert old is not None
    assert identities.sign_user(BOB, encode(b"x" * 32)) is None
    world.replace_identity(BOB)
    alice.sync()
    assert identities.sign_user(BOB, old) is None, "swapped between comparing and signing"
    assert identities.sign_user(ALICE, own(alice).master) is None
    assert identities.sign_user(CAROL, old) is None


def test_a_changed_identity_that_nobody_verified_is_shown_and_blocks_nothing(world: World) -> None:
    alice, _ = knowing(world)
    before = alice.machine.epoch
    world.replace_identity(BOB)
    news = alice.sync()
    assert trust(alice, BOB) is PersonTrust.CHANGED
    assert BOB in news.people
    assert alice.machine.epoch > before
    assert not alice.machine.blocked([ALICE, BOB])
    devices = {device.device: device for device in alice.machine.devices_of(BOB)}
    assert not devices[DeviceId("THIEF")].owner_signed
    assert devices[DeviceId("THIEF")].shown_signed
    assert not [one for one in devices.values() if alice.machine.identities.device_trusted(one)]
    alice.machine.identities.accept(BOB)
    assert trust(alice, BOB) is PersonTrust.SEEN
    assert {one.device: one.owner_signed for one in alice.machine.devices_of(BOB)} == {"B": False, "THIEF": True}
    alice.machine.receive_sync(changed=[BOB])
    alice.work()
    assert trust(alice, BOB) is PersonTrust.SEEN


def test_messages_of_a_changed_identity_are_marked_until_it_is_accepted(world: World) -> None:
    alice, _ = knowing(world)
    world.replace_identity(BOB)
    alice.sync()
    thief = world.again(world.party(BOB, "THIEF2"))
    thief.sync()
    event = thief.say(rules_for(ROOM, ALICE, BOB), "hello", event="$1")
    alice.sync()
    result = alice.machine.decrypt(ROOM, event)
    assert isinstance(result, Decrypted)
    assert result.shield is Shield.UNSIGNED


def test_a_verified_identity_that_changes_blocks_until_somebody_decides(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    world.replace_identity(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.BROKEN
    assert alice.machine.blocked([ALICE, BOB, CAROL]) == {BOB}
    devices = alice.machine.devices_of(BOB)
    assert not [one for one in devices if alice.machine.identities.withheld(one) is None]
    assert not [one for one in devices if alice.machine.identities.may_be_told("io.element.call.encryption_keys", one)]
    assert world.again(alice).machine.blocked([BOB]) == {BOB}
    alice.machine.identities.withdraw(BOB)
    assert trust(alice, BOB) is PersonTrust.CHANGED
    assert not alice.machine.blocked([BOB])
    alice.machine.identities.accept(BOB)
    assert trust(alice, BOB) is PersonTrust.SEEN


def test_a_broken_identity_is_healed_by_comparing_again(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    world.replace_identity(BOB)
    alice.sync()
    verify(alice, BOB)
    assert trust(alice, BOB) is PersonTrust.VERIFIED
    assert not alice.machine.blocked([BOB])


def test_a_change_that_another_device_of_ours_compared_needs_no_decision_here(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    second = world.party(ALICE, "A2")
    second.machine.track([BOB])
    second.machine.identities.take_secrets(alice.machine.identities.secrets())
    world.replace_identity(BOB)
    alice.sync()
    second.sync()
    verify(second, BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.VERIFIED
    assert not alice.machine.blocked([BOB])


def test_a_vanished_identity_is_a_change(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    world.remove_identity(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.BROKEN
    assert alice.machine.identities.master_of(BOB) is None
    alice.machine.identities.accept(BOB)
    assert trust(alice, BOB) is PersonTrust.NONE
    world.replace_identity(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.SEEN


def test_an_identity_that_comes_back_is_the_pinned_one_again(world: World) -> None:
    alice, _ = knowing(world)
    keys = copy.deepcopy(world.server.identities[BOB])
    world.remove_identity(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.CHANGED
    world.server.identities[BOB] = keys
    world.server.announce(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.SEEN
    (device,) = alice.machine.devices_of(BOB)
    assert device.owner_signed


def test_a_verification_that_was_taken_back_stays_so(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    alice.machine.identities.withdraw(BOB)
    alice.machine.receive_sync(changed=[BOB])
    alice.work()
    assert trust(alice, BOB) is PersonTrust.SEEN
    verify(alice, BOB)
    assert trust(alice, BOB) is PersonTrust.VERIFIED


def test_a_hidden_signature_takes_no_verification_away(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    del world.server.identities[BOB]["master_key"]["signatures"][ALICE]
    world.server.announce(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.VERIFIED


def test_a_signature_by_another_key_verifies_nobody(world: World) -> None:
    alice, _ = knowing(world)
    forger, key_id = SigningKey.generate(), own(alice).user_signing
    master = world.server.identities[BOB]["master_key"]
    signed = forger.signature(ALICE, master)
    signature = next(iter(signed["signatures"][ALICE].values()))
    master["signatures"][ALICE] = {f"ed25519:{key_id}": signature, f"ed25519:{forger.public}": signature}
    world.server.announce(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.SEEN


def test_with_a_new_identity_of_ours_nobody_is_verified_any_more(world: World) -> None:
    alice, _ = knowing(world)
    verify(alice, BOB)
    alice.make_identity()
    assert trust(alice, BOB) is PersonTrust.SEEN
    world.replace_identity(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.BROKEN, "it was verified once"


def test_a_swapped_identity_of_ours_verifies_nobody(world: World) -> None:
    """The server makes an identity for us that signed Bob's."""
    alice, _ = knowing(world)
    thief = world.party(ALICE, "THIEF")
    thief.machine.track([BOB])
    thief.make_identity()
    verify(thief, BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.SEEN


@pytest.mark.parametrize("broken", ["usage", "user_id", "keys", "huge", "deep", "list"])
def test_a_malformed_master_key_is_none(world: World, broken: str) -> None:
    alice, bob = knowing(world, identity=False)
    bob.make_identity()
    master = world.server.identities[BOB]["master_key"]
    match broken:
        case "usage":
            master["usage"] = ["master", "self_signing"]
        case "user_id":
            master["user_id"] = CAROL
        case "keys":
            master["keys"]["ed25519:other"] = "x"
        case "huge":
            master["extra"] = "x" * 20_000
        case "deep":
            world.server.extra = {"master_keys": {BOB: {**master, "keys": {"ed25519:x": [[]]}}}}
        case "list":
            world.server.extra = {"master_keys": {BOB: [master]}}
    world.server.announce(BOB)
    alice.sync()
    assert trust(alice, BOB) is PersonTrust.NONE


def test_a_self_signing_key_without_the_masters_signature_signs_nothing(world: World) -> None:
    alice, _ = knowing(world)
    del world.server.identities[BOB]["self_signing_key"]["signatures"]
    world.server.announce(BOB)
    alice.sync()
    (device,) = alice.machine.devices_of(BOB)
    assert (device.owner_signed, device.shown_signed) == (False, False)
    assert trust(alice, BOB) is PersonTrust.SEEN


# The policy: only signed devices


def test_the_policy_is_off_at_first_and_kept(world: World) -> None:
    alice = world.party(ALICE, "A")
    assert not alice.machine.identities.only_signed
    alice.machine.require_signed_devices(True)
    assert world.again(alice).machine.identities.only_signed


def test_under_the_policy_an_unsigned_device_gets_no_key_and_is_told_why(world: World) -> None:
    alice, bob = knowing(world)
    bare = world.party(BOB, "BARE")
    alice.sync()
    rules = rules_for(ROOM, ALICE, BOB)
    first = alice.say(rules, "one", event="$1")
    alice.machine.require_signed_devices(True)
    second = alice.say(rules, "two", event="$2")
    assert first["content"]["session_id"] != second["content"]["session_id"], "who held the old one may not read on"
    bare.sync()
    bob.sync()
    assert isinstance(bare.machine.decrypt(ROOM, first), Decrypted)
    refused = bare.machine.decrypt(ROOM, second)
    assert isinstance(refused, Undecryptable)
    assert refused.reason is UndecryptableReason.WITHHELD_UNVERIFIED
    assert isinstance(bob.machine.decrypt(ROOM, second), Decrypted)


def test_under_the_policy_unsigned_senders_are_marked(world: World) -> None:
    alice, bob = world.party(ALICE, "A"), world.party(BOB, "B")
    event = bob.say(rules_for(ROOM, ALICE, BOB), "hello", event="$1")
    alice.sync()
    result = alice.machine.decrypt(ROOM, event)
    assert isinstance(result, Decrypted)
    assert result.shield is Shield.AUTHENTIC
    alice.machine.require_signed_devices(True)
    result = alice.machine.decrypt(ROOM, event)
    assert isinstance(result, Decrypted)
    assert result.shield is Shield.UNSIGNED


def test_under_the_policy_an_unsigned_device_brings_no_call_keys(world: World) -> None:
    alice, bob = knowing(world)
    bare = world.party(BOB, "BARE")
    alice.sync()
    alice.machine.require_signed_devices(True)
    for party in (bob, bare):
        tell(party, alice, "io.element.call.encryption_keys")
        tell(party, alice, "m.key.verification.request")
    told = [(event.sender_device, event.type) for event in alice.sync().to_device]
    assert told == [
        ("B", "io.element.call.encryption_keys"),
        ("B", "m.key.verification.request"),
        ("BARE", "m.key.verification.request"),
    ]


def tell(sender: Party, receiver: Party, event_type: str) -> None:
    """An Olm message to the other's device."""
    sender.machine.track([receiver.machine.user])
    sender.work()
    devices = sender.machine.devices_named([receiver.who])
    for claim in sender.machine.device_claims(devices):
        sender.machine.request_done(claim, sender.server.answer(sender.who, claim))
    assert sender.machine.encrypt_to_devices(event_type, [(device, {"x": 1}) for device in devices])
    sender.work()


def test_a_signature_younger_than_our_list_counts_with_the_message(world: World) -> None:
    """Bob's device was signed a moment ago: his message shows it, the list is fetched again."""
    alice, bob = world.party(ALICE, "A"), world.party(BOB, "B")
    other = world.party(BOB, "B2")
    other.make_identity()
    alice.machine.track([BOB])
    alice.sync()
    bob.machine.identities.take_secrets(other.machine.identities.secrets())
    bob.sync()
    bob.machine.identities.take_secrets(other.machine.identities.secrets())
    assert bob.machine.identities.sign_own_device(DeviceId("B")) is not None
    tell(bob, alice, "m.some.type")
    (event,) = world.server.take(alice.who)
    news = alice.machine.receive_to_device(event)
    assert [told.owner_signed for told in news.to_device] == [True]
    assert alice.machine.waiting_for([BOB]) == {BOB}


def test_under_the_policy_a_changed_identity_that_nobody_verified_still_gets_keys(world: World) -> None:
    alice, _ = knowing(world)
    alice.machine.require_signed_devices(True)
    renewed = world.party(BOB, "NEW")
    renewed.make_identity()
    alice.sync()
    event = alice.say(rules_for(ROOM, ALICE, BOB), "hello", event="$1")
    renewed.sync()
    assert isinstance(renewed.machine.decrypt(ROOM, event), Decrypted)


# Signatures on their way


def test_signatures_are_kept_until_they_are_there(world: World) -> None:
    alice, _ = knowing(world)
    identities = alice.machine.identities
    first, second = identities.keep_signatures({"a": {}}), identities.keep_signatures({"b": {}})
    assert world.again(alice).machine.identities.kept_signatures() == [(first, {"a": {}}), (second, {"b": {}})]
    identities.drop_signatures(first)
    assert identities.kept_signatures() == [(second, {"b": {}})]


def test_no_secret_shows(world: World, caplog: pytest.LogCaptureFixture) -> None:
    alice, _ = knowing(world)
    world.replace_identity(ALICE)
    alice.sync()
    seeds = world.stores[(ALICE, "A")].identity_secrets().values()
    assert len(list(seeds)) == 3
    shown = f"{alice.machine.identities!r} {own(alice)!r} {caplog.text}"
    assert not [seed for seed in seeds if seed in shown]
