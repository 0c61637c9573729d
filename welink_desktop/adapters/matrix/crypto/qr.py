"""The bytes of a verification code (matrix.md §8.8): MATRIX, version, mode, transaction, two keys, a secret."""

import enum
from dataclasses import dataclass, field

from welink_desktop.adapters.matrix.crypto.canonical import decode, encode

MAGIC = b"MATRIX"
VERSION = 2
KEY = 32
LEAST_SECRET, MOST_SECRET = 8, 64
SECRET = 16
MOST_TRANSACTION = 255
_HEAD = len(MAGIC) + 4
MOST = _HEAD + MOST_TRANSACTION + 2 * KEY + MOST_SECRET
"""Longer codes are not looked at."""


class QrMode(enum.IntEnum):
    """Who shows the code, and so what its two keys are."""

    PERSON = 0
    """To somebody else: our master key, their master key as we know it."""
    SELF_TRUSTING = 1
    """To our other device; we trust our master key: that key, the other device's key."""
    SELF_NEW = 2
    """To our other device; we do not trust it yet: our device key, the master key as we know it."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """`key1`, `key2`: ed25519, unpadded base64."""

    mode: QrMode
    transaction: str
    key1: str
    key2: str
    secret: bytes = field(repr=False)


def to_bytes(code: QrCode) -> bytes:
    """Raises `ValueError` for what no code can hold."""
    transaction = code.transaction.encode("utf-8")
    keys = (decode(code.key1), decode(code.key2))
    if not 0 < len(transaction) <= MOST_TRANSACTION or any(len(key) != KEY for key in keys):
        raise ValueError("does not fit into a code")
    if not LEAST_SECRET <= len(code.secret) <= MOST_SECRET:
        raise ValueError("secret of the wrong size")
    head = MAGIC + bytes((VERSION, code.mode)) + len(transaction).to_bytes(2, "big")
    return head + transaction + b"".join(keys) + code.secret


def parse(data: bytes) -> QrCode:
    """Raises `ValueError` for anything but a code of this version and its three modes."""
    if len(data) > MOST or data[: len(MAGIC)] != MAGIC:
        raise ValueError("no verification code")
    if len(data) < _HEAD or data[6] != VERSION:
        raise ValueError("another version")
    mode = QrMode(data[7])
    length = int.from_bytes(data[8:_HEAD], "big")
    start = _HEAD + length
    secret = data[start + 2 * KEY :]
    if not 0 < length <= MOST_TRANSACTION or not LEAST_SECRET <= len(secret) <= MOST_SECRET:
        raise ValueError("wrong length")
    transaction = data[_HEAD:start].decode("utf-8")
    return QrCode(mode, transaction, encode(data[start : start + KEY]), encode(data[start + KEY : start + 2 * KEY]), secret)
