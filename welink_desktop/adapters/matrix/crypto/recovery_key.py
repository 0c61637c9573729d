"""The key of the secret storage as people write it down: base58, groups of four (matrix.md §8.7)."""

import functools
import hashlib
import operator

KEY_BYTES = 32
FEWEST_ROUNDS = 100_000
MOST_ROUNDS = 10_000_000

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PREFIX = b"\x8b\x01"
_LENGTH = len(_PREFIX) + KEY_BYTES + 1
_LONGEST_TEXT = 200
_GROUP = 4


def encode(key: bytes) -> str:
    """32 bytes as a recovery key, in groups of four letters."""
    if len(key) != KEY_BYTES:
        raise ValueError("not a 32-byte key")
    data = _PREFIX + key
    text = _base58(data + bytes([_parity(data)]))
    return " ".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def decode(text: str) -> bytes:
    """The 32 bytes of a typed recovery key; white space does not count. Raises `ValueError` if it is none."""
    bare = "".join(text[: 4 * _LONGEST_TEXT].split())
    if not bare or len(bare) > _LONGEST_TEXT or bare.startswith(_ALPHABET[0]):
        raise ValueError("no recovery key")
    data = _bytes(bare)
    if len(data) != _LENGTH or not data.startswith(_PREFIX) or _parity(data) != 0:
        raise ValueError("no recovery key")
    return data[len(_PREFIX) : -1]


def from_passphrase(passphrase: str, salt: str, rounds: int) -> bytes:
    """PBKDF2-HMAC-SHA512; takes about a second. Raises `ValueError` for less than 100,000 or more than 10,000,000 rounds."""
    if not FEWEST_ROUNDS <= rounds <= MOST_ROUNDS:
        raise ValueError("rounds out of bounds")
    return hashlib.pbkdf2_hmac("sha512", passphrase.encode(), salt.encode(), rounds, KEY_BYTES)


def _parity(data: bytes) -> int:
    return functools.reduce(operator.xor, data)


def _base58(data: bytes) -> str:
    """`data` begins with a byte that is not zero."""
    number, letters = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        letters = _ALPHABET[digit] + letters
    return letters


def _bytes(text: str) -> bytes:
    number = 0
    for letter in text:
        digit = _ALPHABET.find(letter)
        if digit < 0:
            raise ValueError("no recovery key")
        number = number * len(_ALPHABET) + digit
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8))
