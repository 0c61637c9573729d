"""What a person reads when the evaluation organisation cannot start."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.until import until
from welink_desktop.adapters.fake import FakeAccounts, sample_world
from welink_desktop.core.reactive import Scope
from welink_desktop.evaluation import control
from welink_desktop.evaluation.backend import LocalEvaluation
from welink_desktop.evaluation.places import free_ports
from welink_desktop.evaluation.state import BackendState, StateFile, evaluation_folder, new_secrets
from welink_desktop.features.sign_in.model import ChooseWay, SignInModel, SignInState, TryHere, Way
from welink_desktop.services.session import SessionKeeper
from welink_desktop.strings import LANGUAGES, strings


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[SignInModel]:
    """The sign-in page over the real backend of the profile in `tmp_path`."""
    keeper = SessionKeeper(FakeAccounts(sample_world(), signed_in=False), evaluation=LocalEvaluation(tmp_path))
    scope = Scope("page")
    yield SignInModel(keeper, scope)
    await scope.aclose()
    control.stop(tmp_path)


async def tried(page: SignInModel) -> SignInState:
    page.act(ChooseWay(Way.EVALUATION))
    page.act(TryHere())
    return await until(page.state, lambda now: now.failure is not None and now.busy is None, 60)


def words(state: SignInState) -> str:
    assert state.failure is not None
    said = {language: strings(language).render(state.failure.text) for language in LANGUAGES}
    assert said["zh-CN"].startswith("体验服务器未能启动")
    return said["en"]


async def test_a_port_that_is_taken_is_named(page: SignInModel, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    seeded = BackendState(server_name="yunshan.test", homeserver_port=port, viewer="lin", seeded=True, **new_secrets())
    StateFile(evaluation_folder(tmp_path)).save(seeded)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        assert words(await tried(page)) == (
            f"The evaluation server did not start: Synapse (port {port} is already in use)."
            " Nothing was lost; remove the cause and try again."
        )
    assert control.status(tmp_path).phase == "failed"
    assert not control.status(tmp_path).alive


async def test_a_program_that_is_missing_is_named(page: SignInModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELINK_SYNAPSE_PYTHON", str(tmp_path / "nothing"))
    assert words(await tried(page)).startswith(
        "The evaluation server did not start: Synapse (its environment is missing; run “make setup”)."
    )


async def test_a_damaged_state_is_named_with_its_remedy(page: SignInModel, tmp_path: Path) -> None:
    folder = evaluation_folder(tmp_path)
    folder.mkdir()
    (folder / "state.json").write_text("{", encoding="utf-8")
    assert "state.json (it is damaged; “reset” makes a new one)" in words(await tried(page))
    control.reset(tmp_path)
