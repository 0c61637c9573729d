"""Draws SVG files to PNG: reads a JSON list of `{source, target, width, height}` from standard input.

A small program of its own, so that packages without Qt can have pictures drawn.
"""

import json
import sys
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer


def draw(source: Path, target: Path, width: int, height: int) -> None:
    """Fill `width` × `height` pixels with the picture, cropped rather than distorted. Raises `ValueError`."""
    renderer = QSvgRenderer(str(source))
    if not renderer.isValid():
        raise ValueError(f"{source.name} is not a picture")
    natural = renderer.defaultSize()
    scale = max(width / max(1, natural.width()), height / max(1, natural.height()))
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor(0, 0, 0, 0))
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    box = QRectF(0, 0, natural.width() * scale, natural.height() * scale)
    box.moveCenter(QRectF(0, 0, width, height).center())
    renderer.render(painter, box)
    painter.end()
    unfinished = target.with_suffix(".part")
    if not image.save(str(unfinished), "PNG"):  # type: ignore[call-overload]  # the stubs want bytes, the binding a str
        raise ValueError(f"{target.name} cannot be written")
    unfinished.replace(target)


def main() -> int:
    application = QGuiApplication.instance() or QGuiApplication([])
    try:
        for work in json.load(sys.stdin):
            draw(Path(work["source"]), Path(work["target"]), int(work["width"]), int(work["height"]))
    except (ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        del application
    return 0


if __name__ == "__main__":
    sys.exit(main())
