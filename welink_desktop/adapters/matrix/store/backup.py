"""Tables of the key backup: which version we use, what it lacks. Sessions get into `backup_waiting` by themselves."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from welink_desktop.adapters.matrix.store.database import Migration, Transaction
from welink_desktop.core.ids import RoomId

_WAIT = (
    "BEGIN INSERT OR REPLACE INTO backup_waiting(room, session, sender_key) VALUES(NEW.room, NEW.session, NEW.sender_key); END"
)

MIGRATIONS = (
    Migration(
        "backup",
        1,
        (
            "CREATE TABLE backup(one INTEGER PRIMARY KEY CHECK(one = 1), version TEXT NOT NULL, secret TEXT NOT NULL, "
            "gone INTEGER NOT NULL, restoring INTEGER NOT NULL)",
            "CREATE TABLE backup_pending(one INTEGER PRIMARY KEY CHECK(one = 1), secret TEXT NOT NULL)",
            "CREATE TABLE backup_waiting(position INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL, session TEXT NOT NULL, "
            "sender_key TEXT NOT NULL, UNIQUE(room, session, sender_key))",
            f"CREATE TRIGGER backup_new AFTER INSERT ON crypto_inbound WHEN NEW.source <> 'backup' {_WAIT}",
            "CREATE TRIGGER backup_better AFTER UPDATE OF pickle, source ON crypto_inbound WHEN NEW.source <> 'backup' "
            f"AND (NEW.pickle <> OLD.pickle OR NEW.source <> OLD.source) {_WAIT}",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class BackupRow:
    """The version we use. `gone`: the server's current one is not ours any more. `restoring`: a full restore began."""

    version: str
    secret: str = field(repr=False)
    gone: bool = False
    restoring: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session that the backup lacks. `position` changes when the session gets better meanwhile."""

    position: int
    room: RoomId
    session: str
    sender_key: str


def backup(t: Transaction) -> BackupRow | None:
    row = t.row("SELECT version, secret, gone, restoring FROM backup")
    return None if row is None else BackupRow(row[0], row[1], bool(row[2]), bool(row[3]))


def save_backup(t: Transaction, row: BackupRow) -> None:
    t.execute(
        "INSERT OR REPLACE INTO backup(one, version, secret, gone, restoring) VALUES(1, ?, ?, ?, ?)",
        (row.version, row.secret, row.gone, row.restoring),
    )


def forget_backup(t: Transaction) -> None:
    t.execute("DELETE FROM backup")


def pending_secret(t: Transaction) -> str | None:
    """The private key of a version that is being made: the server may have it, we did not hear so."""
    secret: str | None = t.value("SELECT secret FROM backup_pending")
    return secret


def save_pending_secret(t: Transaction, secret: str | None) -> None:
    """None: nothing is being made."""
    t.execute("DELETE FROM backup_pending")
    if secret is not None:
        t.execute("INSERT INTO backup_pending(one, secret) VALUES(1, ?)", (secret,))


def wait_all(t: Transaction) -> None:
    """A version that has nothing of ours yet: every session waits."""
    t.execute(
        "INSERT OR IGNORE INTO backup_waiting(room, session, sender_key) SELECT room, session, sender_key FROM crypto_inbound"
    )


def waiting(t: Transaction, limit: int) -> list[Waiting]:
    """Those that wait longest."""
    rows = t.rows("SELECT position, room, session, sender_key FROM backup_waiting ORDER BY position LIMIT ?", (limit,))
    return [Waiting(row[0], RoomId(row[1]), row[2], row[3]) for row in rows]


def waiting_count(t: Transaction) -> int:
    return int(t.value("SELECT count(*) FROM backup_waiting"))


def backed_up(t: Transaction, done: Iterable[Waiting]) -> None:
    """The server has these. One that got better meanwhile has another position and goes on waiting."""
    t.executemany("DELETE FROM backup_waiting WHERE position = ?", [(one.position,) for one in done])


def first_indexes(t: Transaction, room: RoomId) -> dict[str, int]:
    """The first message that each known session of a room opens."""
    return dict(t.rows("SELECT session, min(first_index) FROM crypto_inbound WHERE room = ? GROUP BY session", (room,)))


def unread_sessions(t: Transaction, limit: int) -> list[tuple[RoomId, str]]:
    """Sessions of kept messages that cannot be read."""
    rows = t.rows(
        "SELECT DISTINCT room, session FROM events INDEXED BY events_by_session "
        "WHERE failure IS NOT NULL AND session IS NOT NULL LIMIT ?",
        (limit,),
    )
    return [(RoomId(row[0]), row[1]) for row in rows]


def with_unread(t: Transaction, room: RoomId, sessions: Collection[str]) -> list[str]:
    """Those of `sessions` that kept messages wait for."""
    rows = t.rows(
        "SELECT DISTINCT session FROM events INDEXED BY events_by_session WHERE room = ? AND failure IS NOT NULL", (room,)
    )
    return [row[0] for row in rows if row[0] in sessions]
