"""The screen, by mss, at most 1080p and 15 pictures a second, read by a thread of its own."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable

import mss
import numpy as np

from welink_desktop.adapters.media.process.pictures import Picture, from_bgr
from welink_desktop.core.calls import CaptureSource
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError

WIDTH, HEIGHT, FPS = 1920, 1080, 15


class Screen:
    """A whole screen: `device` "" is the first one, "2" the second one."""

    def __init__(self, wish: CaptureSource) -> None:
        self._wish = wish
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self._wish.device

    def start(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        self._thread = threading.Thread(target=self._run, args=(deliver, failed), name="screen", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2.0)

    def _run(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        try:
            self._grab(deliver)
        except DeviceUnavailable as error:
            failed(error)
        except Exception as error:  # the display server refused or went away; mss and Xlib have no common error
            failed(DeviceUnavailable(type(error).__name__, device="screen"))

    def _grab(self, deliver: Callable[[Picture], None]) -> None:
        if sys.platform == "linux" and not os.environ.get("DISPLAY"):
            raise DeviceUnavailable("no display", device="screen")
        if os.environ.get("XDG_SESSION_TYPE") == "wayland" and os.environ.get("WAYLAND_DISPLAY"):
            raise DeviceUnavailable("Wayland shows X11 programs a black screen", device="screen")
        due = time.monotonic()
        fps = min(FPS, max(1, self._wish.fps))
        with mss.MSS() as grabber:
            area = _monitor(grabber.monitors, self._wish.device)
            while not self._stop.is_set():
                shot = grabber.grab(area)
                image = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
                deliver(from_bgr(image, *_limited(shot.width, shot.height)))
                due = max(due + 1 / fps, time.monotonic())
                self._stop.wait(due - time.monotonic())


def _monitor(monitors: "list[dict[str, int]]", device: str) -> dict[str, int]:
    """`monitors[0]` is all of them together."""
    index = int(device) if device.isdigit() else 1
    if not 1 <= index < len(monitors):
        raise DeviceUnavailable("no such screen", device="screen")
    return monitors[index]


def _limited(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, WIDTH / width, HEIGHT / height)
    return int(width * scale), int(height * scale)
