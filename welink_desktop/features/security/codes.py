"""QR codes of verifications: bytes to dots and back, exactly. Qt-free; the library loads with the first code."""

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

LARGEST = 4096
"""Pixels of a picture's longer side beyond which nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Dots:
    """A square code without its quiet zone: `side` dots in a row, one byte each, row by row; true is dark."""

    side: int
    dark: tuple[bool, ...]


def encode(data: bytes) -> Dots:
    """The code of `data` in byte mode, error correction M. Raises `ValueError` if it is empty or too long."""
    import zxingcpp

    if not data:
        raise ValueError("nothing to encode")
    code = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image = cast("Buffer", code.to_image(scale=1, add_quiet_zones=False))
    grey = memoryview(image).tobytes()
    return Dots(isqrt(len(grey)), tuple(value < 128 for value in grey))


def decode(grey: bytes, width: int, height: int) -> tuple[bytes, ...]:
    """The contents of all QR codes in a picture of one byte per pixel, row by row without gaps."""
    import zxingcpp

    if not 0 < width <= LARGEST or not 0 < height <= LARGEST or len(grey) != width * height:
        return ()
    view = memoryview(grey).cast("B", (height, width))
    found = zxingcpp.read_barcodes(view, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    return tuple(dict.fromkeys(bytes(one.bytes) for one in found if one.valid and one.bytes))
