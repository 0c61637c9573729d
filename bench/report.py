"""One bench's figures, targets and verdict."""

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "build" / "bench"


class Report:
    """Collects figures of one bench; a figure with `max` or `min` is a target."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes = ""
        self._figures: dict[str, float] = {}
        self._targets: dict[str, dict[str, float]] = {}

    def figure(self, key: str, value: float, *, max: float | None = None, min: float | None = None) -> None:
        """`key` ends in its unit ("_ms", "_mb", "_ratio"). `max`/`min` are inclusive limits."""
        self._figures[key] = round(value, 4)
        target = {name: limit for name, limit in (("max", max), ("min", min)) if limit is not None}
        if target:
            self._targets[key] = target

    @property
    def ok(self) -> bool:
        return all(self._met(key) for key in self._targets)

    def finish(self) -> None:
        """Write `build/bench/NAME.json`, print it as the last line and end the process with 0 (met) or 1."""
        result = {"name": self.name, "figures": self._figures, "targets": self._targets, "ok": self.ok, "notes": self.notes}
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / f"{self.name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
        print(json.dumps(result, ensure_ascii=False), flush=True)
        sys.exit(0 if self.ok else 1)

    def _met(self, key: str) -> bool:
        value, target = self._figures[key], self._targets[key]
        return value <= target.get("max", value) and value >= target.get("min", value)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0–1) of `values` lie; nearest rank. Raises `ValueError` on an empty sequence."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def pss_mb(pids: Sequence[int]) -> float:
    """Proportional set size of the processes together, in MiB (Linux). Processes that ended count as 0."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024
