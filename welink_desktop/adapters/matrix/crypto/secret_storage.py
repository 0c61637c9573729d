"""Secrets in the account data: `m.secret_storage.v1.aes-hmac-sha2` (matrix.md §8.7)."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from welink_desktop.adapters.matrix.crypto import recovery_key
from welink_desktop.adapters.matrix.crypto.canonical import decode, encode
from welink_desktop.adapters.matrix.crypto.records import JsonObject

ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2"
ROUNDS = 500_000
LONGEST_SECRET = 65_536

_PBKDF2 = "m.pbkdf2"
_ZEROS = bytes(32)


@dataclass(frozen=True, slots=True)
class Passphrase:
    """How the key comes from a passphrase of the person's own."""

    salt: str
    rounds: int


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """What the server keeps about a key, as untrusted as the server. `check` tells whether a key is the one described."""

    key_id: str
    iv: bytes
    mac: bytes
    passphrase: Passphrase | None = None
    name: str = ""

    @classmethod
    def parse(cls, key_id: str, content: Mapping[str, Any]) -> "KeyDescription":
        """Raises `ValueError` for another algorithm, a description without a check, or malformed fields."""
        if content.get("algorithm") != ALGORITHM:
            raise ValueError("another algorithm")
        iv, mac = decode(content.get("iv")), decode(content.get("mac"))
        if len(iv) != 16 or len(mac) != 32:
            raise ValueError("malformed key check")
        name = content.get("name")
        return cls(key_id, iv, mac, _passphrase(content.get("passphrase")), name if isinstance(name, str) else "")

    @property
    def content(self) -> JsonObject:
        """The account data `m.secret_storage.key.<id>`."""
        content: JsonObject = {"algorithm": ALGORITHM, "iv": encode(self.iv), "mac": encode(self.mac)}
        if self.name:
            content["name"] = self.name
        if self.passphrase is not None:
            content["passphrase"] = {
                "algorithm": _PBKDF2,
                "salt": self.passphrase.salt,
                "iterations": self.passphrase.rounds,
                "bits": 8 * recovery_key.KEY_BYTES,
            }
        return content


def new_key(passphrase: str = "") -> tuple[bytes, KeyDescription]:
    """A key of 32 bytes and its description; with a passphrase the key comes from it (takes about a second)."""
    how = None
    if passphrase:
        how = Passphrase(secrets.token_urlsafe(24), ROUNDS)
        key = recovery_key.from_passphrase(passphrase, how.salt, how.rounds)
    else:
        key = secrets.token_bytes(recovery_key.KEY_BYTES)
    iv = _fresh_iv()
    return key, KeyDescription(secrets.token_hex(16), iv, _sealed(key, "", _ZEROS, iv)[1], how)


def check(key: bytes, description: KeyDescription) -> bool:
    """Is `key` the described one?"""
    if len(key) != recovery_key.KEY_BYTES:
        return False
    return hmac.compare_digest(_sealed(key, "", _ZEROS, description.iv)[1], description.mac)


def encrypt(key: bytes, name: str, text: str) -> JsonObject:
    """`{iv, ciphertext, mac}` for the secret called `name`."""
    return encrypt_with(key, name, text, _fresh_iv())


def encrypt_with(key: bytes, name: str, text: str, iv: bytes) -> JsonObject:
    """As `encrypt`. An IV must never be used twice with one key and name."""
    ciphertext, mac = _sealed(key, name, text.encode(), iv)
    return {"iv": encode(iv), "ciphertext": encode(ciphertext), "mac": encode(mac)}


def decrypt(key: bytes, name: str, sealed: object) -> str:
    """The secret; nothing is decrypted unless its MAC is right. Raises `ValueError`."""
    if not isinstance(sealed, Mapping):
        raise ValueError("malformed secret")
    iv, ciphertext, mac = (decode(sealed.get(part)) for part in ("iv", "ciphertext", "mac"))
    if len(iv) != 16 or len(ciphertext) > LONGEST_SECRET:
        raise ValueError("malformed secret")
    aes_key, mac_key = _keys(key, name)
    if not hmac.compare_digest(hmac.digest(mac_key, ciphertext, "sha256"), mac):
        raise ValueError("wrong key, or the secret was tampered with")
    return _ctr(aes_key, iv, ciphertext).decode()


def _sealed(key: bytes, name: str, plain: bytes, iv: bytes) -> tuple[bytes, bytes]:
    """Ciphertext and its MAC."""
    aes_key, mac_key = _keys(key, name)
    ciphertext = _ctr(aes_key, iv, plain)
    return ciphertext, hmac.digest(mac_key, ciphertext, "sha256")


def _keys(key: bytes, name: str) -> tuple[bytes, bytes]:
    if len(key) != recovery_key.KEY_BYTES:
        raise ValueError("not a 32-byte key")
    both = HKDF(SHA256(), 64, salt=_ZEROS, info=name.encode()).derive(key)
    return both[:32], both[32:]


def _ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    cipher = Cipher(AES(key), CTR(iv)).encryptor()
    return cipher.update(data) + cipher.finalize()


def _fresh_iv() -> bytes:
    """Bit 63 is clear: some platforms count in 64 bits only."""
    iv = bytearray(secrets.token_bytes(16))
    iv[8] &= 0x7F
    return bytes(iv)


def _passphrase(value: object) -> Passphrase | None:
    """None if there is none, or one that we would not use: the recovery key itself still works then."""
    if not isinstance(value, Mapping) or value.get("algorithm") != _PBKDF2:
        return None
    salt, rounds, bits = value.get("salt"), value.get("iterations"), value.get("bits", 256)
    if not isinstance(salt, str) or not isinstance(rounds, int) or isinstance(rounds, bool) or bits != 256:
        return None
    if not recovery_key.FEWEST_ROUNDS <= rounds <= recovery_key.MOST_ROUNDS:
        return None
    return Passphrase(salt, rounds)
