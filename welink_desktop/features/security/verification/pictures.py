"""What is painted in a comparison: seven pictures with their names, three numbers, a code, the camera."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QHideEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.features.security.codes import LARGEST, Dots, decode, encode
from welink_desktop.features.security.verification.emoji import EMOJI
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.stage.canvas import paint_frame
from welink_desktop.ui.strings import tr

EMOJI_SIZE, CELL, IN_LINE = 36, 96, 4
CODE_SIDE, QUIET = 232, 4
"""A code has a light border of four dots."""
CAMERA_WIDTH, CAMERA_HEIGHT = 400, 240
LOOK_MS = 200
CAMERA_TILE = 0


class _Painted(QWidget):
    def __init__(self, name: str) -> None:
        super().__init__()
        identify(self, name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        on_theme(self, self._themed)

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()


class EmojiGrid(_Painted):
    """Seven pictures, four in the first line and three in the second; spoken in order with their numbers."""

    def __init__(self) -> None:
        super().__init__("verify-emoji")
        self._emoji: tuple[int, ...] = ()

    def show_emoji(self, emoji: tuple[int, ...]) -> None:
        self._emoji = emoji
        names = [tr("verify-picture-spoken", number=at + 1, name=_name(one)) for at, one in enumerate(emoji)]
        describe(self, ", ".join(names))
        self.updateGeometry()
        self.update()

    @guarded(default=QSize(400, 200))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        lines = max(1, -(-len(self._emoji) // IN_LINE))
        return QSize(IN_LINE * theme.padded(CELL), lines * self._line(theme))

    def _line(self, theme: Theme) -> int:
        return round(theme.scaled(EMOJI_SIZE) * 1.3) + theme.type("body").line + theme.space(4)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        font = QFont(theme.type("body").font)
        font.setPixelSize(theme.scaled(EMOJI_SIZE))
        side, style = round(theme.scaled(EMOJI_SIZE) * 1.3), theme.type("body")
        for at, one in enumerate(self._emoji):
            line, place = divmod(at, IN_LINE)
            count = min(IN_LINE, len(self._emoji) - line * IN_LINE)
            width = self.width() / IN_LINE
            left = (self.width() - count * width) / 2 + place * width
            top = line * self._line(theme)
            painter.setFont(font)
            painter.setPen(theme.color("text"))
            painter.drawText(QRectF(left, top, width, side), Qt.AlignmentFlag.AlignCenter, EMOJI[one % len(EMOJI)])
            words = QRectF(left + 2, top + side, width - 4, style.line)
            style.draw(painter, words, _name(one), theme.color("text"), align=Qt.AlignmentFlag.AlignHCenter)
        painter.end()


class Numbers(_Painted):
    def __init__(self) -> None:
        super().__init__("verify-numbers")
        self._numbers: tuple[int, ...] = ()

    def show_numbers(self, numbers: tuple[int, ...]) -> None:
        self._numbers = numbers
        describe(self, ", ".join(str(one) for one in numbers))
        self.update()

    @guarded(default=QSize(400, 80))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.padded(CODE_SIDE), theme.type("heading").line + 2 * theme.space(5))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        style = theme.type("heading", tabular=True)
        box = QRectF(0, (self.height() - style.line) / 2, self.width(), style.line)
        words = "     ".join(str(one) for one in self._numbers)
        style.draw(painter, box, words, theme.color("text"), align=Qt.AlignmentFlag.AlignHCenter)
        painter.end()


class CodeView(_Painted):
    """A QR code, always dark on light: phones cannot read it otherwise."""

    def __init__(self) -> None:
        super().__init__("verify-code")
        self._data = b""
        self._dots: Dots | None = None

    def show_code(self, data: bytes) -> None:
        describe(self, tr("verify-code-name"))
        if data != self._data:
            self._data = data
            self._dots = encode(data) if data else None
            self.update()

    @guarded(default=QSize(200, 200))
    def sizeHint(self) -> QSize:
        side = theme_of(self).padded(CODE_SIDE)
        return QSize(side, side)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        if self._dots is None:
            return
        dots = self._dots
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        whole = dots.side + 2 * QUIET
        step = max(1, int(min(self.width(), self.height()) * ratio / whole)) / ratio
        left, top = (self.width() - whole * step) / 2, (self.height() - whole * step) / 2
        painter.fillRect(QRectF(left, top, whole * step, whole * step), Qt.GlobalColor.white)
        for at, dark in enumerate(dots.dark):
            if dark:
                down, across = divmod(at, dots.side)
                spot = QRectF(left + (across + QUIET) * step, top + (down + QUIET) * step, step, step)
                painter.fillRect(spot, Qt.GlobalColor.black)
        painter.end()


class CameraScan(_Painted):
    """The camera picture; looks for codes in it a few times a second. `found` carries their bytes."""

    found = Signal(object)

    def __init__(self, frames: Callable[[], FrameSource | None]) -> None:
        super().__init__("verify-camera")
        self._frames = frames
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def run(self, on: bool) -> None:
        describe(self, tr("verify-scan-camera-name"))
        if on and not self._timer.isActive():
            self._timer.start()
        elif not on:
            self._timer.stop()

    @guarded(default=QSize(400, 240))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(theme.padded(CAMERA_WIDTH), theme.padded(CAMERA_HEIGHT))

    def _look(self) -> None:
        frames = self._frames()
        frame = frames.take(CAMERA_TILE) if frames is not None else None
        if frame is None:
            return
        image = QImage(frame.pixels, frame.width, frame.height, frame.stride, QImage.Format.Format_RGB32)
        codes = codes_in(image)
        self.update()
        if codes:
            self.found.emit(codes)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        stage = theme.stage()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect())
        painter.fillRect(box, stage.color("stage-tile"))
        frames = self._frames() if self._timer.isActive() else None
        frame = frames.take(CAMERA_TILE) if frames is not None else None
        if frame is not None:
            paint_frame(painter, box, frame, stage.color("stage-tile"), whole=True, mirrored=True)
        painter.end()

    @guarded(default=None)
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.run(False)


def codes_in(image: QImage) -> tuple[bytes, ...]:
    """Contents of the QR codes in a picture; large photos are made smaller first."""
    if image.isNull():
        return ()
    if max(image.width(), image.height()) > LARGEST // 2:
        half = LARGEST // 2
        image = image.scaled(half, half, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    width, height, stride = grey.width(), grey.height(), grey.bytesPerLine()
    raw = bytes(grey.constBits())
    rows = raw if stride == width else b"".join(raw[at * stride : at * stride + width] for at in range(height))
    return decode(rows, width, height)


def _name(emoji: int) -> str:
    return tr(f"verify-emoji-{emoji % len(EMOJI)}")
