"""Table of the media cache: which file holds what, and the key it is encrypted with on this disk."""

from dataclasses import dataclass

from welink_desktop.adapters.matrix.store.database import Migration, Row, Transaction
from welink_desktop.core.ids import ContentUri

MIGRATIONS = (
    Migration(
        "media",
        1,
        (
            """CREATE TABLE media_cache(
                uri TEXT NOT NULL, variant TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, key BLOB, iv BLOB,
                sha256 BLOB NOT NULL, used_ms INTEGER NOT NULL, PRIMARY KEY(uri, variant)) WITHOUT ROWID""",
            "CREATE INDEX media_cache_by_use ON media_cache(used_ms)",
        ),
    ),
)


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """A cached file. `key` and `iv` are None for an attachment kept in its sender's encryption. `sha256` is of the file on disk.

    Secret: no repr.
    """

    uri: ContentUri
    variant: str
    name: str
    size: int
    key: bytes | None
    iv: bytes | None
    sha256: bytes


def find(t: Transaction, uri: ContentUri, variant: str) -> Entry | None:
    row = t.row("SELECT uri, variant, name, size, key, iv, sha256 FROM media_cache WHERE uri = ? AND variant = ?", (uri, variant))
    return None if row is None else _entry(row)


def put(t: Transaction, entry: Entry, now_ms: int) -> str | None:
    """Insert or replace; returns the name of the file that is no longer needed."""
    old = find(t, entry.uri, entry.variant)
    t.execute(
        """INSERT OR REPLACE INTO media_cache(uri, variant, name, size, key, iv, sha256, used_ms)
        VALUES(?, ?, ?, ?, ?, ?, ?, ?)""",
        (entry.uri, entry.variant, entry.name, entry.size, entry.key, entry.iv, entry.sha256, now_ms),
    )
    return None if old is None else old.name


def touch(t: Transaction, entry: Entry, now_ms: int) -> None:
    t.execute("UPDATE media_cache SET used_ms = ? WHERE uri = ? AND variant = ?", (now_ms, entry.uri, entry.variant))


def remove(t: Transaction, entry: Entry) -> None:
    t.execute("DELETE FROM media_cache WHERE uri = ? AND variant = ?", (entry.uri, entry.variant))


def names(t: Transaction) -> set[str]:
    return {row[0] for row in t.rows("SELECT name FROM media_cache")}


def beyond(t: Transaction, limit: int) -> list[Entry]:
    """The entries, longest unused first, that must go to bring the total size down to `limit` bytes."""
    excess = int(t.value("SELECT coalesce(sum(size), 0) FROM media_cache")) - limit
    leaving: list[Entry] = []
    if excess <= 0:
        return leaving
    for row in t.rows("SELECT uri, variant, name, size, key, iv, sha256 FROM media_cache ORDER BY used_ms"):
        if excess <= 0:
            break
        leaving.append(_entry(row))
        excess -= leaving[-1].size
    return leaving


def _entry(row: Row) -> Entry:
    return Entry(*row)
