"""Attachments and avatars."""

from pathlib import Path
from typing import Protocol

from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import MediaInfo, MediaSource, Picture, Progress
from welink_desktop.core.ports.listener import Listener


class MediaStore(Protocol):
    """Downloads through an encrypted cache.

    Only PNG, JPEG, GIF and WebP become pictures; decoding happens in a helper process.
    """

    async def avatar(self, uri: ContentUri, size: int) -> Picture:
        """A square picture of `size` device pixels. Raises `NotFound`, `Offline`, `FileDamaged`."""

    async def picture(self, source: MediaSource, info: MediaInfo, max_width: int, max_height: int) -> Picture:
        """The picture (or its thumbnail if that is enough), fitted into the box, never enlarged.

        Raises `NotFound`, `Offline`, `FileDamaged` (hash, format or bomb).
        """

    async def save(self, source: MediaSource, target: Path, progress: Listener[Progress] | None = None) -> None:
        """Write the decrypted file to `target` (created, never overwritten) after its hash was checked.

        Raises `NotFound`, `Offline`, `FileDamaged`, `DiskFull`.
        """
