"""What benches of the whole client stand on: a homeserver of their own, engines on engine threads, a UI loop."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import qasync
from PySide6.QtWidgets import QApplication

from bench.report import Report
from tests.support.engine import home, no_pictures
from tests.support.servers import TestSynapse, running_synapse
from welink_desktop.adapters.engine_thread import EngineThread, hop
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.core.account import Account, Connection, Link
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.accounts import Accounts, Session
from welink_desktop.core.rooms import RoomListBatch, RoomRequest
from welink_desktop.core.settings import Appearance
from welink_desktop.evaluation.client import Registered
from welink_desktop.ui.design import theme

PATIENCE = 600.0


def run(main: Callable[[TestSynapse, Path], Coroutine[Any, Any, Report]]) -> None:
    """Run `main` on a UI loop (Qt and asyncio in one) beside a homeserver that lives as long; then finish its report."""
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    theme.prepare(app)
    theme.apply(app, Appearance())
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, running_synapse(Path(folder) / "homeserver") as synapse:
        loop = qasync.QEventLoop(app)
        asyncio.set_event_loop(loop)
        with loop:
            report = loop.run_until_complete(main(synapse, Path(folder)))
    report.finish()


async def until(found: Callable[[], object], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not found():
            await asyncio.sleep(0.005)


@dataclass
class Client:
    """A whole client without a window: engine on its thread, ports on the UI loop."""

    registered: Registered
    accounts: Accounts
    account: Account
    thread: EngineThread
    session: Session | None = None

    @property
    def running(self) -> Session:
        assert self.session is not None
        return self.session

    async def open(self) -> Session:
        """Open and wait until sync runs."""
        self.session = await self.accounts.open(self.account.key)
        links: list[Connection] = []
        cancel = self.session.watch_connection(links.append)
        await until(lambda: links and links[-1].link is Link.LIVE)
        cancel()
        return self.session

    async def close(self) -> None:
        if self.session is not None:
            await self.session.close()
            self.session = None


@asynccontextmanager
async def client(synapse: TestSynapse, name: str, folder: Path) -> AsyncIterator[Client]:
    """A fresh account with a live engine on a thread of its own."""
    thread = EngineThread(name)
    thread.start()
    registered = synapse.register(name)
    engine: Accounts = MatrixAccounts(folder / name, MemorySecrets(), decode=no_pictures)
    accounts = hop(engine, thread)
    account = await accounts.sign_in(home(synapse), registered.localpart, registered.password, "Bench")
    made = Client(registered, accounts, account, thread)
    try:
        await made.open()
        yield made
    finally:
        await made.close()
        thread.stop()


async def room_of_two(host: Client, guest: Client, *, encrypted: bool) -> RoomId:
    room = await host.running.chat.create_room(RoomRequest(name="Bench", encrypted=encrypted, invite=(guest.account.user,)))
    await join_when_invited(guest, room)
    return room


async def join_when_invited(guest: Client, room: RoomId) -> None:
    known: set[RoomId] = set()

    def seen(batch: RoomListBatch) -> None:
        known.update(item.room for change in batch.changes for item in getattr(change, "items", ()))

    cancel = guest.running.chat.watch_rooms(seen)
    await until(lambda: room in known)
    cancel()
    await guest.running.chat.join(room)


class StallWatch:
    """How late a 10 ms timer of the UI loop fires, in milliseconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="stall-watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.01)
            self.late.append(max(0.0, (time.perf_counter() - start - 0.01) * 1000))
