"""Runs the tour from outside: backend, surroundings, the app twice, the report."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation import control
from welink_desktop.evaluation.places import checkout
from welink_desktop.evaluation.state import BackendState
from welink_desktop.evaluation.tour.report import Step, read_steps, table, write_report
from welink_desktop.evaluation.tour.surroundings import surroundings

START = "start the evaluation organisation"
FIRST = (
    "open the app",
    "sign in",
    "open an encrypted room",
    "send a question and receive the answer",
    "scroll back through history",
    "find a person and open the card",
    "start a meeting from the room",
    "see and hear three participants",
    "mute and unmute",
    "share the screen",
    "a participant leaves and the key rotates",
    "leave the meeting",
)
SECOND = ("restart: all messages are there", "sign out")
ACT_TIMEOUT = 600.0


def run_tour(profile: Path | None = None, *, folder: Path | None = None) -> int:
    """Do the whole tour in `folder` (default `build/tour`); a given `profile` is kept, otherwise a fresh one is used.

    Writes `report.json` and one PNG per step. Returns 0 if every step went well.
    """
    place = folder or (checkout() / "build" / "tour")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    steps: list[Step] = []
    try:
        steps = _acts(place, profile or place / "profile")
    except EvaluationFailed as error:
        part, reason = error.args_for_text.get("part", ""), error.args_for_text.get("reason", "")
        steps.append(Step("surroundings", ok=False, seconds=0.0, detail=f"{part}: {reason}"))
    good = write_report(place / "report.json", steps, (START, *FIRST, *SECOND))
    print(table(steps))
    print(f"tour: {'all is well' if good else 'FAILED'}; report and pictures are in {place.name}/")
    return 0 if good else 1


def _acts(place: Path, profile: Path) -> list[Step]:
    with ExitStack() as stack:
        begun = time.monotonic()
        state = control.start(profile, lambda step: None, owner=os.getpid())
        stack.callback(control.stop, profile)
        start = Step(START, ok=True, seconds=round(time.monotonic() - begun, 2))
        environment = stack.enter_context(surroundings(place / "surroundings"))
        steps = _act("first", place, profile, environment, state)
        if all(step.ok for step in steps) and len(steps) == len(FIRST):
            steps += _act("second", place, profile, environment, state)
        picture = next((step.screenshot for step in steps if step.screenshot), "")
        return [replace(start, screenshot=picture), *steps]


def _act(name: str, place: Path, profile: Path, environment: Mapping[str, str], state: BackendState) -> list[Step]:
    """One run of the app, moved by `inside`."""
    root = str(Path(__file__).resolve().parents[3])
    command = [sys.executable, "-m", "welink_desktop.evaluation.tour.inside", name]
    settings = {
        "PYTHONPATH": root,
        "WELINK_TOUR_FOLDER": str(place),
        "WELINK_TOUR_PROFILE": str(profile),
        "WELINK_TOUR_SERVER": state.base_url,
        "WELINK_TOUR_USER": state.viewer,
        "WELINK_TOUR_PASSWORD": state.viewer_password,
    }
    with (place / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own program, no shell
            command, env={**environment, **settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait(ACT_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    steps = read_steps(place / f"{name}.json")
    if code != 0 and all(step.ok for step in steps):
        steps.append(Step(f"the app ({name} run)", ok=False, seconds=0.0, detail=f"it ended with code {code}; see {name}.log"))
    return steps
