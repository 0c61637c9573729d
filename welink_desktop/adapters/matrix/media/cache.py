"""Downloaded files on disk, never in clear, with a cap on their total size."""

import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterable, Callable, Iterator
from pathlib import Path

from welink_desktop.adapters.matrix.crypto.attachments import Check, Encryptor, decrypted
from welink_desktop.adapters.matrix.outbox.files import Part, Pieces
from welink_desktop.adapters.matrix.store import media as tables
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.media import Entry
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import DiskFull, FileDamaged
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.log import topic
from welink_desktop.core.media import EncryptedFile

CAPACITY = 512 << 20
"""Bytes that the cache may hold."""
_log = topic("media")


class MediaCache:
    """Files under (address, variant). Every file is encrypted: with its sender's key, or with one of ours from the store."""

    def __init__(self, database: Database, folder: Path, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._capacity = capacity

    def tidy(self) -> None:
        """Remove files that no entry names (left by a crash). Call before anything is stored."""
        if not self._folder.is_dir():
            return
        with self._database.read() as t:
            known = tables.names(t)
        for path in self._folder.iterdir():
            if path.name not in known:
                path.unlink(missing_ok=True)

    def find(self, uri: ContentUri, variant: str) -> Entry | None:
        """The entry, if its file is there; counts as use."""
        with self._database.read() as t:
            entry = tables.find(t, uri, variant)
        if entry is None:
            return None
        if not self.path(entry).is_file():
            self.drop(entry)
            return None
        with self._database.transaction() as t:
            tables.touch(t, entry, self._clock.now_ms())
        return entry

    def path(self, entry: Entry) -> Path:
        return self._folder / entry.name

    async def store(
        self,
        uri: ContentUri,
        variant: str,
        chunks: AsyncIterable[bytes],
        *,
        keys: EncryptedFile | None,
        moved: Callable[[int], None] = lambda done: None,
    ) -> Entry:
        """Write what arrives. With `keys` it must be that attachment's ciphertext: its hash is checked before it is kept.

        Raises `FileDamaged`, `DiskFull`, and what `chunks` raises.
        """
        name = secrets.token_hex(16)
        path = self._folder / name
        encryptor = Encryptor() if keys is None else None
        check = Check()
        size = 0
        try:
            with self._created(path) as write:
                async for chunk in chunks:
                    kept = chunk if encryptor is None else encryptor.update(chunk)
                    check.update(kept)
                    write(kept)
                    size += len(kept)
                    moved(size)
            if keys is not None and not check.matches(keys):
                raise FileDamaged
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if keys is not None:
            return self._keep(Entry(uri, variant, name, size, None, None, keys.sha256))
        own = (encryptor or Encryptor()).finish(uri)
        return self._keep(Entry(uri, variant, name, size, own.key, own.iv, own.sha256))

    def adopt(self, uri: ContentUri, variant: str, path: Path, part: Part, *, clear: bool) -> None:
        """Keep a copy that we uploaded ourselves, so that it is never downloaded. Failing is harmless."""
        name = secrets.token_hex(16)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                os.link(path, self._folder / name)
            except OSError:
                shutil.copyfile(path, self._folder / name)
        except OSError:
            _log.warning("uploaded file not taken into the cache")
            return
        key, iv = (part.keys.key, part.keys.iv) if clear else (None, None)
        self._keep(Entry(uri, variant, name, part.size, key, iv, part.keys.sha256))

    def drop(self, entry: Entry) -> None:
        with self._database.transaction() as t:
            tables.remove(t, entry)
        self.path(entry).unlink(missing_ok=True)

    def intact(self, entry: Entry, keys: EncryptedFile | None) -> bool:
        """Whether the file on disk is what was kept. Blocking: reads it all."""
        return is_intact(self.path(entry), self._keys(entry, keys))

    def plain(self, entry: Entry, keys: EncryptedFile | None) -> Iterator[bytes]:
        """The plain content in pieces, of an entry found `intact`. Blocking. Raises `FileDamaged`."""
        return plain_pieces(self.path(entry), self._keys(entry, keys))

    @staticmethod
    def _keys(entry: Entry, keys: EncryptedFile | None) -> EncryptedFile:
        if entry.key is not None and entry.iv is not None:
            return EncryptedFile(entry.uri, entry.key, entry.iv, entry.sha256)
        if keys is None:
            raise FileDamaged
        return keys

    def _keep(self, entry: Entry) -> Entry:
        with self._database.transaction() as t:
            old = tables.put(t, entry, self._clock.now_ms())
            leaving = [one for one in tables.beyond(t, self._capacity) if one.name != entry.name]
            for one in leaving:
                tables.remove(t, one)
        for name in [*(one.name for one in leaving), *([old] if old is not None else [])]:
            (self._folder / name).unlink(missing_ok=True)
        return entry

    @contextlib.contextmanager
    def _created(self, path: Path) -> Iterator[Callable[[bytes], None]]:
        """A new file; errors of the disk become `DiskFull` inside the block, too."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            raise DiskFull from error
        with os.fdopen(handle, "wb", buffering=0) as stream:

            def write(data: bytes) -> None:
                try:
                    rest = memoryview(data)
                    while rest:
                        rest = rest[stream.write(rest) or 0 :]
                except OSError as error:
                    raise DiskFull from error

            yield write


def is_intact(path: Path, keys: EncryptedFile) -> bool:
    """Whether the hash of the whole file is right. Blocking."""
    check = Check()
    try:
        with contextlib.closing(Pieces(path)) as pieces:
            for piece in pieces:
                check.update(piece)
    except OSError:
        return False
    return check.matches(keys)


def plain_pieces(path: Path, keys: EncryptedFile) -> Iterator[bytes]:
    """The plain text of a file whose hash was checked. Blocking. Raises `FileDamaged`."""
    try:
        with contextlib.closing(Pieces(path)) as pieces:
            yield from decrypted(keys, pieces)
    except OSError as error:
        raise FileDamaged from error
