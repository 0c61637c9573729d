"""A homeserver in memory that keeps what it accepted, and an outbox on a real store that talks to it through the real door."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.outbox.queue import Outbox
from welink_desktop.adapters.matrix.store import outbox as tables
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.tokens import TokenKeeper, Tokens
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.reactive import Scope

ME = UserId("@me:x")
ROOM = RoomId("!clear:x")
SECRET_ROOM = RoomId("!secret:x")
KEY = bytes(32)
Fault = Callable[[httpx.Request], httpx.Response]


@dataclass
class Server:
    """`faults` are used up one per request (None lets it pass); a fault may raise or answer. `lose` drops the answer only."""

    faults: list[Fault | None] = field(default_factory=list)
    lose: int = 0
    accepted: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    uploads: list[tuple[bytes, str]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    hold: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _events: dict[str, str] = field(default_factory=dict)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        path = unquote(request.url.raw_path.decode().split("?")[0])
        if path.endswith("/media/config"):
            return httpx.Response(200, json={"m.upload.size": 50_000_000})
        self.requests.append(request)
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            return fault(request)
        answer = self._take(path, body, request.headers.get("content-type", ""))
        if self.lose > 0:
            self.lose -= 1
            raise httpx.ReadError("answer lost")
        return httpx.Response(200, json=answer)

    def _take(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        if path.endswith("/upload"):
            self.uploads.append((body, content_type))
            return {"content_uri": f"mxc://x/media{len(self.uploads)}"}
        found = re.fullmatch(r".*/rooms/(?P<room>[^/]+)/(send|redact)/(?P<what>[^/]+)/(?P<txn>[^/]+)", path)
        if found is None:
            self.accepted.append((path, "", json.loads(body)))
            return {}
        if found["txn"] not in self._events:
            self._events[found["txn"]] = f"${len(self._events)}:{found['txn']}"
            self.accepted.append((found["room"], found["what"], json.loads(body)))
        return {"event_id": self._events[found["txn"]]}

    def bodies(self, room: str = ROOM) -> list[str]:
        return [content.get("body", "") for where, _, content in self.accepted if where == room]


def refuse(status: int, errcode: str, **more: object) -> Fault:
    return lambda request: httpx.Response(status, json={"errcode": errcode, "error": "", **more})


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


class FakeEncryption:
    """Wraps the content readably; every call makes another ciphertext."""

    def __init__(self) -> None:
        self.prepared: list[RoomId] = []
        self.count = 0
        self.failures: list[Exception] = []
        self.audience = 0
        """Counted up when people come or go."""

    async def prepare_to_send(self, room: RoomId) -> None:
        self.prepared.append(room)
        if self.failures:
            raise self.failures.pop(0)

    def encrypt(self, room: RoomId, event_type: str, content: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        return {
            "algorithm": "m.test",
            "ciphertext": {"type": event_type, "content": content},
            "number": self.count,
            "for": self.audience,
        }

    async def reaches_all(self, room: RoomId, content: dict[str, Any]) -> bool:
        return bool(content["for"] == self.audience)


class Line:
    """One run of the program: an open store, a door, an outbox."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.clock = SystemClock()
        self.database = Database.open(folder / "store.db", KEY, MIGRATIONS)
        self.encryption = FakeEncryption()
        self.scope = Scope("test")
        self.http = Http(
            "http://server.test",
            keeper=TokenKeeper(Tokens("token"), lambda tokens: None),
            clock=self.clock,
            transport=httpx.MockTransport(server),
        )
        self.uploaded: list[tuple[str, bool]] = []
        self.outbox = Outbox(
            self.database,
            self.http,
            user=ME,
            encryption=self.encryption,
            folder=folder / "outbox",
            scope=self.scope,
            clock=self.clock,
            uploaded=lambda uri, part, clear: self.uploaded.append((uri, clear)),
        )
        with self.database.transaction() as t:
            for room, encrypted in ((ROOM, 0), (SECRET_ROOM, 1)):
                t.execute("INSERT OR IGNORE INTO rooms(room, membership, encrypted) VALUES(?, 'join', ?)", (room, encrypted))

    async def close(self) -> None:
        """The end of the process, however it comes: nothing is tidied up."""
        await self.scope.aclose()
        await self.http.aclose()
        self.database.close()

    async def quiet(self, room: RoomId = ROOM) -> None:
        """Wait until nothing of `room` is queued or on its way."""
        done = asyncio.Event()
        cancel = self.outbox.watch(
            room, lambda items: done.set() if all(i.state.phase.value in ("sent", "failed") for i in items) else done.clear()
        )
        try:
            async with asyncio.timeout(20):
                await done.wait()
        finally:
            cancel()

    def phases(self, room: RoomId = ROOM) -> list[str]:
        return [item.state.phase.value for item in self.outbox.pending(room)]

    def event(
        self, event: str, sender: str, position: float = 0, relation: str = "", target: str = "", raw: str = "{}"
    ) -> EventId:
        """An event that sync brought earlier."""
        with self.database.transaction() as t:
            t.execute(
                """INSERT INTO events(room, event, position, sender, type, ts, raw, relates_to, relation)
                VALUES(?, ?, ?, ?, 'm.room.message', 0, ?, ?, ?)""",
                (ROOM, event, position, sender, raw, target or None, relation or None),
            )
        return EventId(event)

    def rows(self, room: RoomId = ROOM) -> list[tables.OutboxRow]:
        with self.database.read() as t:
            return tables.rows_of(t, room)
