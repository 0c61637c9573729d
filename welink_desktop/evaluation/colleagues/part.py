"""The colleagues' process as a part of the backend."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STALE = 45.0
"""Seconds without a sign of life that count as ill."""


@dataclass
class ColleaguesPart:
    """`folder` is `PROFILE/evaluation`."""

    folder: Path

    @property
    def name(self) -> str:
        return "Colleagues"

    @property
    def port(self) -> int:
        return 0

    @property
    def status_file(self) -> Path:
        return self.folder / "colleagues" / "status.json"

    def prepare(self) -> None:
        self.status_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.status_file.unlink(missing_ok=True)

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "welink_desktop.evaluation.colleagues", "--folder", str(self.folder)]

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}

    def healthy(self) -> bool:
        status = self.status()
        return bool(status.get("ready")) and time.time() - float(status.get("beat", 0)) < STALE

    def status(self) -> dict[str, Any]:
        """What the process wrote last: ready, people, history ("waiting", "writing", "done"), beat."""
        try:
            content = json.loads(self.status_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}
