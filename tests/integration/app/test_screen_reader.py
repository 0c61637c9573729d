"""The running app on a real X server, read through AT-SPI as a screen reader reads it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
READER = ROOT / "tests" / "support" / "atspi_walk.py"
SYSTEM_PYTHON = "/usr/bin/python3"
SPOKEN_ROLES = {"push button", "toggle button", "check box", "radio button", "combo box", "text", "entry", "list", "list item"}
NEEDED = ("Xvfb", "dbus-daemon")


def missing() -> str:
    """What this machine lacks for reading the tree ("" = nothing)."""
    for program in NEEDED:
        if shutil.which(program) is None:
            return program
    if not Path("/usr/libexec/at-spi-bus-launcher").exists():
        return "at-spi2-core"
    binding = [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('Atspi', '2.0')"]
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run(binding, capture_output=True, check=False).returncode:
        return "the AT-SPI binding of the system's Python (gir1.2-atspi-2.0, python3-gi)"
    return ""


@contextmanager
def desktop(folder: Path) -> Iterator[dict[str, str]]:
    """An X server and a session bus of our own; yields the environment."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1440x900x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        display = answer.readline().strip()
    (folder / "run").mkdir(mode=0o700)
    environment = {
        **os.environ,
        "DISPLAY": f":{display}",
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "QT_QPA_PLATFORM": "xcb",
        "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        "NO_AT_BRIDGE": "0",
    }
    environment.pop("WAYLAND_DISPLAY", None)
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert bus.stdout is not None
    environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
    try:
        yield environment
    finally:
        bus.terminate()
        bus.wait(10)
        bus.stdout.close()
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """Everything the screen reader finds in the app on the sample world."""
    lacking = missing()
    if lacking:
        pytest.skip(f"this machine has no {lacking}")
    folder = tmp_path_factory.mktemp("desktop")
    with desktop(folder) as environment:
        app = subprocess.Popen(
            [sys.executable, "-m", "welink_desktop", "--sample", "--lang", "en", "--profile-dir", str(folder / "profile")],
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            command = [SYSTEM_PYTHON, str(READER), "welink-desktop", "60", "Chat"]
            found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        finally:
            app.terminate()
            code = app.wait(30)
    assert found.returncode == 0, found.stderr
    assert code == 0
    rows: list[dict[str, object]] = json.loads(found.stdout)
    return rows


def test_the_window_and_its_destinations_are_read(tree: list[dict[str, object]]) -> None:
    names = {(row["role"], row["name"]) for row in tree}
    assert any(role in ("frame", "window") for role, _ in names)
    for destination in ("Chat", "Contacts", "Meet", "Settings"):
        assert any(name == destination for _, name in names), destination


def test_every_control_that_shows_has_a_name(tree: list[dict[str, object]]) -> None:
    shown = [row for row in tree if row["showing"] and row["focusable"] and row["role"] in SPOKEN_ROLES]
    assert len(shown) > 10
    nameless = [(row["role"], row["path"]) for row in shown if not str(row["name"]).strip()]
    assert nameless == []


def test_conversations_are_read_with_their_unread_messages(tree: list[dict[str, object]]) -> None:
    rows = [str(row["name"]) for row in tree if row["role"] == "list item"]
    assert any("外科新楼" in row for row in rows)
