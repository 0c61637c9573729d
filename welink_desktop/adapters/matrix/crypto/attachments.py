"""Encrypted attachments, version 2 (client-server API, "Sending encrypted attachments"; matrix.md §6). Streaming, no I/O."""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import EncryptedFile


class Encryptor:
    """Encrypts one file, piece by piece, with a fresh key. `size` counts the bytes of the ciphertext so far."""

    def __init__(self, key: bytes | None = None, iv: bytes | None = None) -> None:
        self._key = key or os.urandom(32)
        self._iv = iv or os.urandom(8) + bytes(8)
        self._cipher = Cipher(AES(self._key), CTR(self._iv)).encryptor()
        self._digest = hashlib.sha256()
        self.size = 0

    def update(self, data: bytes) -> bytes:
        """The ciphertext of the next piece; as long as the piece."""
        encrypted = self._cipher.update(data)
        self._digest.update(encrypted)
        self.size += len(encrypted)
        return encrypted

    def finish(self, uri: ContentUri) -> EncryptedFile:
        """The keys of the whole file, which lies (or will lie) at `uri`."""
        self._cipher.finalize()
        return EncryptedFile(uri, self._key, self._iv, self._digest.digest())


class Check:
    """The hash of a ciphertext, piece by piece. Nothing may be decrypted for use before `matches` said yes."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, data: bytes) -> None:
        self._digest.update(data)

    def matches(self, file: EncryptedFile) -> bool:
        return hmac.compare_digest(self._digest.digest(), file.sha256)


def decrypted(file: EncryptedFile, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The plain text of a ciphertext whose hash was checked before."""
    cipher = Cipher(AES(file.key), CTR(file.iv)).decryptor()
    for piece in pieces:
        yield cipher.update(piece)
    cipher.finalize()


def file_content(file: EncryptedFile) -> dict[str, Any]:
    """The `file` object of a message."""
    return {
        "v": "v2",
        "url": file.uri,
        "key": {
            "alg": "A256CTR",
            "ext": True,
            "k": base64.urlsafe_b64encode(file.key).decode().rstrip("="),
            "key_ops": ["encrypt", "decrypt"],
            "kty": "oct",
        },
        "iv": base64.b64encode(file.iv).decode().rstrip("="),
        "hashes": {"sha256": base64.b64encode(file.sha256).decode().rstrip("=")},
    }
