"""Set-up says what it cannot do and goes on; the test runner counts coverage per target."""

import json
import os
import stat
from pathlib import Path

import pytest

from tools import run_tests, setup


def _program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(setup, "STAMPS", tmp_path / "stamps")
    return folder


def test_only_packages_that_are_not_installed_are_missing(programs: Path) -> None:
    listing = "installed libegl1\\nnot-installed libgl1\\ninstalled libdbus-1-3:amd64"
    _program(programs, "dpkg-query", f'printf "{listing}\\n"')
    _program(programs, "npm", "true")
    assert setup.missing_packages(["libegl1", "libgl1", "libdbus-1-3", "npm", "xvfb"]) == ["libgl1", "xvfb"]


def test_systems_without_dpkg_miss_nothing(programs: Path) -> None:
    assert setup.missing_packages(["libegl1"]) == []


def test_the_exact_command_is_printed_where_nothing_may_be_installed(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _program(programs, "dpkg-query", "true")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    setup.system_packages(["libegl1", "xvfb"])
    assert "apt-get install -y --no-install-recommends libegl1 xvfb" in capsys.readouterr().out


def test_failing_installation_is_told_and_set_up_goes_on(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _program(programs, "dpkg-query", "true")
    _program(programs, "apt-get", 'echo "no network"; exit 100')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    setup.system_packages(["libegl1"])
    words = capsys.readouterr().out
    assert "no network" in words
    assert "apt-get install" in words


def test_without_go_everything_but_meetings_works(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "BUILD", tmp_path / "build")
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    setup.livekit_server()
    assert "no Go" in capsys.readouterr().out


def test_a_stamp_remembers_what_was_done(programs: Path) -> None:
    assert not setup.is_done("venv", "a")
    setup.set_done("venv", "a")
    assert setup.is_done("venv", "a")
    assert not setup.is_done("venv", "b")


def test_wrong_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["everything"]) == 2
    assert run_tests.main(["everything"]) == 2
    assert "usage" in capsys.readouterr().out


def test_coverage_is_counted_per_target(tmp_path: Path) -> None:
    def file(lines: int, covered: int) -> dict[str, dict[str, int]]:
        return {"summary": {"num_statements": lines, "covered_lines": covered, "num_branches": 10, "covered_branches": 5}}

    report = tmp_path / "report.json"
    files = {"welink_desktop/core/a.py": file(90, 85), "welink_desktop/corelike/b.py": file(50, 0)}
    report.write_text(json.dumps({"files": files}))
    assert run_tests.shares(report)["welink_desktop/core"] == (90, 100)
    assert run_tests.shares(report)["welink_desktop/services"] == (0, 0)
