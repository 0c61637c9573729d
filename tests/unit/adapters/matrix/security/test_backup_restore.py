"""Keys come back from the backup, and only what may (matrix.md §8.7, §8.9 rule 15)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import vodozemac

from tests.support.backup_devices import LAB, LIN, WARD, World, backed_up, session_of, until
from welink_desktop.adapters.matrix.crypto.backup import BackupKey, BackupLock
from welink_desktop.adapters.matrix.crypto.records import Decrypted, JsonObject, Source
from welink_desktop.adapters.matrix.store import backup as store
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.core.errors import Offline
from welink_desktop.core.ids import RoomId
from welink_desktop.core.security import Progress
from welink_desktop.core.trust import Shield, Undecryptable


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.devices:
        await device.die()


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
