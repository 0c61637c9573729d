"""The key backup: uploads, foreign versions, restores, restarts (matrix.md §8.7)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import vodozemac

from tests.support.backup_home import BackupHome
from tests.support.key_server import FakeClock, KeyLine, KeyServer
from welink_desktop.adapters.matrix.crypto.backup import ALGORITHM, BackupKey, BackupLock
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Decrypted, JsonObject, RoomRules, Source
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.security.backup import BackupState, KeyBackup
from welink_desktop.adapters.matrix.security.recovery_state import BackupFact
from welink_desktop.adapters.matrix.store import backup as store
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.errors import NotFound, Offline
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.security import Progress
from welink_desktop.core.trust import Shield, Undecryptable

LIN = UserId("@lin:x")
WARD, LAB = RoomId("!ward"), RoomId("!lab")


class Rooms:
    async def rules(self, room: RoomId) -> RoomRules:
        return RoomRules(room, (LIN,))

    def joined_at_ms(self, room: RoomId) -> int:
        return 0


class World:
    def __init__(self, folder: Path) -> None:
        self.home = BackupHome()
        self.keys = KeyServer()
        self.clock = FakeClock()
        self.folder = folder
        self.devices: list[Device] = []

    def device(self, name: str, *, run: bool = True) -> "Device":
        device = Device(self, DeviceId(name))
        self.devices.append(device)
        if run:
            device.run()
        return device


class Device:
    """One device of Lin with a store of its own."""

    def __init__(self, world: World, name: DeviceId) -> None:
        self.world = world
        self.name = name
        self.told: list[tuple[RoomId, str]] = []
        self.open()

    def open(self) -> None:
        self.database = Database.open(self.world.folder / f"{self.name}.db", b"d" * 32, MIGRATIONS)
        self.scope = Scope("device")
        line = KeyLine(self.world.keys, LIN, self.name)
        self.encryption = Encryption(
            self.database, line, user=LIN, device=self.name, rooms=Rooms(), scope=self.scope, clock=self.world.clock
        )
        self.backup = KeyBackup(
            self.database,
            self.world.home,
            self.encryption,
            scope=self.scope,
            clock=self.world.clock,
            delay=lambda: 0.0,
            rest=0.0,
        )
        self.encryption.on_sessions = self.backup.wake
        self.encryption.on_missing = self.backup.want
        self.encryption.on_room_keys = self.told.extend

    def run(self) -> None:
        self.scope.spawn(self.backup.run(), name="backup")

    async def die(self) -> None:
        await self.scope.aclose()
        self.database.close()

    async def again(self, *, run: bool = True) -> None:
        await self.die()
        self.open()
        if run:
            self.run()

    async def write(self, text: str, *, room: RoomId = WARD, fresh: bool = False) -> JsonObject:
        """A message of this device, in a session of its own if `fresh`."""
        if fresh:
            with self.database.transaction():
                self.encryption.machine.end_session(room)
        await self.encryption.prepare_to_send(room)
        content = self.encryption.encrypt(room, "m.room.message", {"body": text})
        return {"event_id": f"${text}", "sender": LIN, "content": content, "origin_server_ts": 5, "type": "m.room.encrypted"}

    def read(self, event: JsonObject, room: RoomId = WARD) -> Decrypted | Undecryptable:
        return self.encryption.decrypt(room, event)

    def text(self, event: JsonObject, room: RoomId = WARD) -> str | None:
        found = self.read(event, room)
        return found.content["body"] if isinstance(found, Decrypted) else None

    def keep_unread(self, event: JsonObject, room: RoomId = WARD) -> None:
        """As the timeline keeps a message that cannot be read."""
        with self.database.transaction() as t:
            t.execute(
                "INSERT INTO events(room, event, position, sender, type, ts, raw, session, failure) "
                "VALUES(?, ?, 0, ?, 'm.room.encrypted', 5, '{}', ?, '{}')",
                (room, event["event_id"], LIN, event["content"]["session_id"]),
            )

    @property
    def state(self) -> BackupState:
        return self.backup.state.value

    @property
    def sessions(self) -> int:
        with self.database.read() as t:
            return len(store.first_indexes(t, WARD))

    @property
    def idle(self) -> bool:
        return self.state.active and self.state.waiting == 0


async def until(fact: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not fact():
            await asyncio.sleep(0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.devices:
        await device.die()


def session_of(event: JsonObject) -> str:
    return str(event["content"]["session_id"])


async def backed_up(world: World, count: int = 2) -> tuple[Device, list[JsonObject]]:
    """A device whose `count` sessions of one room are in the backup."""
    device = world.device("LAPTOP")
    await device.backup.create()
    events = [await device.write(f"text {number}", fresh=True) for number in range(count)]
    await until(lambda: device.idle and len(world.home.all_of("1")) == count)
    return device, events


async def test_a_new_backup_gets_everything_and_what_comes_later(world: World) -> None:
    device = world.device("LAPTOP")
    early = await device.write("early")
    assert device.state == BackupState()
    assert device.backup.private_key is None
    await device.backup.create()
    await until(lambda: device.idle)
    late = await device.write("late", room=LAB)
    await until(lambda: len(world.home.all_of("1")) == 2)
    assert set(world.home.all_of("1")) == {(WARD, session_of(early)), (LAB, session_of(late))}
    assert all(entry["is_verified"] is False for entry in world.home.all_of("1").values())


async def test_the_version_is_signed_by_the_device_and_its_key_is_ours(world: World) -> None:
    device = world.device("LAPTOP")
    await device.backup.create()
    made = world.home.versions["1"]
    assert made["algorithm"] == ALGORITHM
    assert device.backup.private_key is not None
    assert made["auth_data"]["public_key"] == BackupKey.from_secret(device.backup.private_key).public
    assert list(made["auth_data"]["signatures"][LIN]) == ["ed25519:LAPTOP"]
    assert device.backup.private_key not in str(world.home.versions)


async def test_what_is_uploaded_is_in_the_format_that_others_read(world: World) -> None:
    device, (event,) = await backed_up(world, 1)
    key = BackupKey.from_secret(device.backup.private_key or "")
    entry = world.home.all_of("1")[(WARD, session_of(event))]
    plain = key.open(entry["session_data"])
    assert set(plain) == {
        "algorithm",
        "sender_key",
        "sender_claimed_keys",
        "session_key",
        "forwarding_curve25519_key_chain",
        "m.shared_history",
    }
    assert plain["algorithm"] == MEGOLM
    assert plain["sender_key"] == device.encryption.own_keys["curve25519"]
    assert plain["sender_claimed_keys"] == {"ed25519": device.encryption.own_keys["ed25519"]}
    session = vodozemac.InboundGroupSession.import_session(vodozemac.ExportedSessionKey(plain["session_key"]))
    assert session.session_id == session_of(event)
    assert session.first_known_index == entry["first_message_index"] == 0


async def test_many_sessions_go_in_batches(world: World) -> None:
    device = world.device("LAPTOP", run=False)
    for number in range(205):
        await device.write(str(number), fresh=True)
    await device.backup.create()
    assert device.state.waiting == 205
    device.run()
    await until(lambda: device.idle)
    assert world.home.calls.count("PUT room_keys keys") == 3
    assert len(world.home.all_of("1")) == 205


async def test_a_key_that_the_server_refuses_does_not_hold_back_the_others(world: World) -> None:
    device = world.device("LAPTOP", run=False)
    events = [await device.write(str(number), fresh=True) for number in range(9)]
    world.home.refused = {session_of(events[3])}
    await device.write("nowhere", room=RoomId("no\x00room"))
    await device.backup.create()
    device.run()
    await until(lambda: device.idle)
    kept = {session for _, session in world.home.all_of("1")}
    assert kept == {session_of(event) for event in events} - world.home.refused


async def test_another_device_restores_a_room_with_the_private_key(world: World) -> None:
    laptop, events = await backed_up(world)
    phone = world.device("PHONE")
    assert isinstance(phone.read(events[0]), Undecryptable)
    assert await phone.backup.adopt(laptop.backup.private_key or "")
    await phone.backup.restore_room(WARD)
    assert [phone.text(event) for event in events] == ["text 0", "text 1"]
    read = phone.read(events[0])
    assert isinstance(read, Decrypted)
    assert read.shield is Shield.UNPROVEN


async def test_everything_is_restored_with_progress(world: World) -> None:
    laptop, events = await backed_up(world, 70)
    other = await laptop.write("lab", room=LAB)
    await until(lambda: laptop.idle and len(world.home.all_of("1")) == 71)
    phone = world.device("PHONE")
    assert await phone.backup.adopt(laptop.backup.private_key or "")
    seen: list[Progress | None] = []
    phone.backup.state.watch(lambda state: seen.append(state.restoring))
    await phone.backup.restore_all()
    assert [phone.text(event) for event in events] == [f"text {number}" for number in range(70)]
    assert phone.text(other, LAB) == "lab"
    steps = [one for one in seen if one is not None]
    assert steps[0] == Progress(0, 71)
    assert steps[-1] == Progress(71, 71)
    assert len(steps) >= 4
    assert phone.state.restoring is None


async def test_what_came_from_the_backup_is_not_uploaded_again(world: World) -> None:
    laptop, _ = await backed_up(world)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    await until(lambda: phone.idle)
    world.home.calls.clear()
    await phone.backup.restore_all()
    assert phone.state.waiting == 0
    assert "PUT room_keys keys" not in world.home.calls


@pytest.mark.parametrize("key", ["", "%", "AAAA", BackupKey.generate().secret])
async def test_a_private_key_that_does_not_fit_is_not_adopted(world: World, key: str) -> None:
    await backed_up(world, 1)
    phone = world.device("PHONE")
    assert not await phone.backup.adopt(key)
    assert phone.backup.private_key is None
    assert not phone.state.active
    with pytest.raises(NotFound):
        await phone.backup.restore_all()
    with pytest.raises(NotFound):
        await phone.backup.restore_room(WARD)


async def test_nothing_is_adopted_where_there_is_no_backup(world: World) -> None:
    phone = world.device("PHONE")
    assert not await phone.backup.adopt(BackupKey.generate().secret)
    assert await phone.backup.check() is BackupFact.NONE


async def test_a_foreign_version_stops_uploads(world: World) -> None:
    device, _ = await backed_up(world, 1)
    world.home.make_version({"algorithm": ALGORITHM, "auth_data": {"public_key": BackupKey.generate().public}})
    await device.write("secret", fresh=True)
    await until(lambda: device.state.gone)
    assert not device.state.active
    assert world.home.all_of("2") == {}
    assert device.backup.private_key is None
    assert await device.backup.check() is BackupFact.FOREIGN
    await device.again()
    assert device.state.gone


async def test_a_version_deleted_elsewhere_stops_uploads_though_an_older_one_is_current_again(world: World) -> None:
    device = world.device("LAPTOP")
    world.home.make_version({"algorithm": ALGORITHM, "auth_data": {"public_key": BackupKey.generate().public}})
    await device.backup.create()
    del world.home.versions["2"]
    await device.write("secret", fresh=True)
    await until(lambda: device.state.gone)
    assert world.home.all_of("1") == {}
    del world.home.versions["1"]
    assert await device.backup.check() is BackupFact.NONE
    assert device.state.gone


async def test_a_new_backup_after_that_gets_everything(world: World) -> None:
    device, _ = await backed_up(world, 3)
    world.home.versions.clear()
    assert await device.backup.check() is BackupFact.NONE
    await device.backup.create()
    await until(lambda: device.idle)
    assert len(world.home.all_of("2")) == 3
    assert not device.state.gone


async def test_a_backup_made_again_has_the_former_key(world: World) -> None:
    device, _ = await backed_up(world, 2)
    key = device.backup.private_key
    world.home.versions.clear()
    await device.backup.check()
    assert device.backup.private_key is None
    assert device.backup.former_key
    await device.again()
    await device.backup.create(again=True)
    await until(lambda: device.idle)
    assert device.backup.private_key == key
    assert len(world.home.all_of("2")) == 2
    await device.backup.create()
    assert device.backup.private_key != key


async def test_no_backup_is_made_again_without_its_key(world: World) -> None:
    device = world.device("LAPTOP")
    with pytest.raises(NotFound):
        await device.backup.create(again=True)
    assert world.home.versions == {}


async def test_another_version_with_our_key_is_followed(world: World) -> None:
    device, _ = await backed_up(world, 2)
    world.home.make_version(world.home.versions["1"])
    assert await device.backup.check() is BackupFact.OURS
    await until(lambda: device.idle)
    assert len(world.home.all_of("2")) == 2


async def test_a_version_of_an_unknown_algorithm_is_foreign(world: World) -> None:
    device, _ = await backed_up(world, 1)
    world.home.make_version({**world.home.versions["1"], "algorithm": "m.megolm_backup.v9"})
    assert await device.backup.check() is BackupFact.FOREIGN
    assert device.state.gone


async def test_deleting_takes_every_version(world: World) -> None:
    device, _ = await backed_up(world, 1)
    for _ in range(3):
        world.home.make_version(world.home.versions["1"])
    await device.backup.delete_all()
    assert world.home.versions == {}
    assert device.state == BackupState()
    assert device.backup.private_key is None
    await device.again()
    assert device.backup.private_key is None


async def test_uploading_goes_on_after_a_restart(world: World) -> None:
    device = world.device("LAPTOP")
    for number in range(150):
        await device.write(str(number), fresh=True)
    await device.backup.create()
    await until(lambda: device.state.waiting == 50)
    await device.again(run=False)
    assert device.state == BackupState(active=True, waiting=device.state.waiting)
    device.run()
    await until(lambda: device.idle)
    assert len(world.home.all_of("1")) == 150


async def test_a_creation_whose_answer_was_lost_is_found_again(world: World) -> None:
    device = world.device("LAPTOP", run=False)
    await device.write("text")
    make, lost = world.home.make_version, Offline("lost")

    def losing(body: Any) -> Any:
        make(body)
        raise lost

    world.home.make_version = losing  # type: ignore[method-assign]  # the answer gets lost
    with pytest.raises(Offline):
        await device.backup.create()
    assert not device.state.active
    await device.again()
    await until(lambda: device.idle)
    assert len(world.home.all_of("1")) == 1
    assert device.backup.private_key is not None


async def test_the_old_key_stays_while_a_new_version_cannot_be_made(world: World) -> None:
    device, _ = await backed_up(world, 1)
    key = device.backup.private_key
    world.home.fail = Offline()
    with pytest.raises(Offline):
        await device.backup.create()
    world.home.fail = None
    await device.again()
    assert await device.backup.check() is BackupFact.OURS
    assert device.backup.private_key == key


async def test_a_restore_goes_on_after_a_restart(world: World) -> None:
    laptop, events = await backed_up(world, 90)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    restoring = phone.scope.spawn(phone.backup.restore_all(), name="restore")
    await until(lambda: phone.state.restoring is not None and phone.state.restoring.done > 0)
    assert 0 < phone.sessions < 90
    await phone.again()
    assert restoring.cancelled()
    await until(lambda: phone.sessions == 90 and phone.state.restoring is None)
    assert [phone.text(event) for event in events] == [f"text {number}" for number in range(90)]
    await phone.again()
    with phone.database.read() as t:
        kept = store.backup(t)
    assert kept is not None
    assert not kept.restoring


async def test_a_restore_that_the_line_breaks_off_is_told(world: World) -> None:
    laptop, _ = await backed_up(world, 90)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    world.home.fail = Offline()
    with pytest.raises(Offline):
        await phone.backup.restore_all()
    assert phone.state.restoring is None


async def test_a_missing_key_is_fetched_once(world: World) -> None:
    laptop, events = await backed_up(world)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    phone.keep_unread(events[0])
    for _ in range(5):
        phone.read(events[0])
    await until(lambda: phone.told)
    assert phone.told == [(WARD, session_of(events[0]))]
    assert phone.text(events[0]) == "text 0"
    assert [call for call in world.home.calls if call.startswith("GET room_keys keys")] == [
        f"GET room_keys keys {WARD} {session_of(events[0])}"
    ]


async def test_a_key_that_the_backup_lacks_is_not_asked_for_again_and_again(world: World) -> None:
    laptop, _ = await backed_up(world, 1)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    stranger = world.device("TABLET", run=False)
    event = await stranger.write("unknown")
    asked = f"GET room_keys keys {WARD} {session_of(event)}"
    phone.read(event)
    await until(lambda: asked in world.home.calls)
    phone.read(event)
    phone.read((await laptop.write("other", fresh=True)) | {"sender": LIN})
    await until(lambda: sum(call.startswith(f"GET room_keys keys {WARD}") for call in world.home.calls) == 2)
    assert world.home.calls.count(asked) == 1
    world.clock.pass_ms(11 * 60_000)
    phone.read(event)
    await until(lambda: world.home.calls.count(asked) == 2)


async def test_many_missing_keys_of_a_room_are_fetched_together(world: World) -> None:
    laptop, events = await backed_up(world, 12)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    for event in events:
        phone.read(event)
    await until(lambda: phone.text(events[-1]) is not None)
    assert [call for call in world.home.calls if call.startswith("GET room_keys keys")] == [f"GET room_keys keys {WARD}"]


async def test_names_of_keys_that_do_not_exist_fetch_a_room_once(world: World) -> None:
    laptop, _ = await backed_up(world, 1)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    whole = f"GET room_keys keys {WARD}"
    for number in range(10):
        phone.backup.want(WARD, f"made up {number}")
    await until(lambda: whole in world.home.calls)
    for number in range(20):
        phone.backup.want(WARD, f"more {number}")
    await until(lambda: sum(call.startswith(f"{whole} more") for call in world.home.calls) == 20)
    assert world.home.calls.count(whole) == 1


async def test_messages_kept_before_the_backup_was_opened_get_their_keys(world: World) -> None:
    laptop, events = await backed_up(world)
    phone = world.device("PHONE")
    phone.keep_unread(events[1])
    await phone.backup.adopt(laptop.backup.private_key or "")
    await until(lambda: phone.told == [(WARD, session_of(events[1]))])


async def test_wanted_keys_wait_for_the_line(world: World) -> None:
    laptop, events = await backed_up(world, 1)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    world.home.fail = Offline()
    phone.read(events[0])
    await until(lambda: any(call.startswith(f"GET room_keys keys {WARD}") for call in world.home.calls))
    world.home.fail = None
    await until(lambda: phone.text(events[0]) is not None)


def forged(world: World, room: RoomId, plain: JsonObject, session: str) -> None:
    """What anybody can do who knows the public key: the server, for one."""
    public = world.home.versions["1"]["auth_data"]["public_key"]
    world.home.kept["1"].setdefault(room, {})[session] = BackupLock(public).entry(plain, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "m.megolm.v9"},
        {"session_key": "AQ"},
        {"session_key": None},
        {"session_key": 5},
    ],
)
async def test_malformed_keys_in_the_backup_stop_nothing(world: World, change: JsonObject) -> None:
    laptop, events = await backed_up(world, 2)
    key = BackupKey.from_secret(laptop.backup.private_key or "")
    first, second = (session_of(event) for event in events)
    plain = key.open(world.home.kept["1"][WARD][first]["session_data"])
    forged(world, WARD, {**plain, **change}, first)
    world.home.kept["1"][WARD].update({"x": {}, "y": {"session_data": 5}, "\ud800": {}})
    world.home.kept["1"]["!other"] = {"z": {"first_message_index": "no"}}
    phone = world.device("PHONE")
    await phone.backup.adopt(key.secret)
    await phone.backup.restore_all()
    assert phone.text(events[0]) is None
    assert phone.text(events[1]) == "text 1"
    assert second in world.home.kept["1"][WARD]


async def test_a_key_under_another_id_or_room_opens_nothing_there(world: World) -> None:
    laptop, (event, other) = await backed_up(world, 2)
    key = BackupKey.from_secret(laptop.backup.private_key or "")
    plain = key.open(world.home.kept["1"][WARD][session_of(event)]["session_data"])
    world.home.kept["1"].clear()
    forged(world, WARD, plain, session_of(other))
    forged(world, LAB, plain, session_of(event))
    phone = world.device("PHONE")
    await phone.backup.adopt(key.secret)
    await phone.backup.restore_all()
    assert isinstance(phone.read(event), Undecryptable)
    assert isinstance(phone.read(other), Undecryptable)
    assert isinstance(phone.read(event, LAB), Undecryptable)


async def test_the_backup_never_replaces_a_key_that_its_owner_gave_us(world: World) -> None:
    laptop, (event,) = await backed_up(world, 1)
    key = BackupKey.from_secret(laptop.backup.private_key or "")
    session = session_of(event)
    plain = key.open(world.home.kept["1"][WARD][session]["session_data"])
    other = vodozemac.InboundGroupSession(vodozemac.GroupSession().session_key)
    foreign = other.export_at(0)
    assert foreign is not None
    forged(world, WARD, {**plain, "session_key": foreign.to_base64()}, session)
    forged(world, WARD, {**plain, "sender_key": BackupKey.generate().public}, session)
    await laptop.backup.restore_room(WARD)
    rows = SqlCryptoStore(laptop.database).inbound(WARD, session)
    assert [row.source for row in rows] == [Source.OLM]
    read = laptop.read(event)
    assert isinstance(read, Decrypted)
    assert read.shield is Shield.AUTHENTIC


async def test_the_backup_lends_earlier_messages_to_a_key_that_its_owner_gave_us(world: World) -> None:
    laptop = world.device("LAPTOP")
    await laptop.backup.create()
    events = [await laptop.write(str(number)) for number in range(3)]
    session = session_of(events[0])
    await until(lambda: laptop.idle and (WARD, session) in world.home.all_of("1"))
    crypto = SqlCryptoStore(laptop.database)
    phone = world.device("PHONE")
    await phone.backup.adopt(laptop.backup.private_key or "")
    later = laptop.encryption.machine.exported(crypto.inbound(WARD, session)[0])
    assert later is not None
    whole = vodozemac.InboundGroupSession.import_session(vodozemac.ExportedSessionKey(later["session_key"]))
    part = whole.export_at(2)
    assert part is not None
    forged(world, LAB, {**later, "session_key": part.to_base64()}, session)
    world.home.kept["1"][LAB][session]["first_message_index"] = 2
    world.home.kept["1"][WARD], world.home.kept["1"][LAB] = world.home.kept["1"][LAB], world.home.kept["1"][WARD]
    await phone.backup.restore_room(WARD)
    assert [phone.text(event) for event in events] == [None, None, "2"]
    world.home.kept["1"][WARD] = world.home.kept["1"][LAB]
    await phone.backup.restore_room(WARD)
    assert [phone.text(event) for event in events] == ["0", "1", "2"]


async def test_the_private_key_never_shows(world: World, caplog: pytest.LogCaptureFixture) -> None:
    device, _ = await backed_up(world, 1)
    key = device.backup.private_key or ""
    with device.database.read() as t:
        row = store.backup(t)
    assert key not in repr(row) + repr(device.backup) + repr(device.state) + caplog.text
