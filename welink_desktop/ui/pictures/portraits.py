"""The drawn people of the sample organisation as pictures: for `--sample`, the gallery and tests. Needs a QGuiApplication."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from welink_desktop.core.media import Picture
from welink_desktop.core.resources import resource


def portrait(name: str, width: int, height: int) -> Picture | None:
    """`resources/people/NAME.svg` filling width × height, cropped at the middle; None if there is no such drawing."""
    path = resource("people", f"{name}.svg")
    if not name.startswith("portrait-") or not path.is_file():
        return None
    renderer = QSvgRenderer(str(path))
    natural = renderer.defaultSize()
    factor = max(width / natural.width(), height / natural.height())
    target = QRectF(0, 0, natural.width() * factor, natural.height() * factor)
    target.moveCenter(QRectF(0, 0, width, height).center())
    image = QImage(width, height, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter, target)
    painter.end()
    return Picture(width, height, bytes(image.constBits()))
