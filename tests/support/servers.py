"""Real servers for tests: Synapse, LiveKit and the token service, started by the evaluation package itself.

One set per test run. `WELINK_TEST_SERVERS` may name the state file of a set that runs already
(`python -m tests.support.servers FILE` keeps one running), which saves its start-up time.
"""

import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from welink_desktop.evaluation.client import MatrixClient, Registered, register
from welink_desktop.evaluation.livekit import LiveKit
from welink_desktop.evaluation.places import free_ports
from welink_desktop.evaluation.process import ServerProcess
from welink_desktop.evaluation.synapse import Synapse
from welink_desktop.evaluation.token_service import TokenService


@dataclass
class TestSynapse:
    """A running homeserver. Its rate limits are raised out of the way."""

    __test__ = False

    base_url: str
    server_name: str
    secret: str = field(repr=False)
    data_folder: str = ""

    def register(self, name: str = "user", password: str = "", admin: bool = False, displayname: str = "") -> Registered:
        """A new account; its localpart is `name` with a unique tail, so that tests never meet each other's people."""
        user = f"{name}-{secrets.token_hex(4)}"
        return register(
            self.base_url, self.secret, user, password or f"pass-{user}", admin=admin, name=displayname or name.title()
        )

    def client(self, account: Registered) -> MatrixClient:
        """Plain requests of `account` (its first device). Close it, or use it in a `with` block."""
        return MatrixClient(self.base_url, account.access_token, account.user_id)

    @cached_property
    def admin(self) -> MatrixClient:
        """A client of an administrator, closed with the test run."""
        return self.client(self.register("admin", admin=True))

    def close(self) -> None:
        if "admin" in self.__dict__:
            self.admin.close()


@dataclass
class TestLiveKit:
    """A running SFU: `url` is ws://…, `key` and `secret` sign admissions."""

    __test__ = False

    url: str
    key: str
    secret: str = field(repr=False)


@dataclass
class TestTokenService:
    """A running token service, announced by the homeserver as its meeting transport."""

    __test__ = False

    url: str


@dataclass
class TestServers:
    __test__ = False

    synapse: TestSynapse
    livekit: TestLiveKit
    token_service: TestTokenService


@contextmanager
def running_servers(directory: Path) -> Iterator[TestServers]:
    """All three; ended with the block. Reuses the set named by `WELINK_TEST_SERVERS`."""
    reused = os.environ.get("WELINK_TEST_SERVERS")
    if reused:
        servers = _read(Path(reused))
        yield servers
        servers.synapse.close()
        return
    with ExitStack() as stack:
        servers = _start(directory, stack)
        yield servers
        servers.synapse.close()


@contextmanager
def running_synapse(directory: Path, **settings: object) -> Iterator[TestSynapse]:
    """Another homeserver for one test, e.g. `running_synapse(tmp_path, default_limits=True)`."""
    port = free_ports(1)[0]
    part = Synapse(directory, port, "welink.test", secrets.token_hex(16), **settings)  # type: ignore[arg-type]  # passed on as given
    process = ServerProcess(part, directory)
    process.start()
    try:
        process.wait_healthy()
        synapse = TestSynapse(part.base_url, part.server_name, part.secret, str(directory))
        yield synapse
        synapse.close()
    finally:
        process.stop()


def _start(directory: Path, stack: ExitStack) -> TestServers:
    homeserver_port, signal_port, token_port = free_ports(3)
    key, secret = "test", secrets.token_hex(24)
    livekit = LiveKit(directory / "livekit", signal_port, key, secret)
    name = "welink.test"
    url = f"http://127.0.0.1:{token_port}"
    synapse = Synapse(directory / "synapse", homeserver_port, name, secrets.token_hex(16), livekit_service_url=url)
    service = TokenService(directory / "tokens", token_port, synapse.base_url, name, livekit.url, key, secret)
    processes = [ServerProcess(part, part.directory) for part in (synapse, livekit, service)]
    for process in processes:
        process.start()
        stack.callback(process.stop)
    for process in processes:
        process.wait_healthy(120)
    return TestServers(
        TestSynapse(synapse.base_url, name, synapse.secret, str(synapse.directory)),
        TestLiveKit(livekit.url, key, secret),
        TestTokenService(service.url),
    )


def _read(file: Path) -> TestServers:
    state = json.loads(file.read_text(encoding="utf-8"))
    return TestServers(
        TestSynapse(**state["synapse"]), TestLiveKit(**state["livekit"]), TestTokenService(**state["token_service"])
    )


def main() -> None:
    """Keep one set running until SIGTERM or SIGINT; its state is written to the file named on the command line."""
    file = Path(sys.argv[1]).resolve()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with ExitStack() as stack:
        servers = _start(file.parent / f"{file.stem}-servers", stack)
        file.write_text(json.dumps(asdict(servers)), encoding="utf-8")
        over.wait()
    file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
