"""Keys that sign identities (matrix.md §8.6): ed25519 from a seed, which the binding of vodozemac does not offer."""

import copy
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from welink_desktop.adapters.matrix.crypto.canonical import decode, encode, signed_part
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.core.ids import UserId

SEED_BYTES = 32


class SigningKey:
    """An ed25519 private key. `public` is unpadded base64; nothing of it shows in `repr`."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: bytes) -> None:
        """Raises `ValueError` if `seed` is not 32 bytes."""
        if len(seed) != SEED_BYTES:
            raise ValueError("not a 32-byte seed")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = encode(self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(secrets.token_bytes(SEED_BYTES))

    @classmethod
    def from_secret(cls, text: object) -> "SigningKey":
        """From base64 of the seed, padded or not. Raises `ValueError`."""
        return cls(decode(text))

    @property
    def secret(self) -> str:
        """Unpadded base64 of the seed: what secret storage and other own devices are given."""
        return encode(self._private.private_bytes_raw())

    def sign(self, data: bytes) -> str:
        return encode(self._private.sign(data))

    def signature(self, user: UserId, value: Mapping[str, Any]) -> JsonObject:
        """`value` without `unsigned`, with this key's signature and no other: what `signatures/upload` takes."""
        bare = {key: copy.deepcopy(part) for key, part in value.items() if key not in ("signatures", "unsigned")}
        return {**bare, "signatures": {user: {f"ed25519:{self.public}": self.sign(signed_part(bare))}}}

    def __repr__(self) -> str:
        return "SigningKey()"


def key_object(user: UserId, usage: str, public: str) -> JsonObject:
    """A cross-signing key as it is published, not signed yet. `usage`: master, self_signing, user_signing."""
    return {"user_id": user, "usage": [usage], "keys": {f"ed25519:{public}": public}}
