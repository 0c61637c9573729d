"""The driver of encryption: commit rules, waiting, retries, crashes (matrix.md §2.3, §8.1, §8.2)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.key_server import FakeClock, KeyLine, KeyServer
from welink_desktop.adapters.matrix.crypto.records import Decrypted, JsonObject, RoomRules, ToDevice
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.errors import matrix_error
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.errors import EncryptionRefused, Offline, ServerFault
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.trust import Undecryptable

ROOM = RoomId("!room")
ALICE, BOB = UserId("@alice:x"), UserId("@bob:x")
CALL = "io.element.call.encryption_keys"


class Rooms:
    """`RoomFacts`: everybody in `people` is in the one room."""

    def __init__(self) -> None:
        self.people: tuple[UserId, ...] = (ALICE, BOB)
        self.algorithm = "m.megolm.v1.aes-sha2"
        self.fail: Exception | None = None

    async def rules(self, room: RoomId) -> RoomRules:
        if self.fail is not None:
            raise self.fail
        return RoomRules(room, self.people, algorithm=self.algorithm)

    def joined_at_ms(self, room: RoomId) -> int:
        return 0


class World:
    """Devices with drivers around one key server."""

    def __init__(self, folder: Path) -> None:
        self.server = KeyServer()
        self.clock = FakeClock()
        self.rooms = Rooms()
        self._folder = folder
        self.all: list[Device] = []

    async def device(self, user: UserId, *, name: str = "", start: bool = True) -> "Device":
        device = Device(self, user, DeviceId(name or user[1].upper()), self._folder)
        self.all.append(device)
        if start:
            await device.encryption.start()
            await until(lambda: device.encryption.uploaded.value)
        return device


class Device:
    def __init__(self, world: World, user: UserId, name: DeviceId, folder: Path) -> None:
        self.world = world
        self.user, self.name = user, name
        self.path = folder / f"{user[1]}-{name}.db"
        self.line = KeyLine(world.server, user, name)
        world.server.changed.setdefault(user, set())
        self.keys: list[tuple[RoomId, str]] = []
        self.open()

    def open(self) -> None:
        """Also after `die`: from what the store holds."""
        self.database = Database.open(self.path, b"d" * 32, MIGRATIONS)
        self.scope = Scope("device")
        self.encryption = Encryption(
            self.database,
            self.line,
            user=self.user,
            device=self.name,
            rooms=self.world.rooms,
            scope=self.scope,
            clock=self.world.clock,
        )
        self.encryption.on_room_keys = self.keys.extend

    async def die(self) -> None:
        await self.scope.aclose()
        self.database.close()

    def sync(self, *, wake: bool = True, fail: bool = False, events: list[Any] | None = None) -> None:
        """One answer of the server, as the sync loop would hand it over."""
        server, who = self.world.server, (self.user, self.name)
        changed, server.changed[self.user] = server.changed[self.user], set()
        to_device = server.take(who) if events is None else events
        try:
            with self.database.transaction() as transaction:
                self.encryption.receive_sync(
                    transaction,
                    to_device=to_device,
                    device_lists={"changed": list(changed)},
                    key_counts=server.count(who),
                    fallback_types=server.unused_fallbacks(who),
                )
                if fail:
                    raise RuntimeError("the store failed")
        except RuntimeError:
            server.queues[who] = to_device
            server.changed[self.user] |= changed
            return
        if wake:
            self.encryption.wake()

    async def send(self, text: str, event: str) -> dict[str, Any]:
        await self.encryption.prepare_to_send(ROOM)
        content = self.encryption.encrypt(ROOM, "m.room.message", {"body": text})
        return {"event_id": event, "sender": self.user, "content": content, "origin_server_ts": 5}

    def text(self, event: dict[str, Any]) -> str | None:
        result = self.encryption.decrypt(ROOM, event)
        return result.content["body"] if isinstance(result, Decrypted) else None

    def count(self, table: str) -> int:
        with self.database.read() as query:
            return int(
                query.value(
                    {"inbox": "SELECT count(*) FROM crypto_inbox", "outgoing": "SELECT count(*) FROM crypto_outgoing"}[table]
                )
            )


async def until(fact: Callable[[], object], timeout: float = 10) -> None:
    async with asyncio.timeout(timeout):
        while not fact():
            await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.all:
        await device.die()


async def test_two_devices_talk(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    event = await alice.send("你好", "$1")
    bob.sync()
    assert bob.keys == [(ROOM, event["content"]["session_id"])]
    assert bob.text(event) == "你好"


async def test_preparing_again_asks_the_server_nothing(world: World) -> None:
    alice = await world.device(ALICE)
    await world.device(BOB)
    await alice.send("one", "$1")
    calls = len(alice.line.calls)
    await alice.send("two", "$2")
    assert len(alice.line.calls) == calls


async def test_a_changed_list_is_fetched_before_the_next_message(world: World) -> None:
    alice = await world.device(ALICE)
    await world.device(BOB)
    await alice.send("one", "$1")
    phone = await world.device(BOB, name="PHONE")
    alice.sync(wake=False)
    event = await alice.send("two", "$2")
    phone.sync()
    assert phone.text(event) == "two"


async def test_keys_are_there_for_the_messages_of_the_same_answer(world: World) -> None:
    """Inside the sync transaction, before anything is woken."""
    alice, bob = await world.device(ALICE), await world.device(BOB)
    event = await alice.send("x", "$1")
    events = world.server.take((BOB, DeviceId("B")))
    with bob.database.transaction() as transaction:
        bob.encryption.receive_sync(transaction, to_device=events)
        assert bob.text(event) == "x"
        assert not bob.keys, "told only after the commit"
    assert len(bob.keys) == 1


async def test_a_failed_transaction_loses_no_key(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    event = await alice.send("x", "$1")
    bob.sync(fail=True)
    assert bob.text(event) is None
    assert not bob.keys
    bob.sync()
    assert bob.text(event) == "x"


async def test_a_crash_before_waking_loses_no_key(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    event = await alice.send("x", "$1")
    many = [{"type": "m.x", "sender": ALICE, "content": {"n": n}} for n in range(100)]
    bob.sync(wake=False, events=many + world.server.take((BOB, DeviceId("B"))))
    assert bob.count("inbox") > 0
    await bob.die()
    bob.open()
    await bob.encryption.start()
    await until(lambda: bob.count("inbox") == 0)
    assert bob.text(event) == "x"


async def test_events_delivered_twice_have_one_effect(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    got: list[ToDevice] = []
    bob.encryption.listen(CALL, got.append)
    await alice.encryption.send_to_device_encrypted(CALL, {BOB: {DeviceId("B"): {"n": 1}}})
    events = world.server.take((BOB, DeviceId("B")))
    bob.sync(events=events)
    bob.sync(events=events)
    assert [event.content for event in got] == [{"n": 1}]


async def test_listeners_hear_until_they_cancel_and_a_failing_one_harms_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    got: list[ToDevice] = []

    def broken(event: ToDevice) -> None:
        raise ValueError("broken listener")

    bob.encryption.listen(CALL, broken)
    cancel = bob.encryption.listen(CALL, got.append)
    target: dict[UserId, dict[DeviceId, JsonObject]] = {BOB: {DeviceId("B"): {}}}
    assert await alice.encryption.send_to_device_encrypted(CALL, target) == {(BOB, "B")}
    bob.sync()
    cancel()
    cancel()
    await alice.encryption.send_to_device_encrypted(CALL, target)
    bob.sync()
    assert len(got) == 1
    assert got[0].sender_device == "A"
    assert "listener failed" in caplog.text


async def test_unknown_devices_are_left_out(world: World) -> None:
    alice = await world.device(ALICE)
    await world.device(BOB)
    reached = await alice.encryption.send_to_device_encrypted(CALL, {BOB: {DeviceId("B"): {}, DeviceId("NOSUCH"): {}}})
    assert reached == {(BOB, "B")}


async def test_a_lost_answer_is_sent_again_as_the_same_request(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    await alice.encryption.fetch_devices(BOB)
    alice.line.lose_answers = 1
    with pytest.raises(Offline):
        await alice.encryption.send_to_device_encrypted(CALL, {BOB: {DeviceId("B"): {}}})
    got: list[ToDevice] = []
    bob.encryption.listen(CALL, got.append)
    await alice.encryption.send_to_device_encrypted(CALL, {BOB: {DeviceId("B"): {"n": 1}}})
    alice.line.lose_answers = 1
    with pytest.raises(Offline):
        await alice.encryption.send_to_device_encrypted(CALL, {BOB: {DeviceId("B"): {"n": 2}}})
    assert alice.count("outgoing") == 1
    alice.encryption.wake()
    await until(lambda: alice.count("outgoing") == 0)
    bob.sync()
    assert [event.content for event in got] == [{"n": 1}, {"n": 2}]


async def test_keys_that_could_not_be_sent_go_out_before_the_message_even_after_a_crash(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    await alice.encryption.fetch_devices(BOB)
    await alice.encryption._claim(lambda: alice.encryption._machine.device_claims(alice.encryption.devices_of(BOB)))
    alice.line.fail = Offline("down")
    with pytest.raises(Offline):
        await alice.send("x", "$1")
    assert alice.count("outgoing") == 1
    await alice.die()
    alice.open()
    alice.line.fail = None
    event = await alice.send("x", "$1")
    assert alice.count("outgoing") == 0
    bob.sync()
    assert bob.text(event) == "x"


async def test_nothing_is_sent_to_people_whose_devices_were_never_seen(world: World) -> None:
    alice = await world.device(ALICE)
    alice.line.fail = Offline("down")
    with pytest.raises(Offline):
        await alice.encryption.prepare_to_send(ROOM)
    alice.line.fail = ServerFault("500")
    with pytest.raises(ServerFault):
        await alice.encryption.prepare_to_send(ROOM)


async def test_known_devices_serve_when_the_list_cannot_be_refreshed(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    await alice.send("one", "$1")
    world.server.announce(BOB)
    alice.sync(wake=False)
    alice.line.fail = Offline("down")
    with pytest.raises(EncryptionRefused):
        world.rooms.algorithm = "m.future"
        await alice.send("two", "$2")
    world.rooms.algorithm = "m.megolm.v1.aes-sha2"
    event = await alice.send("three", "$3")
    bob.sync()
    assert bob.text(event) == "three"


async def test_people_on_a_dead_server_do_not_hold_up_the_others(world: World) -> None:
    far = UserId("@far:elsewhere")
    alice, bob = await world.device(ALICE), await world.device(BOB)
    world.rooms.people = (ALICE, BOB, far)
    world.server.failures = {"elsewhere"}
    event = await alice.send("x", "$1")
    bob.sync()
    assert bob.text(event) == "x"


async def test_a_slow_list_is_waited_for_only_so_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored list serves; the query goes on and its answer counts for the next message."""
    alice, bob = await world.device(ALICE), await world.device(BOB)
    await alice.send("one", "$1")
    phone = await world.device(BOB, name="PHONE")
    alice.sync(wake=False)
    monkeypatch.setattr("welink_desktop.adapters.matrix.encryption.PATIENCE", 0.05)
    alice.line.hold = {"keys/query"}
    alice.line.open.clear()
    event = await alice.send("two", "$2")
    alice.line.open.set()
    bob.sync()
    assert bob.text(event) == "two"
    await until(lambda: len(alice.encryption.devices_of(BOB)) == 2)
    event = await alice.send("three", "$3")
    phone.sync()
    assert phone.text(event) == "three"


