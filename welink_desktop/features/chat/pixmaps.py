"""Pictures as pixmaps for painting: asks `services.pictures`, converts once, keeps a bounded number."""

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtGui import QPixmap

from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import MediaInfo, MediaSource, Picture
from welink_desktop.services.pictures import PictureKey, Pictures, key_of
from welink_desktop.ui.widgets.avatar import pixmap_of

MAX_KEPT = 400


class Pixmaps:
    """`size` is in device-independent pixels, `ratio` the screen's. None: not there (yet); repaint when it arrives."""

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures
        self._kept: OrderedDict[PictureKey, QPixmap] = OrderedDict()

    def avatar(self, uri: ContentUri | None, size: float, ratio: float) -> QPixmap | None:
        if uri is None:
            return None
        side = _step(size * ratio)
        return self._pixmap(PictureKey(uri, side), lambda: self.pictures.avatar(uri, side))

    def picture(self, source: MediaSource, info: MediaInfo, width: float, height: float, ratio: float) -> QPixmap | None:
        wide, high = max(1, round(width * ratio)), max(1, round(height * ratio))
        return self._pixmap(key_of(source, wide, high), lambda: self.pictures.picture(source, info, wide, high))

    def failed(self, source: MediaSource, width: float, height: float, ratio: float) -> bool:
        return self.pictures.failed(key_of(source, max(1, round(width * ratio)), max(1, round(height * ratio))))

    def _pixmap(self, key: PictureKey, ask: Callable[[], Picture | None]) -> QPixmap | None:
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        picture = ask()
        if picture is None:
            return None
        made = self._kept[key] = pixmap_of(picture)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return made


def _step(pixels: float) -> int:
    """Avatar sizes in few steps, so that one download serves several places."""
    for step in (40, 80, 160):
        if pixels <= step:
            return step
    return 320
