"""The key backup: what is uploaded, and to whose versions (matrix.md §8.7)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac

from tests.support.backup_devices import LAB, LIN, WARD, World, backed_up, session_of, until
from welink_desktop.adapters.matrix.crypto.backup import ALGORITHM, BackupKey
from welink_desktop.adapters.matrix.crypto.records import MEGOLM
from welink_desktop.adapters.matrix.security.backup import BackupState
from welink_desktop.adapters.matrix.security.recovery_state import BackupFact
from welink_desktop.adapters.matrix.store import backup as store
from welink_desktop.core.errors import NotFound, Offline
from welink_desktop.core.ids import RoomId


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.devices:
        await device.die()


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


async def test_the_private_key_never_shows(world: World, caplog: pytest.LogCaptureFixture) -> None:
    device, _ = await backed_up(world, 1)
    key = device.backup.private_key or ""
    with device.database.read() as t:
        row = store.backup(t)
    assert key not in repr(row) + repr(device.backup) + repr(device.state) + caplog.text