async def test_the_members_must_be_known(world: World) -> None:
    alice = await world.device(ALICE)
    world.rooms.fail = Offline("members")
    with pytest.raises(Offline):
        await alice.encryption.prepare_to_send(ROOM)


async def test_a_ciphertext_that_waited_knows_whether_it_still_reaches_everybody(world: World) -> None:
    alice = await world.device(ALICE)
    await world.device(BOB)
    kept = (await alice.send("kept", "$1"))["content"]
    assert await alice.encryption.reaches_all(ROOM, kept)
    phone = await world.device(BOB, name="PHONE")
    alice.sync()
    await until(lambda: len(alice.encryption.devices_of(BOB)) == 2)
    assert not await alice.encryption.reaches_all(ROOM, kept), "a device came"
    later = await alice.send("again", "$2")
    assert not await alice.encryption.reaches_all(ROOM, kept), "the device has the key from the next message on only"
    assert await alice.encryption.reaches_all(ROOM, later["content"])
    phone.sync()
    assert phone.text(later) == "again"
    world.rooms.people = (ALICE,)
    assert not await alice.encryption.reaches_all(ROOM, later["content"]), "somebody left"
    carol = UserId("@carol:x")
    await world.device(carol)
    world.rooms.people = (ALICE, BOB, carol)
    assert not await alice.encryption.reaches_all(ROOM, later["content"]), "somebody came of whom nothing was known"


