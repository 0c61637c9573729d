"""Avatars (visual.md §6): people are circles, rooms rounded squares; initials on a tone until the picture is there."""

import re
from functools import lru_cache

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.core.media import Picture
from welink_desktop.core.people import Presence
from welink_desktop.ui.design.fonts import families
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, current, on_theme, theme_of
from welink_desktop.ui.guard import guarded

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"[^\W_]+")
ROOM_RADIUS = 0.28


def tone_index(identifier: str) -> int:
    """FNV-1a 32 of the id's UTF-8 bytes, modulo 10."""
    value = 0x811C9DC5
    for byte in identifier.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value % 10


def person_initials(name: str, size: int) -> str:
    """Two last characters of a Chinese name from 32 up, one below (the family name goes from three characters on);
    first letters of first and last name otherwise."""
    han: list[str] = _HAN.findall(name)
    if han and _HAN.match(name.strip()):
        return "".join(han[-2:]) if size >= 32 else han[-1]
    return _letters(name, size)


def room_initials(name: str, size: int) -> str:
    """Two first Chinese characters from 32 up, one below; otherwise letters as for people."""
    han: list[str] = _HAN.findall(name)
    if han and _HAN.match(name.strip()):
        return "".join(han[:2]) if size >= 32 else han[0]
    return _letters(name, size)


def _letters(name: str, size: int) -> str:
    words: list[str] = _WORD.findall(_HAN.sub("", name)) or _WORD.findall(name)
    if not words:
        return "?"
    first = words[0][0].upper()
    return first + words[-1][0].upper() if len(words) > 1 and size >= 24 else first


def pixmap_of(picture: Picture) -> QPixmap:
    """A decoded picture as something to paint."""
    image = QImage(picture.pixels, picture.width, picture.height, picture.width * 4, QImage.Format.Format_ARGB32_Premultiplied)
    return QPixmap.fromImage(image.copy())


def avatar_path(box: QRectF, *, room: bool) -> QPainterPath:
    path = QPainterPath()
    if room:
        path.addRoundedRect(box, box.width() * ROOM_RADIUS, box.width() * ROOM_RADIUS)
    else:
        path.addEllipse(box)
    return path


@lru_cache(maxsize=32)
def _initials_font(size: int, letters: int) -> QFont:
    font = QFont()
    font.setFamilies(families())
    font.setPixelSize(max(9, round(size * (0.36 if letters > 1 else 0.46))))
    font.setWeight(QFont.Weight.DemiBold)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def draw_avatar(
    painter: QPainter,
    box: QRectF,
    identifier: str,
    name: str,
    *,
    room: bool = False,
    picture: QPixmap | None = None,
    presence: Presence = Presence.UNKNOWN,
    plane: str = "surface",
    icon_name: str = "",
    theme: Theme | None = None,
) -> None:
    """Paint an avatar into the square `box`. `plane` is the colour token behind it, for the ring of the status dot."""
    look = theme or current()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    path = avatar_path(box, room=room)
    if picture is not None and not picture.isNull():
        painter.save()
        painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
        painter.drawPixmap(box, picture, QRectF(picture.rect()))
        painter.restore()
    else:
        painter.fillPath(path, look.avatar_tone(tone_index(identifier)))
        if icon_name:
            draw_icon(painter, icon_name, box, round(box.width() / 2), look.avatar_text)
        else:
            size = round(box.width())
            letters = room_initials(name, size) if room else person_initials(name, size)
            painter.setFont(_initials_font(size, len(letters)))
            painter.setPen(look.avatar_text)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letters)
    if look.high_contrast:
        painter.setPen(QPen(look.color("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
    if presence is not Presence.UNKNOWN:
        _draw_presence(painter, box, presence, plane, look)
    painter.restore()


def _draw_presence(painter: QPainter, box: QRectF, presence: Presence, plane: str, theme: Theme) -> None:
    side = 12 if box.width() >= 40 else 10
    dot = QRectF(box.right() - side - 1, box.bottom() - side - 1, side, side)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color(plane))
    painter.drawEllipse(dot.adjusted(-2, -2, 2, 2))
    token = {
        Presence.ONLINE: "presence-online",
        Presence.BUSY: "presence-busy",
        Presence.AWAY: "presence-away",
        Presence.OFFLINE: "presence-off",
    }[presence]
    painter.setBrush(theme.color(token))
    painter.drawEllipse(dot)
    if presence is Presence.BUSY:
        painter.setBrush(theme.color(plane))
        painter.drawRoundedRect(QRectF(dot.left() + 2.5, dot.center().y() - 1, side - 5, 2), 1, 1)
    elif presence is Presence.OFFLINE:
        painter.setBrush(theme.color(plane))
        painter.drawEllipse(dot.adjusted(2.5, 2.5, -2.5, -2.5))


class Avatar(QWidget):
    """A person's or room's avatar as a widget; decorative for assistive technology unless it gets a name."""

    def __init__(self, size: int = 40, *, room: bool = False, plane: str = "surface", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = size
        self._room = room
        self._plane = plane
        self._identifier = ""
        self._name = ""
        self._icon_name = ""
        self._picture: QPixmap | None = None
        self._presence = Presence.UNKNOWN
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        on_theme(self, self._themed)

    def show_of(self, identifier: str, name: str, presence: Presence = Presence.UNKNOWN, *, icon_name: str = "") -> None:
        """Show someone's initials now; the picture of someone else is dropped."""
        if identifier != self._identifier:
            self._picture = None
        self._identifier, self._name, self._presence, self._icon_name = identifier, name, presence, icon_name
        self.update()

    def set_picture(self, identifier: str, picture: Picture) -> None:
        """Picture of `identifier`; ignored when someone else is shown by now."""
        if identifier == self._identifier:
            self._picture = pixmap_of(picture)
            self.update()

    @guarded(default=QSize(40, 40))
    def sizeHint(self) -> QSize:
        side = theme_of(self).padded(self._size)
        return QSize(side, side)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        draw_avatar(
            QPainter(self),
            QRectF(self.rect()),
            self._identifier,
            self._name,
            room=self._room,
            picture=self._picture,
            presence=self._presence,
            plane=self._plane,
            icon_name=self._icon_name,
            theme=theme_of(self),
        )

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
