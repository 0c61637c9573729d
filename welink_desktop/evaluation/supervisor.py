"""Keeps the backend running: starts its parts in order, checks them, restarts what crashes, stops all cleanly.

Runs as a process of its own (`python -m welink_desktop.evaluation serve`); `control` starts and asks it.
"""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.core.log import literal, topic
from welink_desktop.evaluation.livekit import LiveKit
from welink_desktop.evaluation.places import free_ports, is_free
from welink_desktop.evaluation.process import Part, ServerProcess
from welink_desktop.evaluation.sample import sample
from welink_desktop.evaluation.seed import Seeder
from welink_desktop.evaluation.state import BackendState, PartState, StateFile, is_running, new_secrets
from welink_desktop.evaluation.synapse import Synapse
from welink_desktop.evaluation.token_service import TokenService

BEAT = 0.5
"""Seconds between two looks at the parts."""
CHECK_EVERY = 10.0
"""Seconds between two health checks of a running part."""
SICK_AFTER = 3
"""Failed health checks in a row that count as a crash."""
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0)
GIVE_UP = (6, 60.0)
"""So many crashes within so many seconds are the end of a part."""

_log = topic("evaluation")


@dataclass
class Watched:
    """A part under supervision. Times are monotonic seconds."""

    process: ServerProcess
    state: str = "starting"
    restarts: int = 0
    last_exit: int | None = None
    crashes: list[float] = field(default_factory=list)
    restart_at: float | None = None
    next_check: float = 0.0
    sick: int = 0

    def shown(self) -> PartState:
        part = self.process.part
        pid = self.process.pid if self.process.running else None
        return PartState(part.name, self.state, pid or 0, part.port, self.restarts, self.last_exit, self.process.log.name)