async def test_keys_are_handed_on_only_when_the_room_is_known_as_of_now(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    world.rooms.people = (ALICE,)

    async def caught_up() -> None:
        world.rooms.people = (ALICE, BOB)

    alice.encryption.caught_up = caught_up
    event = await alice.send("to whoever is here", "$1")
    bob.sync()
    assert bob.text(event) == "to whoever is here"


async def test_encrypting_without_preparing_is_refused(world: World) -> None:
    alice = await world.device(ALICE)
    with pytest.raises(EncryptionRefused):
        alice.encryption.encrypt(ROOM, "m.room.message", {})


async def test_work_goes_on_after_the_line_was_down(world: World) -> None:
    alice = await world.device(ALICE, start=False)
    alice.line.fail = Offline("down")
    await alice.encryption.start()
    await until(lambda: alice.line.calls)
    assert not alice.encryption.uploaded.value
    alice.line.fail = None
    alice.encryption.wake()
    await until(lambda: alice.encryption.uploaded.value)
    assert (ALICE, "A") in world.server.one_time


async def test_one_time_keys_that_exist_already_are_replaced(world: World) -> None:
    """The profile was restored from an old copy: the server holds other keys under our ids."""
    alice = await world.device(ALICE, start=False)
    alice.line.fail = matrix_error(400, {"errcode": "M_UNKNOWN", "error": "One time key already exists"})
    await alice.encryption.start()
    await until(lambda: len(alice.line.calls) >= 2)
    alice.line.fail = None
    alice.encryption.wake()
    await until(lambda: alice.encryption.uploaded.value)
    assert len(world.server.one_time[(ALICE, "A")]) == 50


async def test_a_refused_message_does_not_stay_for_ever(world: World) -> None:
    alice = await world.device(ALICE)
    await world.device(BOB)
    await alice.send("one", "$1")
    alice.line.fail = matrix_error(413, {"errcode": "M_TOO_LARGE"})
    reached = await alice.encryption.send_to_device_encrypted(CALL, {BOB: {DeviceId("B"): {}}})
    assert reached == set()
    assert alice.count("outgoing") == 0


async def test_two_rooms_are_prepared_side_by_side(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    rooms = [RoomId(f"!room{number}") for number in range(4)]
    await asyncio.gather(*(alice.encryption.prepare_to_send(room) for room in rooms for _ in range(2)))
    bob.sync()
    assert {room for room, _ in bob.keys} == set(rooms)


async def test_a_forgotten_position_fetches_every_list_again(world: World) -> None:
    alice = await world.device(ALICE)
    await world.device(BOB)
    await alice.send("x", "$1")
    before = alice.line.calls.count("keys/query")
    alice.encryption.forget_device_lists()
    await until(lambda: alice.line.calls.count("keys/query") > before)


async def test_a_restart_keeps_identity_sessions_and_the_replay_table(world: World) -> None:
    alice, bob = await world.device(ALICE), await world.device(BOB)
    event = await alice.send("x", "$1")
    bob.sync()
    assert bob.text(event) == "x"
    keys = dict(bob.encryption.own_keys)
    await bob.die()
    bob.open()
    assert dict(bob.encryption.own_keys) == keys
    assert bob.text(event) == "x"
    assert isinstance(bob.encryption.decrypt(ROOM, {**event, "event_id": "$2"}), Undecryptable)


async def test_no_key_and_no_text_reaches_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    alice, bob = await world.device(ALICE), await world.device(BOB)
    event = await alice.send("canary-text", "$1")
    bob.sync()
    assert bob.text(event) == "canary-text"
    with alice.database.read() as query:
        first_key, pickle = query.rows("SELECT first_key, pickle FROM crypto_outbound")[0]
    for secret in ("canary-text", first_key, pickle, first_key[:20], ALICE, ROOM):
        assert secret not in caplog.text
