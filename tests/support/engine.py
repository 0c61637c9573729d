"""Real engines in tests: accounts of a fresh profile, and waiting for facts."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.support.servers import TestSynapse
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.account import Account, Connection, Homeserver, Link
from welink_desktop.core.changes import apply
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import FileDamaged
from welink_desktop.core.ids import RoomId
from welink_desktop.core.media import Picture
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.ports.chat import Timeline
from welink_desktop.core.rooms import RoomListBatch, RoomRequest, RoomSummary
from welink_desktop.core.timeline import TextContent, TimelineBatch, TimelineItem
from welink_desktop.evaluation.client import Registered

T = TypeVar("T")
PATIENCE = 30.0


async def no_pictures(data: bytes, width: int, height: int, *, cover: bool = False) -> Picture:
    """These tests decode no pictures."""
    raise FileDamaged


async def until(found: Callable[[], T], *, seconds: float = PATIENCE) -> T:
    """Wait until `found()` is true-ish; every turn of the engine's news is seen within 10 ms."""
    async with asyncio.timeout(seconds):
        while not (value := found()):
            await asyncio.sleep(0.01)
    return value


class RoomsSeen:
    """The room list as a user sees it, kept by its changes."""

    def __init__(self, session: Session) -> None:
        self.rooms: list[RoomSummary] = []
        self.loading = True
        self.cancel = session.chat.watch_rooms(self._take)

    def _take(self, batch: RoomListBatch) -> None:
        apply(self.rooms, batch.changes)
        self.loading = batch.loading

    def get(self, room: RoomId) -> RoomSummary | None:
        return next((summary for summary in self.rooms if summary.room == room), None)


class TimelineSeen:
    """A timeline as a user sees it, kept by its changes."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.items: list[TimelineItem] = []
        self.batches: list[TimelineBatch] = []
        self.cancel = timeline.watch(self._take)

    def _take(self, batch: TimelineBatch) -> None:
        apply(self.items, batch.changes)
        self.batches.append(batch)
        if len(self.items) > 1_000:
            return
        assert len({item.key for item in self.items}) == len(self.items), "two rows of one identity"

    @property
    def bodies(self) -> list[str]:
        return [item.content.body for item in self.items if isinstance(item.content, TextContent)]

    def item(self, body: str) -> TimelineItem | None:
        return next((i for i in self.items if isinstance(i.content, TextContent) and i.content.body == body), None)


class Person:
    """One account of a test, its profile and its running session."""

    def __init__(self, accounts: MatrixAccounts, account: Account, secrets: MemorySecrets, folder: Path) -> None:
        self.accounts = accounts
        self.account = account
        self.secrets = secrets
        self.folder = folder
        self._session: MatrixSession | None = None

    @property
    def session(self) -> MatrixSession:
        assert self._session is not None
        return self._session

    async def open(self) -> MatrixSession:
        session = await self.accounts.open(self.account.key)
        assert isinstance(session, MatrixSession)
        self._session = session
        return session

    async def live(self) -> MatrixSession:
        """Open, and wait until sync runs and the device's keys are uploaded."""
        session = await self.open()
        states: list[Connection] = []
        cancel = session.watch_connection(states.append)
        await until(lambda: states[-1].link is Link.LIVE)
        await until(lambda: session.encryption.uploaded.value)
        cancel()
        return session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def home(synapse: TestSynapse) -> Homeserver:
    return Homeserver(name=synapse.server_name, base_url=synapse.base_url, secure=False)


class BentWay(httpx.AsyncBaseTransport):
    """The way to the real server, bent by a test: `cut` drops the line, `bend` changes answers of matching paths."""

    def __init__(self) -> None:
        self.cut = False
        self.bend: Callable[[str, dict[str, Any]], dict[str, Any] | None] = lambda path, body: None
        self.before: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.cut:
            raise httpx.ConnectError("cut by the test")
        if (given := self.before(request)) is not None:
            return given
        response = await self._inner.handle_async_request(request)
        body = await response.aread()
        await response.aclose()
        if self.cut:
            raise httpx.ReadError("cut by the test")
        bent = self.bend(request.url.path, json.loads(body)) if response.status_code == 200 and body[:1] == b"{" else None
        content = body if bent is None else json.dumps(bent).encode()
        return httpx.Response(response.status_code, headers={"content-type": "application/json"}, content=content)

    async def aclose(self) -> None:
        """Shared by several clients of one test: `end` closes it."""

    async def end(self) -> None:
        await self._inner.aclose()


async def signed_in(
    synapse: TestSynapse,
    registered: Registered,
    folder: Path,
    *,
    way: Callable[[], httpx.AsyncBaseTransport] | None = None,
    clock: Clock | None = None,
) -> Person:
    """A new device of `registered` in an own profile below `folder`; `way` makes the transport to the server."""
    secrets = MemorySecrets()
    profile = folder / registered.localpart
    accounts = MatrixAccounts(profile, secrets, decode=no_pictures, transport=way, clock=clock)
    account = await accounts.sign_in(home(synapse), registered.localpart, registered.password, "Test")
    return Person(accounts, account, secrets, profile)


@asynccontextmanager
async def people(synapse: TestSynapse, folder: Path, *names: str) -> AsyncIterator[list[Person]]:
    """Fresh accounts with live engines; closed with the block."""
    made: list[Person] = []
    try:
        for name in names:
            person = await signed_in(synapse, synapse.register(name), folder)
            made.append(person)
            await person.live()
        yield made
    finally:
        for person in made:
            await person.close()


async def shared_room(host: Person, *guests: Person, encrypted: bool = True, name: str = "Ward round") -> RoomId:
    """A room of `host` that all `guests` have joined."""
    request = RoomRequest(name=name, encrypted=encrypted, invite=tuple(guest.account.user for guest in guests))
    room = await host.session.chat.create_room(request)
    for guest in guests:
        seen = RoomsSeen(guest.session)
        await until(lambda seen=seen: seen.get(room) is not None)  # type: ignore[misc]  # the default binds the loop's value
        seen.cancel()
        await guest.session.chat.join(room)
    return room
