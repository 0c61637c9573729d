"""Canonical JSON, signatures and base64 (matrix.md §1.2)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

import vodozemac

LIMIT = 2**53 - 1
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}\Z")


class NotCanonical(ValueError):
    """The value has no canonical form: floats, integers beyond 2^53−1, lone surrogates, nesting without end."""


def canonical(value: object) -> bytes:
    """UTF-8, keys sorted by code point, no spaces. Raises `NotCanonical`."""
    try:
        _check(value)
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except (RecursionError, UnicodeEncodeError, TypeError) as error:
        raise NotCanonical(type(error).__name__) from None


def signed_part(value: Mapping[str, Any]) -> bytes:
    """The canonical bytes that a signature covers: everything but `signatures` and `unsigned`."""
    return canonical({key: part for key, part in value.items() if key not in ("signatures", "unsigned")})


def signature_of(value: Mapping[str, Any], user: str, key_id: str) -> str | None:
    """The signature text at `signatures[user][key_id]`, None if it is not there or not text."""
    by_user = value.get("signatures")
    by_key = by_user.get(user) if isinstance(by_user, dict) else None
    signature = by_key.get(key_id) if isinstance(by_key, dict) else None
    return signature if isinstance(signature, str) else None


def verified(value: Mapping[str, Any], user: str, key_id: str, public_key: str) -> bool:
    """True if `value` carries a valid signature of `user` by `key_id`, made with `public_key` (ed25519, base64)."""
    signature = signature_of(value, user, key_id)
    if signature is None:
        return False
    try:
        key = vodozemac.Ed25519PublicKey.from_base64(public_key)
        key.verify_signature(signed_part(value), vodozemac.Ed25519Signature.from_base64(signature))
    except ValueError:
        return False
    return True


def encode(data: bytes) -> str:
    """Unpadded standard base64."""
    return base64.b64encode(data).decode("ascii").rstrip("=")


def decode(text: object) -> bytes:
    """Padded or unpadded standard base64. Raises `ValueError` for anything else."""
    if not isinstance(text, str) or not _BASE64.match(text):
        raise ValueError("not base64")
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def storable(text: object) -> bool:
    """Text that can be written as UTF-8: JSON may hold lone surrogates, which no file and no database takes."""
    if not isinstance(text, str):
        return False
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def unpadded(text: object) -> str:
    """A 32-byte key as unpadded base64. Raises `ValueError` if it is not one."""
    data = decode(text)
    if len(data) != 32:
        raise ValueError("not a 32-byte key")
    return encode(data)


def _check(value: object) -> None:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) > LIMIT:
            raise NotCanonical("integer out of range")
    elif isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise NotCanonical("key is not text")
            _check(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _check(part)
    else:
        raise NotCanonical(type(value).__name__)
