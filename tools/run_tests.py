"""Run the whole test suite in stages, measure coverage, and hold it to its targets.

`tools/run_tests.py [STAGE…]`: stages are `fast` (unit, ui, golden, contract, architecture), `integration` and `interop`;
without a name all of them run. Ends 0 only if every stage passed and the coverage targets are met.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "build" / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
COVERAGE = ROOT / "build" / "coverage"
STAGES = {
    "fast": ("unit", "ui", "golden", "contract", "architecture"),
    "integration": ("integration",),
    "interop": ("interop",),
}
TARGETS = {"welink_desktop/core": 85.0, "welink_desktop/services": 85.0, "welink_desktop/adapters/matrix": 85.0}
NOTHING_COLLECTED = 5


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def environment() -> dict[str, str]:
    """Offscreen Qt, no accidental display, coverage data inside `build/`."""
    COVERAGE.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COVERAGE_FILE": str(COVERAGE / "data"),
    }


def run_stage(name: str) -> int:
    """Run one stage, each folder in a process of its own; pytest's own lines are shown. Returns the first bad exit code."""
    folders = [f"tests/{folder}" for folder in STAGES[name] if (ROOT / "tests" / folder).is_dir()]
    codes = [run_folder(folder) for folder in folders]
    return next((code for code in codes if code), 0)


def run_folder(folder: str) -> int:
    say(f"== {folder}")
    command = [str(PYTHON), "-m", "coverage", "run", "--rcfile=pyproject.toml", "-m", "pytest", "-q", folder]
    code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
    return 0 if code == NOTHING_COLLECTED else code


def coverage(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PYTHON), "-m", "coverage", *arguments, "--rcfile=pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


def shares(report: Path) -> dict[str, tuple[int, int]]:
    """Per target: covered lines and branches, and how many there are."""
    files = json.loads(report.read_text(encoding="utf-8"))["files"]
    result = {}
    for target in TARGETS:
        sums = [file["summary"] for path, file in files.items() if path.replace("\\", "/").startswith(f"{target}/")]
        covered = sum(s["covered_lines"] + s.get("covered_branches", 0) for s in sums)
        result[target] = (covered, sum(s["num_statements"] + s.get("num_branches", 0) for s in sums))
    return result


def coverage_met() -> bool:
    """Print the share of each target and say whether all are reached."""
    report = COVERAGE / "report.json"
    coverage("combine", str(COVERAGE))
    made = coverage("json", "-o", str(report))
    if made.returncode or not report.is_file():
        say(f"coverage: no report ({(made.stdout + made.stderr).strip()[-300:]})")
        return False
    met = True
    for target, (covered, total) in shares(report).items():
        percent = 100.0 * covered / total if total else 100.0
        fine = percent >= TARGETS[target]
        met = met and fine
        say(f"coverage {target}: {percent:.1f} % (target {TARGETS[target]:.0f} %){'' if fine else '  MISSED'}")
    return met


def main(arguments: Sequence[str]) -> int:
    unknown = set(arguments) - set(STAGES)
    if unknown:
        say(f"usage: run_tests.py [{'|'.join(STAGES)}]…")
        return 2
    stages = [stage for stage in STAGES if not arguments or stage in arguments]
    shutil.rmtree(COVERAGE, ignore_errors=True)
    started = time.monotonic()
    failed = [stage for stage in stages if run_stage(stage)]
    met = coverage_met() if len(stages) == len(STAGES) else True
    verdict = f"failed: {', '.join(failed)}" if failed else "all stages passed"
    say(f"== {verdict} in {time.monotonic() - started:.0f} s")
    return 0 if not failed and met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
