"""An encrypted SQLite file with numbered migrations and transactions that nest."""

import contextlib
import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from welink_desktop.adapters.durable import replace_file
from welink_desktop.core.errors import DiskFull, StoreDamaged, StoreKeyMissing, StoreTooNew
from welink_desktop.core.log import literal, topic

Row = tuple[Any, ...]
Parameters = Sequence[object]

KEY_BYTES = 32
_log = topic("store")
_MIGRATIONS = "CREATE TABLE IF NOT EXISTS migrations(family TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(family, number))"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a table family's schema. Numbers of a family start at 1 and never change once released."""

    family: str
    number: int
    statements: tuple[str, ...]


class Transaction:
    """Statements of one transaction. `sql` is always a literal; values go through `params`."""

    def __init__(self, connection: sqlite.Connection) -> None:
        self._connection = connection
        self._after: list[Callable[[], None]] = []
        self._undo: list[Callable[[], None]] = []

    def execute(self, sql: str, params: Parameters = ()) -> int:
        """Run one statement; returns the number of changed rows."""
        return int(self._connection.execute(sql, params).rowcount)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        self._connection.executemany(sql, rows)

    def insert(self, sql: str, params: Parameters = ()) -> int:
        """Run one INSERT; returns the new row's rowid."""
        return int(self._connection.execute(sql, params).lastrowid or 0)

    def rows(self, sql: str, params: Parameters = ()) -> list[Row]:
        rows: list[Row] = self._connection.execute(sql, params).fetchall()
        return rows

    def row(self, sql: str, params: Parameters = ()) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, params).fetchone()
        return row

    def value(self, sql: str, params: Parameters = ()) -> Any:
        """The first column of the first row, or None."""
        row = self._connection.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the outermost transaction is durable; never if it rolls back."""
        self._after.append(action)

    def on_rollback(self, action: Callable[[], None]) -> None:
        """Run `action` if the outermost transaction, or the nested one this was said in, rolls back: drop cached state."""
        self._undo.append(action)


class Database:
    """Open with `Database.open`. Not thread-safe: belongs to the thread that opened it."""

    def __init__(self, connection: sqlite.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._transaction: Transaction | None = None
        self._durable = True

    @classmethod
    def open(cls, path: Path, key: bytes, migrations: Sequence[Migration]) -> "Database":
        """Open or create the store and bring it up to date.

        Raises `StoreKeyMissing` (a sound file, another key), `StoreDamaged` (moved aside first), `StoreTooNew`, `DiskFull`.
        """
        if len(key) != KEY_BYTES:
            raise StoreKeyMissing
        existed = path.exists() and path.stat().st_size > 0
        try:
            database = cls(_connected(path, key), path)
        except sqlite.DatabaseError as error:
            raise _refusal(path, key, existed, error) from None
        try:
            database._migrate(migrations)
        except sqlite.DatabaseError as error:
            database.close()
            raise _refusal(path, key, existed, error) from None
        except StoreTooNew:
            database.close()
            raise
        if not _check_file(path).exists():
            replace_file(_check_file(path), _key_check(key))
        return database

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """All or nothing, durable when the block ends. Nested use joins the outer one (its own failure undoes only itself).

        Without `durable` a power failure (no crash of ours) may undo it until the next durable one: for what the server
        would tell again, and together with the position from which it would.
        """
        if self._transaction is not None:
            with self._nested(self._transaction) as nested:
                yield nested
            return
        transaction = Transaction(self._connection)
        if durable != self._durable:
            self._durable = durable
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._transaction = transaction
            yield transaction
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._transaction = None
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            _run_all(transaction._undo)
            if isinstance(error, sqlite.OperationalError) and _is_full(error):
                raise DiskFull(str(error)) from error
            raise
        finally:
            self._transaction = None
        _run_all(transaction._after)

    @contextlib.contextmanager
    def _nested(self, outer: Transaction) -> Iterator[Transaction]:
        after, undo = len(outer._after), len(outer._undo)
        self._connection.execute("SAVEPOINT nested")
        try:
            yield outer
        except BaseException:
            if not self._connection.in_transaction:
                raise  # SQLite has undone everything by itself, as on a full disk; the outer block tells
            self._connection.execute("ROLLBACK TO nested")
            self._connection.execute("RELEASE nested")
            failed = outer._undo[undo:]
            del outer._after[after:], outer._undo[undo:]
            _run_all(failed)
            raise
        else:
            self._connection.execute("RELEASE nested")

    @property
    def running(self) -> Transaction | None:
        """The transaction that is open now. For a single statement, which needs no savepoint of its own to be all or nothing."""
        return self._transaction

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """For queries only; sees the running transaction if there is one."""
        yield self._transaction or Transaction(self._connection)

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        known = {(step.family, step.number) for step in migrations}
        if len(known) != len(migrations):
            raise ValueError("two migrations have the same family and number")
        with self.transaction() as t:
            t.execute(_MIGRATIONS)
            applied = {(row[0], row[1]) for row in t.rows("SELECT family, number FROM migrations")}
        if applied - known:
            raise StoreTooNew
        for step in migrations:
            if (step.family, step.number) in applied:
                continue
            with self.transaction() as t:
                for statement in step.statements:
                    t.execute(statement)
                t.execute("INSERT INTO migrations(family, number) VALUES(?, ?)", (step.family, step.number))


def _connected(path: Path, key: bytes) -> sqlite.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = sqlite.connect(str(path), isolation_level=None, timeout=5.0, cached_statements=512)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA cipher_log_level = NONE")
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -8192")
    except BaseException:
        connection.close()
        raise
    return connection


def _refusal(path: Path, key: bytes, existed: bool, error: Exception) -> Exception:
    if _is_full(error):
        return DiskFull(str(error))
    if existed and not _key_fits(path, key):
        return StoreKeyMissing()
    return StoreDamaged(path=_moved_aside(path))


def _is_full(error: Exception) -> bool:
    words = str(error)
    return any(word in words for word in ("full", "readonly", "unable to open", "disk I/O"))


def is_damage(error: BaseException) -> bool:
    """Whether a query met a page that cannot be read. (Errors of other kinds are subclasses.)"""
    return type(error) is sqlite.DatabaseError


def _check_file(path: Path) -> Path:
    return path.with_name(path.name + ".check")


def _key_check(key: bytes) -> bytes:
    return hmac.digest(key, b"store key check", "sha256")


def _key_fits(path: Path, key: bytes) -> bool:
    """Tells a wrong key from a damaged file: both look the same to SQLCipher."""
    try:
        return hmac.compare_digest(_check_file(path).read_bytes(), _key_check(key))
    except OSError:
        return True


def _moved_aside(path: Path) -> str:
    name = f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    for suffix in ("", "-wal", "-shm", ".check"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(name + suffix))
    _log.warning("store moved aside", reason=literal("damaged"))
    return name


def _run_all(actions: list[Callable[[], None]]) -> None:
    for action in actions:
        action()
