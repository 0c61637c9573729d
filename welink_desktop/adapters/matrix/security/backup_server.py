"""The homeserver's side of the key backup: its requests, and strict looks into its answers (matrix.md §8.7)."""

import codecs
import json
import re
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto.backup import ALGORITHM, public_key_of
from welink_desktop.adapters.matrix.crypto.canonical import storable
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.errors import MatrixError, Missing
from welink_desktop.adapters.matrix.http import Download
from welink_desktop.adapters.matrix.wire.values import integer_of, object_of, text_of
from welink_desktop.core.errors import ServerFault
from welink_desktop.core.ids import RoomId

ROOM_LIMIT = 64 << 20
ALL_LIMIT = 1 << 30
SLOW = 120.0
_ROOT = (*CLIENT_V3, "room_keys")
_HEAD = re.compile(r'\s*\{\s*"rooms"\s*:\s*\{')
_GAP = re.compile(r"[\s,]*")
_COLON = re.compile(r"\s*:\s*")


class BackupLine(Protocol):
    """The part of `Http` that the backup uses."""

    def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        query: Mapping[str, str | int] | None = None,
        json: Mapping[str, Any] | None = None,
        deadline: float = 30.0,
        limit: int = 1 << 20,
    ) -> Awaitable[dict[str, Any]]: ...

    def download(
        self, path: Sequence[str], *, query: Mapping[str, str | int] | None = None, limit: int
    ) -> AbstractAsyncContextManager[Download]: ...


@dataclass(frozen=True, slots=True)
class Version:
    """The current backup as the server shows it. `public` is "" for an algorithm or a key that we cannot use."""

    version: str
    public: str
    count: int


class VersionGone(Exception):
    """The version asked for is not the current one, or does not exist."""


class BackupServer:
    """All methods raise `Offline`, `ServerFault` and the other errors of the line."""

    def __init__(self, line: BackupLine) -> None:
        self._line = line

    async def current(self) -> Version | None:
        try:
            answer = await self._line.request("GET", (*_ROOT, "version"))
        except Missing as error:
            if error.errcode != "M_NOT_FOUND":
                raise
            return None
        version = text_of(answer, "version", 255)
        if not version:
            raise ServerFault("backup without a version")
        try:
            public = public_key_of(answer)
        except ValueError:
            public = ""
        return Version(version, public, max(0, integer_of(answer, "count")))

    async def create(self, details: JsonObject) -> str:
        """Make a new version, which becomes the current one; returns its name."""
        answer = await self._line.request("POST", (*_ROOT, "version"), json={"algorithm": ALGORITHM, "auth_data": details})
        version = text_of(answer, "version", 255)
        if not version:
            raise ServerFault("backup without a version")
        return version

    async def delete(self, version: str) -> None:
        try:
            await self._line.request("DELETE", (*_ROOT, "version", version))
        except Missing:
            return

    async def put(self, version: str, rooms: Mapping[RoomId, Mapping[str, JsonObject]]) -> None:
        """Raises `VersionGone`."""
        body = {"rooms": {room: {"sessions": dict(sessions)} for room, sessions in rooms.items()}}
        try:
            await self._line.request("PUT", (*_ROOT, "keys"), query={"version": version}, json=body)
        except MatrixError as error:
            if error.errcode in ("M_WRONG_ROOM_KEYS_VERSION", "M_NOT_FOUND"):
                raise VersionGone from error
            raise

    async def room(self, version: str, room: RoomId) -> dict[str, Any]:
        """What is kept for a room, by session. Raises `VersionGone`."""
        try:
            answer = await self._line.request(
                "GET", (*_ROOT, "keys", room), query={"version": version}, deadline=SLOW, limit=ROOM_LIMIT
            )
        except Missing as error:
            raise VersionGone from error
        return sessions_of(answer)

    async def session(self, version: str, room: RoomId, session: str) -> Any:
        """What is kept for one session; None if there is nothing (or no such version)."""
        try:
            return await self._line.request("GET", (*_ROOT, "keys", room, session), query={"version": version})
        except Missing:
            return None

    async def everything(self, version: str) -> AsyncIterator[tuple[RoomId, dict[str, Any]]]:
        """Room by room, as they come in. Raises `VersionGone`."""
        stream, decoder = RoomsStream(), codecs.getincrementaldecoder("utf-8")("replace")
        try:
            async with self._line.download((*_ROOT, "keys"), query={"version": version}, limit=ALL_LIMIT) as download:
                async for chunk in download.chunks:
                    for room, value in stream.feed(decoder.decode(chunk)):
                        yield RoomId(room), sessions_of(value)
        except Missing as error:
            raise VersionGone from error
        for room, value in stream.finish():
            yield RoomId(room), sessions_of(value)


def sessions_of(answer: object) -> dict[str, Any]:
    """`{"sessions": {…}}` of one room; sessions under ids that nothing can hold are left out."""
    return {session: entry for session, entry in object_of(answer, "sessions").items() if storable(session)}


class RoomsStream:
    """`{"rooms": {ROOM: {…}, …}}` that comes in pieces, held one room at a time. Raises `ServerFault` for anything else."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._enough = 0
        self._begun = False
        self._ended = False
        self._decoder = json.JSONDecoder()

    def feed(self, piece: str) -> Iterator[tuple[str, Any]]:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > ROOM_LIMIT:
            raise ServerFault("room too large")
        if self._size >= self._enough:
            yield from self._parse()

    def finish(self) -> Iterator[tuple[str, Any]]:
        yield from self._parse()
        if not self._ended:
            raise ServerFault("answer ends early")

    def _parse(self) -> Iterator[tuple[str, Any]]:
        text = "".join(self._pieces)
        position = 0
        if not self._begun:
            head = _HEAD.match(text)
            self._begun = head is not None
            position = head.end() if head is not None else 0
            if head is None and (len(text) > 1000 or text.strip() == "{}"):
                raise ServerFault("no rooms in the answer")
        while self._begun and not self._ended:
            position = _after(_GAP, text, position)
            if text.startswith("}", position):
                self._ended = True
                break
            try:
                room, after = self._decoder.raw_decode(text, position)
                value, after = self._decoder.raw_decode(text, _after(_COLON, text, after))
            except RecursionError:
                raise ServerFault("answer nested too deeply") from None
            except ValueError:
                break
            position = after
            if isinstance(room, str) and storable(room):
                yield room, value
        rest = text[position:]
        self._pieces, self._size, self._enough = [rest], len(rest), 2 * len(rest)


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()
