"""Renew the hashed lock files from `pyproject.toml` and `locks/*.in`. No index addresses are written.

Needs the environment of `make setup` (it holds pip-tools). `tools/lock.py --upgrade` also takes newer versions.
"""

import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
PYTHON = ROOT / "build" / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def compile_lock(source: str, target: str, *more: str) -> None:
    """Resolve `source` into `target`, hashes included. Raises `CalledProcessError`."""
    command = [
        *(str(PYTHON), "-m", "piptools", "compile", "--quiet", "--strip-extras", "--generate-hashes", "--allow-unsafe"),
        *("--no-header", "--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links", "--no-emit-options"),
        *("--newline", "lf", "--output-file", target, *more, source),
    ]
    subprocess.run(command, cwd=LOCKS, check=True)


def main(arguments: Sequence[str]) -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    dev = LOCKS / "dev.in"
    dev.write_text("\n".join(["-r app.txt", *project["dependency-groups"]["dev"]]) + "\n", encoding="utf-8")
    try:
        compile_lock("../pyproject.toml", "app.txt", *arguments)
        compile_lock("dev.in", "dev.txt", *arguments)
        compile_lock("synapse.in", "synapse.txt", *arguments)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.stderr.write(f"lock: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
