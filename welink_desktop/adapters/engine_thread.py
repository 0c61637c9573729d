"""The hop between the UI loop and the engine loop (architecture §6, §11).

An adapter runs on one asyncio loop in a thread of its own. `hop(port, thread)` gives an object of the same Protocol for the
calling loop: its coroutines run over there, what `watch…` delivers arrives over here through one `Inbox` per listener, and
the ports it hands out (attributes and results) hop as well. Only frozen records cross; nothing is shared, nothing is locked.
"""

import asyncio
import dataclasses
import enum
import inspect
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Cancel, Inbox

T = TypeVar("T")
P = TypeVar("P")
STOP_SECONDS = 10.0
SWITCH_SECONDS = 0.001
"""How long a busy engine may keep the interpreter from a UI that wants it (Python's default: 5 ms each time)."""
_PLAIN = (str, bytes, int, float, bool, type(None), tuple, list, dict, set, frozenset, enum.Enum, BaseException)
_log = topic("engine")


class EngineThread:
    """One asyncio loop in a daemon thread. `start` before use, `stop` at the end (after the ports were closed)."""

    def __init__(self, name: str = "engine") -> None:
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None, "the engine thread was not started"
        return self._loop

    def start(self) -> None:
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
        self._thread.start()
        self._ready.wait()

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run `coroutine` on the engine loop; cancelling the caller cancels it there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.loop))

    def call(self, function: Callable[[], object]) -> None:
        """Run `function` on the engine loop soon. Does nothing once the thread is stopped."""
        try:
            self.loop.call_soon_threadsafe(function)
        except RuntimeError:
            _log.debug("the engine has stopped")

    def stop(self) -> None:
        """End the loop, cancelling what still runs there, and wait for the thread (10 s at most)."""
        if self._stopping is None:
            return
        self.call(self._stopping.set)
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            _log.error("the engine thread does not end")

    def _main(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._ready.set()
        await self._stopping.wait()


def hop(port: P, thread: EngineThread) -> P:
    """`port` as seen from the calling loop. Use it on one loop only; never hand it back to the engine."""
    return cast(P, _Hopped(port, thread))


class _Hopped:
    __slots__ = ("_cache", "_target", "_thread")

    def __init__(self, target: object, thread: EngineThread) -> None:
        self._target = target
        self._thread = thread
        self._cache: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{type(self._target).__name__} on the engine>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        cached = self._cache.get(name)
        if cached is not None:
            return cached
        value = getattr(self._target, name)
        if name == "watch" or name.startswith("watch_"):
            value = self._watcher(value)
        elif inspect.iscoroutinefunction(value):
            value = self._coroutine(value)
        elif inspect.ismethod(value):
            raise TypeError(f"{name} cannot be called from another thread")
        elif _is_port(value):
            value = hop(value, self._thread)
        else:
            return value
        self._cache[name] = value
        return value

    def _coroutine(self, function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def hopped(*args: Any, **kwargs: Any) -> Any:
            there = [_listener(argument) for argument in args]
            named = {name: _listener(argument) for name, argument in kwargs.items()}
            result = await self._thread.run(function(*there, **named))
            return hop(result, self._thread) if _is_port(result) else result

        return hopped

    def _watcher(self, watch: Callable[..., Cancel]) -> Callable[..., Cancel]:
        def hopped(*args: Any) -> Cancel:
            *first, listener = args
            inbox: Inbox[Any] = Inbox(listener)
            undo: list[Cancel] = []

            def begin() -> None:
                try:
                    undo.append(watch(*first, inbox.put))
                except Exception as error:
                    _log.error("cannot watch", exc=error, port=literal(type(self._target).__name__))

            def end() -> None:
                while undo:
                    undo.pop()()

            def cancel() -> None:
                inbox.close()
                self._thread.call(end)

            self._thread.call(begin)
            return cancel

        return hopped


def _listener(argument: Any) -> Any:
    """A callback given to a coroutine is called back on the loop it comes from."""
    if inspect.isroutine(argument):
        return Inbox(argument).put
    return argument


def _is_port(value: object) -> bool:
    """Whatever is no record, no container and no primitive."""
    return not (
        isinstance(value, _PLAIN) or dataclasses.is_dataclass(value) or inspect.isroutine(value) or hasattr(value, "__fspath__")
    )
