"""The four tools everything hangs on."""

import asyncio
import threading

import pytest

from welink_desktop.core.errors import NotAllowed
from welink_desktop.core.reactive import Cancel, Inbox, Scope, Signal, State, Switch, SwitchState


def test_a_watcher_sees_the_present_value_and_every_change() -> None:
    state = State(1)
    seen: list[int] = []
    cancel = state.watch(seen.append)
    state.set(2)
    state.set(2)
    cancel()
    cancel()
    state.set(3)
    assert seen == [1, 2]


def test_a_watcher_dropped_during_a_change_hears_nothing_more() -> None:
    state = State(0)
    seen: list[int] = []
    cancels: list[Cancel] = []

    def drop_the_next(value: int) -> None:
        if value:
            cancels.pop()()

    state.watch(drop_the_next)
    cancels.append(state.watch(seen.append))
    state.set(1)
    assert seen == [0]


def test_a_signal_keeps_nothing() -> None:
    signal: Signal[str] = Signal()
    signal.emit("lost")
    seen: list[str] = []
    cancel = signal.listen(seen.append)
    signal.emit("heard")
    cancel()
    signal.emit("lost too")
    assert seen == ["heard"]


async def test_a_scope_stops_tasks_and_undoes_in_reverse_order() -> None:
    order: list[str] = []
    scope = Scope("test")
    started = asyncio.Event()

    async def forever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            order.append("task")

    scope.spawn(forever(), name="forever")
    scope.add(lambda: order.append("first"))
    scope.add(lambda: order.append("second"))
    await started.wait()
    await scope.aclose()
    await scope.aclose()
    assert order == ["task", "second", "first"]
    with pytest.raises(RuntimeError):
        scope.spawn(forever(), name="late")


@pytest.mark.logs_errors
async def test_a_failing_task_is_reported_once() -> None:
    failures: list[BaseException] = []
    told = asyncio.Event()

    def on_error(error: BaseException) -> None:
        failures.append(error)
        told.set()

    scope = Scope("test", on_error=on_error)

    async def fail() -> None:
        raise NotAllowed

    scope.spawn(fail(), name="fail")
    await told.wait()
    assert [type(error) for error in failures] == [NotAllowed]
    await scope.aclose()


async def test_an_inbox_keeps_the_order_of_a_thread() -> None:
    done = asyncio.Event()
    seen: list[int] = []

    def deliver(value: int) -> None:
        seen.append(value)
        if value == 999:
            done.set()

    inbox = Inbox(deliver, limit=10)

    def fill() -> None:
        for value in range(1000):
            inbox.put(value)

    thread = threading.Thread(target=fill)
    thread.start()
    await done.wait()
    thread.join()
    assert seen == list(range(1000))


async def test_a_closed_inbox_delivers_nothing() -> None:
    seen: list[int] = []
    inbox = Inbox(seen.append)
    inbox.put(1)
    inbox.close()
    inbox.put(2)
    await asyncio.sleep(0)
    assert seen == []


class _Remote:
    """A far side that waits until it is let go."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.go = asyncio.Event()
        self.refuse = False

    async def drive(self, on: bool) -> bool:
        self.asked.append(on)
        await self.go.wait()
        if self.refuse:
            raise NotAllowed
        return on


async def settled(state: State[SwitchState]) -> SwitchState:
    """Wait for a switch that is not busy."""
    done = asyncio.Event()
    cancel = state.watch(lambda value: None if value.busy else done.set())
    await done.wait()
    cancel()
    return state.value


async def test_a_switch_shows_wanted_at_once_and_actual_when_it_is_true() -> None:
    remote, scope = _Remote(), Scope("test")
    switch = Switch(scope, "mic", remote.drive)
    switch.want(True)
    assert switch.state.value == SwitchState(wanted=True, actual=False, busy=True)
    remote.go.set()
    assert await settled(switch.state) == SwitchState(wanted=True, actual=True)
    await scope.aclose()


async def test_wishes_during_a_change_collapse_into_the_last() -> None:
    remote, scope = _Remote(), Scope("test")
    switch = Switch(scope, "mic", remote.drive)
    switch.want(True)
    await asyncio.sleep(0)
    for on in (False, True, False):
        switch.want(on)
    remote.go.set()
    assert await settled(switch.state) == SwitchState(wanted=False, actual=False)
    assert remote.asked == [True, False]
    await scope.aclose()


async def test_a_refusal_shows_the_truth() -> None:
    remote, scope = _Remote(), Scope("test")
    remote.refuse = True
    remote.go.set()
    switch = Switch(scope, "mic", remote.drive)
    switch.want(True)
    state = await settled(switch.state)
    assert (state.wanted, state.actual) == (False, False)
    assert isinstance(state.refusal, NotAllowed)
    await scope.aclose()


async def test_a_change_from_the_far_side_is_also_what_we_want() -> None:
    scope = Scope("test")
    switch = Switch(scope, "mic", _Remote().drive, on=True)
    switch.observed(False)
    assert switch.state.value == SwitchState(wanted=False, actual=False)
    await scope.aclose()
