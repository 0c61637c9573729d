"""A real gnome-keyring daemon on a private D-Bus session, unlocked with an empty password."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from welink_desktop.evaluation.tour.surroundings import BUS

PATIENCE = 60.0
ASK_WHETHER_LOCKED = [
    "dbus-send",
    "--session",
    "--print-reply",
    "--dest=org.freedesktop.secrets",
    "/org/freedesktop/secrets/aliases/default",
    "org.freedesktop.DBus.Properties.Get",
    "string:org.freedesktop.Secret.Collection",
    "string:Locked",
]


def missing_programs() -> list[str]:
    return [name for name in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(name) is None]


@contextmanager
def keyring_session(folder: Path) -> Iterator[dict[str, str]]:
    """Start both daemons; yields the environment that leads to them. Everything they write lies in `folder`."""
    environment = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")}
    environment |= {"XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("DISPLAY", None)
    (folder / "run").mkdir(mode=0o700, parents=True)
    settings = folder / "bus.conf"
    settings.write_text(BUS.format(address=f"unix:tmpdir={tempfile.gettempdir()}"), encoding="utf-8")
    bus = subprocess.Popen(
        ["dbus-daemon", f"--config-file={settings}", "--nofork", "--print-address"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert bus.stdout is not None
    environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    daemon.stdin.write("\n")
    daemon.stdin.close()
    try:
        _wait_until_it_answers(environment)
        yield environment
    finally:
        for process in (daemon, bus):
            process.terminate()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()


def _wait_until_it_answers(environment: dict[str, str]) -> None:
    """The bus starts no services by itself, so until our daemon has the name every question is refused at once."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = subprocess.run(ASK_WHETHER_LOCKED, env=environment, check=False, capture_output=True, text=True, timeout=20)
        if "boolean false" in answer.stdout:
            return
        time.sleep(0.05)
    raise RuntimeError("the keyring daemon does not answer")
