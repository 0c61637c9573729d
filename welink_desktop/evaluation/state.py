"""What is written down about a running backend: `PROFILE/evaluation/state.json`, readable by its owner only."""

import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation.places import checkout


@dataclass(frozen=True, slots=True)
class PartState:
    """One server: how it stands ("starting", "running", "failed", "stopped") and how often it had to be restarted."""

    name: str
    state: str
    pid: int = 0
    port: int = 0
    restarts: int = 0
    last_exit: int | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class BackendState:
    """`phase`: starting, seeding, ready, stopping, stopped or failed (then `error` says why). `step` is a catalogue key.

    The secrets belong to this evaluation only; the file has mode 0600.
    """

    phase: str = "stopped"
    step: str = ""
    error: str = ""
    failed_part: str = ""
    supervisor: int = 0
    server_name: str = ""
    homeserver_port: int = 0
    viewer: str = ""
    viewer_password: str = field(default="", repr=False)
    registration_secret: str = field(default="", repr=False)
    livekit_key: str = ""
    livekit_secret: str = field(default="", repr=False)
    seeded: bool = False
    parts: tuple[PartState, ...] = ()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.homeserver_port}"

    @property
    def alive(self) -> bool:
        """Whether its supervisor still runs."""
        return self.supervisor > 0 and is_running(self.supervisor)


class StateFile:
    """Reads and writes the state atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "state.json"

    def load(self) -> BackendState:
        """The state, or an empty one if there is none. Raises `EvaluationFailed` if the file is damaged."""
        try:
            raw: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            known = {each.name for each in fields(BackendState)}
            parts = tuple(PartState(**part) for part in raw.pop("parts", ()))
            return BackendState(parts=parts, **{key: value for key, value in raw.items() if key in known})
        except FileNotFoundError:
            return BackendState()
        except (ValueError, TypeError, AttributeError) as error:
            raise EvaluationFailed(part="state.json", reason="it is damaged; “reset” makes a new one") from error

    def save(self, state: BackendState) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = self.path.with_suffix(".part")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(state), file, ensure_ascii=False, indent=1)
        unfinished.replace(self.path)

    def update(self, **changes: Any) -> BackendState:
        """Change fields of the stored state."""
        state = replace(self.load(), **changes)
        self.save(state)
        return state


def new_secrets() -> dict[str, Any]:
    """Fresh secrets for a backend that is set up for the first time."""
    return {
        "registration_secret": secrets.token_hex(24),
        "livekit_key": f"welink{secrets.token_hex(4)}",
        "livekit_secret": secrets.token_hex(32),
        "viewer_password": f"Yunshan-{secrets.token_hex(4)}",
    }


def is_running(pid: int) -> bool:
    """Whether a process with this id exists (a zombie does not count)."""
    if pid <= 0:
        return False
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
        except (OSError, IndexError):
            return False
    else:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True


def default_profile() -> Path:
    """In a checkout everything stays inside it; an installed program uses the user's data folder."""
    if (checkout() / "build").is_dir():
        return checkout() / "build" / "profile"
    return Path(platformdirs.user_data_path("welink-desktop", appauthor=False))


def evaluation_folder(profile: Path) -> Path:
    return profile / "evaluation"
