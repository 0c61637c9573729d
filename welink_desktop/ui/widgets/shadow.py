"""Shadows from one pre-rendered nine-patch per theme and level (visual.md §2); none in high contrast."""

from functools import lru_cache

from PySide6.QtCore import QMargins, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.design.tokens import tokens


def shadow_margins(level: int) -> QMargins:
    """Room that a shadow of `level` needs around its panel."""
    shadow = tokens().shadow(level)
    if shadow is None:
        return QMargins()
    return QMargins(shadow.blur, shadow.blur - shadow.y, shadow.blur, shadow.blur + shadow.y)


@lru_cache(maxsize=8)
def _patch(blur: int, radius: int, alpha: float) -> QPixmap:
    side = 2 * (blur + radius) + 1
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for step in range(blur):
        ink = QColor(Qt.GlobalColor.black)
        ink.setAlphaF(alpha * 2 * (step + 1) / (blur * blur))
        painter.setBrush(ink)
        corner = radius + (blur - step) * 0.5
        painter.drawRoundedRect(QRectF(step, step, side - 2 * step, side - 2 * step), corner, corner)
    painter.end()
    return pixmap


def draw_shadow(painter: QPainter, panel: QRect, level: int, radius: int, theme: Theme) -> None:
    """Paint the shadow of `panel` (call before painting the panel itself)."""
    shadow = tokens().shadow(level)
    if shadow is None or theme.high_contrast:
        return
    patch = _patch(shadow.blur, radius, shadow.alpha_dark if theme.dark else shadow.alpha_light)
    edge = shadow.blur + radius
    target = panel.marginsAdded(QMargins(shadow.blur, shadow.blur, shadow.blur, shadow.blur)).translated(QPoint(0, shadow.y))
    _draw_nine(painter, target, patch, edge)


def _draw_nine(painter: QPainter, target: QRect, patch: QPixmap, edge: int) -> None:
    side = patch.width()
    xs = (target.left(), target.left() + edge, target.right() + 1 - edge, target.right() + 1)
    ys = (target.top(), target.top() + edge, target.bottom() + 1 - edge, target.bottom() + 1)
    source = (0, edge, side - edge, side)
    for i in range(3):
        for j in range(3):
            to = QRect(xs[i], ys[j], xs[i + 1] - xs[i], ys[j + 1] - ys[j])
            come = QRect(source[i], source[j], source[i + 1] - source[i], source[j + 1] - source[j])
            painter.drawPixmap(to, patch, come)
