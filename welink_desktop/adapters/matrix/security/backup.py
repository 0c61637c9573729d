"""The key backup of an account: one version at the server that follows what this device knows (matrix.md §8.7).

A version is ours only if our private key makes its public key; signatures prove nothing here. As soon as the server's current
version is another one, nothing is uploaded any more.
"""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto.backup import BackupKey
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.security.backup_restore import Opened, Restorer
from welink_desktop.adapters.matrix.security.backup_server import BackupLine, BackupServer, Version, VersionGone
from welink_desktop.adapters.matrix.security.backup_upload import Uploader
from welink_desktop.adapters.matrix.security.recovery_state import BackupFact
from welink_desktop.adapters.matrix.store import backup as store
from welink_desktop.adapters.matrix.store.backup import BackupRow, Waiting
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import NotFound, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.security import Progress

BATCH = 100

CHECK_SECONDS = 3600.0
RESUME_SECONDS = 30.0
"""After a full restore failed, until it goes on by itself."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
MOST_VERSIONS = 1000
_log = topic("backup")


@dataclass(frozen=True, slots=True)
class BackupState:
    """`active`: we have the key of the current version, as far as known. `waiting`: keys it lacks. `gone`: it was ours, and was
    deleted or replaced elsewhere. `restoring`: a full restore runs; its total is what the server said at the beginning.
    """

    active: bool = False
    waiting: int = 0
    restoring: Progress | None = None
    gone: bool = False


class KeyBackup:
    """Run `run()` in a task; set `encryption.on_sessions` to `wake` and `encryption.on_missing` to `want`.

    `delay` makes the seconds before an upload begins: sessions come in bursts, and servers like spread load.
    """

    def __init__(
        self,
        database: Database,
        line: BackupLine,
        encryption: Encryption,
        *,
        scope: Scope,
        clock: Clock,
        delay: Callable[[], float] = lambda: random.uniform(0.0, 10.0),  # noqa: S311 - load, not a secret
        check_seconds: float = CHECK_SECONDS,
        rest: float = 0.1,
    ) -> None:
        self._database = database
        self._encryption = encryption
        self._scope = scope
        self._delay = delay
        self._check_seconds = check_seconds
        self._server = BackupServer(line)
        self._restorer = Restorer(
            database, self._server, encryption, clock, opened=lambda: self._opened, gone=self._look_again, rest=rest
        )
        self._uploader = Uploader(database, self._server, encryption)
        self._lock = asyncio.Lock()
        self._due = asyncio.Event()
        self._check_now = True
        self._restore: asyncio.Task[WeLinkError | None] | None = None
        self._resume_at = 0.0
        with database.read() as t:
            self._row = store.backup(t)
            pending = store.pending_secret(t)
        self._key = None if self._row is None else BackupKey.from_secret(self._row.secret)
        self._pending = None if pending is None else BackupKey.from_secret(pending)
        self.state: State[BackupState] = State(BackupState())
        self._show()

    @property
    def private_key(self) -> str | None:
        """The secret `m.megolm_backup.v1`, unpadded base64, while the version is ours."""
        return None if self._opened is None else self._opened.key.secret

    @property
    def former_key(self) -> bool:
        """We still have the key of a version that is gone."""
        return self._row is not None and self._row.gone and self._key is not None

    @property
    def _opened(self) -> Opened | None:
        if self._row is None or self._key is None or self._row.gone:
            return None
        return Opened(self._row.version, self._key)

    # Versions

    async def check(self) -> BackupFact:
        """Ask the server which version is the current one, and act on the answer."""
        async with self._lock:
            return self._judge(await self._server.current())

    async def create(self, *, again: bool = False) -> None:
        """Make a new version with a new key (`again`: with the former one); everything that is here is uploaded to it.

        Older versions stay. Raises `NotFound` with `again` if there is no former key.
        """
        async with self._lock:
            key = self._pending = self._former() if again else self._fresh()
            with self._database.transaction() as t:
                store.save_pending_secret(t, key.secret)
            version = await self._server.create(self._encryption.signed({"public_key": key.public}))
            self._use(key, version)

    async def adopt(self, private_key: str) -> bool:
        """Use the server's current version if `private_key` (base64) is its key. False if it is not, or there is none."""
        try:
            key = BackupKey.from_secret(private_key)
        except ValueError:
            return False
        async with self._lock:
            version = await self._server.current()
            if version is None or version.public != key.public:
                return False
            self._use(key, version.version)
        return True

    async def delete_all(self) -> None:
        """Delete every version at the server, and forget ours."""
        async with self._lock:
            for _ in range(MOST_VERSIONS):
                version = await self._server.current()
                if version is None:
                    break
                await self._server.delete(version.version)
            self._row = self._key = self._pending = None
            with self._database.transaction() as t:
                store.forget_backup(t)
                store.save_pending_secret(t, None)
            self._show()

    # Keys back

    async def restore_room(self, room: RoomId) -> None:
        """Fetch all keys of a room. Raises `NotFound` without a backup of ours."""
        try:
            await self._restorer.room(self._needed(), room)
        except VersionGone:
            self._look_again()
            raise NotFound from None

    async def restore_all(self) -> None:
        """Fetch everything; goes on after a restart until it is done. Raises `NotFound` without a backup of ours."""
        self._needed()
        self._keep(restoring=True)
        if (error := await asyncio.shield(self._restoring())) is not None:
            raise error

    def want(self, room: RoomId, session: str, why: object = None) -> None:
        """A message waits for this key: it is fetched soon, if the backup has it."""
        self._restorer.want(room, session)

    # Uploads

    def wake(self) -> None:
        """There may be new sessions. Cheap, returns at once."""
        self._due.set()

    async def run(self) -> None:
        """Until cancelled: look after the version, upload what it lacks, go on with a restore, fetch what messages wait for."""
        self._scope.spawn(self._restorer.run(), name="backup-fetch")
        self._restorer.want_unread()
        loop = asyncio.get_running_loop()
        next_check, pause, doubt = loop.time(), FIRST_PAUSE, 0.0
        while True:
            self._due.clear()
            try:
                if self._check_now or loop.time() >= next_check:
                    await self.check()
                    self._check_now = False
                    next_check = loop.time() + self._check_seconds
                if self._unfinished and loop.time() >= self._resume_at:
                    self._restoring()
                await self._upload()
                pause = FIRST_PAUSE
            except WeLinkError as error:
                _log.info("backup interrupted", exception=literal(type(error).__name__))
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
                continue
            if self._check_now:
                await asyncio.sleep(doubt)
                doubt = min(LONGEST_PAUSE, 2 * doubt or FIRST_PAUSE)
                continue
            doubt = 0.0
            wake_at = min(next_check, self._resume_at) if self._unfinished and self._resume_at > loop.time() else next_check
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(wake_at):
                    await self._due.wait()

    @property
    def _unfinished(self) -> bool:
        return self._row is not None and self._row.restoring and self._opened is not None

    async def _upload(self) -> None:
        self._show()
        if not self._next_batch():
            return
        await asyncio.sleep(self._delay())
        while batch := self._next_batch():
            try:
                await self._uploader.upload(self._needed(), batch)
            except VersionGone:
                self._look_again()
                return
            left = max(0, self.state.value.waiting - len(batch))
            self.state.set(dataclasses.replace(self.state.value, waiting=left))
        self._show()

    def _next_batch(self) -> list[Waiting]:
        """Empty while nothing may be uploaded."""
        if self._opened is None or self._check_now:
            return []
        with self._database.read() as t:
            return store.waiting(t, BATCH)

    # Inside

    def _judge(self, version: Version | None) -> BackupFact:
        if version is None:
            self._lost()
            return BackupFact.NONE
        for key in (self._key, self._pending):
            if key is not None and key.public == version.public:
                self._use(key, version.version)
                return BackupFact.OURS
        self._lost()
        return BackupFact.FOREIGN

    def _lost(self) -> None:
        if self._row is not None and not self._row.gone:
            _log.warning("the backup was deleted or replaced elsewhere")
            self._keep(gone=True, restoring=False)
        self._show()

    def _use(self, key: BackupKey, version: str) -> None:
        """`version` is the current one and `key` its key."""
        before = self._row
        if before is not None and (before.version, before.secret, before.gone) == (version, key.secret, False):
            self._show()
            return
        fresh = before is None or before.version != version
        self._row, self._key, self._pending = BackupRow(version, key.secret), key, None
        with self._database.transaction() as t:
            store.save_backup(t, self._row)
            store.save_pending_secret(t, None)
            if fresh:
                store.wait_all(t)
        self._show()
        self._restorer.forget_asked()
        self._restorer.want_unread()
        self.wake()

    def _keep(self, *, restoring: bool, gone: bool = False) -> None:
        if self._row is None:
            return
        self._row = dataclasses.replace(self._row, restoring=restoring, gone=gone)
        with self._database.transaction() as t:
            store.save_backup(t, self._row)
        self._show()

    def _show(self) -> None:
        active = self._opened is not None
        with self._database.read() as t:
            waiting = store.waiting_count(t) if active else 0
        gone = self._row is not None and self._row.gone
        self.state.set(dataclasses.replace(self.state.value, active=active, waiting=waiting, gone=gone))

    def _former(self) -> BackupKey:
        if self._key is None:
            raise NotFound("no former key")
        return self._key

    def _fresh(self) -> BackupKey:
        """A new key; one whose version may have been made already, without our hearing so, comes first."""
        begun = self._pending
        used = self._key is not None and begun is not None and begun.public == self._key.public
        return BackupKey.generate() if begun is None or used else begun

    def _look_again(self) -> None:
        """The server says that the version is not the current one."""
        self._check_now = True
        self.wake()

    def _needed(self) -> Opened:
        if self._opened is None:
            raise NotFound("no backup")
        return self._opened

    def _restoring(self) -> "asyncio.Task[WeLinkError | None]":
        """The running full restore, or a new one."""
        if self._restore is None or self._restore.done():
            self._restore = self._scope.spawn(self._restore_everything(), name="backup-restore")
        return self._restore

    async def _restore_everything(self) -> WeLinkError | None:
        try:
            opened, version = self._needed(), await self._server.current()
            total = 0 if version is None else version.count
            self._progress(Progress(0, total))
            await self._restorer.everything(opened, self._passed)
        except VersionGone:
            self._look_again()
            return NotFound("backup is gone")
        except WeLinkError as error:
            return error
        finally:
            self._resume_at = asyncio.get_running_loop().time() + RESUME_SECONDS
            self._progress(None)
        self._keep(restoring=False)
        return None

    def _passed(self, count: int) -> None:
        now = self.state.value.restoring
        if now is not None:
            self._progress(Progress(now.done + count, max(now.total, now.done + count)))

    def _progress(self, progress: Progress | None) -> None:
        self.state.set(dataclasses.replace(self.state.value, restoring=progress))
