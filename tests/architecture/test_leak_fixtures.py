"""Each leak fixture bites: a planted leak of its kind fails the test that made it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLANTED = """
import asyncio
import threading

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from welink_desktop.core.log import topic

kept = []
over = threading.Event()


async def test_task():
    kept.append(asyncio.get_running_loop().create_task(over_there(), name="left"))


async def over_there():
    await asyncio.Event().wait()


async def test_loop_timer():
    asyncio.get_running_loop().call_later(3600, print)


def test_thread():
    thread = threading.Thread(target=over.wait, args=(20,), name="left", daemon=True)
    thread.start()


def test_window(qapp):
    kept.append(QWidget())
    kept[-1].show()


def test_timer(qapp):
    kept.append(QTimer())
    kept[-1].start(1000)


def test_error_record():
    topic("planted").error("something broke")


def test_clean(qapp):
    over.set()
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "test_planted.py").write_text(PLANTED, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "--no-header",
        "-p",
        "tests.support.leaks",
        "-c",
        str(ROOT / "pyproject.toml"),
    ]
    done = subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout


@pytest.mark.parametrize("kind", ["task", "loop_timer", "thread", "window", "timer", "error_record"])
def test_the_fixture_bites(report: str, kind: str) -> None:
    assert any(
        line.startswith("ERROR") and line.partition(" - ")[0].endswith(f"::test_{kind}") for line in report.splitlines()
    ), report


def test_a_clean_test_passes(report: str) -> None:
    assert not any(line.startswith(("ERROR", "FAILED")) and "::test_clean" in line for line in report.splitlines()), report
