"""The ways in, as a person types them: real processes with nothing but the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from welink_desktop import __version__

ROOT = Path(__file__).parents[3]


def bare(folder: Path) -> dict[str, str]:
    """An environment without display, session bus, key store and sound."""
    gone = {"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "PULSE_SERVER", "QT_QPA_PLATFORM"}
    kept = {name: value for name, value in os.environ.items() if name not in gone}
    if display := kept.pop("WELINK_TEST_DISPLAY", ""):
        kept["DISPLAY"] = display
    return {**kept, "HOME": str(folder), "PYTHONPATH": str(ROOT), "PULSE_SERVER": f"unix:{folder}/nobody"}


def run(module: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=bare(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def app(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return run("welink_desktop", *arguments, folder=folder)


def evaluation(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return run("welink_desktop.evaluation", *arguments, folder=folder)


def test_the_version_is_one_line(tmp_path: Path) -> None:
    answer = app("--version", folder=tmp_path)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"WeLink Desktop {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--frobnicate"], "--frobnicate"),
        (["--theme", "pink"], "pink"),
        (["--lang", "tlh"], "tlh"),
        (["--profile-dir"], "--profile-dir"),
        (["surplus"], "surplus"),
    ],
)
def test_a_wrong_command_line_is_named_with_the_usage(arguments: list[str], named: str, tmp_path: Path) -> None:
    answer = app(*arguments, folder=tmp_path)
    assert answer.returncode == 2
    assert named in answer.stderr and "usage: welink-desktop" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_self_test_reports_without_display_key_store_and_sound(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    answer = app("--selftest", "--profile-dir", str(profile), folder=tmp_path)
    report = json.loads(answer.stdout)
    states = {check["name"]: check["state"] for check in report["checks"]}
    assert answer.returncode == 0 and report["ok"] is True and report["version"] == __version__
    assert set(states) == {"imports", "resources", "keyring", "store", "tls", "livekit", "audio", "camera"}
    assert states["keyring"] == "absent"
    assert [states[name] for name in ("imports", "resources", "store", "tls", "livekit")] == ["ok"] * 5
    assert all(check["detail"] for check in report["checks"] if check["state"] == "absent")
    assert not profile.exists()


def test_a_profile_that_cannot_be_written_is_said_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for language, words in (("en", "The profile folder cannot be written"), ("zh-CN", "无法写入")):
        answer = app("--profile-dir", str(tmp_path / "file" / "profile"), "--lang", language, folder=tmp_path)
        assert answer.returncode == 1
        assert words in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.parametrize("display", ["", ":60999"])
def test_without_a_display_the_app_says_so_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    if display:
        monkeypatch.setenv("WELINK_TEST_DISPLAY", display)
    answer = app("--profile-dir", str(tmp_path / "profile"), "--lang", "en", folder=tmp_path)
    assert answer.returncode == 1
    assert "display" in answer.stderr and "Traceback" not in answer.stderr


def test_the_evaluation_answers_on_an_empty_profile(tmp_path: Path) -> None:
    profile = ("--profile-dir", str(tmp_path / "profile"))
    status = evaluation("status", *profile, "--json", folder=tmp_path)
    assert (status.returncode, json.loads(status.stdout)["phase"], status.stderr) == (3, "stopped", "")
    assert evaluation("status", *profile, folder=tmp_path).stdout == "backend: stopped\n"
    stopped = evaluation("stop", *profile, folder=tmp_path)
    assert (stopped.returncode, stopped.stdout) == (0, "was not running\n")
    assert evaluation("reset", *profile, folder=tmp_path).returncode == 0
    assert not (tmp_path / "profile").exists()
    wrong = evaluation("frobnicate", folder=tmp_path)
    assert wrong.returncode == 2 and "frobnicate" in wrong.stderr
