"""Avatars for painted surfaces: initials at once, the picture when it has come."""

from typing import Protocol

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPixmap

from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import Picture
from welink_desktop.core.people import Presence
from welink_desktop.core.reactive import Signal
from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.widgets.avatar import draw_avatar, pixmap_of


class PictureFinder(Protocol):
    """Answers at once: the picture, or None while it is fetched or cannot be had."""

    def __call__(self, uri: ContentUri, size: int) -> Picture | None: ...


class AvatarPictures:
    """Pixmaps of avatars by uri and size. `arrived()` is called when a picture has come; `changed` then asks to repaint."""

    def __init__(self, find: PictureFinder | None = None) -> None:
        self.changed: Signal[None] = Signal()
        self._find = find
        self._pixmaps: dict[tuple[ContentUri, int], QPixmap] = {}

    def arrived(self, _what: object = None) -> None:
        self.changed.emit(None)

    def paint(
        self,
        painter: QPainter,
        box: QRectF,
        identifier: str,
        name: str,
        avatar: ContentUri | None,
        *,
        plane: str,
        theme: Theme,
        presence: Presence = Presence.UNKNOWN,
        room: bool = False,
    ) -> None:
        """Paint the avatar of a person or `room` into the square `box`."""
        ratio = painter.device().devicePixelRatioF()
        picture = self._pixmap(avatar, round(box.width() * ratio)) if avatar is not None else None
        draw_avatar(painter, box, identifier, name, room=room, picture=picture, presence=presence, plane=plane, theme=theme)

    def _pixmap(self, uri: ContentUri, size: int) -> QPixmap | None:
        known = self._pixmaps.get((uri, size))
        if known is not None or self._find is None:
            return known
        picture = self._find(uri, size)
        if picture is None:
            return None
        self._pixmaps[uri, size] = pixmap_of(picture)
        return self._pixmaps[uri, size]
