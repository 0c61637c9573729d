"""The computer's cameras, by OpenCV, each read by a thread of its own: `read()` blocks and may never come back."""

import asyncio
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from welink_desktop.adapters.media.process.pictures import Picture, from_bgr
from welink_desktop.core.calls import CaptureSource, DeviceKind, MediaDevice
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError

_LINUX = platform.system() == "Linux"
_PROBED = 4
_SILENT_SECONDS = 2.0


def cameras() -> tuple[MediaDevice, ...]:
    """Linux names them; elsewhere OpenCV knows numbers only. Blocks: call it in a thread."""
    if _LINUX:
        return tuple(_linux_cameras())
    found = []
    for index in range(_PROBED):
        device = cv2.VideoCapture(index)
        if device.isOpened():
            found.append(MediaDevice(DeviceKind.CAMERA, str(index), f"Camera {index + 1}"))
        device.release()
    return tuple(found)


def _linux_cameras() -> list[MediaDevice]:
    found: list[MediaDevice] = []
    for folder in sorted(Path("/sys/class/video4linux").glob("video*"), key=lambda path: int(path.name[5:] or 0)):
        try:
            name = (folder / "name").read_text(encoding="utf-8").strip()
            if (folder / "index").read_text(encoding="ascii").strip() != "0":
                continue  # the same camera's metadata node
        except OSError:
            continue
        found.append(MediaDevice(DeviceKind.CAMERA, folder.name[5:], name))
    return found


class Camera:
    """A real camera, by name. Delivers from its own thread."""

    def __init__(self, wish: CaptureSource) -> None:
        self._wish = wish
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last = 0.0

    @property
    def name(self) -> str:
        return self._wish.device

    def start(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(deliver, failed), name="camera", daemon=True)
        self._thread.start()
        threading.Thread(target=self._watch, args=(failed,), name="camera-watch", daemon=True).start()

    async def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2.0)

    def _index(self) -> int:
        known = cameras() if self._wish.device else ()
        for camera in known:
            if camera.name == self._wish.device:
                return int(camera.id)
        if self._wish.device:
            raise DeviceUnavailable("no such camera", device=self._wish.device)
        listed = _linux_cameras() if _LINUX else ()
        if _LINUX and not listed:
            raise DeviceUnavailable("no camera", device="camera")
        return int(listed[0].id) if listed else 0

    def _run(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        try:
            device = cv2.VideoCapture(self._index())
        except WeLinkError as error:
            self._stop.set()
            failed(error)
            return
        device.set(cv2.CAP_PROP_FRAME_WIDTH, self._wish.width)
        device.set(cv2.CAP_PROP_FRAME_HEIGHT, self._wish.height)
        device.set(cv2.CAP_PROP_FPS, self._wish.fps)
        while not self._stop.is_set():
            good, image = device.read()
            if self._stop.is_set():
                break
            if not good:
                self._stop.set()
                failed(DeviceUnavailable("no picture", device=self._wish.device or "camera"))
                break
            self._last = time.monotonic()
            deliver(from_bgr(np.asarray(image, np.uint8)))
        device.release()

    def _watch(self, failed: Callable[[WeLinkError], None]) -> None:
        """A camera that stands still counts as gone after two seconds; its thread is left behind."""
        while not self._stop.wait(0.5):
            if time.monotonic() - self._last > _SILENT_SECONDS + (2.0 if self._thread is None else 1.0):
                self._stop.set()
                failed(DeviceUnavailable("camera stands still", device=self._wish.device or "camera"))
