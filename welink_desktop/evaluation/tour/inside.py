"""The part of the tour that runs in the app: `python -m welink_desktop.evaluation.tour.inside first|second`."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from welink_desktop.app.application import Application
from welink_desktop.app.lifecycle import run
from welink_desktop.app.options import Options
from welink_desktop.evaluation.tour.hand import Hand
from welink_desktop.evaluation.tour.report import Step, write_steps
from welink_desktop.evaluation.tour.script import Login, Script

SIZE = (1440, 900)
SETTLE = 0.8
"""Seconds for pictures and animations before the screenshot; not counted."""
FIRST_NUMBER = {"first": 1, "second": 13}


class Act:
    """One run of the app: does the steps of `name`, writes each at once, stops at the first that fails."""

    def __init__(self, name: str, folder: Path, login: Login) -> None:
        self._name = name
        self._folder = folder
        self._hand = Hand()
        script = Script(self._hand, login)
        self._plan = script.first() if name == "first" else script.second()
        self._steps: list[Step] = []

    async def __call__(self, application: Application) -> int:
        application.window.resize(*SIZE)
        application.window.move(0, 0)
        application.window.activateWindow()
        for number, (name, do) in enumerate(self._plan, FIRST_NUMBER[self._name]):
            if not await self._step(number, name, do):
                return 1
        return 0

    async def _step(self, number: int, name: str, do: Callable[[], Awaitable[str]]) -> bool:
        picture = f"{number:02d}-{name.replace(':', '').replace(' ', '-')}.png"
        begun = time.monotonic()
        try:
            good, remark = True, await do()
        except Exception as error:
            good, remark = False, f"{type(error).__name__}: {error}"
        seconds = round(time.monotonic() - begun, 2)
        await asyncio.sleep(SETTLE)
        self._hand.save(self._folder / picture)
        self._steps.append(Step(name, good, seconds, picture, remark))
        write_steps(self._folder / f"{self._name}.json", self._steps)
        return good


def main(arguments: Sequence[str]) -> int:
    name = arguments[0]
    environment = os.environ
    login = Login(environment["WELINK_TOUR_SERVER"], environment["WELINK_TOUR_USER"], environment["WELINK_TOUR_PASSWORD"])
    act = Act(name, Path(environment["WELINK_TOUR_FOLDER"]), login)
    options = Options(
        Path(environment["WELINK_TOUR_PROFILE"]), language=environment.get("WELINK_TOUR_LANGUAGE", "en"), theme="light"
    )
    return run(options, act)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
