"""A row as a list of things to paint and places to click, made once per width and theme, painted many times."""

import enum
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap

from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import MediaInfo, MediaSource
from welink_desktop.ui.design.fonts import TextStyle
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme


class Act(enum.Enum):
    """What a click on a place in a row does."""

    PERSON = "person"
    ORIGINAL = "original"
    REACTION = "reaction"
    ADD_REACTION = "add-reaction"
    PICTURE = "picture"
    SAVE = "save"
    RETRY = "retry"
    DISCARD = "discard"
    COPY = "copy"
    CURE = "cure"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Hit:
    """`box` in row coordinates; `payload` depends on the act; `tip` is shown on hover and read aloud."""

    box: QRectF
    act: Act
    payload: str = ""
    tip: str = ""


@dataclass(slots=True)
class Look:
    """What painting a row needs beyond its layout."""

    hovered: bool
    ratio: float
    selection: tuple[int, int] | None
    picture: Callable[[MediaSource, MediaInfo, float, float], QPixmap | None]
    avatar: Callable[[ContentUri | None, float], QPixmap | None]


Op = Callable[[QPainter, Look], None]


class Sheet:
    """Collects what a row paints, in row coordinates."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.ops: list[Op] = []
        self.hits: list[Hit] = []

    def add(self, op: Op) -> None:
        self.ops.append(op)

    def hit(self, box: QRectF, act: Act, payload: str = "", tip: str = "") -> None:
        self.hits.append(Hit(box, act, payload, tip))

    def text(
        self,
        style: TextStyle,
        box: QRectF,
        words: str,
        color: str,
        *,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> float:
        """One elided line; returns its width."""
        shown = style.elided(words, box.width(), mode) if style.width(words) > box.width() else words
        width = style.width(shown)
        left = box.left()
        if align & Qt.AlignmentFlag.AlignRight:
            left = box.right() - width
        elif align & Qt.AlignmentFlag.AlignHCenter:
            left = box.center().x() - width / 2
        at = QPointF(round(left), round(style.baseline(box.top() + (box.height() - style.line) / 2)))
        ink = self.theme.color(color)

        def paint(painter: QPainter, _: Look) -> None:
            painter.setFont(style.font)
            painter.setPen(ink)
            painter.drawText(at, shown)

        self.ops.append(paint)
        return width

    def icon(self, name: str, box: QRectF, size: int, color: str) -> None:
        ink = self.theme.color(color)
        self.ops.append(lambda painter, _: draw_icon(painter, name, box, size, ink))

    def line(self, left: float, right: float, y: float, color: str) -> None:
        ink = self.theme.color(color)
        self.ops.append(lambda painter, _: painter.fillRect(QRectF(left, y, right - left, 1), ink))

    def shape(self, path: QPainterPath, fill: str | None, *, hover: str = "", edge: str = "", dashed: bool = False) -> None:
        """A filled path; `hover` replaces the fill under the pointer; `edge` is a 1 px outline."""
        plain = self.theme.color(fill) if fill else None
        over = self.theme.color(hover) if hover else plain
        pen = QPen(Qt.PenStyle.NoPen)
        if edge:
            pen = QPen(self.theme.color(edge), 1)
            if dashed:
                pen.setDashPattern([3.0, 3.0])

        def paint(painter: QPainter, look: Look) -> None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(pen)
            color = over if look.hovered else plain
            if color is None:
                painter.setBrush(Qt.BrushStyle.NoBrush)
            else:
                painter.setBrush(color)
            painter.drawPath(path)

        self.ops.append(paint)


def rounded(box: QRectF, top_left: float, top_right: float, bottom_right: float, bottom_left: float) -> QPainterPath:
    """A box with a radius of its own for each corner."""
    path = QPainterPath()
    path.moveTo(box.left() + top_left, box.top())
    path.lineTo(box.right() - top_right, box.top())
    path.arcTo(box.right() - 2 * top_right, box.top(), 2 * top_right, 2 * top_right, 90, -90)
    path.lineTo(box.right(), box.bottom() - bottom_right)
    path.arcTo(box.right() - 2 * bottom_right, box.bottom() - 2 * bottom_right, 2 * bottom_right, 2 * bottom_right, 0, -90)
    path.lineTo(box.left() + bottom_left, box.bottom())
    path.arcTo(box.left(), box.bottom() - 2 * bottom_left, 2 * bottom_left, 2 * bottom_left, 270, -90)
    path.lineTo(box.left(), box.top() + top_left)
    path.arcTo(box.left(), box.top(), 2 * top_left, 2 * top_left, 180, -90)
    path.closeSubpath()
    return path


def even(box: QRectF, radius: float) -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(box, radius, radius)
    return path
