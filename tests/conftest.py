"""Fixtures for every test: real servers on demand, strict logs, leak checks."""

from collections.abc import Iterator

import pytest

from tests.support.servers import TestLiveKit, TestServers, TestSynapse, TestTokenService, running_servers
from welink_desktop.core.log import refuse_bare_text

pytest_plugins = ["tests.support.native_exit", "tests.support.leaks"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder says what a test needs."""
    for item in items:
        for marker in ("integration", "interop"):
            if marker in item.path.parts:
                item.add_marker(marker)


@pytest.fixture(scope="session", autouse=True)
def strict_logs() -> None:
    """A bare text in a log field fails the test that writes it."""
    refuse_bare_text(True)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServers]:
    """Synapse, LiveKit and the token service, one set per test run."""
    with running_servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture(scope="session")
def synapse(servers: TestServers) -> TestSynapse:
    """The homeserver: `base_url`, `server_name`, `register(name)`, `client(account)`, `admin`."""
    return servers.synapse


@pytest.fixture(scope="session")
def livekit(servers: TestServers) -> TestLiveKit:
    """The SFU: `url`, `key`, `secret`."""
    return servers.livekit


@pytest.fixture(scope="session")
def token_service(servers: TestServers) -> TestTokenService:
    """The token service: `url`; the homeserver announces it."""
    return servers.token_service
