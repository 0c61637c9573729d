"""The backend of a profile: started once, supervised, restarted after crashes, stopped cleanly, reset."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.evaluation import control
from welink_desktop.evaluation.client import MatrixClient
from welink_desktop.evaluation.state import BackendState, evaluation_folder

pytestmark = pytest.mark.slow


def _until(profile: Path, fact: Callable[[BackendState], bool], seconds: float = 60) -> BackendState:
    end = time.monotonic() + seconds
    while not fact(state := control.status(profile)):
        assert time.monotonic() < end, state
        time.sleep(0.1)
    return state


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("profile")
    steps: list[str] = []
    control.start(folder, steps.append, colleagues=False)
    assert steps[0] == "evaluation-step-servers"
    assert "evaluation-step-rooms" in steps
    yield folder
    control.stop(folder)


def test_backend_is_ready_and_private(profile: Path) -> None:
    state = control.status(profile)
    assert state.phase == "ready"
    assert [part.state for part in state.parts] == ["running", "running", "running"]
    file = evaluation_folder(profile) / "state.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_starting_twice_finds_the_running_one(profile: Path) -> None:
    first = control.status(profile)
    assert control.start(profile, lambda step: None).supervisor == first.supervisor


def test_viewer_finds_people_departments_and_encrypted_rooms(profile: Path) -> None:
    state = control.status(profile)
    with MatrixClient(state.base_url) as anybody, anybody.log_in(state.viewer, state.viewer_password) as viewer:
        rooms = viewer.call("GET", "client", "v3", "joined_rooms")["joined_rooms"]
        kinds = [_facts(viewer, room) for room in rooms]
        assert sum(encrypted for _, encrypted in kinds) >= 8
        root = next(room for room, (name, encrypted) in zip(rooms, kinds, strict=True) if name == "云杉总医院" and not encrypted)
        tree = viewer.call("GET", "client", "v1", "rooms", root, "hierarchy", query={"limit": 50})["rooms"]
        assert len(tree) >= 5
        assert max(room["num_joined_members"] for room in tree) >= 24
        ye = viewer.call("GET", "client", "v3", "profile", _found(viewer, "叶"))
    assert ye["io.welinkdesktop.staff_number"] == "Y200417"
    assert ye["io.welinkdesktop.department_path"] == ["云杉总医院", "临床科室", "外科", "麻醉与手术部"]
    assert ye["avatar_url"].startswith("mxc://")


def _found(viewer: MatrixClient, term: str) -> str:
    """The first hit of the user directory, which the homeserver fills in the background."""
    deadline = time.monotonic() + 30
    while True:
        hits = viewer.call("POST", "client", "v3", "user_directory", "search", body={"search_term": term})["results"]
        if hits:
            return str(hits[0]["user_id"])
        assert time.monotonic() < deadline, f"the user directory does not know {term}"
        time.sleep(0.2)


def _facts(viewer: MatrixClient, room: str) -> tuple[str, bool]:
    state = viewer.call("GET", "client", "v3", "rooms", room, "state")["list"]
    names = [event["content"].get("name", "") for event in state if event["type"] == "m.room.name"]
    return (names or [""])[0], any(event["type"] == "m.room.encryption" for event in state)


def test_crashed_server_is_reported_and_restarted(profile: Path) -> None:
    victim = control.status(profile).parts[2]
    os.kill(victim.pid, signal.SIGKILL)
    state = _until(profile, lambda s: s.parts[2].restarts == victim.restarts + 1 and s.parts[2].state == "running")
    assert state.parts[2].last_exit == -signal.SIGKILL
    assert state.parts[2].pid != victim.pid
    assert state.phase == "ready"


def test_restart_keeps_server_and_accounts(profile: Path) -> None:
    before = control.status(profile)
    assert control.stop(profile)
    assert not control.stop(profile)
    assert control.status(profile).phase == "stopped"
    after = control.start(profile, lambda step: None, colleagues=False)
    assert (after.base_url, after.viewer_password) == (before.base_url, before.viewer_password)
    with MatrixClient(after.base_url) as anybody, anybody.log_in(after.viewer, after.viewer_password) as viewer:
        assert viewer.user_id == f"@{after.viewer}:{after.server_name}"


def test_taken_port_is_named(profile: Path) -> None:
    control.stop(profile)
    port = control.status(profile).homeserver_port
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        with pytest.raises(EvaluationFailed) as failure:
            control.start(profile, lambda step: None, colleagues=False)
    assert failure.value.args_for_text["part"] == "Synapse"
    assert str(port) in str(failure.value.args_for_text["reason"])
    assert control.start(profile, lambda step: None, colleagues=False).phase == "ready"


def test_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELINK_LIVEKIT_SERVER", str(tmp_path / "nothing"))
    with pytest.raises(EvaluationFailed) as failure:
        control.start(tmp_path, lambda step: None, colleagues=False)
    assert failure.value.args_for_text["part"] == "LiveKit"
    assert control.status(tmp_path).phase == "failed"


def test_backend_ends_with_its_owner(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as owner:
        control.start(tmp_path, lambda step: None, owner=owner.pid, colleagues=False)
        owner.kill()
    state = _until(tmp_path, lambda s: s.phase == "stopped")
    assert [part.state for part in state.parts] == ["stopped", "stopped", "stopped"]


def test_damaged_state_is_named_and_reset_heals_it(tmp_path: Path) -> None:
    folder = evaluation_folder(tmp_path)
    folder.mkdir()
    (folder / "state.json").write_text("{")
    with pytest.raises(EvaluationFailed) as failure:
        control.status(tmp_path)
    assert failure.value.args_for_text["part"] == "state.json"
    control.reset(tmp_path)
    assert control.status(tmp_path).phase == "stopped"
