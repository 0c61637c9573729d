"""Pictures as I420 and their way to BGRA at tile size."""

import time
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Picture:
    """I420 with even sides: `data` has shape (height · 3/2, width). `capture` is the sender's stamp in µs, 0 if unknown."""

    data: Pixels
    width: int
    height: int
    rotation: int = 0
    capture: int = 0
    arrival_ns: int = 0

    @property
    def luma(self) -> Pixels:
        return self.data[: self.height]


def from_bgr(image: Pixels, width: int = 0, height: int = 0) -> Picture:
    """A BGR or BGRA picture as I420, scaled to `width` × `height` (0 = as it is, made even)."""
    rows, columns = image.shape[:2]
    wide, high = (width or columns) // 2 * 2, (height or rows) // 2 * 2
    if (wide, high) != (columns, rows):
        image = np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
    code = cv2.COLOR_BGRA2YUV_I420 if image.shape[2] == 4 else cv2.COLOR_BGR2YUV_I420
    return Picture(np.asarray(cv2.cvtColor(image, code), np.uint8), wide, high, arrival_ns=time.monotonic_ns())


def from_planes(luma: Pixels, blue: Pixels, red: Pixels, rotation: int, capture: int) -> Picture:
    """A copy with even sides of planes whose sides may be odd."""
    height, width = luma.shape[0] // 2 * 2, luma.shape[1] // 2 * 2
    data = np.empty((height * 3 // 2, width), np.uint8)
    data[:height] = luma[:height, :width]
    chroma = data[height:].reshape(-1)
    quarter = height * width // 4
    chroma[:quarter] = blue[: height // 2, : width // 2].reshape(-1)
    chroma[quarter:] = red[: height // 2, : width // 2].reshape(-1)
    return Picture(data, width, height, rotation, capture, time.monotonic_ns())


def planes(picture: Picture) -> tuple[Pixels, Pixels, Pixels]:
    """Views of Y, U and V."""
    height, width = picture.height, picture.width
    chroma = picture.data[height:].reshape(-1)
    quarter = height * width // 4
    shape = (height // 2, width // 2)
    return picture.data[:height], chroma[:quarter].reshape(shape), chroma[quarter:].reshape(shape)


def fitted(picture: Picture, width: int, height: int) -> tuple[int, int]:
    """The largest even size with the picture's shape that fits `width` × `height`; never larger than the picture.

    The box is meant for the picture as shown: a quarter turn swaps its sides.
    """
    if picture.rotation in (90, 270):
        width, height = height, width
    scale = min(1.0, width / picture.width, height / picture.height)
    return max(2, round(picture.width * scale) // 2 * 2), max(2, round(picture.height * scale) // 2 * 2)


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """Smaller; plane by plane, which costs half of scaling BGRA. Both sides even."""
    if (width, height) == (picture.width, picture.height):
        return picture
    data = np.empty((height * 3 // 2, width), np.uint8)
    small = Picture(data, width, height, picture.rotation, picture.capture, picture.arrival_ns)
    for source, target in zip(planes(picture), planes(small), strict=True):
        cv2.resize(source, (target.shape[1], target.shape[0]), dst=target, interpolation=cv2.INTER_AREA)
    return small


def paint(picture: Picture, target: memoryview) -> None:
    """Write the picture as BGRA into `target`, row after row without gaps."""
    size = picture.width * picture.height * 4
    pixels = np.frombuffer(target, np.uint8, size).reshape(picture.height, picture.width, 4)
    cv2.cvtColor(picture.data, cv2.COLOR_YUV2BGRA_I420, dst=pixels)