class Supervisor:
    """One backend in `folder` (`PROFILE/evaluation`). `owner`: end when this process is gone (0 = stay)."""

    def __init__(self, folder: Path, *, owner: int = 0, colleagues: bool = True) -> None:
        self._file = StateFile(folder)
        self._folder = folder
        self._owner = owner
        self._colleagues = colleagues
        self._watched: list[Watched] = []
        self._over = threading.Event()
        self._state = BackendState()

    def stop(self) -> None:
        """Ask for the end; safe from a signal handler."""
        self._over.set()

    def run(self) -> int:
        """Start, watch, stop. Returns the exit code: 0 after `stop`, 1 if the backend could not start."""
        try:
            with self._single():
                try:
                    self._start()
                    self._watch()
                except EvaluationFailed as error:
                    return self._failed(error)
                finally:
                    self._end()
        except EvaluationFailed as error:
            _log.error("another supervisor runs", exc=error)
            return 1
        return 0

    @contextlib.contextmanager
    def _single(self) -> Iterator[None]:
        """One supervisor per folder."""
        state = self._file.load()
        if state.alive and state.supervisor != os.getpid():
            raise EvaluationFailed(part="supervisor", reason="this backend is already running")
        yield

    def _start(self) -> None:
        self._state = self._first_state(self._file.load())
        self._publish(phase="starting", step="evaluation-step-servers")
        for part in self._servers():
            watched = Watched(ServerProcess(part, self._folder / "logs"))
            self._watched.append(watched)
            watched.process.start()
            self._publish()
        for watched in self._watched:
            watched.process.wait_healthy(give_up=self._over.is_set)
            watched.state = "running"
            watched.next_check = time.monotonic() + CHECK_EVERY
            self._publish()
        if not self._state.seeded:
            self._seed()
        if self._colleagues:
            self._start_colleagues()
        self._publish(phase="ready", step="", error="", failed_part="")

    def _first_state(self, old: BackendState) -> BackendState:
        """Secrets and the homeserver's port stay from one start to the next: signed-in clients rely on them."""
        people = sample()
        state = replace(old, supervisor=os.getpid(), error="", failed_part="", parts=())
        if not old.registration_secret or not old.seeded:
            shutil.rmtree(self._folder / "synapse", ignore_errors=True)
            shutil.rmtree(self._folder / "colleagues", ignore_errors=True)
            viewer = people.people[people.viewer].localpart
            port = old.homeserver_port if old.homeserver_port and is_free(old.homeserver_port) else free_ports(1)[0]
            fresh: dict[str, Any] = {"server_name": people.server_name, "viewer": viewer, "homeserver_port": port}
            return replace(state, seeded=False, **fresh, **new_secrets())
        return state

    def _servers(self) -> Sequence[Part]:
        state, folder = self._state, self._folder
        signal_port, token_port = free_ports(2)
        livekit = LiveKit(folder / "livekit", signal_port, state.livekit_key, state.livekit_secret)
        tokens = TokenService(
            folder / "tokens",
            token_port,
            state.base_url,
            state.server_name,
            livekit.url,
            state.livekit_key,
            state.livekit_secret,
        )
        synapse = Synapse(
            folder / "synapse",
            state.homeserver_port,
            state.server_name,
            state.registration_secret,
            livekit_service_url=tokens.url,
        )
        return [synapse, livekit, tokens]

    def _seed(self) -> None:
        state = self._state
        self._publish(phase="seeding")
        seeder = Seeder(sample(), state.base_url, state.registration_secret, state.viewer_password, self._folder)
        seeder.run(lambda step: self._publish(step=step))
        self._publish(seeded=True)

    def _start_colleagues(self) -> None:
        from welink_desktop.evaluation.colleagues.part import ColleaguesPart

        self._publish(step="evaluation-step-colleagues")
        watched = Watched(ServerProcess(ColleaguesPart(self._folder), self._folder / "logs"))
        self._watched.append(watched)
        watched.process.start()
        watched.process.wait_healthy(give_up=self._over.is_set)
        watched.state = "running"

    def _watch(self) -> None:
        while not self._over.wait(BEAT):
            if self._owner and not is_running(self._owner):
                return
            before = [watched.shown() for watched in self._watched]
            for watched in self._watched:
                self._look(watched, time.monotonic())
            if before != [watched.shown() for watched in self._watched]:
                self._publish()

    def _look(self, watched: Watched, now: float) -> None:
        if watched.state == "failed":
            return
        if watched.restart_at is not None:
            if now >= watched.restart_at:
                self._restart(watched, now)
            return
        if not watched.process.running:
            self._crashed(watched, now)
            return
        if now < watched.next_check:
            return
        healthy = watched.process.part.healthy()
        watched.next_check = now + (CHECK_EVERY if healthy and watched.state == "running" else 1.0)
        watched.sick = 0 if healthy else watched.sick + 1
        if healthy:
            watched.state = "running"
        elif watched.state == "running" and watched.sick >= SICK_AFTER:
            _log.error("part does not answer", part=literal(watched.process.part.name))
            watched.process.stop()
            self._crashed(watched, now)

    def _crashed(self, watched: Watched, now: float) -> None:
        count, span = GIVE_UP
        watched.last_exit = watched.process.exit_code
        watched.crashes = [*(each for each in watched.crashes if now - each < span), now]
        _log.error(
            "part ended by itself",
            part=literal(watched.process.part.name),
            code=watched.last_exit,
            crashes=len(watched.crashes),
        )
        if len(watched.crashes) >= count:
            watched.state = "failed"
            return
        watched.state = "restarting"
        watched.restart_at = now + BACK_OFF[min(len(watched.crashes) - 1, len(BACK_OFF) - 1)]

    def _restart(self, watched: Watched, now: float) -> None:
        watched.restart_at = None
        try:
            watched.process.start()
        except EvaluationFailed as error:
            _log.error("part cannot be restarted", exc=error, part=literal(watched.process.part.name))
            self._crashed(watched, now)
            return
        watched.restarts += 1
        watched.state = "starting"
        watched.sick = 0
        watched.next_check = now + BEAT

    def _failed(self, error: EvaluationFailed) -> int:
        part, reason = error.args_for_text.get("part", ""), error.args_for_text.get("reason", "")
        self._publish(phase="failed", failed_part=str(part), error=str(reason))
        return 1

    def _end(self) -> None:
        if self._state.phase != "failed":
            self._publish(phase="stopping")
        for watched in reversed(self._watched):
            watched.process.stop()
            if watched.state != "failed":
                watched.state = "stopped"
        phase = "failed" if self._state.phase == "failed" else "stopped"
        self._publish(phase=phase, supervisor=0)

    def _publish(self, **changes: Any) -> None:
        parts = tuple(watched.shown() for watched in self._watched)
        self._state = replace(self._state, parts=parts, **changes)
        self._file.save(self._state)


def serve(folder: Path, *, owner: int = 0, colleagues: bool = True) -> int:
    """Run a supervisor in this process until SIGTERM or SIGINT."""
    supervisor = Supervisor(folder, owner=owner, colleagues=colleagues)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    return supervisor.run()
