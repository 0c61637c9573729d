"""Our own line drawings: SVG text with `currentColor` replaced, rendered and cached by name, size, colour and pixel ratio."""

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from welink_desktop.core.resources import resource

_MIRRORED = frozenset(
    {"reply", "forward", "undo", "redo", "send", "chevron-left", "chevron-right", "arrow-left"}
    | {"list-bullet", "list-number", "quote", "logout", "open-external"}
)


@cache
def _svg(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=1024)
def _render(name: str, size: int, color: str, ratio: float, mirrored: bool) -> QPixmap:
    renderer = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", color).encode()))
    pixels = max(1, round(size * ratio))
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if mirrored:
        painter.translate(pixels, 0)
        painter.scale(-1, 1)
    renderer.render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def icon_pixmap(name: str, size: int, color: QColor, ratio: float = 1.0, *, right_to_left: bool = False) -> QPixmap:
    """`size` in device-independent pixels. Raises `FileNotFoundError` for an icon that does not exist."""
    return _render(name, size, color.name(), ratio, right_to_left and name in _MIRRORED)


def draw_icon(painter: QPainter, name: str, box: QRectF, size: int, color: QColor) -> None:
    """Draw the icon centred in `box`."""
    ratio = painter.device().devicePixelRatioF()
    left = round(box.center().x() - size / 2)
    top = round(box.center().y() - size / 2)
    mirrored = painter.layoutDirection() == Qt.LayoutDirection.RightToLeft
    painter.drawPixmap(left, top, icon_pixmap(name, size, color, ratio, right_to_left=mirrored))


def icon(name: str, size: int, color: QColor, disabled: QColor | None = None, *, gap: int = 0, before: bool = False) -> QIcon:
    """A QIcon with sharp pictures for 1× and 2× screens; `gap` is empty room after it (or before it), towards a label."""
    result = QIcon()
    for ratio in (1.0, 2.0):
        result.addPixmap(_with_gap(icon_pixmap(name, size, color, ratio), gap, before), QIcon.Mode.Normal)
        if disabled is not None:
            result.addPixmap(_with_gap(icon_pixmap(name, size, disabled, ratio), gap, before), QIcon.Mode.Disabled)
    return result


def _with_gap(drawn: QPixmap, gap: int, before: bool) -> QPixmap:
    if not gap:
        return drawn
    ratio = drawn.devicePixelRatioF()
    room = round(gap * ratio)
    wider = QPixmap(drawn.width() + room, drawn.height())
    wider.setDevicePixelRatio(ratio)
    wider.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wider)
    painter.drawPixmap(gap if before else 0, 0, drawn)
    painter.end()
    return wider
