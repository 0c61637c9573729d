"""Where the core keeps things. Every call joins the caller's transaction; nothing here waits or raises for absence."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from welink_desktop.adapters.matrix.crypto.records import (
    AccountRow,
    Device,
    Identity,
    Inbound,
    JsonObject,
    OlmSession,
    Outbound,
    OwnTrust,
    SendToDevice,
    Share,
    Tracking,
    Withheld,
)
from welink_desktop.core.ids import DeviceId, RoomId, UserId


class AccountStore(Protocol):
    def account(self) -> AccountRow | None: ...

    def save_account(self, row: AccountRow) -> None: ...


class DeviceStore(Protocol):
    def tracking(self, user: UserId) -> Tracking | None:
        """None: the user is not tracked."""

    def save_tracking(self, user: UserId, state: Tracking) -> None: ...

    def untrack(self, user: UserId) -> None:
        """Stop tracking; devices and identity pins stay."""

    def outdated(self) -> dict[UserId, Tracking]:
        """Tracked users whose list must be fetched."""

    def outdate_all(self) -> None:
        """Mark every tracked user outdated, with a new sequence number."""

    def devices(self, user: UserId) -> dict[DeviceId, Device]: ...

    def devices_of(self, users: Collection[UserId]) -> list[Device]:
        """All devices of many users, in one go."""

    def devices_with_key(self, curve25519: str) -> list[Device]: ...

    def replace_devices(self, user: UserId, devices: Iterable[Device]) -> None: ...


class IdentityStore(Protocol):
    def identity(self, user: UserId) -> Identity | None: ...

    def save_identity(self, identity: Identity) -> None: ...

    def identities(self) -> list[Identity]:
        """Everybody's."""

    def changed_identities(self) -> list[Identity]:
        """Those with `changed`."""

    def own_trust(self) -> OwnTrust: ...

    def save_own_trust(self, trust: OwnTrust) -> None: ...

    def identity_secrets(self, *, pending: bool = False) -> dict[str, str]:
        """Seeds by name; `pending`: made here, and the server was not heard to have their public keys yet."""

    def save_identity_secrets(self, secrets: Mapping[str, str], *, pending: bool = False) -> None:
        """Replaces all of that kind."""

    def signature_uploads(self) -> list[tuple[int, JsonObject]]:
        """Bodies for `signatures/upload` that the server may not have yet, oldest first."""

    def add_signature_upload(self, body: JsonObject) -> int: ...

    def remove_signature_upload(self, row: int) -> None: ...


class OlmStore(Protocol):
    def olm_sessions(self, curve25519: str) -> list[OlmSession]:
        """In no particular order."""

    def keys_with_session(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` (curve25519) that have at least one session."""

    def save_olm_session(self, row: OlmSession) -> None: ...

    def delete_olm_session(self, curve25519: str, session: str) -> None: ...

    def unwedged_at_ms(self, curve25519: str) -> int:
        """When a new session was last made because of a failure, 0 if never."""

    def save_unwedged(self, curve25519: str, at_ms: int) -> None: ...

    def outgoing(self) -> list[SendToDevice]:
        """To-device messages that the server may not have yet, oldest first."""

    def add_outgoing(self, request: SendToDevice) -> None: ...

    def remove_outgoing(self, txn: str) -> None: ...

    def held(self, user: UserId) -> list[tuple[int, str, JsonObject]]:
        """Payloads of senders whose device is not known yet: (row, sender key, plaintext)."""

    def hold(self, user: UserId, sender_key: str, payload: JsonObject) -> None:
        """Keeps the newest 100 per user."""

    def release(self, row: int) -> None: ...

    def olm_seen(self, digest: str) -> bool:
        """This very Olm message was opened before."""

    def save_olm_seen(self, digest: str) -> None:
        """Keeps the newest 20,000."""


class MegolmStore(Protocol):
    def inbound(self, room: RoomId, session: str) -> list[Inbound]:
        """Copies of the session, one per claimed owner."""

    def save_inbound(self, row: Inbound) -> None: ...

    def inbound_of(self, room: RoomId) -> list[Inbound]:
        """Every session of a room, all copies."""

    def remember_index(self, session: str, index: int, event: str, at_ms: int) -> tuple[str, int] | None:
        """Bind (session, index) to the event for ever. The earlier (event, time) if there is one, else None."""

    def outbound(self, room: RoomId) -> Outbound | None: ...

    def outbounds_shared_with(self, user: UserId, device: DeviceId) -> list[Outbound]:
        """Current outbound sessions that this device was given."""

    def save_outbound(self, row: Outbound) -> None:
        """Replaces the room's current one."""

    def shares(self, room: RoomId, session: str) -> list[Share]: ...

    def save_shares(self, room: RoomId, session: str, shares: Iterable[Share]) -> None: ...

    def mark_reached(self, room: RoomId, session: str, devices: Collection[tuple[UserId, DeviceId]]) -> None: ...

    def withheld(self, room: RoomId, session: str) -> Withheld | None: ...

    def save_withheld(self, room: RoomId, session: str, code: Withheld) -> None: ...

    def no_channel_from(self, sender: UserId, device: DeviceId) -> bool:
        """The device told us that it has no Olm channel to us."""

    def save_no_channel(self, sender: UserId, device: DeviceId) -> None: ...

    def clear_no_channel(self, sender: UserId, device: DeviceId) -> None:
        """An Olm message of the device was opened."""

    def withheld_sent(self, session: str, user: UserId, device: DeviceId) -> bool:
        """We told this device already that it gets no key of this session (session "" for `m.no_olm`)."""

    def save_withheld_sent(self, session: str, user: UserId, device: DeviceId) -> None: ...


class CryptoStore(AccountStore, DeviceStore, IdentityStore, OlmStore, MegolmStore, Protocol):
    """Everything the core remembers."""
