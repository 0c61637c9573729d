"""What waits for the backup: sessions get into the list by themselves."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from welink_desktop.adapters.matrix.crypto.records import Inbound, Source
from welink_desktop.adapters.matrix.store import backup
from welink_desktop.adapters.matrix.store.backup import BackupRow
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId, RoomId, UserId

ROOM = RoomId("!ward")
ROW = Inbound(ROOM, "session", "curve", "ed", UserId("@lin:x"), DeviceId("D"), Source.OLM, 5, "pickle")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database.open(tmp_path / "store.db", b"k" * 32, MIGRATIONS)
    yield made
    made.close()


@pytest.fixture
def crypto(database: Database) -> SqlCryptoStore:
    return SqlCryptoStore(database)


def waiting(database: Database) -> list[str]:
    with database.read() as t:
        found = backup.waiting(t, 10)
        assert backup.waiting_count(t) == len(found)
    return [f"{one.session} {one.sender_key}" for one in found]


def done(database: Database) -> None:
    with database.transaction() as t:
        backup.backed_up(t, backup.waiting(t, 10))


def test_a_new_session_waits_until_it_is_backed_up(database: Database, crypto: SqlCryptoStore) -> None:
    crypto.save_inbound(ROW)
    assert waiting(database) == ["session curve"]
    done(database)
    assert waiting(database) == []


def test_a_better_copy_waits_again_behind_the_others(database: Database, crypto: SqlCryptoStore) -> None:
    crypto.save_inbound(ROW)
    crypto.save_inbound(dataclasses.replace(ROW, session="other"))
    crypto.save_inbound(dataclasses.replace(ROW, first_index=0))
    assert waiting(database) == ["other curve", "session curve"]


def test_a_session_that_gets_better_during_its_upload_goes_on_waiting(database: Database, crypto: SqlCryptoStore) -> None:
    crypto.save_inbound(ROW)
    with database.read() as t:
        batch = backup.waiting(t, 10)
    crypto.save_inbound(dataclasses.replace(ROW, first_index=0))
    with database.transaction() as t:
        backup.backed_up(t, batch)
    assert waiting(database) == ["session curve"]


@pytest.mark.parametrize(
    ("source", "waits"), [(source, source is not Source.BACKUP) for source in Source], ids=[source.value for source in Source]
)
def test_only_what_came_from_the_backup_does_not_wait(
    database: Database, crypto: SqlCryptoStore, source: Source, waits: bool
) -> None:
    crypto.save_inbound(dataclasses.replace(ROW, source=source))
    assert bool(waiting(database)) is waits


def test_an_update_in_place_waits_if_it_matters(database: Database, crypto: SqlCryptoStore) -> None:
    crypto.save_inbound(ROW)
    done(database)
    with database.transaction() as t:
        t.execute("UPDATE crypto_inbound SET owner_signed = 1, pickle = pickle")
    assert waiting(database) == []
    with database.transaction() as t:
        t.execute("UPDATE crypto_inbound SET pickle = 'longer'")
    assert waiting(database) == ["session curve"]


def test_what_is_undone_does_not_wait(database: Database, crypto: SqlCryptoStore) -> None:
    with pytest.raises(RuntimeError), database.transaction():
        crypto.save_inbound(ROW)
        raise RuntimeError
    assert waiting(database) == []


def test_a_new_version_wants_everything(database: Database, crypto: SqlCryptoStore) -> None:
    crypto.save_inbound(ROW)
    crypto.save_inbound(dataclasses.replace(ROW, session="restored", source=Source.BACKUP))
    done(database)
    with database.transaction() as t:
        backup.wait_all(t)
    assert sorted(waiting(database)) == ["restored curve", "session curve"]


def test_the_version_is_kept_and_its_key_does_not_show(database: Database) -> None:
    row = BackupRow("7", "the secret", gone=True, restoring=True)
    with database.transaction() as t:
        backup.save_backup(t, BackupRow("6", "old"))
        backup.save_backup(t, row)
    with database.read() as t:
        assert backup.backup(t) == row
    assert "the secret" not in repr(row)
    with database.transaction() as t:
        backup.forget_backup(t)
        assert backup.backup(t) is None


def test_first_indexes_are_the_lowest_of_all_copies(database: Database, crypto: SqlCryptoStore) -> None:
    crypto.save_inbound(ROW)
    crypto.save_inbound(dataclasses.replace(ROW, sender_key="another", first_index=2))
    with database.read() as t:
        assert backup.first_indexes(t, ROOM) == {"session": 2}
        assert backup.first_indexes(t, RoomId("!other")) == {}
