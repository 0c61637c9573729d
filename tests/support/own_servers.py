"""Servers of one test alone, whose parts may be ended and started again."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import TestSynapse
from welink_desktop.evaluation.livekit import LiveKit
from welink_desktop.evaluation.places import free_ports
from welink_desktop.evaluation.process import ServerProcess
from welink_desktop.evaluation.synapse import Synapse
from welink_desktop.evaluation.token_service import TokenService


@dataclass(frozen=True)
class OwnServers:
    """`home`, `sfu` and `tokens` are the processes; `synapse` makes accounts."""

    synapse: TestSynapse
    home: ServerProcess
    sfu: ServerProcess
    tokens: ServerProcess


@contextmanager
def own_servers(folder: Path) -> Iterator[OwnServers]:
    """All three, ended with the block."""
    port, signal_port, token_port = free_ports(3)
    livekit = LiveKit(folder / "livekit", signal_port, "test", secrets.token_hex(24))
    url = f"http://127.0.0.1:{token_port}"
    home = Synapse(folder / "synapse", port, "welink.test", secrets.token_hex(16), livekit_service_url=url)
    service = TokenService(folder / "tokens", token_port, home.base_url, "welink.test", livekit.url, livekit.key, livekit.secret)
    with ExitStack() as stack:
        processes = [ServerProcess(part, part.directory) for part in (home, livekit, service)]
        for process in processes:
            process.start()
            stack.callback(process.stop, 1)
        for process in processes:
            process.wait_healthy(120)
        synapse = TestSynapse(home.base_url, "welink.test", home.secret, str(home.directory))
        yield OwnServers(synapse, *processes)
        synapse.close()


def restart(process: ServerProcess) -> None:
    """Start an ended server at its old port."""
    process.start()
    process.wait_healthy(60)
