"""Starts, stops, resets and describes the backend of a profile, from another process."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation.state import BackendState, StateFile, evaluation_folder

START_TIMEOUT = 420.0
STOP_TIMEOUT = 40.0
BEAT = 0.1


def start(profile: Path, progress: Callable[[str], None], *, owner: int = 0, colleagues: bool = True) -> BackendState:
    """Start the backend, or find it running; returns once it is ready.

    `progress` gets the catalogue key of each step. `owner`: the backend ends with that process (0 = it stays).
    Raises `EvaluationFailed`; what was started then is stopped again.
    """
    file = StateFile(evaluation_folder(profile))
    state = file.load()
    if state.alive and state.phase == "stopping":
        _wait_stopped(file)
        state = file.load()
    if state.alive:
        return _wait_ready(file, progress, None)
    file.save(_forgotten(state))
    return _wait_ready(file, progress, _spawn(file.folder, owner, colleagues))


def stop(profile: Path) -> bool:
    """Stop the backend; false if it did not run. Raises `EvaluationFailed` if it does not end."""
    file = StateFile(evaluation_folder(profile))
    state = file.load()
    if not state.alive:
        return False
    os.kill(state.supervisor, signal.SIGTERM)
    _wait_stopped(file)
    return True


def reset(profile: Path) -> None:
    """Stop the backend and delete everything of it, accounts and messages included."""
    folder = evaluation_folder(profile)
    try:
        stop(profile)
    except EvaluationFailed as error:
        if error.args_for_text.get("part") != "state.json":
            raise
    shutil.rmtree(folder, ignore_errors=True)


def status(profile: Path) -> BackendState:
    """The state as written down; a supervisor that died shows as stopped. Raises `EvaluationFailed`."""
    state = StateFile(evaluation_folder(profile)).load()
    return state if state.alive or state.phase in {"failed", "stopped"} else _forgotten(state)


def _forgotten(state: BackendState) -> BackendState:
    """The lasting facts of `state`, nothing of a run."""
    return replace(state, phase="stopped", step="", error="", failed_part="", supervisor=0, parts=())


def _spawn(folder: Path, owner: int, colleagues: bool) -> "subprocess.Popen[bytes]":
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", "welink_desktop.evaluation", "serve", "--folder", str(folder), "--owner", str(owner)]
    if not colleagues:
        command.append("--without-colleagues")
    root = str(Path(__file__).resolve().parents[2])
    with (logs / "supervisor.log").open("ab") as output:
        return subprocess.Popen(  # noqa: S603  # our own program, no shell
            command,
            env={**os.environ, "PYTHONPATH": root},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_ready(file: StateFile, progress: Callable[[str], None], child: "subprocess.Popen[bytes] | None") -> BackendState:
    deadline = time.monotonic() + START_TIMEOUT
    told = ""
    while True:
        state = file.load()
        if state.step and state.step != told:
            told = state.step
            progress(told)
        if state.phase == "ready":
            if child is not None:
                child.returncode = 0  # it stays behind on purpose; nobody waits for it
            return state
        ended = child.poll() is not None if child else not state.alive
        if state.phase == "failed" and ended:
            raise EvaluationFailed(part=state.failed_part, reason=state.error)
        if ended:
            words = _last_words(file.folder / "logs" / "supervisor.log")
            raise EvaluationFailed(part="supervisor", reason=f"it ended: {words}")
        if time.monotonic() > deadline:
            if child is not None:
                child.terminate()
                child.wait(STOP_TIMEOUT)
            raise EvaluationFailed(part="backend", reason=f"not ready after {START_TIMEOUT:.0f} s")
        time.sleep(BEAT)


def _wait_stopped(file: StateFile) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT
    while file.load().alive:
        if time.monotonic() > deadline:
            raise EvaluationFailed(part="backend", reason=f"it did not stop within {STOP_TIMEOUT:.0f} s")
        time.sleep(BEAT)


def _last_words(log: Path) -> str:
    return log.read_bytes()[-800:].decode("utf-8", "replace").strip() if log.is_file() else ""
