"""The product's mark: a rounded tile with a W."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

from welink_desktop.ui.design.theme import current


def draw_mark(painter: QPainter, box: QRectF, fill: QColor, ink: QColor) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(box, box.width() * 0.26, box.width() * 0.26)
    pen = QPen(ink, box.width() * 0.1)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    path = QPainterPath(_at(box, 0.24, 0.34))
    path.cubicTo(_at(box, 0.27, 0.58), _at(box, 0.31, 0.68), _at(box, 0.37, 0.68))
    path.cubicTo(_at(box, 0.44, 0.68), _at(box, 0.44, 0.46), _at(box, 0.5, 0.46))
    path.cubicTo(_at(box, 0.56, 0.46), _at(box, 0.56, 0.68), _at(box, 0.63, 0.68))
    path.cubicTo(_at(box, 0.69, 0.68), _at(box, 0.73, 0.58), _at(box, 0.76, 0.34))
    painter.drawPath(path)
    painter.restore()


def app_icon(*, unread: bool = False) -> QIcon:
    """Window and tray icon; `unread` adds a dot."""
    icon = QIcon()
    theme = current()
    for side in (16, 22, 32, 48, 64, 128):
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        draw_mark(painter, QRectF(0, 0, side, side), theme.color("accent"), theme.color("accent-contrast"))
        if unread:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.color("surface"), side / 16))
            painter.setBrush(theme.color("badge-mention"))
            painter.drawEllipse(QRectF(side * 0.58, side * 0.02, side * 0.4, side * 0.4))
        painter.end()
        icon.addPixmap(pixmap)
    return icon


def _at(box: QRectF, x: float, y: float) -> QPointF:
    return QPointF(box.left() + box.width() * x, box.top() + box.height() * y)
