"""A frame number drawn as bars into a picture's upper edge, so that a receiver can tell which frame it sees."""

import itertools

import numpy as np

from welink_desktop.adapters.media.process.pictures import Picture, Pixels, planes

BITS = 16
_CELLS = BITS + 4  # black, white, number, parity, inverse parity
_DARK, _LIGHT = 24, 228
_TOLERANCE = 70


def strip_height(height: int) -> int:
    return max(8, height // 12) // 2 * 2


def draw(picture: Picture, number: int) -> None:
    """Draw `number` modulo 65536 in place."""
    luma, blue, red = planes(picture)
    rows = strip_height(picture.height)
    luma[:rows] = np.repeat(np.where(_cells(number), _LIGHT, _DARK).astype(np.uint8), _bounds(picture.width))
    blue[: rows // 2] = 128
    red[: rows // 2] = 128


def read(luma: Pixels) -> int | None:
    """The number in a grey picture of any size, None if there is none (wrong key, other picture)."""
    height, width = luma.shape[:2]
    if width < _CELLS * 2 or height < 8:
        return None
    row = luma[max(1, strip_height(height) // 2 - 1) :][:2].mean(axis=0)
    centres = [int((cell + 0.5) * width / _CELLS) for cell in range(_CELLS)]
    values = np.array([row[max(0, x - 1) : x + 2].mean() for x in centres])
    dark, light = values < _DARK + _TOLERANCE, values > _LIGHT - _TOLERANCE
    if not np.all(dark | light):
        return None
    bits = light
    number = int(sum(int(bit) << index for index, bit in enumerate(bits[2 : 2 + BITS])))
    return number if np.array_equal(bits, _cells(number)) else None


def read_bgra(pixels: memoryview, width: int, height: int) -> int | None:
    """`read` for a frame of the arena; the green channel stands for brightness."""
    return read(np.frombuffer(pixels, np.uint8, width * height * 4).reshape(height, width, 4)[:, :, 1])


def _cells(number: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    bits = [bool(number >> index & 1) for index in range(BITS)]
    parity = sum(bits) % 2 == 1
    return np.array([False, True, *bits, parity, not parity], np.bool_)


def _bounds(width: int) -> list[int]:
    edges = [round(cell * width / _CELLS) for cell in range(_CELLS + 1)]
    return [end - start for start, end in itertools.pairwise(edges)]
