"""A private PulseAudio with null sinks: what the product plays is measured at a monitor, what it records comes from one."""

import math
import os
import shutil
import subprocess
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

SPEAKER, HEADSET, MICROPHONE = "Test_Speaker", "Test_Headset", "Test_Microphone"
_RATE = 16_000


@dataclass
class SoundServer:
    """`server` is the value of PULSE_SERVER. Sinks: `SPEAKER` (default), `HEADSET`; source: `MICROPHONE` (default)."""

    server: str
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PULSE_SERVER": self.server, "XDG_RUNTIME_DIR": str(self.directory), "PULSE_RUNTIME_PATH": str(self.directory)}

    def level(self, seconds: float = 0.5, device: str = f"{SPEAKER}.monitor") -> float:
        """Root mean square 0–1 of what a source gives now."""
        samples = self.record(seconds, device)
        return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32768 if samples else 0.0

    def record(self, seconds: float, device: str = f"{SPEAKER}.monitor") -> "array[int]":
        """Mono 16 kHz samples."""
        command = ["parec", f"--device={device}", "--format=s16le", f"--rate={_RATE}", "--channels=1", "--latency-msec=20"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **self.environment}) as recorder:
            assert recorder.stdout is not None
            data = recorder.stdout.read(int(seconds * _RATE) * 2)
            recorder.kill()
        return array("h", data)

    def hears(self, hertz: float, *, device: str = f"{SPEAKER}.monitor", level: float = 0.01, within: float = 15) -> bool:
        """Whether a tone of this frequency becomes audible in time."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if tone_level(self.record(0.4, device), hertz) > level:
                return True
        return False

    def open_recordings(self) -> int:
        """How many programs hold the microphone open: what the system's indicator shows."""
        outputs = self.control("list", "short", "source-outputs").splitlines()
        return sum("module-remap-source" not in line for line in outputs)

    def control(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pactl", *arguments], capture_output=True, text=True, check=True, env={**os.environ, **self.environment}
        )
        return done.stdout

    @contextmanager
    def speaking(self, hertz: float) -> Iterator[None]:
        """A tone comes into the microphone."""
        module = self.control("load-module", "module-sine", f"sink={MICROPHONE}_in", f"frequency={int(hertz)}").strip()
        try:
            yield
        finally:
            self.control("unload-module", module)


def tone_level(samples: "array[int]", hertz: float) -> float:
    """Amplitude 0–1 of one frequency (Goertzel)."""
    if not samples:
        return 0.0
    turn = 2 * math.pi * hertz / _RATE
    one = two = 0.0
    for sample in samples:
        one, two = sample + 2 * math.cos(turn) * one - two, one
    power = one * one + two * two - 2 * math.cos(turn) * one * two
    return 2 * math.sqrt(max(0.0, power)) / len(samples) / 32768


@contextmanager
def running_sound_server(directory: Path) -> Iterator[SoundServer]:
    """Raises `RuntimeError` if PulseAudio does not come up."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    socket = directory / "pulse.socket"
    modules = [
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
        *(f"module-null-sink sink_name={name} sink_properties=device.description={name}" for name in (SPEAKER, HEADSET)),
        f"module-null-sink sink_name={MICROPHONE}_in sink_properties=device.description={MICROPHONE}_in",
        f"module-remap-source master={MICROPHONE}_in.monitor source_name={MICROPHONE} "
        f"source_properties=device.description={MICROPHONE}",
    ]
    options = ["-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--disable-shm=yes", "--log-level=error"]
    command = ["pulseaudio", *options, *(part for module in modules for part in ("-L", module))]
    runtime = {"XDG_RUNTIME_DIR": str(directory), "PULSE_RUNTIME_PATH": str(directory), "HOME": str(directory)}
    with (directory / "pulse.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **runtime}, stdout=log, stderr=log)
    server = SoundServer(f"unix:{socket}", directory)
    try:
        _wait(server, process)
        server.control("set-default-sink", SPEAKER)
        server.control("set-default-source", MICROPHONE)
        yield server
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait(server: SoundServer, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(subprocess.CalledProcessError):
            if MICROPHONE in server.control("list", "short", "sources"):
                return
        time.sleep(0.05)
    raise RuntimeError("PulseAudio did not start")


@pytest.fixture
def sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """Also the sound server of every program that the test starts."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("PulseAudio is not installed (make setup-test)")
    with running_sound_server(tmp_path / "sound") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
