"""What a machine without a desktop lacks: a screen, a sound server, a keyring. Private ones, ended with the tour."""

import math
import os
import shutil
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from welink_desktop.core.errors import EvaluationFailed

SCREEN = "1600x1000x24"
SINK = "tour"
MICROPHONE = "tour_microphone"
RATE = 16_000
PATIENCE = 40.0
BUS = """<busconfig>
 <type>session</type>
 <listen>{address}</listen>
 <auth>EXTERNAL</auth>
 <policy context="default">
  <allow send_destination="*" eavesdrop="true"/>
  <allow eavesdrop="true"/>
  <allow own="*"/>
 </policy>
</busconfig>
"""
"""A bus that starts no services by itself: otherwise a second, locked keyring may take the name before ours does."""


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    return sys.platform in {"win32", "darwin"} or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


@contextmanager
def surroundings(folder: Path) -> Iterator[dict[str, str]]:
    """The environment for the app: the desktop's own, or private screen, sound and keyring in `folder`.

    Raises `EvaluationFailed` that names the missing program.
    """
    if has_display():
        yield dict(os.environ)
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    runtime = folder / "runtime"
    runtime.mkdir(exist_ok=True, mode=0o700)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "QT_QPA_PLATFORM": "xcb"}
    with _screen(environment, folder), _sound(environment, folder), _keyring(environment, folder):
        yield environment


def level(environment: Mapping[str, str], seconds: float = 1.0) -> float | None:
    """Loudness 0–1 (root mean square) of what is played now, from the sink's monitor. None: it cannot be measured here."""
    if "PULSE_SERVER" not in environment or shutil.which("parec") is None:
        return None
    command = ["parec", f"--device={SINK}.monitor", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(environment)) as recorder:  # noqa: S603  # fixed program
        if recorder.stdout is None:
            return None
        samples = array("h", recorder.stdout.read(int(seconds * RATE) * 2))
        recorder.kill()
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32768 if samples else 0.0


def _program(name: str, package: str) -> str:
    place = shutil.which(name)
    if place is None:
        raise EvaluationFailed(part=name, reason=f"it is not installed; run “make setup-test” or install {package}")
    return place


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # fixed programs
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _screen(environment: dict[str, str], folder: Path) -> Iterator[None]:
    reading, writing = os.pipe()
    program = _program("Xvfb", "xvfb")
    with (folder / "screen.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603  # fixed program
            [program, "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset", "-dpi", "96"],
            pass_fds=(writing,),
            stdout=log,
            stderr=log,
        )
    os.close(writing)
    try:
        with os.fdopen(reading, "r", encoding="ascii") as answer:
            number = answer.readline().strip()
        if not number:
            raise EvaluationFailed(part="Xvfb", reason="it did not start")
        environment["DISPLAY"] = f":{number}"
        yield
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def _sound(environment: dict[str, str], folder: Path) -> Iterator[None]:
    program = _program("pulseaudio", "pulseaudio")
    socket = folder / "runtime" / "sound.socket"
    modules = [
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
        f"module-null-sink sink_name={SINK} sink_properties=device.description={SINK}",
        f"module-null-sink sink_name={MICROPHONE} sink_properties=device.description={MICROPHONE}",
    ]
    options = ["-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--disable-shm=yes", "--log-level=error"]
    command = [program, *options, *(word for module in modules for word in ("-L", module))]
    home = {"HOME": str(folder), "PULSE_RUNTIME_PATH": str(folder / "runtime")}
    with _running(command, {**environment, **home}, folder / "sound.log"):
        environment["PULSE_SERVER"] = f"unix:{socket}"
        _until(lambda: _pactl(environment, "set-default-sink", SINK), "pulseaudio")
        _pactl(environment, "set-default-source", f"{MICROPHONE}.monitor")
        yield


def _pactl(environment: Mapping[str, str], *words: str) -> bool:
    program = _program("pactl", "pulseaudio-utils")
    done = subprocess.run([program, *words], env=dict(environment), capture_output=True, check=False)  # noqa: S603  # fixed program
    return done.returncode == 0


@contextmanager
def _keyring(environment: dict[str, str], folder: Path) -> Iterator[None]:
    bus_program, daemon = _program("dbus-daemon", "dbus"), _program("gnome-keyring-daemon", "gnome-keyring")
    address = f"unix:path={folder}/runtime/bus"
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}
    settings = folder / "bus.conf"
    settings.write_text(BUS.format(address=address), encoding="utf-8")
    bus = [bus_program, "--nofork", f"--config-file={settings}"]
    with _running(bus, {**environment, **home}, folder / "bus.log"):
        _until((folder / "runtime" / "bus").exists, "dbus-daemon")
        environment["DBUS_SESSION_BUS_ADDRESS"] = address
        command = [daemon, "--foreground", "--unlock", "--components=secrets"]
        with _running(command, {**environment, **home}, folder / "keyring.log") as process:
            if process.stdin is not None:
                process.stdin.write(b"\n")
                process.stdin.close()
            _until(lambda: _unlocked(environment), "gnome-keyring-daemon")
            yield


def _unlocked(environment: Mapping[str, str]) -> bool:
    question = [
        *(_program("dbus-send", "dbus"), "--session", "--print-reply", "--dest=org.freedesktop.secrets"),
        *("/org/freedesktop/secrets/aliases/default", "org.freedesktop.DBus.Properties.Get"),
        *("string:org.freedesktop.Secret.Collection", "string:Locked"),
    ]
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(question, env=dict(environment), capture_output=True, text=True, timeout=10, check=False)  # noqa: S603  # fixed program
        return "boolean false" in done.stdout
    return False


def _until(fact: Callable[[], bool], part: str) -> None:
    end = time.monotonic() + PATIENCE
    while not fact():
        if time.monotonic() > end:
            raise EvaluationFailed(part=part, reason=f"no answer within {PATIENCE:.0f} s")
        time.sleep(0.05)
