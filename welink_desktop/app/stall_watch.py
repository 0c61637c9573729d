"""Writes a stack to the log when the UI loop misses a beat by more than 100 ms."""

import sys
import threading
import time
import traceback

from PySide6.QtCore import QObject, QTimer

from welink_desktop.core.log import literal, topic

BEAT_MS = 200
"""Each beat wakes an idle computer twice."""
LATE_SECONDS = 0.1
AGAIN_SECONDS = 5.0

_log = topic("stall")


class StallWatch(QObject):
    """A timer on the UI thread beats; a watching thread looks whether it does. `stalls` counts."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stalls = 0
        self._beat_at = time.monotonic()
        self._ui = threading.get_ident()
        self._stop = threading.Event()
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._thread = threading.Thread(target=self._watch, name="stall-watch", daemon=True)

    def start(self) -> None:
        self._beat()
        self._timer.start()
        self._thread.start()

    def stop(self) -> None:
        self._timer.stop()
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _beat(self) -> None:
        self._beat_at = time.monotonic()

    def _watch(self) -> None:
        quiet_until = 0.0
        while not self._stop.wait(BEAT_MS / 1000):
            now = time.monotonic()
            late = now - self._beat_at - BEAT_MS / 1000
            if late > LATE_SECONDS and now > quiet_until:
                quiet_until = now + AGAIN_SECONDS
                self.stalls += 1
                _log.warning("the interface stalls", milliseconds=round(late * 1000), at=literal(self._where()))

    def _where(self) -> str:
        frame = sys._current_frames().get(self._ui)
        if frame is None:
            return "unknown"
        places = traceback.extract_stack(frame, limit=None)[-6:]
        return " > ".join(f"{one.filename.rsplit('/', 1)[-1]}:{one.lineno}:{one.name}" for one in places)
