"""Finds the programs of the backend and free ports on this computer."""

import contextlib
import os
import shutil
import socket
import sys
from pathlib import Path

from welink_desktop.core.errors import EvaluationFailed
from welink_desktop.core.resources import resource_root

LOOPBACK = "127.0.0.1"


def checkout() -> Path:
    """The folder that holds `resources/` and, in a checkout, `build/`."""
    return resource_root().parent


def synapse_python() -> Path:
    """The interpreter that has Synapse: `WELINK_SYNAPSE_PYTHON`, else the one `make setup` made.

    Raises `EvaluationFailed` if there is none.
    """
    named = os.environ.get("WELINK_SYNAPSE_PYTHON")
    folder, name = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    place = Path(named) if named else checkout() / "build" / "venv-synapse" / folder / name
    if not place.is_file():
        raise EvaluationFailed(part="Synapse", reason="its environment is missing; run “make setup”")
    return place


def livekit_server() -> Path:
    """The LiveKit server: `WELINK_LIVEKIT_SERVER`, the one `make setup` built, or `livekit-server` on PATH.

    Raises `EvaluationFailed` if there is none.
    """
    suffix = ".exe" if sys.platform == "win32" else ""
    named = os.environ.get("WELINK_LIVEKIT_SERVER")
    candidates = [Path(named)] if named else [checkout() / "build" / "bin" / f"server{suffix}"]
    on_path = shutil.which("livekit-server")
    if on_path and not named:
        candidates.append(Path(on_path))
    for place in candidates:
        if place.is_file():
            return place
    raise EvaluationFailed(part="LiveKit", reason="the server program is missing; install Go and run “make setup”")


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> list[int]:
    """`count` different ports that were free on loopback a moment ago."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
            probe.bind((LOOPBACK, 0))
            ports.append(int(probe.getsockname()[1]))
        return ports


def is_free(port: int) -> bool:
    """Whether a TCP server could listen on loopback at `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
