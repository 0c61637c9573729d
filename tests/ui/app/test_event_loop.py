"""The UI loop survives nested Qt loops: nothing is lost, nothing runs out of order."""

import asyncio

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from welink_desktop.app.event_loop import UiLoop
from welink_desktop.core.reactive import Inbox


def test_tasks_go_on_after_a_nested_qt_loop_inside_a_task(qtbot: QtBot, qapp: QApplication) -> None:
    steps: list[str] = []

    async def other(name: str) -> None:
        for number in range(3):
            await asyncio.sleep(0)
            steps.append(f"{name}{number}")

    async def main() -> None:
        tasks = [asyncio.get_running_loop().create_task(other(name), name=name) for name in "ab"]
        for _ in range(20):
            QApplication.processEvents()
        steps.append("main")
        await asyncio.wait_for(asyncio.gather(*tasks), 5)

    with UiLoop(qapp) as loop:
        loop.run_until_complete(main())
    assert sorted(steps) == ["a0", "a1", "a2", "b0", "b1", "b2", "main"]
    assert [step for step in steps if step.startswith("a")] == ["a0", "a1", "a2"]


def test_callbacks_keep_their_order(qtbot: QtBot, qapp: QApplication) -> None:
    seen: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(10):
            loop.call_soon(seen.append, number)
            QApplication.processEvents()
        while len(seen) < 10:
            await asyncio.sleep(0)

    with UiLoop(qapp) as loop:
        loop.run_until_complete(main())
    assert seen == list(range(10))


def test_a_cancelled_timer_never_runs(qtbot: QtBot, qapp: QApplication) -> None:
    seen: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, seen.append, "cancelled").cancel()
        inbox: Inbox[str] = Inbox(seen.append)
        inbox.put("delivered")
        later = loop.create_future()
        loop.call_later(0.05, later.set_result, None)
        await later
        inbox.close()

    with UiLoop(qapp) as loop:
        loop.run_until_complete(main())
    assert seen == ["delivered"]
