"""Our own device: its keys, its one-time keys and what must be uploaded (matrix.md §8.1)."""

import dataclasses
import functools
from collections.abc import Collection, Mapping
from typing import Any

import vodozemac

from welink_desktop.adapters.matrix.crypto.canonical import signed_part
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, OLM, AccountRow, JsonObject, KeysUpload
from welink_desktop.adapters.matrix.crypto.store import AccountStore
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, UserId

WEEK_MS = 7 * 24 * 3_600_000
FALLBACK_REST_MS = 5 * 60_000
"""After a new fallback key, "used" notices are believed again only this much later: older answers may still arrive."""

CURVE = "signed_curve25519"


class OwnAccount:
    """The vodozemac account and its row. `save()` after every change, in the caller's transaction."""

    def __init__(self, user: UserId, device: DeviceId, store: AccountStore, pickle_key: bytes, clock: Clock) -> None:
        self.user = user
        self.device = device
        self._store = store
        self._pickle_key = pickle_key
        self._clock = clock
        self.owner_signature: tuple[str, str] | None = None
        """Key id and signature of our identity over this device, once there is one."""
        row = store.account()
        if row is None:
            self.keys = vodozemac.Account()
            self.row = AccountRow(pickle="", created_ms=clock.now_ms())
            self.save()
        else:
            self.keys = vodozemac.Account.from_pickle(row.pickle, pickle_key)
            self.row = row
        self.curve25519 = self.keys.curve25519_key.to_base64()
        self.ed25519 = self.keys.ed25519_key.to_base64()

    @property
    def target(self) -> int:
        """How many one-time keys the server shall hold."""
        return self.keys.max_number_of_one_time_keys

    def save(self, **changes: Any) -> None:
        self.row = dataclasses.replace(self.row, pickle=self.keys.pickle(self._pickle_key), **changes)
        self._store.save_account(self.row)

    def signed(self, value: JsonObject) -> JsonObject:
        """`value` with our device's signature."""
        signature = self.keys.sign(signed_part(value)).to_base64()
        return {**value, "signatures": {self.user: {f"ed25519:{self.device}": signature}}}

    @functools.cached_property
    def device_keys(self) -> JsonObject:
        """Our signed public device object. Do not change the result."""
        return self.signed(
            {
                "user_id": self.user,
                "device_id": self.device,
                "algorithms": [OLM, MEGOLM],
                "keys": {f"curve25519:{self.device}": self.curve25519, f"ed25519:{self.device}": self.ed25519},
            }
        )

    @property
    def shown_keys(self) -> JsonObject:
        """`device_keys` with our identity's signature, if there is one: what others are shown with a message (MSC4147)."""
        if self.owner_signature is None:
            return self.device_keys
        key_id, signature = self.owner_signature
        signatures = {self.user: {**self.device_keys["signatures"][self.user], key_id: signature}}
        return {**self.device_keys, "signatures": signatures}

    def note_counts(self, counts: Mapping[str, int] | None, fallback_types: Collection[str] | None) -> None:
        """What the server says it holds; None means unchanged."""
        changes: dict[str, Any] = {}
        if counts is not None:
            changes["server_count"] = max(0, counts.get(CURVE, 0))
        if fallback_types is not None:
            rested = self._clock.now_ms() - self.row.fallback_at_ms > FALLBACK_REST_MS
            changes["fallback_used"] = CURVE not in fallback_types and rested
        if any(getattr(self.row, name) != value for name, value in changes.items()):
            self.row = dataclasses.replace(self.row, **changes)
            self._store.save_account(self.row)

    def upload(self) -> KeysUpload | None:
        """What the server lacks. New private keys are in the store before this returns; asking again gives the same keys."""
        body: JsonObject = {}
        if not self.row.uploaded:
            body["device_keys"] = self.device_keys
        self._make_keys()
        if self.keys.one_time_keys:
            body["one_time_keys"] = {
                f"{CURVE}:{key_id}": self.signed({"key": key.to_base64()}) for key_id, key in self.keys.one_time_keys.items()
            }
        fallback = _fallback_key(self.keys)
        if fallback:
            body["fallback_keys"] = {
                f"{CURVE}:{key_id}": self.signed({"key": key.to_base64(), "fallback": True}) for key_id, key in fallback.items()
            }
        return KeysUpload(body) if body else None

    def _make_keys(self) -> None:
        changed = False
        missing = self.target - self.row.server_count
        if not self.keys.one_time_keys and missing > self.target // 2:
            self.keys.generate_one_time_keys(missing)
            changed = True
        old = self._clock.now_ms() - self.row.fallback_at_ms >= WEEK_MS
        if not _fallback_key(self.keys) and (old or self.row.fallback_used):
            self.keys.generate_fallback_key()  # type: ignore[attr-defined]  # missing in the stub, there at run time
            changed = True
        if changed:
            self.save()

    def uploaded(self, request: KeysUpload, answer: Mapping[str, Any]) -> None:
        """The server took it."""
        self.keys.mark_keys_as_published()
        changes: dict[str, Any] = {"uploaded": True}
        counts = answer.get("one_time_key_counts")
        count = counts.get(CURVE) if isinstance(counts, dict) else None
        sent = len(request.body.get("one_time_keys", {}))
        changes["server_count"] = count if isinstance(count, int) else self.row.server_count + sent
        if "fallback_keys" in request.body:
            changes |= {"fallback_at_ms": self._clock.now_ms(), "fallback_used": False}
        self.save(**changes)

    def upload_refused(self) -> None:
        """The server has other keys under these ids: our pickle is older than the server. The next upload has fresh ids."""
        self.keys.mark_keys_as_published()
        self.save()


def _fallback_key(keys: vodozemac.Account) -> Mapping[str, vodozemac.Curve25519PublicKey]:
    """The fallback key that was not published yet, by id."""
    unpublished: Mapping[str, vodozemac.Curve25519PublicKey] = keys.fallback_key  # type: ignore[attr-defined]  # missing in the stub
    return unpublished
