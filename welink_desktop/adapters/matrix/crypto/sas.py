"""Short authentication strings: commitment, emoji, decimals, MACs (matrix.md §8.8). One scheme only, with the v2 MAC."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import vodozemac

from welink_desktop.adapters.matrix.crypto.canonical import canonical, encode, unpadded
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.core.ids import DeviceId, UserId

METHOD = "m.sas.v1"
AGREEMENT = "curve25519-hkdf-sha256"
HASH = "sha256"
MAC = "hkdf-hmac-sha256.v2"
EMOJI, DECIMAL = "emoji", "decimal"
KEY_IDS = "KEY_IDS"
MOST_KEYS = 50
"""A MAC message with more keys than this is refused."""


class WrongMac(ValueError):
    """A MAC is malformed, missing or does not belong to the key that we know."""


class SasBytes(Protocol):
    @property
    def emoji_indices(self) -> list[int]: ...

    @property
    def decimals(self) -> tuple[int, int, int]: ...


class Established(Protocol):
    """What both sides share after the exchange of keys (vodozemac's `EstablishedSas`)."""

    def bytes(self, info: str, /) -> SasBytes: ...

    def calculate_mac(self, input: str, info: str, /) -> str: ...

    def verify_mac(self, input: str, info: str, tag: str, /) -> None: ...


class Secret(Protocol):
    """Our ephemeral key, used once (vodozemac's `Sas`)."""

    @property
    def public(self) -> str:
        """Unpadded base64."""

    def agree(self, theirs: str) -> Established:
        """Raises `ValueError` for a malformed or low-order key, and when used twice."""


class EphemeralKey:
    """Implements `Secret`."""

    def __init__(self) -> None:
        self._sas = vodozemac.Sas()
        self.public = self._sas.public_key.to_base64().rstrip("=")

    def agree(self, theirs: str) -> Established:
        return self._sas.diffie_hellman(vodozemac.Curve25519PublicKey.from_base64(unpadded(theirs)))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: who it is, and its ephemeral public key."""

    user: UserId
    device: DeviceId
    key: str = ""


def start_content(device: DeviceId) -> JsonObject:
    """What the starter offers."""
    return {
        "from_device": device,
        "method": METHOD,
        "key_agreement_protocols": [AGREEMENT],
        "hashes": [HASH],
        "message_authentication_codes": [MAC],
        "short_authentication_string": [EMOJI, DECIMAL],
    }


def chosen(start: Mapping[str, Any]) -> JsonObject | None:
    """Our choice from what a starter offers, without the commitment; None if there is nothing that we do."""
    offers = (
        ("key_agreement_protocols", "key_agreement_protocol", AGREEMENT),
        ("hashes", "hash", HASH),
        ("message_authentication_codes", "message_authentication_code", MAC),
    )
    choice: JsonObject = {}
    for offered, named, wanted in offers:
        if wanted not in _texts(start.get(offered)):
            return None
        choice[named] = wanted
    shown = [way for way in (EMOJI, DECIMAL) if way in _texts(start.get("short_authentication_string"))]
    return {**choice, "short_authentication_string": shown} if shown else None


def is_acceptable(accept: Mapping[str, Any]) -> bool:
    """Whether the other side chose only what we offered."""
    shown = _texts(accept.get("short_authentication_string"))
    return (
        accept.get("key_agreement_protocol") == AGREEMENT
        and accept.get("hash") == HASH
        and accept.get("message_authentication_code") == MAC
        and bool(shown)
        and set(shown) <= {EMOJI, DECIMAL}
        and isinstance(accept.get("commitment"), str)
    )


def commitment(accepter_key: str, start: Mapping[str, Any]) -> str:
    """The accepter's promise: its key as text, then the canonical content of the start. Raises `NotCanonical`."""
    return encode(hashlib.sha256(accepter_key.encode("ascii") + canonical(start)).digest())


def keeps_commitment(promise: str, accepter_key: str, start: Mapping[str, Any]) -> bool:
    if not accepter_key.isascii():
        return False
    return hmac.compare_digest(promise.rstrip("=").encode("utf-8"), commitment(accepter_key, start).encode("ascii"))


def code_info(starter: Side, accepter: Side, transaction: str) -> str:
    """What emoji and decimals are derived from, beside the shared secret."""
    parts = ("MATRIX_KEY_VERIFICATION_SAS", *_parts(starter), *_parts(accepter), transaction)
    return "|".join(parts)


def mac_info(sender: Side, receiver: Side, transaction: str, key_id: str) -> str:
    return f"MATRIX_KEY_VERIFICATION_MAC{sender.user}{sender.device}{receiver.user}{receiver.device}{transaction}{key_id}"


def mac_content(secret: Established, keys: Mapping[str, str], sender: Side, receiver: Side, transaction: str) -> JsonObject:
    """The MACs of `keys` (key id → public key as text) and of the list of their ids."""
    listed = ",".join(sorted(keys))
    macs = {name: secret.calculate_mac(key, mac_info(sender, receiver, transaction, name)) for name, key in keys.items()}
    return {"mac": macs, "keys": secret.calculate_mac(listed, mac_info(sender, receiver, transaction, KEY_IDS))}


def check_macs(
    secret: Established, content: Mapping[str, Any], known: Mapping[str, str], sender: Side, receiver: Side, transaction: str
) -> set[str]:
    """The ids of `known` keys (key id → public key as text) that the sender vouches for; ids unknown to us are ignored.

    Raises `WrongMac` if the list or one of the known keys is not what the sender sees.
    """
    macs, listed = content.get("mac"), content.get("keys")
    if not isinstance(macs, dict) or not isinstance(listed, str) or not 0 < len(macs) <= MOST_KEYS:
        raise WrongMac("malformed")
    if not all(isinstance(name, str) and isinstance(tag, str) for name, tag in macs.items()):
        raise WrongMac("malformed")
    _check(secret, ",".join(sorted(macs)), mac_info(sender, receiver, transaction, KEY_IDS), listed)
    found = set(macs) & set(known)
    for name in found:
        _check(secret, known[name], mac_info(sender, receiver, transaction, name), macs[name])
    return found


def _check(secret: Established, text: str, info: str, tag: str) -> None:
    try:
        secret.verify_mac(text, info, tag.rstrip("="))
    except ValueError:
        raise WrongMac("wrong") from None


def _parts(side: Side) -> tuple[str, str, str]:
    return (side.user, side.device, side.key)


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
