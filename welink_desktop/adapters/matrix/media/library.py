"""Implements `core.ports.media.MediaStore`: what is asked for comes from the outbox, the cache or the server."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from welink_desktop.adapters.matrix.constants import CLIENT_V1, CLIENT_V3
from welink_desktop.adapters.matrix.errors import Limited, MatrixError, TokenDead
from welink_desktop.adapters.matrix.http import Download, Http
from welink_desktop.adapters.matrix.media.cache import MediaCache, is_intact, plain_pieces
from welink_desktop.adapters.matrix.outbox.files import OutgoingFiles, Part, local_name
from welink_desktop.adapters.matrix.outbox.line import wait_for_line
from welink_desktop.adapters.matrix.store.media import Entry
from welink_desktop.adapters.matrix.wire.values import content_uri
from welink_desktop.core.errors import DiskFull, FileDamaged, NotFound, Offline, ServerFault, SignedOut, WeLinkError
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import EncryptedFile, MediaInfo, MediaSource, Picture, Progress
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Scope

PICTURE_LIMIT = 64 << 20
FILE_LIMIT = 4 << 30
AVATAR_SIDES = (96, 320, 640)
THUMBNAIL_BOXES = ((320, 240), (640, 480), (800, 600))
SMALL_FILE = 256 << 10
"""A file below this is fetched whole rather than as a thumbnail."""
MISSING_SECONDS = 300.0
"""A file that was not there is not asked for again within this time."""
PARALLEL = 6
ATTEMPTS = 3

FILE = "file"
"""Variant of an attachment in its sender's encryption."""
CLEAR_FILE = "clear-file"


class PictureDecoder(Protocol):
    """Decodes an untrusted picture in another process. Raises `FileDamaged`."""

    async def __call__(self, data: bytes, width: int, height: int, *, cover: bool = False) -> Picture: ...


