"""Pictures of the sample world: our own drawings, rasterised when they are asked for."""

from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from welink_desktop.core.media import Picture
from welink_desktop.core.resources import resource


def sample_picture(name: str, width: int, height: int) -> Picture | None:
    """The portrait or picture `NAME.svg` cut to fill `width` × `height`; None if there is no such drawing."""
    path = None if "/" in name else _drawing(name)
    if path is None:
        return None
    renderer = QSvgRenderer(str(path))
    size = renderer.defaultSize()
    factor = max(width / size.width(), height / size.height())
    box = QRectF(0, 0, size.width() * factor, size.height() * factor)
    box.moveCenter(QRectF(0, 0, width, height).center())
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter, box)
    painter.end()
    return Picture(width, height, bytes(image.constBits()))


def _drawing(name: str) -> Path | None:
    places = (resource("people", f"{name}.svg"), resource("sample", "pictures", f"{name}.svg"))
    return next((place for place in places if place.is_file()), None)
