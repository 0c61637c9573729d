"""On a machine without a desktop the tour makes its own screen, sound and keyring."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation.tour.surroundings import SINK, has_display, level, surroundings

KEYRING = "import keyring; keyring.set_password('t', 'a', 'b'); print(keyring.get_keyring().name, keyring.get_password('t', 'a'))"
SCREEN = (
    "from PySide6.QtWidgets import QApplication; a = QApplication([]); print(a.platformName(), a.primaryScreen().size().width())"
)


def test_screen_sound_and_keyring_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER"):
        monkeypatch.delenv(name, raising=False)
    with surroundings(tmp_path / "s") as environment:
        assert has_display(environment)
        assert _python(KEYRING, environment).endswith("b")
        assert _python(SCREEN, environment) == "xcb 1600"
        assert level(environment, 0.2) == 0.0
        tone = subprocess.run(
            ["pactl", "load-module", "module-sine", f"sink={SINK}", "frequency=440"],
            env=environment,
            check=True,
            capture_output=True,
        )
        assert tone.stdout
        heard = level(environment, 0.5)
        assert heard is not None
        assert heard > 0.05


def test_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EvaluationFailed) as failure, surroundings(tmp_path / "s"):
        pass
    assert failure.value.args_for_text["part"] == "Xvfb"


def test_a_desktop_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":77")
    with surroundings(tmp_path / "s") as environment:
        assert environment == dict(os.environ)
    assert not (tmp_path / "s").exists()


def test_level_is_unknown_without_our_sound_server() -> None:
    assert level({}) is None


def _python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
