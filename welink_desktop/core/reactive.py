"""Four small tools everything hangs on: `State`, `Scope`, `Inbox`, `Switch`. No Qt."""

import asyncio
import collections
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.log import literal, topic

T = TypeVar("T")
Cancel = Callable[[], None]
"""Undoes what returned it. Calling it twice is harmless."""

_log = topic("reactive")


class State(Generic[T]):
    """A value that can be watched. Equal values are not news. Belongs to one loop; not thread-safe."""

    __slots__ = ("_value", "_watchers")

    def __init__(self, value: T) -> None:
        self._value = value
        self._watchers: list[Callable[[T], None]] = []

    @property
    def value(self) -> T:
        return self._value

    def set(self, value: T) -> None:
        """Make `value` current and tell every watcher, in the order they came."""
        if value == self._value:
            return
        self._value = value
        for watcher in tuple(self._watchers):
            if watcher in self._watchers:
                watcher(value)

    def watch(self, watcher: Callable[[T], None]) -> Cancel:
        """Call `watcher` now and after each change, until the returned function is called."""
        self._watchers.append(watcher)
        watcher(self._value)
        return lambda: self._drop(watcher)

    def _drop(self, watcher: Callable[[T], None]) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)


class Signal(Generic[T]):
    """Something that happens and is not kept: `emit` calls every listener of this moment. Belongs to one loop."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], None]] = []

    def emit(self, value: T) -> None:
        for listener in tuple(self._listeners):
            if listener in self._listeners:
                listener(value)

    def listen(self, listener: Callable[[T], None]) -> Cancel:
        self._listeners.append(listener)

        def cancel() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return cancel


class Scope:
    """Owns everything that must stop together: tasks, watches, handles.

    `aclose()` cancels the tasks, waits for them (at most `deadline` seconds), then undoes the rest in reverse order.
    An exception in a spawned task is logged once and given to `on_error`; it never disappears.
    """

    def __init__(self, name: str, *, on_error: Callable[[BaseException], None] | None = None) -> None:
        self.name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._undo: list[Callable[[], Awaitable[None] | None]] = []
        self._on_error = on_error
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def spawn(self, coroutine: Coroutine[Any, Any, T], *, name: str) -> "asyncio.Task[T]":
        """Run `coroutine` as a named task of this scope. Raises `RuntimeError` on a closed scope."""
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"scope {self.name} is closed")
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self.name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def add(self, undo: Callable[[], Awaitable[None] | None]) -> None:
        """Remember how to undo something; at once if the scope is closed already (synchronous ones only)."""
        if self._closed:
            undo()
            return
        self._undo.append(undo)

    async def aclose(self, deadline: float = 5.0) -> None:
        if self._closed:
            return
        self._closed = True
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current]
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline)
            for task in late:
                _log.error("task ignored its cancellation", task=literal(task.get_name()))
        while self._undo:
            try:
                result = self._undo.pop()()
                if result is not None:
                    await asyncio.wait_for(result, deadline)
            except Exception as error:
                _log.error("undo failed", exc=error, scope=literal(self.name))

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        _log.error("task failed", exc=error, task=literal(task.get_name()))
        if self._on_error is not None:
            self._on_error(error)


class Inbox(Generic[T]):
    """Values from any thread to one loop, in order, one wake-up per burst.

    Create it on the receiving loop. `deliver` gets every value on that loop; with `limit` at most that many per turn
    of the loop, so that a burst never holds it for long.
    """

    def __init__(self, deliver: Callable[[T], None], *, limit: int = 64) -> None:
        self._loop = asyncio.get_running_loop()
        self._deliver = deliver
        self._limit = limit
        self._lock = threading.Lock()
        self._values: collections.deque[T] = collections.deque()
        self._awake = False
        self._closed = False

    def put(self, value: T) -> None:
        """Thread-safe. Values put after `close()` are dropped."""
        with self._lock:
            if self._closed:
                return
            self._values.append(value)
            if self._awake:
                return
            self._awake = True
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            self.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._values.clear()

    def _drain(self) -> None:
        for _ in range(self._limit):
            with self._lock:
                if self._closed or not self._values:
                    self._awake = False
                    return
                value = self._values.popleft()
            try:
                self._deliver(value)
            except Exception as error:
                _log.error("delivery failed", exc=error)
        self._loop.call_soon(self._drain)


@dataclass(frozen=True, slots=True)
class SwitchState:
    """`wanted` is what the person asked for last, `actual` what the far side confirmed."""

    wanted: bool
    actual: bool
    busy: bool = False
    refusal: WeLinkError | None = None


class Switch:
    """Drives a remote on/off to what the user wants, one change at a time.

    `drive(on)` makes the change and returns the value it led to; it may raise `WeLinkError`: then `actual` stays,
    `wanted` falls back to it and `refusal` says why. Wishes that arrive during a change collapse into the last one.
    Changes from the far side (a host mutes us) come in through `observed`.
    """

    def __init__(self, scope: Scope, name: str, drive: Callable[[bool], Awaitable[bool]], *, on: bool = False) -> None:
        self.state = State(SwitchState(wanted=on, actual=on))
        self._scope = scope
        self._name = name
        self._drive = drive

    def want(self, on: bool) -> None:
        state = self.state.value
        self.state.set(SwitchState(wanted=on, actual=state.actual, busy=state.busy))
        if not state.busy and on != state.actual:
            self.state.set(SwitchState(wanted=on, actual=state.actual, busy=True))
            self._scope.spawn(self._run(), name=f"switch-{self._name}")

    def toggle(self) -> None:
        self.want(not self.state.value.wanted)

    def observed(self, on: bool, refusal: WeLinkError | None = None) -> None:
        """The far side says how it is, and why; outside a change of ours this is also what we now want."""
        state = self.state.value
        self.state.set(SwitchState(wanted=state.wanted if state.busy else on, actual=on, busy=state.busy, refusal=refusal))

    async def _run(self) -> None:
        refusal: WeLinkError | None = None
        while True:
            wanted = self.state.value.wanted
            if wanted == self.state.value.actual:
                break
            try:
                actual = await self._drive(wanted)
            except WeLinkError as error:
                refusal = error
                break
            except BaseException:
                state = self.state.value
                self.state.set(SwitchState(wanted=state.actual, actual=state.actual))
                raise
            self.state.set(SwitchState(wanted=self.state.value.wanted, actual=actual, busy=True))
            if actual != wanted and self.state.value.wanted == wanted:
                break
        actual = self.state.value.actual
        self.state.set(SwitchState(wanted=actual, actual=actual, refusal=refusal))
