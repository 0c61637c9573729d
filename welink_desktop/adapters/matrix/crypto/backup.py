"""Room keys kept at the server: `m.megolm_backup.v1.curve25519-aes-sha2` (matrix.md §8.7).

The MAC of this algorithm covers nothing (it is made over the empty text, as all implementations do): what comes out of a
backup may have been put there by anybody who knows the public key. It is never more than `Source.BACKUP`.
"""

import json
from collections.abc import Mapping
from typing import Any

import vodozemac

from welink_desktop.adapters.matrix.crypto.canonical import decode, encode, unpadded
from welink_desktop.adapters.matrix.crypto.records import JsonObject

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"
LONGEST = 65_536


class BackupKey:
    """The private key of a backup. `secret` is the text of the secret `m.megolm_backup.v1`; `repr` shows neither."""

    __slots__ = ("_opener", "public", "secret")

    def __init__(self, private: bytes) -> None:
        key = vodozemac.Curve25519SecretKey.from_bytes(private)
        self._opener = vodozemac.PkDecryption.from_key(key)
        self.secret = encode(private)
        self.public = unpadded(key.public_key().to_base64())

    @classmethod
    def generate(cls) -> "BackupKey":
        return cls(vodozemac.Curve25519SecretKey().to_bytes())

    @classmethod
    def from_secret(cls, text: str) -> "BackupKey":
        """Raises `ValueError` if it is not the base64 of 32 bytes."""
        return cls(decode(unpadded(text.strip())))

    def __repr__(self) -> str:
        return "BackupKey()"

    def open(self, session_data: object) -> JsonObject:
        """The plain session. Raises `ValueError` if it was not sealed for this key or is malformed."""
        if not isinstance(session_data, Mapping):
            raise ValueError("malformed session")
        ciphertext, mac, ephemeral = (decode(session_data.get(part)) for part in ("ciphertext", "mac", "ephemeral"))
        if len(ciphertext) > LONGEST or len(ephemeral) != 32:
            raise ValueError("malformed session")
        plain = self._opener.decrypt(vodozemac.Message(ciphertext, mac, ephemeral))
        try:
            value = json.loads(plain.decode())
        except RecursionError:
            raise ValueError("malformed session") from None
        if not isinstance(value, dict):
            raise ValueError("malformed session")
        return value


class BackupLock:
    """The public half: seals sessions for a backup."""

    __slots__ = ("_sealer",)

    def __init__(self, public: str) -> None:
        self._sealer = vodozemac.PkEncryption.from_key(vodozemac.Curve25519PublicKey.from_base64(public))

    def seal(self, session: Mapping[str, Any]) -> JsonObject:
        """`session_data` of a session."""
        message = self._sealer.encrypt(json.dumps(session, ensure_ascii=False, separators=(",", ":")).encode())
        return {
            "ephemeral": encode(message.ephemeral_key),
            "ciphertext": encode(message.ciphertext),
            "mac": encode(message.mac),
        }

    def entry(self, session: Mapping[str, Any], first_index: int) -> JsonObject:
        """What is uploaded for one session.

        Never `is_verified`: the server would keep a worse copy because of it.
        """
        chain = session.get("forwarding_curve25519_key_chain")
        return {
            "first_message_index": first_index,
            "forwarded_count": len(chain) if isinstance(chain, list) else 0,
            "is_verified": False,
            "session_data": self.seal(session),
        }


def public_key_of(version: Mapping[str, Any]) -> str:
    """The public key of a backup version as the server describes it. Raises `ValueError` for anything we cannot use."""
    if version.get("algorithm") != ALGORITHM:
        raise ValueError("another algorithm")
    details = version.get("auth_data")
    return unpadded(details.get("public_key") if isinstance(details, Mapping) else None)
