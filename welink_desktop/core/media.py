"""Files and pictures in messages, and frames of a meeting."""

from dataclasses import dataclass

from welink_desktop.core.ids import ContentUri


@dataclass(frozen=True, slots=True, repr=False)
class EncryptedFile:
    """Keys of an encrypted attachment (client-server API, "Sending encrypted attachments"). Secret: no repr."""

    uri: ContentUri
    key: bytes
    iv: bytes
    sha256: bytes

    def __repr__(self) -> str:
        return "EncryptedFile(…)"


MediaSource = ContentUri | EncryptedFile
"""Where an attachment lies: clear (`mxc:`) or encrypted."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the sender claims about a file: hostile numbers, already clamped to ≥ 0. `duration_ms` of sound and film."""

    mimetype: str = "application/octet-stream"
    size: int = 0
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    thumbnail: MediaSource | None = None
    waveform: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: premultiplied BGRA rows without gaps, `width * height * 4` bytes, from the picture helper process."""

    width: int
    height: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes done of bytes in total (0 = unknown)."""

    done: int
    total: int
