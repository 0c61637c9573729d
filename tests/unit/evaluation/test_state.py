"""What is written down about the backend survives, stays private, and damage is named."""

import os
from pathlib import Path

import pytest

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation.backend import place_of
from welink_desktop.evaluation.colleagues.part import ColleaguesPart
from welink_desktop.evaluation.control import status
from welink_desktop.evaluation.places import free_ports, is_free
from welink_desktop.evaluation.state import BackendState, PartState, StateFile, evaluation_folder, is_running, new_secrets
from welink_desktop.evaluation.tour.report import Step, read_steps, table, write_report, write_steps


def test_state_survives_writing_and_reading(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "evaluation")
    state = BackendState(phase="ready", homeserver_port=8, parts=(PartState("Synapse", "running", 5, 8),), **new_secrets())
    file.save(state)
    assert file.load() == state
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_secrets_never_show_in_a_representation() -> None:
    secrets = new_secrets()
    shown = repr(BackendState(**secrets))
    assert secrets["viewer_password"] not in shown
    assert secrets["livekit_secret"] not in shown
    assert secrets["viewer_password"] not in repr(place_of(BackendState(**secrets)))


def test_missing_state_is_a_stopped_backend(tmp_path: Path) -> None:
    assert status(tmp_path) == BackendState()


def test_dead_supervisor_shows_as_stopped(tmp_path: Path) -> None:
    StateFile(evaluation_folder(tmp_path)).save(BackendState(phase="ready", supervisor=2**22 + 5, seeded=True))
    state = status(tmp_path)
    assert state.phase == "stopped"
    assert state.seeded


@pytest.mark.parametrize("content", ["{", "[]", '{"parts": [{"no": 1}]}'])
def test_damaged_state_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(EvaluationFailed) as failure:
        StateFile(tmp_path).load()
    assert failure.value.args_for_text["part"] == "state.json"


def test_own_process_runs_and_nobody_has_number_zero() -> None:
    assert is_running(os.getpid())
    assert not is_running(0)


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(is_free(port) for port in ports)


def test_colleagues_are_healthy_only_with_a_fresh_sign_of_life(tmp_path: Path) -> None:
    part = ColleaguesPart(tmp_path)
    part.prepare()
    assert not part.healthy()
    part.status_file.write_text('{"ready": true, "beat": 1}')
    assert not part.healthy()
    part.status_file.write_text('{"ready": true, "beat": 99999999999}')
    assert part.healthy()
    part.status_file.write_text("nonsense")
    assert not part.healthy()


def test_report_lists_steps_that_were_never_reached(tmp_path: Path) -> None:
    write_steps(tmp_path / "steps.json", [Step("one", ok=True, seconds=1.5, screenshot="01.png")])
    steps = read_steps(tmp_path / "steps.json")
    assert not write_report(tmp_path / "report.json", steps, ["one", "two"])
    assert write_report(tmp_path / "report.json", steps, ["one"])
    assert "one" in table(steps)
    assert read_steps(tmp_path / "nothing.json") == []
