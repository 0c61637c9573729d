"""Leak fixtures: a test that leaves a task, timer, thread, widget or an unexpected error record behind fails."""

import asyncio
import gc
import inspect
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

GRACE = 2.0
"""Seconds that a thread may still need to end after its test."""
SHARED_THREADS = ("asyncio_", "ThreadPoolExecutor", "pytest_timeout", "pydevd", "QThread", "Dummy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coroutine tests are watched for tasks and timers of their loop."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "no_leaked_tasks")


@pytest.fixture
async def no_leaked_tasks() -> AsyncIterator[None]:
    """Every task that the test and its fixtures started has ended; no timer of the loop is pending."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = [task.get_name() for task in asyncio.all_tasks() - before if task is not asyncio.current_task() and not task.done()]
    assert not left, f"tasks left running: {left}"
    scheduled = getattr(asyncio.get_running_loop(), "_scheduled", ())
    pending = [repr(handle) for handle in scheduled if not handle.cancelled()]
    assert not pending, f"timers left pending: {pending}"


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Every thread that the test started has ended, except those of shared pools."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + GRACE
    while left := [one for one in threading.enumerate() if one not in before and not one.name.startswith(SHARED_THREADS)]:
        assert time.monotonic() < end, f"threads left running: {[one.name for one in left]}"
        left[0].join(0.05)


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """An error record of ours fails the test, unless it reads `caplog` or is marked `logs_errors`."""
    if "caplog" in request.fixturenames or request.node.get_closest_marker("logs_errors"):
        yield
        return
    handler = _Errors()
    logger = logging.getLogger("welink")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
    assert not handler.messages, f"unexpected error records: {handler.messages}"


_known: dict[str, int] = {}
"""What the test before left behind; it failed for that already."""


@pytest.fixture(autouse=True)
def no_leaked_widgets() -> Iterator[None]:
    """No window and no running QTimer is left (only where the test loaded Qt)."""
    yield
    found = _qt_leftovers()
    if any(count > _known.get(name, 0) for name, count in found.items()):
        gc.collect()
        found = _qt_leftovers()
    left = {name: count for name, count in found.items() if count > _known.get(name, 0)}
    _known.clear()
    _known.update(found)
    assert not left, f"left behind: {left}"


def _qt_leftovers() -> dict[str, int]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return {}
    core = sys.modules["PySide6.QtCore"]
    shiboken = sys.modules["shiboken6"]
    core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)
    found: dict[str, int] = {}
    for widget in widgets.QApplication.topLevelWidgets():
        if widget.isVisible():
            name = f"window {type(widget).__name__}"
            found[name] = found.get(name, 0) + 1
    for thing in gc.get_objects():
        if isinstance(thing, core.QTimer) and shiboken.isValid(thing) and thing.isActive():
            found["timer"] = found.get("timer", 0) + 1
    return found
