"""Run benches, each in a process of its own, and print a table."""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import bench
from bench.report import RESULTS

NOT_BENCHES = {"__main__", "report"}


def names() -> list[str]:
    found = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return [name for name in found if name not in NOT_BENCHES and not name.startswith("_")]


def run(name: str) -> dict[str, object]:
    """Run one bench. A crash is a failed bench with its exit code as a note."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    place = RESULTS / f"{name}.json"
    place.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=Path(__file__).parent.parent, check=False, timeout=1800)
    if not place.exists():
        result = {"name": name, "figures": {}, "targets": {}, "ok": False, "notes": f"ended with code {done.returncode}"}
        place.write_text(json.dumps(result), encoding="utf-8")
    return dict(json.loads(place.read_text(encoding="utf-8")))


def table(results: list[dict[str, object]]) -> None:
    for result in results:
        print(f"\n{result['name']}: {'ok' if result['ok'] else 'TARGET MISSED'} {result['notes'] or ''}")
        figures, targets = result["figures"], result["targets"]
        if isinstance(figures, dict) and isinstance(targets, dict):
            for key, value in figures.items():
                limit = ", ".join(f"{side} {number}" for side, number in targets.get(key, {}).items())
                print(f"  {key:36} {value:>12}   {limit}")


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"unknown bench: {', '.join(sorted(unknown))}; there are: {', '.join(names())}")
        return 2
    results = [run(name) for name in wanted or names()]
    table(results)
    return 0 if all(result["ok"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
