"""Copies of attachments that wait to be sent: encrypted with the attachment's own key from the first byte on disk."""

import asyncio
import base64
import contextlib
import errno
import mimetypes
import os
import secrets
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from welink_desktop.adapters.durable import sync_folder
from welink_desktop.adapters.matrix.crypto.attachments import Encryptor, decrypted
from welink_desktop.adapters.matrix.wire.values import clean
from welink_desktop.core.errors import DiskFull, NotFound, TooLarge
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import EncryptedFile
from welink_desktop.core.timeline import OutgoingFile

PIECE = 1 << 18
LOCAL_SERVER = "outbox.invalid"
"""Attachments that are not uploaded yet are named `mxc://outbox.invalid/<file name>`; no such server can exist."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One stored copy: the file itself or its thumbnail. `uri` is set once it is uploaded; `clear` tells in which form."""

    name: str
    size: int
    keys: EncryptedFile
    uri: ContentUri | None = None
    clear: bool = False

    @classmethod
    def from_json(cls, value: Json) -> "Part":
        key, iv, digest = (base64.b64decode(value[field]) for field in ("key", "iv", "sha256"))
        keys = EncryptedFile(local_uri(value["name"]), key, iv, digest)
        return cls(value["name"], value["size"], keys, value.get("uri"), value.get("clear", False))

    def to_json(self) -> Json:
        texts = {"key": self.keys.key, "iv": self.keys.iv, "sha256": self.keys.sha256}
        encoded = {field: base64.b64encode(value).decode() for field, value in texts.items()}
        return {"name": self.name, "size": self.size, "uri": self.uri, "clear": self.clear, **encoded}


def local_uri(name: str) -> ContentUri:
    return ContentUri(f"mxc://{LOCAL_SERVER}/{name}")


def local_name(uri: ContentUri) -> str | None:
    """The copy that `uri` names, None if it names something on a server."""
    prefix = f"mxc://{LOCAL_SERVER}/"
    return uri.removeprefix(prefix) if uri.startswith(prefix) else None


class OutgoingFiles:
    """The folder of copies. Memory use does not depend on the size of a file; disk work runs in threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name

    async def keep(self, file: OutgoingFile, limit: int | None) -> Json:
        """Copy and encrypt `file` (and its thumbnail). Returns the description that the queue keeps.

        Raises `NotFound` (no readable file there), `TooLarge` (more than `limit` bytes), `DiskFull`.
        """
        parts = {"file": await asyncio.to_thread(self._copy, Path(file.path), limit)}
        if file.thumbnail_path:
            with contextlib.suppress(NotFound, TooLarge):
                parts["thumbnail"] = await asyncio.to_thread(self._copy, Path(file.thumbnail_path), limit)
        guessed = file.mimetype or mimetypes.guess_type(Path(file.path).name)[0] or "application/octet-stream"
        return {
            "kind": file.kind.value,
            "filename": clean(Path(file.path).name)[:255] or "file",
            "caption": clean(file.caption),
            "mimetype": guessed,
            "width": file.width,
            "height": file.height,
            "parts": {role: part.to_json() for role, part in parts.items()},
        }

    def remove(self, file: Json | None) -> None:
        for part in (file or {}).get("parts", {}).values():
            self.path(part["name"]).unlink(missing_ok=True)

    def remove_all_but(self, needed: set[str]) -> None:
        """Copies that no item names: left by a crash between copying and queueing."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.name not in needed:
                path.unlink(missing_ok=True)

    def stream(self, part: Part, *, clear: bool, moved: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The bytes to upload: the ciphertext, or with `clear` the plain text. `moved` hears the bytes done so far."""
        return self._stream(part, clear, moved)

    async def _stream(self, part: Part, clear: bool, moved: Callable[[int], None]) -> AsyncIterator[bytes]:
        done = 0
        with contextlib.closing(Pieces(self.path(part.name))) as pieces:
            source = decrypted(part.keys, pieces) if clear else pieces
            while piece := await asyncio.to_thread(next, source, b""):
                yield piece
                done += len(piece)
                moved(done)

    def _copy(self, source: Path, limit: int | None) -> Part:
        name = secrets.token_hex(16)
        encryptor = Encryptor()
        try:
            handle = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise NotFound from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise NotFound
        with os.fdopen(handle, "rb") as reading:
            if limit is not None and os.fstat(reading.fileno()).st_size > limit:
                raise TooLarge(limit=limit)
            try:
                self._write(reading.read, encryptor, self.path(name), limit)
            except OSError as error:
                with contextlib.suppress(OSError):
                    self.path(name).unlink()
                raise (NotFound if error.errno == errno.EIO else DiskFull) from error
            except TooLarge:
                self.path(name).unlink(missing_ok=True)
                raise
        return Part(name, encryptor.size, encryptor.finish(local_uri(name)))

    def _write(self, read: Callable[[int], bytes], encryptor: Encryptor, target: Path, limit: int | None) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as writing:
            while piece := read(PIECE):
                writing.write(encryptor.update(piece))
                if limit is not None and encryptor.size > limit:
                    raise TooLarge(limit=limit)
            writing.flush()
            os.fsync(writing.fileno())
        sync_folder(self.folder)


class Pieces:
    """Iterates over a file in pieces; close it."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb")

    def __iter__(self) -> "Pieces":
        return self

    def __next__(self) -> bytes:
        piece = b"" if self._stream.closed else self._stream.read(PIECE)
        if not piece:
            self._stream.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        self._stream.close()
