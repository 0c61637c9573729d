"""What goes through the pipes between the app and the picture helper: one request, one answer, in turn."""

import struct
from typing import Final

REQUEST: Final = struct.Struct(">IIBI")
"""Width and height of the box, mode, number of bytes that follow (the file)."""

ANSWER: Final = struct.Struct(">BIII")
"""Verdict, width, height, number of bytes that follow (premultiplied BGRA rows without gaps)."""

FIT: Final = 0
"""Scale into the box, never enlarge."""
COVER: Final = 1
"""Fill exactly the box, cut off what stands over."""

DECODED: Final = 0
REFUSED: Final = 1

MAX_FILE: Final = 64 << 20
MAX_SIDE: Final = 8192
