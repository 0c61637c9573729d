"""Portraits and camera pictures of the sample people, drawn once from their SVG files to PNG.

Qt draws them, in a short-lived process of its own: this package itself knows no Qt.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.core.resources import resource

AVATAR = (256, 256)
CAMERA = (640, 480)


def drawn(folder: Path, files: Mapping[str, tuple[int, int]]) -> dict[str, Path]:
    """PNG files of the named SVG files below `resources/`, in `folder`; drawn only if missing.

    Keys are like "people/portrait-01-avatar.svg", values the size in pixels. Raises `EvaluationFailed`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    targets = {name: folder / (Path(name).stem + ".png") for name in files}
    work = [
        {"source": str(resource(*name.split("/"))), "target": str(targets[name]), "width": width, "height": height}
        for name, (width, height) in files.items()
        if not targets[name].is_file()
    ]
    if work:
        _draw(work)
    return targets


def _draw(work: list[dict[str, object]]) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "welink_desktop.gallery.rasterise"],
        input=json.dumps(work),
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise EvaluationFailed(part="pictures", reason=done.stderr.strip()[-500:] or f"code {done.returncode}")
