"""The tour's report: what was done, how long it took, and a picture of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """`screenshot` is a file name in the report's folder ("" = none); `detail` says what went wrong or was measured."""

    name: str
    ok: bool
    seconds: float
    screenshot: str = ""
    detail: str = ""


def write_steps(file: Path, steps: Sequence[Step]) -> None:
    file.write_text(json.dumps([asdict(step) for step in steps], ensure_ascii=False, indent=1), encoding="utf-8")


def read_steps(file: Path) -> list[Step]:
    """Steps written by `write_steps`; none if there is no such file."""
    if not file.is_file():
        return []
    return [Step(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))]


def write_report(file: Path, steps: Sequence[Step], expected: Sequence[str]) -> bool:
    """Write `report.json`; steps that were never reached are listed as failed. Returns whether all is well."""
    done = {step.name for step in steps}
    missing = [Step(name, ok=False, seconds=0.0, detail="not reached") for name in expected if name not in done]
    everything = [*steps, *missing]
    good = all(step.ok for step in everything)
    content = {"ok": good, "steps": [asdict(step) for step in everything]}
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return good


def table(steps: Sequence[Step]) -> str:
    """For reading in a terminal."""
    lines = [f"{'ok' if step.ok else 'FAILED':7}{step.seconds:7.1f} s  {step.name}  {step.detail}".rstrip() for step in steps]
    return "\n".join(lines)
