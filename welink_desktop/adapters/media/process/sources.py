"""Pictures and sounds without a device: drawings, films, tones and sound files, for tests, tours and scripted colleagues."""

import asyncio
import math
import shutil
import subprocess
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from welink_desktop.adapters.media.process import barcode
from welink_desktop.adapters.media.process.pictures import Picture, Pixels, from_bgr, planes
from welink_desktop.core.calls import CaptureKind, CaptureSource
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError
from welink_desktop.core.reactive import Scope

SAMPLE_RATE = 48_000
BLOCK = SAMPLE_RATE // 100
Samples = NDArray[np.int16]
_STILLS = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
_PAN = 0.06


def is_still(path: str) -> bool:
    return Path(path).suffix.lower() in _STILLS


class DrawnPicture:
    """A still picture that is panned gently, or a generated one; with `bars` the frame number is drawn into it.

    Prepared once, so that a frame costs little more than a copy: many run in one process, on the loop.
    """

    def __init__(self, wish: CaptureSource, *, bars: bool) -> None:
        self._bars = bars
        self._width, self._height = max(32, wish.width // 2 * 2), max(32, wish.height // 2 * 2)
        self._fps = max(1, wish.fps)
        self._wide = _background(wish, self._width, self._height)
        self._scope: Scope | None = None
        self._number = 0

    @property
    def name(self) -> str:
        return "synthetic" if self._bars else "file"

    def start(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        del failed
        self._scope = Scope("drawing")
        self._scope.spawn(self._run(deliver), name="frames")

    async def stop(self) -> None:
        if self._scope is not None:
            await self._scope.aclose()
            self._scope = None

    def draw(self) -> Picture:
        """The next frame."""
        picture = self._cut(self._number)
        if self._bars:
            barcode.draw(picture, self._number)
        self._number += 1
        return picture

    async def _run(self, deliver: Callable[[Picture], None]) -> None:
        due = time.monotonic()
        while True:
            deliver(self.draw())
            due = max(due + 1 / self._fps, time.monotonic() - 0.5)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _cut(self, number: int) -> Picture:
        """A window of the wide picture that swings from left to right in about eight seconds."""
        room = self._wide.width - self._width
        phase = (1 - math.cos(2 * math.pi * number / (8 * self._fps))) / 2
        left = int(room * phase) // 2 * 2
        picture = Picture(
            np.empty((self._height * 3 // 2, self._width), np.uint8), self._width, self._height, arrival_ns=time.monotonic_ns()
        )
        for source, target, shift in zip(planes(self._wide), planes(picture), (left, left // 2, left // 2), strict=True):
            target[:] = source[:, shift : shift + target.shape[1]]
        return picture


def _background(wish: CaptureSource, width: int, height: int) -> Picture:
    wide = int(width * (1 + _PAN)) // 2 * 2
    if not wish.path:
        return from_bgr(_pattern(wide, height))
    image = cv2.imdecode(_bytes(wish.path), cv2.IMREAD_COLOR)
    if image is None:
        raise DeviceUnavailable("not a picture", device=Path(wish.path).name)
    rows, columns = image.shape[:2]
    scale = max(wide / columns, height / rows)
    large = cv2.resize(image, (math.ceil(columns * scale), math.ceil(rows * scale)), interpolation=cv2.INTER_AREA)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - wide) // 2
    return from_bgr(np.ascontiguousarray(large[top : top + height, left : left + wide], np.uint8))


def _bytes(path: str) -> Pixels:
    """By way of bytes, because OpenCV cannot open every path on Windows."""
    try:
        return np.frombuffer(Path(path).read_bytes() or b"\0", np.uint8)
    except OSError:
        raise DeviceUnavailable("file missing", device=Path(path).name) from None


def _pattern(width: int, height: int) -> Pixels:
    """Colour bars over a grey ramp: every part of a frame looks different."""
    bars = np.array([[200, 80, 60], [60, 170, 90], [70, 90, 210], [190, 190, 70], [180, 90, 180]], np.uint8)
    columns = bars[np.arange(width) * len(bars) // width]
    ramp = np.linspace(1.0, 0.55, height)[:, None, None]
    return np.asarray(columns[None, :, :] * ramp, np.uint8)


class FilmPicture:
    """A film file, over and over, at its own pace."""

    def __init__(self, wish: CaptureSource) -> None:
        self._path = wish.path
        self._wish = wish
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return Path(self._path).name

    def start(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        self._thread = threading.Thread(target=self._run, args=(deliver, failed), name="film", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2.0)

    def _run(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        film = cv2.VideoCapture(self._path)
        period = 1 / (film.get(cv2.CAP_PROP_FPS) or self._wish.fps)
        shown = 0
        while not self._stop.is_set():
            good, image = film.read()
            if not good and shown:
                film.set(cv2.CAP_PROP_POS_FRAMES, 0)
                shown = 0
                continue
            if not good:
                failed(DeviceUnavailable("not a film", device=self.name))
                break
            shown += 1
            deliver(from_bgr(np.asarray(image, np.uint8), *_inside(image.shape, self._wish.width, self._wish.height)))
            self._stop.wait(period)
        film.release()


def _inside(shape: tuple[int, ...], width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, width / shape[1], height / shape[0])
    return int(shape[1] * scale), int(shape[0] * scale)


def load_sound(wish: CaptureSource) -> Samples:
    """A second or more of mono 48 kHz samples to be repeated. Raises `DeviceUnavailable`."""
    if wish.kind is CaptureKind.FILE and wish.path:
        return _wav(wish.path)
    hertz = float(wish.device) if wish.device.replace(".", "", 1).isdigit() else 440.0
    moments = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    return np.asarray(8000 * np.sin(2 * np.pi * round(hertz) * moments), np.int16)


def _wav(path: str) -> Samples:
    try:
        with wave.open(path, "rb") as file:
            if file.getsampwidth() != 2:
                raise DeviceUnavailable("not 16 bit", device=Path(path).name)
            raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()).mean(axis=1)
            rate = file.getframerate()
    except (OSError, wave.Error, EOFError):
        raise DeviceUnavailable("not a sound file", device=Path(path).name) from None
    length = max(BLOCK, int(len(raw) * SAMPLE_RATE / rate))
    samples = np.interp(np.linspace(0, max(1, len(raw)) - 1, length), np.arange(len(raw)), raw) if len(raw) else np.zeros(length)
    return np.concatenate([samples, np.zeros(SAMPLE_RATE // 2)]).astype(np.int16)


def level_of(samples: Samples) -> float:
    """Loudness 0–1 on a scale that suits a meter: −60 dB is 0, full scale is 1."""
    power = float(np.sqrt(np.mean(np.square(samples.astype(np.float64))))) / 32768 if len(samples) else 0.0
    return min(1.0, max(0.0, 1 + math.log10(max(power, 1e-6)) / 3))


def speak(words: str, path: Path, language: str = "en") -> bool:
    """Write `words` as a WAV file with espeak-ng. False where that program is missing or does not know the language."""
    program = shutil.which("espeak-ng")
    if program is None:
        return False
    command = [program, "-v", language, "-s", "150", "-w", str(path), "--", words]
    done = subprocess.run(command, check=False, capture_output=True, timeout=30)  # noqa: S603  # fixed program, no shell
    return done.returncode == 0 and path.exists()
