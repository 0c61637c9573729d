"""Pictures of the sample world: our own drawings, rasterised when they are asked for."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from welink_desktop.core.media import Picture
from welink_desktop.core.resources import resource


def sample_picture(name: str, width: int, height: int) -> Picture | None:
    """The drawing `NAME.svg` cut to fill `width` × `height`; None if there is no such drawing."""
    path = resource("people", f"{name}.svg")
    if "/" in name or not path.is_file():
        return None
    renderer = QSvgRenderer(str(path))
    size = renderer.defaultSize()
    factor = max(width / size.width(), height / size.height())
    box = QRectF(0, 0, size.width() * factor, size.height() * factor)
    box.moveCenter(QRectF(0, 0, width, height).center())
    image = QImage(width, height, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter, box)
    painter.end()
    return Picture(width, height, bytes(image.constBits()))
