"""Ports behind a thread: coroutines run over there, listeners are called over here."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from welink_desktop.adapters.engine_thread import EngineThread, hop
from welink_desktop.core.errors import NotFound
from welink_desktop.core.reactive import Cancel, Signal


@dataclass(frozen=True)
class Record:
    thread: str


class Inner:
    async def where(self) -> Record:
        return Record(threading.current_thread().name)


class Port:
    """A port as adapters implement them."""

    def __init__(self) -> None:
        self.record = Record("fixed")
        self.inner = Inner()
        self.news: Signal[int] = Signal()
        self.cancelled = threading.Event()

    def watch(self, listener: Callable[[int], None]) -> Cancel:
        listener(0)
        return self.news.listen(listener)

    async def tell(self, count: int) -> None:
        for number in range(1, count + 1):
            self.news.emit(number)

    async def fail(self) -> None:
        raise NotFound("gone")

    async def open(self) -> Inner:
        return Inner()

    async def with_progress(self, progress: Callable[[int], None]) -> str:
        for step in range(3):
            progress(step)
        return "done"

    async def wait(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@pytest.fixture
async def engine() -> AsyncIterator[EngineThread]:
    thread = EngineThread("engine-under-test")
    thread.start()
    yield thread
    thread.stop()


async def test_coroutines_run_on_the_engine(engine: EngineThread) -> None:
    port = hop(Port(), engine)
    assert (await port.inner.where()).thread == "engine-under-test"
    opened = await port.open()
    assert (await opened.where()).thread == "engine-under-test"
    assert port.record == Record("fixed")


async def test_errors_come_back(engine: EngineThread) -> None:
    with pytest.raises(NotFound):
        await hop(Port(), engine).fail()


async def test_listeners_are_called_here_in_order(engine: EngineThread) -> None:
    port = hop(Port(), engine)
    here = threading.current_thread().name
    seen: list[tuple[int, str]] = []
    all_there = asyncio.Event()

    def listener(value: int) -> None:
        seen.append((value, threading.current_thread().name))
        if value == 500:
            all_there.set()

    cancel = port.watch(listener)
    await port.tell(500)
    await all_there.wait()
    assert seen == [(value, here) for value in range(501)]
    cancel()
    await port.tell(3)
    await asyncio.sleep(0)
    assert len(seen) == 501


async def test_callbacks_of_coroutines_are_called_here(engine: EngineThread) -> None:
    steps: list[tuple[int, str]] = []
    last = asyncio.Event()

    def progress(step: int) -> None:
        steps.append((step, threading.current_thread().name))
        if step == 2:
            last.set()

    assert await hop(Port(), engine).with_progress(progress) == "done"
    await last.wait()
    assert steps == [(step, threading.current_thread().name) for step in range(3)]


async def test_cancelling_here_cancels_there(engine: EngineThread) -> None:
    port = Port()
    waiting = asyncio.get_running_loop().create_task(hop(port, engine).wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(port.cancelled.wait, 5)


async def test_plain_methods_do_not_hop(engine: EngineThread) -> None:
    class Plain:
        def now(self) -> int:
            return 1

    with pytest.raises(TypeError):
        hop(Plain(), engine).now()
