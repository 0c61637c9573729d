"""Who is who: pins of other people's identities, our own identity and its secrets (matrix.md §8.6).

What a verification must know of keys (`own_device`, `own_master`, `master_of`, `device`) is told here, too.

Nothing here makes a new identity because secrets are missing: `create` is called on the person's word, or when the account
never had one.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from welink_desktop.adapters.matrix.crypto.account import OwnAccount
from welink_desktop.adapters.matrix.crypto.canonical import signature_of, verified
from welink_desktop.adapters.matrix.crypto.own_keys import MASTER, SECRET_NAMES, SELF_SIGNING, USER_SIGNING, OwnKeys
from welink_desktop.adapters.matrix.crypto.published import Published, published_identity
from welink_desktop.adapters.matrix.crypto.records import Device, Identity, JsonObject, OwnIdentity, OwnTrust, Withheld
from welink_desktop.adapters.matrix.crypto.signing import SigningKey
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.crypto.trust import (
    PinVerdict,
    device_verified,
    judge_master,
    key_withheld,
    may_be_told,
    may_sign_device,
    may_sign_master,
    may_tell,
    own_identity_verified,
    person_trust,
)
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import short, topic
from welink_desktop.core.security import PersonTrust

__all__ = ["MASTER", "SECRET_NAMES", "SELF_SIGNING", "USER_SIGNING", "Identities", "Published", "published_identity"]

_log = topic("crypto.identities")


class Identities:
    """`changed` collects users whose identity or trust is not what it was, until `take_changed`. `epoch` grows with them."""

    def __init__(self, account: OwnAccount, store: CryptoStore) -> None:
        self._account = account
        self._user = account.user
        self._store = store
        self._changed: set[UserId] = set()
        self._broken_users: set[UserId] | None = None
        self._trust = store.own_trust()
        self._keys = OwnKeys(account, store)
        self._own = store.identity(self._user)
        self.epoch = 0
        own_device = store.devices(self._user).get(account.device)
        if own_device is not None and own_device.owner_signed:
            self._note_own_signature(own_device)

    # What is known

    def own(self) -> OwnIdentity | None:
        """None: the server never showed one."""
        row = self._own
        if row is None:
            return None
        return OwnIdentity(
            master=row.shown,
            self_signing=row.self_signing,
            user_signing=row.user_signing,
            held=frozenset(self.secrets()),
            verified=self._own_verified,
            replaced=self._trust.trusted != "" and not self._own_verified,
        )

    @property
    def only_signed(self) -> bool:
        """The policy: only devices signed by their owner get keys and count as senders (MSC4153)."""
        return self._trust.only_signed

    @only_signed.setter
    def only_signed(self, on: bool) -> None:
        if on != self._trust.only_signed:
            self._save_trust(dataclasses.replace(self._trust, only_signed=on))
            self.epoch += 1

    def trust_of(self, user: UserId) -> PersonTrust:
        row = self._own if user == self._user else self._store.identity(user)
        return PersonTrust.NONE if row is None else self._trust_in(row)

    def master_of(self, user: UserId) -> str | None:
        """The master key that the server shows for `user` now."""
        row = self._own if user == self._user else self._store.identity(user)
        return row.shown if row is not None and row.shown else None

    def own_device(self) -> tuple[DeviceId, str]:
        """This device and its ed25519 key."""
        return self._account.device, self._account.ed25519

    def own_master(self) -> tuple[str, bool] | None:
        """Our master key as the server shows it, and whether it was proved to be ours."""
        master = self._public(MASTER)
        return (master, self._own_verified) if master else None

    def device(self, user: UserId, device: DeviceId) -> Device | None:
        """A known device, unless its keys changed."""
        found = self._store.devices(user).get(device)
        return found if found is not None and not found.keys_changed else None

    def device_trusted(self, device: Device) -> bool:
        """Verified by the whole chain: for others through our signature of their identity, for our own devices through ours."""
        row = self._own if device.user == self._user else self._store.identity(device.user)
        return device_verified(
            own_verified=self._own_verified,
            user_signed=row is not None and self._signed_by_us(row),
            device_signed=device.owner_signed,
            pin_holds=row is not None and not row.changed and not device.keys_changed,
        )

    def withheld(self, device: Device) -> Withheld | None:
        """Why the device gets no room key; None: it gets it."""
        return key_withheld(device, only_signed=self._needs_signature(device), owner_broken=device.user in self._broken())

    def may_be_told(self, event_type: str, device: Device) -> bool:
        """May an encrypted to-device message of this type go to the device?"""
        only_signed = self._needs_signature(device)
        return may_be_told(event_type, device, only_signed=only_signed, owner_broken=device.user in self._broken())

    def _needs_signature(self, device: Device) -> bool:
        """By the policy; and devices of people whom we verified always do, or the server could add one (§8.9 rule 1)."""
        if self.only_signed or device.shown_signed or device.user == self._user:
            return self.only_signed
        return self.trust_of(device.user) is PersonTrust.VERIFIED

    def may_tell(self, event_type: str, device: Device) -> bool:
        """Is an encrypted to-device message of this type by the device believed?"""
        return may_tell(event_type, device, only_signed=self.only_signed)

    def broken(self) -> set[UserId]:
        """Other people to whom nothing encrypted may go until somebody decided."""
        return self._broken() - {self._user}

    def take_changed(self) -> set[UserId]:
        """Whose identity or trust changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    # What the server shows

    def take(self, user: UserId, answer: Mapping[str, Any]) -> Identity | None:
        """Judge what a query answer shows of `user`; returns what is known now."""
        shown = published_identity(user, answer)
        if user == self._user:
            self._adopt_pending(shown)
        old = self._own if user == self._user else self._store.identity(user)
        new = self._judged(user, old, shown)
        if new is not None and new != old:
            self._save(old, new)
        return new

    def _judged(self, user: UserId, old: Identity | None, shown: Published) -> Identity | None:
        signed_with = self._our_signature(user, shown.raw)
        verdict = judge_master(
            pinned=old.master if old is not None else "",
            shown=shown.master,
            signed_by_us=user != self._user and self._own_verified and signed_with != "",
        )
        match verdict:
            case PinVerdict.NOTHING:
                return old
            case PinVerdict.FIRST:
                row = Identity(user, shown.master, shown.self_signing)
            case PinVerdict.SAME:
                assert old is not None
                row = dataclasses.replace(old, changed=False)
                if old.shown == shown.master and not signed_with:
                    signed_with = old.signed_with
            case PinVerdict.PROVED:
                assert old is not None
                row = dataclasses.replace(old, master=shown.master, changed=False, withdrawn=False)
            case PinVerdict.CHANGED:
                assert old is not None
                if not old.changed:
                    _log.warning("identity changed", user=short(user), gone=not shown.master, was_verified=old.was_verified)
                row = dataclasses.replace(old, changed=True)
        row = dataclasses.replace(
            row,
            shown=shown.master,
            self_signing=shown.self_signing,
            user_signing=shown.user_signing,
            signed_with=signed_with,
            raw=shown.raw,
        )
        return self._remembered(row)

    def _remembered(self, row: Identity) -> Identity:
        """`was_verified` stays for ever once the pinned identity was verified."""
        if row.changed or row.was_verified:
            return row
        now = self._own_verified if row.user == self._user else self._own_verified and self._signed_by_us(row)
        return dataclasses.replace(row, was_verified=True) if now else row

    def _our_signature(self, user: UserId, raw: str) -> str:
        """Our user-signing key if it signed this master key."""
        key = self._own.user_signing if self._own is not None else ""
        if user == self._user or not raw or not key or self._user not in raw:
            return ""
        value = json.loads(raw)
        key_id = f"ed25519:{key}"
        if signature_of(value, self._user, key_id) is None:
            return ""
        return key if verified(value, self._user, key_id, key) else ""

    def _adopt_pending(self, shown: Published) -> None:
        """A new identity of ours whose answer was lost is at the server after all."""
        if shown.master and self._keys.pending_master == shown.master:
            self.published()

    # Our own identity

    def create(self) -> JsonObject:
        """New keys, kept as pending; the body of `keys/device_signing/upload`. Asked again before `published`: the same."""
        return self._keys.create()

    def forget_pending(self) -> None:
        """The keys of `create` were not wanted after all."""
        self._keys.forget_pending()

    def published(self) -> None:
        """The server took the keys of `create`: they are our identity now."""
        body = self._keys.promote()
        if body is None:
            return
        master, self_signing, user_signing = (self._keys.public(name) for name in SECRET_NAMES)
        self._save_trust(dataclasses.replace(self._trust, trusted=master))
        raw = json.dumps(body["master_key"])
        self._save(self._own, Identity(self._user, master, self_signing, False, master, user_signing, True, raw=raw))
        self._unsign_devices()

    def secrets(self) -> dict[str, str]:
        """Seeds by name: those we hold of the identity that is published now."""
        return self._keys.held(self._public_keys())

    def take_secrets(self, secrets: Mapping[str, str]) -> set[str]:
        """Keep private keys that came from secret storage or an own device; returns the names of those that were believed.

        The private master proves that the published identity is ours.
        """
        taken = self._keys.take(secrets, self._public_keys())
        if taken:
            self._report({self._user})
        if MASTER in taken:
            self.trust_own_master(self._public(MASTER))
        return taken

    def trust_own_master(self, master: str) -> None:
        """`master` was proved to be ours, by a verification with an own device or by its private key.

        Does nothing if the server shows another one.
        """
        row = self._own
        if row is None or not master or row.shown != master:
            return
        self._save_trust(dataclasses.replace(self._trust, trusted=master))
        self._save(row, dataclasses.replace(row, master=master, changed=False, was_verified=True))
        self._sign_again(self._user)
        self._reconsider_people()

    def sign_own_device(self, device: DeviceId, ed25519: str = "") -> JsonObject | None:
        """The body of `signatures/upload` that makes a device of ours a signed one; None if not possible or already done.

        `ed25519`: the key that was compared; without it, the one of the device list (this device: its own).
        """
        known = self._store.devices(self._user).get(device)
        if device == self._account.device:
            value, key, changed = self._account.device_keys, self._account.ed25519, False
        elif known is not None and known.raw:
            value, key, changed = json.loads(known.raw), known.ed25519, known.keys_changed
        else:
            return None
        signer = self._key(SELF_SIGNING)
        allowed = may_sign_device(
            own_verified=self._own_verified,
            holds_key=signer is not None,
            keys_changed=changed,
            compared=ed25519 or key,
            known=key,
        )
        if not allowed or signer is None or (known is not None and known.owner_signed):
            return None
        signed = signer.signature(self._user, value)
        if known is not None:
            self._replace_device(dataclasses.replace(known, owner_signed=True, shown_signed=True))
        if device == self._account.device:
            key_id = f"ed25519:{signer.public}"
            self._account.owner_signature = (key_id, signed["signatures"][self._user][key_id])
        self._report({self._user})
        return {self._user: {device: signed}}

    def sign_user(self, user: UserId, master: str) -> JsonObject | None:
        """The body of `signatures/upload` that verifies `user`, whose `master` was compared; None if it is not shown any more
        or we lack the key.
        """
        row = self._store.identity(user)
        signer = self._key(USER_SIGNING)
        if row is None or user == self._user or not row.raw:
            return None
        allowed = may_sign_master(own_verified=self._own_verified, holds_key=signer is not None, compared=master, shown=row.shown)
        if not allowed or signer is None:
            return None
        fresh = dataclasses.replace(
            row, master=master, changed=False, was_verified=True, signed_with=signer.public, withdrawn=False
        )
        self._save(row, fresh)
        self._sign_again(user)
        return {user: {master: signer.signature(self._user, json.loads(row.raw))}}

    # Signatures on their way to the server

    def keep_signatures(self, body: JsonObject) -> int:
        """Keep a body of `signatures/upload` until it is there; returns its number."""
        return self._store.add_signature_upload(body)

    def kept_signatures(self) -> list[tuple[int, JsonObject]]:
        """Oldest first."""
        return self._store.signature_uploads()

    def drop_signatures(self, number: int) -> None:
        self._store.remove_signature_upload(number)

    # Decisions of the person

    def accept(self, user: UserId) -> None:
        """Take the identity shown now (or that there is none) as the person's own; an earlier verification is withdrawn.

        Our own identity is never accepted, only proved.
        """
        row = self._store.identity(user)
        if row is None or user == self._user or not row.changed:
            return
        self._save(row, dataclasses.replace(row, master=row.shown, changed=False, was_verified=False, withdrawn=False))
        self._sign_again(user)

    def withdraw(self, user: UserId) -> None:
        """Our verification of this person counts no more; a changed identity stays shown as changed."""
        row = self._store.identity(user)
        if row is not None and user != self._user:
            self._save(row, dataclasses.replace(row, was_verified=False, withdrawn=True))

    # Inside

    @property
    def _own_verified(self) -> bool:
        return own_identity_verified(shown=self._public(MASTER), trusted=self._trust.trusted, private=self._keys.master)

    def _public_keys(self) -> dict[str, str]:
        row = self._own
        return {} if row is None else {MASTER: row.shown, SELF_SIGNING: row.self_signing, USER_SIGNING: row.user_signing}

    def _public(self, name: str) -> str:
        return self._public_keys().get(name, "")

    def _key(self, name: str) -> SigningKey | None:
        return self._keys.key(name, self._public_keys())

    def _signed_by_us(self, row: Identity) -> bool:
        if row.user == self._user:
            return True
        key = self._public(USER_SIGNING)
        return key != "" and row.signed_with == key and not row.withdrawn

    def _trust_in(self, row: Identity) -> PersonTrust:
        return person_trust(
            published=row.master != "",
            changed=row.changed,
            was_verified=row.was_verified,
            own_verified=self._own_verified,
            user_signed=self._signed_by_us(row),
        )

    def _broken(self) -> set[UserId]:
        if self._broken_users is None:
            rows = self._store.changed_identities()
            self._broken_users = {row.user for row in rows if self._trust_in(row) is PersonTrust.BROKEN}
        return self._broken_users

    def _save(self, old: Identity | None, new: Identity) -> None:
        before = self._own_standing()
        self._store.save_identity(new)
        if new.user == self._user:
            self._note_own(new)
        self._report({new.user})
        if new.user == self._user and self._own_standing() != before:
            self._reconsider_people()

    def _save_trust(self, trust: OwnTrust) -> None:
        self._trust = trust
        self._store.save_own_trust(trust)

    def _note_own(self, row: Identity | None) -> None:
        self._own = row
        self._report({self._user})

    def _own_standing(self) -> tuple[bool, str]:
        return self._own_verified, self._public(USER_SIGNING)

    def _reconsider_people(self) -> None:
        """Our own identity or its verification changed: whom we verified may be another matter now."""
        for row in self._store.identities():
            if row.user == self._user:
                continue
            signature = self._our_signature(row.user, row.raw) or row.signed_with
            fresh = dataclasses.replace(row, signed_with=signature)
            if row.changed and row.shown and self._own_verified and self._signed_by_us(fresh):
                fresh = dataclasses.replace(fresh, master=row.shown, changed=False, was_verified=True)
            fresh = self._remembered(fresh)
            if fresh != row:
                self._store.save_identity(fresh)
            if fresh != row or row.signed_with:
                self._report({row.user})
            if row.changed and not fresh.changed:
                self._sign_again(row.user)

    def _report(self, users: set[UserId]) -> None:
        self._changed |= users
        self._broken_users = None
        self.epoch += 1

    def _sign_again(self, user: UserId) -> None:
        """The identity shown is the pinned one now: what it signed is signed by the owner."""
        devices = self._store.devices(user).values()
        self._store.replace_devices(
            user, [dataclasses.replace(one, owner_signed=one.shown_signed and not one.keys_changed) for one in devices]
        )

    def _unsign_devices(self) -> None:
        """Our identity is a new one: it signed nothing yet."""
        devices = self._store.devices(self._user).values()
        self._store.replace_devices(
            self._user, [dataclasses.replace(one, owner_signed=False, shown_signed=False) for one in devices]
        )
        self._account.owner_signature = None

    def _replace_device(self, device: Device) -> None:
        others = [one for one in self._store.devices(device.user).values() if one.device != device.device]
        self._store.replace_devices(device.user, [*others, device])

    def _note_own_signature(self, device: Device) -> None:
        """Our device object goes into Olm messages with the owner's signature on it (MSC4147)."""
        key_id = f"ed25519:{self._public(SELF_SIGNING)}"
        signature = signature_of(json.loads(device.raw), self._user, key_id) if device.raw else None
        self._account.owner_signature = (key_id, signature) if signature is not None else None

    def note_devices(self, user: UserId) -> None:
        """The device list of `user` was taken over."""
        own = self._store.devices(user).get(self._account.device) if user == self._user else None
        if own is not None:
            if own.owner_signed:
                self._note_own_signature(own)
            else:
                self._account.owner_signature = None
