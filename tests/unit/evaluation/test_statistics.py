"""What SQLite knows of the homeserver's tables."""

import contextlib
import sqlite3
from pathlib import Path

from welink_desktop.evaluation.synapse import DATABASE, refresh_statistics


def test_statistics_tell_how_many_rows_share_a_key(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute("CREATE TABLE events(room TEXT, event TEXT)")
        connection.execute("CREATE INDEX by_room ON events(room)")
        connection.executemany("INSERT INTO events VALUES('!r', ?)", [(str(number),) for number in range(50)])
        connection.commit()
        refresh_statistics(tmp_path)
        assert connection.execute("SELECT stat FROM sqlite_stat1 WHERE idx = 'by_room'").fetchone() == ("50 50",)


def test_nothing_is_made_before_the_first_start(tmp_path: Path) -> None:
    refresh_statistics(tmp_path)
    assert not (tmp_path / DATABASE).exists()
