"""Olm: one-to-one sessions with devices (matrix.md §8.3)."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import vodozemac

from welink_desktop.adapters.matrix.crypto.account import OwnAccount
from welink_desktop.adapters.matrix.crypto.canonical import decode, encode, unpadded, verified
from welink_desktop.adapters.matrix.crypto.records import OLM, Device, DeviceRef, JsonObject, KeysClaim, OlmSession
from welink_desktop.adapters.matrix.crypto.store import OlmStore
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import UserId
from welink_desktop.core.log import short, topic

SESSIONS_PER_DEVICE = 5
FIRST_REST_MS = 60_000
LONGEST_REST_MS = 24 * 3_600_000

_log = topic("crypto.olm")


class OlmFailure(Exception):
    """An Olm message that cannot be read."""


class Duplicate(OlmFailure):
    """This very message was read before: not a sign of a broken session.

    Another message under a key that was used before is one: its sender works with an old copy of the session.
    """


class Wedged(OlmFailure):
    """The session with this device does not work any more."""


class NotForUs(OlmFailure):
    """No ciphertext for our device, malformed, or its identity fields do not match: never a reason to unwedge."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Plaintext of an Olm message whose `sender`, `recipient` and `recipient_keys` were checked; `keys` was not yet.

    `new_session`: it began one. `began_anew`: although one that its sender had written with was there.
    """

    sender: UserId
    sender_key: str
    claimed_ed25519: str
    payload: JsonObject
    new_session: bool
    began_anew: bool = False


class OlmChannel:
    """Encrypts to and decrypts from devices. Everything it changes is in the store before it returns."""

    def __init__(self, account: OwnAccount, store: OlmStore, pickle_key: bytes, clock: Clock) -> None:
        self._account = account
        self._store = store
        self._pickle_key = pickle_key
        self._clock = clock
        self._rest: dict[DeviceRef, tuple[int, int]] = {}

    def encrypt(self, device: Device, event_type: str, content: JsonObject) -> JsonObject | None:
        """The content of an `m.room.encrypted` to-device event, None if there is no session with the device."""
        row = self._sending_session(device.curve25519)
        if row is None:
            return None
        plain = {
            "type": event_type,
            "content": content,
            "sender": self._account.user,
            "recipient": device.user,
            "recipient_keys": {"ed25519": device.ed25519},
            "keys": {"ed25519": self._account.ed25519},
            "sender_device_keys": self._account.shown_keys,
        }
        session = vodozemac.Session.from_pickle(row.pickle, self._pickle_key)
        kind, body = session.encrypt(json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()).to_parts()
        self._store.save_olm_session(dataclasses.replace(row, pickle=session.pickle(self._pickle_key)))
        return {
            "algorithm": OLM,
            "sender_key": self._account.curve25519,
            "ciphertext": {device.curve25519: {"type": kind, "body": encode(body)}},
        }

    def decrypt(self, sender: UserId, content: Mapping[str, Any]) -> Opened:
        """Raises `Duplicate`, `Wedged` or `NotForUs`."""
        sender_key, message = self._envelope(content)
        digest = _digest(sender_key, message)
        if self._store.olm_seen(digest):
            raise Duplicate
        worked = any(row.decrypted_ms for row in self._store.olm_sessions(sender_key))
        plain, new_session = self._open(sender_key, message)
        self._store.save_olm_seen(digest)
        try:
            payload = json.loads(plain)
        except (ValueError, RecursionError):
            raise NotForUs("plaintext is no JSON") from None
        if not isinstance(payload, dict):
            raise NotForUs("plaintext is no object")
        claimed = _text_at(payload, "keys", "ed25519")
        if payload.get("sender") != sender:
            raise NotForUs("another sender inside")
        if (
            payload.get("recipient") != self._account.user
            or _text_at(payload, "recipient_keys", "ed25519") != self._account.ed25519
        ):
            raise NotForUs("another recipient inside")
        if not claimed or not isinstance(payload.get("type"), str) or not isinstance(payload.get("content"), dict):
            raise NotForUs("identity fields are missing")
        return Opened(sender, sender_key, claimed, payload, new_session, new_session and worked)

    def claimable(self, devices: list[Device], *, even_with_session: bool = False) -> list[Device]:
        """Those that need a one-time key and are not resting after a failure."""
        now = self._clock.now_ms()
        have = set() if even_with_session else self._store.keys_with_session([device.curve25519 for device in devices])
        return [device for device in devices if device.curve25519 not in have and self._rest.get(device.ref, (0, 0))[0] <= now]

    def without_session(self, devices: list[Device]) -> list[Device]:
        have = self._store.keys_with_session([device.curve25519 for device in devices])
        return [device for device in devices if device.curve25519 not in have]

    def claimed(self, claim: KeysClaim, answer: Mapping[str, Any]) -> list[Device]:
        """Make sessions from a claim's answer; devices without a valid key rest. Returns those that got a session."""
        keys = answer.get("one_time_keys")
        made = []
        for device in claim.devices:
            if self._session_from(device, keys if isinstance(keys, dict) else {}):
                self._rest.pop(device.ref, None)
                made.append(device)
            else:
                wait = min(LONGEST_REST_MS, 2 * self._rest[device.ref][1]) if device.ref in self._rest else FIRST_REST_MS
                self._rest[device.ref] = (self._clock.now_ms() + wait, wait)
        return made

    def may_try_again(self, device: DeviceRef) -> None:
        """There is news of this device: a failed claim need not rest longer."""
        self._rest.pop(device, None)

    def _session_from(self, device: Device, keys: Mapping[str, Any]) -> bool:
        by_device = keys.get(device.user)
        by_id = by_device.get(device.device) if isinstance(by_device, dict) else None
        if not isinstance(by_id, dict):
            return False
        for key_id, value in by_id.items():
            if not key_id.startswith("signed_curve25519:") or not isinstance(value, dict):
                continue
            if not verified(value, device.user, f"ed25519:{device.device}", device.ed25519):
                _log.warning("one-time key with a wrong signature", user=short(device.user), device=short(device.device))
                continue
            try:
                session = self._account.keys.create_outbound_session(
                    vodozemac.Curve25519PublicKey.from_base64(device.curve25519),
                    vodozemac.Curve25519PublicKey.from_base64(str(value.get("key"))),
                )
            except ValueError:
                continue
            self._keep(device.curve25519, session, decrypted_ms=0)
            return True
        return False

    def _envelope(self, content: Mapping[str, Any]) -> tuple[str, vodozemac.AnyOlmMessage]:
        ciphertexts = content.get("ciphertext")
        ours = ciphertexts.get(self._account.curve25519) if isinstance(ciphertexts, dict) else None
        if not isinstance(ours, dict):
            raise NotForUs("no ciphertext for this device")
        kind = ours.get("type")
        if kind not in (0, 1) or isinstance(kind, bool):
            raise NotForUs("unknown message type")
        try:
            sender_key = unpadded(content.get("sender_key"))
            return sender_key, vodozemac.AnyOlmMessage.from_parts(int(kind), decode(ours.get("body")))
        except ValueError:
            raise NotForUs("malformed message") from None

    def _open(self, sender_key: str, message: vodozemac.AnyOlmMessage) -> tuple[bytes, bool]:
        pre_key = message.to_pre_key()
        rows = sorted(self._store.olm_sessions(sender_key), key=lambda row: (row.decrypted_ms, row.created_ms), reverse=True)
        matches = False
        for row in rows:
            session = vodozemac.Session.from_pickle(row.pickle, self._pickle_key)
            if pre_key is not None and not session.session_matches(pre_key):
                continue
            matches = True
            try:
                plain = session.decrypt(message)
            except ValueError:
                continue
            self._store.save_olm_session(
                dataclasses.replace(row, pickle=session.pickle(self._pickle_key), decrypted_ms=self._clock.now_ms())
            )
            return plain, False
        if pre_key is None or matches:
            raise Wedged
        return self._accept(sender_key, pre_key), True

    def _accept(self, sender_key: str, message: vodozemac.PreKeyMessage) -> bytes:
        try:
            identity = vodozemac.Curve25519PublicKey.from_base64(sender_key)
            session, plain = self._account.keys.create_inbound_session(identity, message)
        except ValueError:
            raise Wedged from None
        self._account.save()
        self._keep(sender_key, session, decrypted_ms=self._clock.now_ms())
        return plain

    def _keep(self, curve25519: str, session: vodozemac.Session, *, decrypted_ms: int) -> None:
        now = self._clock.now_ms()
        self._store.save_olm_session(
            OlmSession(
                curve25519, session.session_id, session.pickle(self._pickle_key), created_ms=now, decrypted_ms=decrypted_ms
            )
        )
        rows = sorted(self._store.olm_sessions(curve25519), key=lambda row: max(row.decrypted_ms, row.created_ms), reverse=True)
        for row in rows[SESSIONS_PER_DEVICE:]:
            if row.session != session.session_id:
                self._store.delete_olm_session(curve25519, row.session)

    def _sending_session(self, curve25519: str) -> OlmSession | None:
        """The one that was decrypted with or made last: a session made because another is wedged must win over it."""
        rows = self._store.olm_sessions(curve25519)
        return max(rows, key=lambda row: (max(row.decrypted_ms, row.created_ms), row.decrypted_ms), default=None)


def _digest(sender_key: str, message: vodozemac.AnyOlmMessage) -> str:
    kind, body = message.to_parts()
    return hashlib.sha256(f"{sender_key}|{kind}|".encode() + body).hexdigest()


def _text_at(value: Mapping[str, Any], outer: str, inner: str) -> str:
    part = value.get(outer)
    text = part.get(inner) if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""