class MediaLibrary:
    """One account's media. The same file asked for twice at the same time is fetched once."""

    def __init__(self, http: Http, cache: MediaCache, outgoing: OutgoingFiles, decode: PictureDecoder, scope: Scope) -> None:
        self._http = http
        self._cache = cache
        self._outgoing = outgoing
        self._decode = decode
        self._scope = scope
        self._running: dict[tuple[str, str], asyncio.Task[Entry | WeLinkError]] = {}
        self._missing: dict[tuple[str, str], float] = {}
        self._lines = asyncio.Semaphore(PARALLEL)

    async def avatar(self, uri: ContentUri, size: int) -> Picture:
        with _in_port_terms():
            return await self._avatar(uri, size)

    async def picture(self, source: MediaSource, info: MediaInfo, max_width: int, max_height: int) -> Picture:
        with _in_port_terms():
            return await self._picture(source, info, max_width, max_height)

    async def save(self, source: MediaSource, target: Path, progress: Listener[Progress] | None = None) -> None:
        with _in_port_terms():
            pieces = await self._plain(source, FILE_LIMIT, progress)
            await asyncio.to_thread(_write_new, target, pieces)

    def adopt(self, uri: ContentUri, part: Part, clear: bool) -> None:
        """A copy of the outbox is on the server now (`Outbox(uploaded=…)`)."""
        variant = CLEAR_FILE if clear else FILE
        self._cache.adopt(uri, variant, self._outgoing.path(part.name), part, clear=clear)

    async def _avatar(self, uri: ContentUri, size: int) -> Picture:
        side = next((one for one in AVATAR_SIDES if one >= size), AVATAR_SIDES[-1])
        data = await self._thumbnail_or_file(uri, (side, side), "crop")
        return await self._decode(data, size, size, cover=True)

    async def _picture(self, source: MediaSource, info: MediaInfo, max_width: int, max_height: int) -> Picture:
        box = next((one for one in THUMBNAIL_BOXES if one[0] >= max_width and one[1] >= max_height), None)
        small = 0 < info.size <= SMALL_FILE
        if isinstance(source, EncryptedFile):
            if box is not None and info.thumbnail is not None and not small:
                with contextlib.suppress(FileDamaged, NotFound):
                    return await self._decode(await self._content(info.thumbnail), max_width, max_height)
            return await self._decode(await self._content(source), max_width, max_height)
        if box is None or small:
            return await self._decode(await self._content(source), max_width, max_height)
        return await self._decode(await self._thumbnail_or_file(source, box, "scale"), max_width, max_height)

    # Where the bytes come from

    async def _content(self, source: MediaSource) -> bytes:
        pieces = await self._plain(source, PICTURE_LIMIT, None)
        return await asyncio.to_thread(lambda: b"".join(pieces))

    async def _plain(self, source: MediaSource, limit: int, progress: Listener[Progress] | None) -> Iterator[bytes]:
        keys = source if isinstance(source, EncryptedFile) else None
        uri = source.uri if isinstance(source, EncryptedFile) else source
        name = local_name(uri)
        if name is not None:
            path = self._outgoing.path(name)
            if keys is None or not await asyncio.to_thread(is_intact, path, keys):
                raise NotFound
            return plain_pieces(path, keys)
        return await self._stored(uri, CLEAR_FILE if keys is None else FILE, keys, limit, progress)

    async def _stored(
        self, uri: ContentUri, variant: str, keys: EncryptedFile | None, limit: int, progress: Listener[Progress] | None
    ) -> Iterator[bytes]:
        """Plain content in pieces. What the disk spoiled, or what other keys do not fit, is fetched once more."""
        for _ in range(2):
            entry = await self._fetched(uri, variant, keys, limit, progress)
            if await asyncio.to_thread(self._cache.intact, entry, keys):
                return self._cache.plain(entry, keys)
            self._cache.drop(entry)
        raise FileDamaged

    async def _thumbnail_or_file(self, uri: ContentUri, box: tuple[int, int], method: str) -> bytes:
        if self._cache.find(uri, CLEAR_FILE) is not None:
            return await self._content(uri)
        variant = f"{method}-{box[0]}x{box[1]}"
        try:
            pieces = await self._stored(uri, variant, None, PICTURE_LIMIT, None)
        except NotFound:
            raise
        except (MatrixError, ServerFault):
            return await self._content(uri)
        return await asyncio.to_thread(lambda: b"".join(pieces))

    async def _fetched(
        self, uri: ContentUri, variant: str, keys: EncryptedFile | None, limit: int, progress: Listener[Progress] | None
    ) -> Entry:
        """From the cache or the server; a damaged cache file is fetched again. Concurrent calls share one download."""
        path = _path(uri, variant)
        key = (str(uri), variant)
        entry = self._cache.find(uri, variant)
        if entry is not None:
            if progress is not None:
                progress(Progress(entry.size, entry.size))
            return entry
        if self._missing.get(key, 0.0) > self._http.clock.monotonic():
            raise NotFound
        task = self._running.get(key)
        if task is None:
            task = self._scope.spawn(self._outcome(key, path, uri, keys, limit, progress), name="download")
            self._running[key] = task
        outcome = await asyncio.shield(task)
        if isinstance(outcome, WeLinkError):
            raise outcome
        return outcome

    async def _outcome(
        self,
        key: tuple[str, str],
        path: tuple[str, ...],
        uri: ContentUri,
        keys: EncryptedFile | None,
        limit: int,
        progress: Listener[Progress] | None,
    ) -> Entry | WeLinkError:
        """The download's result for all who wait; a failure is theirs to handle, not the task's."""
        try:
            return await self._download(key, path, uri, keys, limit, progress)
        except WeLinkError as error:
            return error
        finally:
            self._running.pop(key, None)

    async def _download(
        self,
        key: tuple[str, str],
        path: tuple[str, ...],
        uri: ContentUri,
        keys: EncryptedFile | None,
        limit: int,
        progress: Listener[Progress] | None,
    ) -> Entry:
        async with self._lines:
            for attempt in range(ATTEMPTS):
                try:
                    async with self._http.download(path, query=_query(key[1]), limit=limit) as download:
                        moved = _mover(download, progress)
                        return await self._cache.store(uri, key[1], download.chunks, keys=keys, moved=moved)
                except NotFound:
                    self._missing[key] = self._http.clock.monotonic() + MISSING_SECONDS
                    raise
                except TokenDead as error:
                    if attempt == ATTEMPTS - 1 or not error.soft:
                        raise
                    await self._http.request("GET", (*CLIENT_V3, "account", "whoami"))  # renews the token
                except (ServerFault, Limited):
                    if attempt == ATTEMPTS - 1:
                        raise
                    await wait_for_line(self._http)
        raise Offline


@contextlib.contextmanager
def _in_port_terms() -> Iterator[None]:
    """What the port promises: `NotFound`, `Offline`, `FileDamaged`, `DiskFull`."""
    try:
        yield
    except (NotFound, Offline, FileDamaged, DiskFull):
        raise
    except MatrixError as error:
        raise (Offline if isinstance(error, (Limited, TokenDead)) else NotFound) from error
    except (ServerFault, SignedOut) as error:
        raise Offline from error


def _path(uri: ContentUri, variant: str) -> tuple[str, ...]:
    """Raises `NotFound` for anything but a well-formed address."""
    if content_uri(uri) is None:
        raise NotFound
    server, _, media = uri.removeprefix("mxc://").partition("/")
    return (*CLIENT_V1, "media", "download" if variant in (FILE, CLEAR_FILE) else "thumbnail", server, media)


def _query(variant: str) -> dict[str, str] | None:
    if variant in (FILE, CLEAR_FILE):
        return None
    method, _, box = variant.partition("-")
    width, _, height = box.partition("x")
    return {"width": width, "height": height, "method": method, "animated": "false"}


def _mover(download: Download, progress: Listener[Progress] | None) -> Callable[[int], None]:
    def moved(done: int) -> None:
        if progress is not None:
            progress(Progress(done, download.length))

    return moved


def _write_new(target: Path, pieces: Iterator[bytes]) -> None:
    """Create `target`; an existing file is never touched. Raises `DiskFull`, `FileDamaged`."""
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except OSError as error:
        raise DiskFull from error
    try:
        with os.fdopen(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise DiskFull from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
