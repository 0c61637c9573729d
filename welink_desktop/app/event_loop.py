"""The UI loop: qasync's, made safe against nested Qt loops.

A native dialog, a drag or a test's `processEvents` runs Qt's loop inside whatever is running. When that is a step of an
asyncio task, running another task's step there raises "Cannot enter into task" and that wake-up is lost for ever. Here
such callbacks wait until no task is running, in their order.
"""

import asyncio
import collections

import qasync

AGAIN_SECONDS = 0.001


class _Patient:
    """A handle that lets its loop decide when it runs. Looks like `asyncio.Handle` to qasync."""

    __slots__ = ("_handle", "_loop")

    def __init__(self, handle: asyncio.Handle, loop: "UiLoop") -> None:
        self._handle = handle
        self._loop = loop

    @property
    def _cancelled(self) -> bool:
        return self._handle.cancelled()

    def _run(self) -> None:
        self._loop.run_in_turn(self._handle)


class UiLoop(qasync.QEventLoop):  # type: ignore[misc]  # qasync has no type information
    """One per application; callbacks keep their order."""

    def __init__(self, app: object) -> None:
        super().__init__(app)
        self._held: collections.deque[asyncio.Handle] = collections.deque()

    def run_in_turn(self, handle: asyncio.Handle) -> None:
        """Run `handle` now with everything that waited before it, or let it wait while a task's step is running."""
        self._held.append(handle)
        if asyncio.current_task(self) is not None:
            self.call_later(AGAIN_SECONDS, _nothing)
            return
        while self._held and asyncio.current_task(self) is None:
            waiting = self._held.popleft()
            if not waiting.cancelled():
                waiting._run()

    def _add_callback(self, handle: asyncio.Handle, delay: float = 0) -> asyncio.Handle:
        super()._add_callback(_Patient(handle, self), delay)
        return handle


def _nothing() -> None:
    """Its turn brings the turn of what waits."""
