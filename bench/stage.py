"""100 tiles with moving frames at 1920×1080: time to paint one frame of the whole stage."""

import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from bench.report import Report, percentile
from welink_desktop.core.calls import Frame
from welink_desktop.core.ids import UserId
from welink_desktop.core.settings import Appearance
from welink_desktop.ui.design import theme
from welink_desktop.ui.stage.canvas import StageCanvas
from welink_desktop.ui.stage.tiles import Box, StageTile

COLUMNS = ROWS = 10
WIDTH, HEIGHT = 1920, 1080
GAP = 8
SHIFT = 32


class MovingFrames:
    """Every tile has a new frame each time it is asked: a wide picture read at a moving offset."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._stride = (width + SHIFT) * 4
        row = b"".join(bytes((x % 256, x * 3 % 256, x * 7 % 256, 255)) for x in range(width + SHIFT))
        self._pixels = bytearray(row * height)
        self._number = 0
        self.taken = 0

    def changed(self) -> bool:
        self._number += 1
        return True

    def take(self, tile: int) -> Frame | None:
        self.taken += 1
        width, height = self._size
        offset = (self._number + tile) % SHIFT * 4
        end = offset + self._stride * (height - 1) + width * 4
        return Frame(width, height, self._stride, 0, self._number, memoryview(self._pixels)[offset:end])


def tiles() -> tuple[StageTile, ...]:
    width, height = (WIDTH - GAP * (COLUMNS + 1)) // COLUMNS, (HEIGHT - GAP * (ROWS + 1)) // ROWS
    return tuple(
        StageTile(
            key=f"person-{number}",
            tile=number,
            box=Box(GAP + number % COLUMNS * (width + GAP), GAP + number // COLUMNS * (height + GAP), width, height),
            user=UserId(f"@person-{number}:bench"),
            name=f"Person 人员 {number}",
            label="",
            picture=True,
            muted=number % 3 == 0,
            speaking=number == 7,
        )
        for number in range(COLUMNS * ROWS)
    )


def no_avatar(_painter: QPainter, _box: QRectF, _tile: StageTile) -> None:
    raise AssertionError("every tile has a picture")


def main() -> None:
    app = QApplication([])
    theme.prepare(app)
    theme.apply(app, Appearance())
    canvas = StageCanvas(no_avatar)
    canvas.resize(WIDTH, HEIGHT)
    shown = tiles()
    frames = MovingFrames(shown[0].box.width, shown[0].box.height)
    canvas.set_tiles(shown)
    canvas.set_frames(frames)
    canvas.show()
    if not QTest.qWaitForWindowExposed(canvas):
        raise SystemExit("the window was never exposed")
    times = []
    for _ in range(400):
        frames.changed()
        start = time.perf_counter()
        canvas.repaint()
        times.append((time.perf_counter() - start) * 1000)
    if frames.taken < 400 * len(shown):
        raise SystemExit("frames were not painted")
    report = Report("stage")
    report.figure("frame_p50_ms", percentile(times, 0.5))
    report.figure("frame_p99_ms", percentile(times, 0.99), max=8)
    canvas.set_frames(None)
    canvas.close()
    report.finish()


if __name__ == "__main__":
    main()
