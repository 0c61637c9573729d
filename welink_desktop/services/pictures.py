"""Pictures for views: ask at paint time, get it now or hear about it later. Bounded memory, few downloads at a time."""

from collections import OrderedDict
from dataclasses import dataclass

from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.errors import NotFound, Offline, WeLinkError
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import EncryptedFile, MediaInfo, MediaSource, Picture
from welink_desktop.core.ports.media import MediaStore
from welink_desktop.core.reactive import Scope, Signal

RETRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class PictureKey:
    """Names a picture at a size in device pixels. `height` is 0 for square avatars."""

    uri: ContentUri
    width: int
    height: int = 0


class Pictures:
    """`avatar` and `picture` answer at once: the picture, or None while it is fetched or cannot be had.

    `arrived` tells keys that changed from None to a picture, or that failed for good (`failed(key)` is then true).
    Decoded bytes are kept up to `limit_bytes`, the least recently asked ones go first.
    """

    def __init__(
        self, media: MediaStore, scope: Scope, *, clock: Clock | None = None, limit_bytes: int = 48 << 20, parallel: int = 4
    ) -> None:
        self.arrived: Signal[PictureKey] = Signal()
        self._media = media
        self._scope = scope
        self._clock = clock or SystemClock()
        self._limit = limit_bytes
        self._parallel = parallel
        self._kept: OrderedDict[PictureKey, Picture] = OrderedDict()
        self._bytes = 0
        self._running: set[PictureKey] = set()
        self._waiting: OrderedDict[PictureKey, tuple[MediaSource, MediaInfo]] = OrderedDict()
        self._failed: dict[PictureKey, float] = {}

    def avatar(self, uri: ContentUri, size: int) -> Picture | None:
        """A square picture of `size` device pixels."""
        return self._ask(PictureKey(uri, size), uri, MediaInfo())

    def picture(self, source: MediaSource, info: MediaInfo, width: int, height: int) -> Picture | None:
        """A picture fitted into `width` × `height` device pixels."""
        return self._ask(key_of(source, width, height), source, info)

    def failed(self, key: PictureKey) -> bool:
        """Whether the last try failed (tried again when asked for later than 30 s)."""
        return key in self._failed

    def _ask(self, key: PictureKey, source: MediaSource, info: MediaInfo) -> Picture | None:
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        if key in self._running or self._scope.closed:
            return None
        failed_at = self._failed.get(key)
        if failed_at is not None and self._clock.monotonic() - failed_at < RETRY_SECONDS:
            return None
        self._waiting[key] = (source, info)
        self._waiting.move_to_end(key)
        while len(self._waiting) > 200:
            self._waiting.popitem(last=False)
        self._start()
        return None

    def _start(self) -> None:
        while self._waiting and len(self._running) < self._parallel:
            key, (source, info) = self._waiting.popitem()
            self._running.add(key)
            self._scope.spawn(self._fetch(key, source, info), name="picture")

    async def _fetch(self, key: PictureKey, source: MediaSource, info: MediaInfo) -> None:
        try:
            if key.height or isinstance(source, EncryptedFile):
                picture = await self._media.picture(source, info, key.width, key.height or key.width)
            else:
                picture = await self._media.avatar(source, key.width)
        except WeLinkError as error:
            forever = 10 * RETRY_SECONDS if isinstance(error, NotFound) else 0.0
            self._failed[key] = self._clock.monotonic() + (0.0 if isinstance(error, Offline) else forever)
        else:
            self._failed.pop(key, None)
            self._keep(key, picture)
        finally:
            self._running.discard(key)
            if not self._scope.closed:
                self._start()
        self.arrived.emit(key)

    def _keep(self, key: PictureKey, picture: Picture) -> None:
        self._kept[key] = picture
        self._bytes += len(picture.pixels)
        while self._bytes > self._limit and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.pixels)


def key_of(source: MediaSource, width: int, height: int) -> PictureKey:
    return PictureKey(source.uri if isinstance(source, EncryptedFile) else source, width, height)
