"""The encrypted store: keys, damage, migrations, transactions, sudden death."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from welink_desktop.adapters.matrix.store.database import Database, Migration
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.errors import DiskFull, StoreDamaged, StoreKeyMissing, StoreTooNew

KEY = bytes(range(32))
ONE = Migration("things", 1, ("CREATE TABLE things(name TEXT PRIMARY KEY)",))
TWO = Migration("things", 2, ("ALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7",))
BAD = Migration("things", 2, ("ALTER TABLE things ADD COLUMN size INTEGER", "THIS IS NOT SQL"))


def names(database: Database) -> list[str]:
    with database.read() as t:
        return [row[0] for row in t.rows("SELECT name FROM things ORDER BY name")]


def test_what_is_written_is_there_again_and_unreadable_on_disk(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db", KEY, [ONE])
    with database.transaction() as t:
        t.execute("INSERT INTO things VALUES(?)", ("canary-text",))
    database.close()
    assert all(b"canary" not in file.read_bytes() for file in tmp_path.iterdir())
    assert (tmp_path / "store.db").stat().st_mode & 0o077 == 0
    again = Database.open(tmp_path / "store.db", KEY, [ONE])
    assert names(again) == ["canary-text"]
    again.close()


def test_a_wrong_key_leaves_the_store_alone(tmp_path: Path) -> None:
    Database.open(tmp_path / "store.db", KEY, [ONE]).close()
    before = (tmp_path / "store.db").read_bytes()
    with pytest.raises(StoreKeyMissing):
        Database.open(tmp_path / "store.db", bytes(32), [ONE])
    with pytest.raises(StoreKeyMissing):
        Database.open(tmp_path / "store.db", b"short", [ONE])
    assert (tmp_path / "store.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"plain text", os.urandom(8192), b"SQLite format 3\x00" + bytes(4096)])
def test_a_damaged_store_is_moved_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    Database.open(path, KEY, [ONE]).close()
    path.write_bytes(content)
    with pytest.raises(StoreDamaged) as caught:
        Database.open(path, KEY, [ONE])
    assert (tmp_path / str(caught.value.args_for_text["path"])).read_bytes() == content
    Database.open(path, KEY, [ONE]).close()


def test_migrations_run_once_and_keep_the_rows(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db", KEY, [ONE])
    with database.transaction() as t:
        t.execute("INSERT INTO things VALUES('a')")
    database.close()
    for _ in range(2):
        database = Database.open(tmp_path / "store.db", KEY, [ONE, TWO])
        with database.read() as t:
            assert t.rows("SELECT name, size FROM things") == [("a", 7)]
        database.close()


def test_a_failed_migration_changes_nothing(tmp_path: Path) -> None:
    Database.open(tmp_path / "store.db", KEY, [ONE]).close()
    with pytest.raises(StoreDamaged):
        Database.open(tmp_path / "store.db", KEY, [ONE, BAD])
    aside = next(
        path for path in tmp_path.iterdir() if "damaged" in path.name and not path.name.endswith(("-wal", "-shm", "check"))
    )
    Database.open(aside, KEY, [ONE, TWO]).close()


def test_a_newer_store_is_refused_untouched(tmp_path: Path) -> None:
    Database.open(tmp_path / "store.db", KEY, [ONE, TWO]).close()
    with pytest.raises(StoreTooNew):
        Database.open(tmp_path / "store.db", KEY, [ONE])
    Database.open(tmp_path / "store.db", KEY, [ONE, TWO]).close()


def test_the_schema_has_no_number_twice(tmp_path: Path) -> None:
    Database.open(tmp_path / "store.db", KEY, MIGRATIONS).close()
    with pytest.raises(ValueError, match="same family"):
        Database.open(tmp_path / "other.db", KEY, [ONE, ONE])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    with pytest.raises(DiskFull):
        Database.open(tmp_path / "store.db", KEY, [ONE])


class Stop(Exception):
    pass


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db", KEY, [ONE])
    told: list[str] = []
    with pytest.raises(Stop), database.transaction() as t:
        t.execute("INSERT INTO things VALUES('a')")
        t.after_commit(lambda: told.append("committed"))
        t.on_rollback(lambda: told.append("undone"))
        raise Stop
    assert (names(database), told) == ([], ["undone"])
    with database.transaction() as t:
        t.execute("INSERT INTO things VALUES('b')")
        t.after_commit(lambda: told.append("committed"))
        assert told == ["undone"]
    assert (names(database), told) == (["b"], ["undone", "committed"])
    database.close()


def test_a_nested_failure_undoes_only_itself(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db", KEY, [ONE])
    told: list[str] = []
    with database.transaction() as outer:
        outer.execute("INSERT INTO things VALUES('outer')")
        with pytest.raises(Stop), database.transaction() as inner:
            inner.execute("INSERT INTO things VALUES('lost')")
            inner.after_commit(lambda: told.append("lost"))
            inner.on_rollback(lambda: told.append("undone"))
            raise Stop
        with database.transaction() as inner:
            inner.executemany("INSERT INTO things VALUES(?)", [("kept",)])
            inner.after_commit(lambda: told.append("kept"))
        assert told == ["undone"]
    assert names(database) == ["kept", "outer"]
    assert told == ["undone", "kept"]
    database.close()


WRITER = """
import sys
from pathlib import Path
from welink_desktop.adapters.matrix.store.database import Database, Migration
database = Database.open(Path(sys.argv[1]), bytes(range(32)),
                         [Migration("things", 1, ("CREATE TABLE things(name TEXT PRIMARY KEY)",))])
number = int(sys.argv[2])
while True:
    with database.transaction() as t:
        t.execute("INSERT INTO things VALUES(?)", (f"{number:08}",))
    print(number, flush=True)
    number += 1
"""


def test_no_acknowledged_row_is_lost_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    acknowledged: list[str] = []
    for _ in range(5):
        command = [sys.executable, "-c", WRITER, str(path), str(len(acknowledged) * 2 + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(20):
                acknowledged.append(f"{int(writer.stdout.readline()):08}")
            writer.send_signal(signal.SIGKILL)
            acknowledged += [f"{int(line):08}" for line in writer.stdout.read().split("\n") if line]
        database = Database.open(path, KEY, [ONE])
        assert set(acknowledged) <= set(names(database))
        database.close()


def test_a_disk_that_fills_in_a_nested_block_is_told_and_undoes_everything(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db", KEY, [ONE])
    with database.read() as t:
        t.value(f"PRAGMA max_page_count = {t.value('PRAGMA page_count')}")
    undone: list[str] = []
    with pytest.raises(DiskFull), database.transaction() as t:
        t.on_rollback(lambda: undone.append("outer"))
        with database.transaction() as inner:
            inner.on_rollback(lambda: undone.append("inner"))
            for number in range(1000):
                inner.execute("INSERT INTO things VALUES(?)", (f"{number}-{'x' * 2000}",))
    assert undone == ["outer", "inner"]
    assert names(database) == []
    with database.read() as t:
        t.value(f"PRAGMA max_page_count = {1 << 30}")
    with database.transaction() as t:
        t.execute("INSERT INTO things VALUES('a')")
    assert names(database) == ["a"]
    database.close()
