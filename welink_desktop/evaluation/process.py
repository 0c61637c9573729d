"""One server process of the backend: started, checked, stopped; its output is kept in a log file."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation.places import is_free

TAIL = 1500


class Part(Protocol):
    """What the supervisor needs to know of a server."""

    @property
    def name(self) -> str: ...

    @property
    def port(self) -> int: ...

    def prepare(self) -> None:
        """Write configuration files. Raises `EvaluationFailed` when a program is missing."""

    def command(self) -> Sequence[str]: ...

    def environment(self) -> Mapping[str, str]:
        """What the process needs on top of the present environment."""

    def healthy(self) -> bool:
        """Whether it answers now. Never raises, at most 2 s."""


@dataclass
class ServerProcess:
    """Runs a `Part`. `directory` gets `NAME.log`. The process ends with the one that started it."""

    part: Part
    directory: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        return self.directory / f"{self.part.name.lower().replace(' ', '-')}.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start without waiting. Raises `EvaluationFailed` if the port is taken or the program is missing."""
        if self.part.port and not is_free(self.part.port):
            raise EvaluationFailed(part=self.part.name, reason=f"port {self.part.port} is already in use")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.part.prepare()
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # our own programs, no shell
                [*_die_with_parent(), *self.part.command()],
                cwd=self.directory,
                env={**os.environ, **self.part.environment()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_healthy(self, timeout: float = 90.0, *, give_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until it answers. Raises `EvaluationFailed` with the end of its log, or on time-out."""
        deadline = time.monotonic() + timeout
        while not self.part.healthy():
            if not self.running:
                raise EvaluationFailed(part=self.part.name, reason=f"it ended with code {self.exit_code}: {self.last_words()}")
            if time.monotonic() > deadline or give_up():
                raise EvaluationFailed(part=self.part.name, reason=f"no answer within {timeout:.0f} s: {self.last_words()}")
            time.sleep(0.1)

    def last_words(self) -> str:
        """The end of the log."""
        if not self.log.is_file():
            return ""
        return self.log.read_bytes()[-TAIL:].decode("utf-8", "replace").strip()

    def stop(self, patience: float = 8.0) -> None:
        """End politely, after `patience` seconds by force. Stopping twice is fine."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()


def _die_with_parent() -> list[str]:
    """What to put before a command so that the kernel ends it together with us, where the system can do that."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
