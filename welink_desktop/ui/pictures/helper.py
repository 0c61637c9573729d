"""The picture helper: a small program that decodes untrusted pictures under limits of memory and processor time.

Reads requests from standard input and writes answers to standard output (`frames`), until the input ends. Decodes only PNG,
JPEG, GIF (first picture) and WebP, told by their first bytes, never by a name. It opens no file and no connection.
"""

import contextlib
import os
import struct
import sys
from typing import BinaryIO

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QSize, Qt
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader

from welink_desktop.ui.pictures import frames

ALLOCATION_LIMIT_MB = 64
MAX_PIXELS = 120_000_000
"""Claimed pixels beyond this are refused before anything is decoded."""
DATA_LIMIT = 224 << 20
"""Bytes of private memory of the whole process."""
CPU_SECONDS = 2


def main() -> int:
    """Serve until standard input ends. Returns the exit code."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - nothing else may read the requests
    QImageReader.setAllocationLimit(ALLOCATION_LIMIT_MB)
    _limit_memory()
    while serve_one(source, target):
        pass
    return 0


def serve_one(source: BinaryIO, target: BinaryIO) -> bool:
    """Answer one request; false at the end of the input. A picture that cannot be decoded is an answer, not an error."""
    header = source.read(frames.REQUEST.size)
    if len(header) < frames.REQUEST.size:
        return False
    width, height, mode, length = frames.REQUEST.unpack(header)
    if length > frames.MAX_FILE:
        return False
    data = source.read(length)
    if len(data) < length:
        return False
    _limit_processor()
    image = _decoded(data, width, height, mode)
    if image is None:
        target.write(frames.ANSWER.pack(frames.REFUSED, 0, 0, 0))
    else:
        pixels = bytes(image.constBits())[: image.width() * image.height() * 4]
        target.write(frames.ANSWER.pack(frames.DECODED, image.width(), image.height(), len(pixels)))
        target.write(pixels)
    target.flush()
    return True


def _decoded(data: bytes, width: int, height: int, mode: int) -> QImage | None:
    try:
        return decode(data, width, height, cover=mode == frames.COVER)
    except (MemoryError, struct.error, ValueError):
        return None


def decode(data: bytes, width: int, height: int, *, cover: bool) -> QImage | None:
    """The picture in `data`, scaled for the box; None if it is none of the four kinds, damaged or too large."""
    kind = sniff(data)
    if kind is None or not (0 < width <= frames.MAX_SIDE and 0 < height <= frames.MAX_SIDE):
        return None
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(kind))
    reader.setAutoDetectImageFormat(False)
    reader.setAutoTransform(True)
    size = reader.size()
    if not size.isValid() or size.isEmpty() or size.width() * size.height() > MAX_PIXELS:
        return None
    turned = bool(reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90)
    box = QSize(height, width) if turned else QSize(width, height)
    wanted = scaled_size(size, box, cover=cover)
    if kind == b"jpeg" and wanted.width() < size.width():
        reader.setScaledSize(wanted)
    image = reader.read()
    if image.isNull():
        return None
    return _finished(image, QSize(width, height), cover=cover)


def _finished(image: QImage, box: QSize, *, cover: bool) -> QImage | None:
    wanted = scaled_size(image.size(), box, cover=cover)
    if wanted != image.size():
        image = image.scaled(wanted, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    if cover and image.size() != box:
        left, top = (image.width() - box.width()) // 2, (image.height() - box.height()) // 2
        image = image.copy(QRect(left, top, box.width(), box.height()))
    image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    return None if image.isNull() else image


def scaled_size(size: QSize, box: QSize, *, cover: bool) -> QSize:
    """Fit: inside the box, not enlarged, at least 1 by 1. Cover: the smallest that fills the box."""
    if cover:
        scaled = size.scaled(box, Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        return scaled.boundedTo(QSize(4 * box.width(), 4 * box.height())).expandedTo(box)
    if size.width() <= box.width() and size.height() <= box.height():
        return size
    return size.scaled(box, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))


def sniff(data: bytes) -> bytes | None:
    """Qt's name of the picture's kind by its first bytes, None for everything that is not allowed."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"png"
    if data.startswith(b"\xff\xd8\xff"):
        return b"jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return b"gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return b"webp"
    return None


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (DATA_LIMIT, DATA_LIMIT))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_processor() -> None:
    """The system ends the process when it computes for more than `CPU_SECONDS` (whole seconds) from now on."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + 1 + CPU_SECONDS, hard))


if __name__ == "__main__":
    raise SystemExit(main())
