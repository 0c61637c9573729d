"""A store that lives as long as the program: for tests, benches and throw-away devices."""

import json
from collections.abc import Collection, Iterable, Mapping

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

HELD_PER_USER = 100
OLM_SEEN = 20_000


class MemoryStore:
    """`CryptoStore` without a file. There are no transactions to roll back."""

    def __init__(self) -> None:
        self._account: AccountRow | None = None
        self._tracking: dict[UserId, Tracking] = {}
        self._devices: dict[UserId, dict[DeviceId, Device]] = {}
        self._identities: dict[UserId, Identity] = {}
        self._own_trust = OwnTrust()
        self._secrets: dict[bool, dict[str, str]] = {False: {}, True: {}}
        self._signatures: dict[int, str] = {}
        self._olm: dict[tuple[str, str], OlmSession] = {}
        self._unwedged: dict[str, int] = {}
        self._outgoing: dict[str, SendToDevice] = {}
        self._held: dict[int, tuple[UserId, str, JsonObject]] = {}
        self._rows = 0
        self._olm_seen: dict[str, None] = {}
        self._inbound: dict[tuple[RoomId, str], dict[str, Inbound]] = {}
        self._indexes: dict[tuple[str, int], tuple[str, int]] = {}
        self._outbound: dict[RoomId, Outbound] = {}
        self._shares: dict[tuple[RoomId, str], dict[tuple[UserId, DeviceId], Share]] = {}
        self._withheld: dict[tuple[RoomId, str], Withheld] = {}
        self._no_channel: set[tuple[UserId, DeviceId]] = set()
        self._withheld_sent: set[tuple[str, UserId, DeviceId]] = set()

    def account(self) -> AccountRow | None:
        return self._account

    def save_account(self, row: AccountRow) -> None:
        self._account = row

    def tracking(self, user: UserId) -> Tracking | None:
        return self._tracking.get(user)

    def save_tracking(self, user: UserId, state: Tracking) -> None:
        self._tracking[user] = state

    def untrack(self, user: UserId) -> None:
        self._tracking.pop(user, None)

    def outdated(self) -> dict[UserId, Tracking]:
        return {user: state for user, state in self._tracking.items() if state.outdated}

    def outdate_all(self) -> None:
        self._tracking = {user: Tracking(True, state.sequence + 1, state.known) for user, state in self._tracking.items()}

    def devices(self, user: UserId) -> dict[DeviceId, Device]:
        return dict(self._devices.get(user, {}))

    def devices_of(self, users: Collection[UserId]) -> list[Device]:
        return [device for user in users for device in self._devices.get(user, {}).values()]

    def devices_with_key(self, curve25519: str) -> list[Device]:
        return [one for devices in self._devices.values() for one in devices.values() if one.curve25519 == curve25519]

    def replace_devices(self, user: UserId, devices: Iterable[Device]) -> None:
        self._devices[user] = {device.device: device for device in devices}

    def identity(self, user: UserId) -> Identity | None:
        return self._identities.get(user)

    def save_identity(self, identity: Identity) -> None:
        self._identities[identity.user] = identity

    def identities(self) -> list[Identity]:
        return list(self._identities.values())

    def changed_identities(self) -> list[Identity]:
        return [one for one in self._identities.values() if one.changed]

    def own_trust(self) -> OwnTrust:
        return self._own_trust

    def save_own_trust(self, trust: OwnTrust) -> None:
        self._own_trust = trust

    def identity_secrets(self, *, pending: bool = False) -> dict[str, str]:
        return dict(self._secrets[pending])

    def save_identity_secrets(self, secrets: Mapping[str, str], *, pending: bool = False) -> None:
        self._secrets[pending] = dict(secrets)

    def signature_uploads(self) -> list[tuple[int, JsonObject]]:
        return [(row, json.loads(body)) for row, body in self._signatures.items()]

    def add_signature_upload(self, body: JsonObject) -> int:
        self._rows += 1
        self._signatures[self._rows] = json.dumps(body)
        return self._rows

    def remove_signature_upload(self, row: int) -> None:
        self._signatures.pop(row, None)

    def olm_sessions(self, curve25519: str) -> list[OlmSession]:
        return [row for (key, _), row in self._olm.items() if key == curve25519]

    def keys_with_session(self, keys: Collection[str]) -> set[str]:
        return {key for key, _ in self._olm} & set(keys)

    def save_olm_session(self, row: OlmSession) -> None:
        self._olm[(row.curve25519, row.session)] = row

    def delete_olm_session(self, curve25519: str, session: str) -> None:
        self._olm.pop((curve25519, session), None)

    def unwedged_at_ms(self, curve25519: str) -> int:
        return self._unwedged.get(curve25519, 0)

    def save_unwedged(self, curve25519: str, at_ms: int) -> None:
        self._unwedged[curve25519] = at_ms

    def outgoing(self) -> list[SendToDevice]:
        return list(self._outgoing.values())

    def add_outgoing(self, request: SendToDevice) -> None:
        self._outgoing[request.txn] = request

    def remove_outgoing(self, txn: str) -> None:
        self._outgoing.pop(txn, None)

    def held(self, user: UserId) -> list[tuple[int, str, JsonObject]]:
        return [(row, key, payload) for row, (owner, key, payload) in self._held.items() if owner == user]

    def hold(self, user: UserId, sender_key: str, payload: JsonObject) -> None:
        self._rows += 1
        self._held[self._rows] = (user, sender_key, payload)
        for row, _, _ in self.held(user)[:-HELD_PER_USER]:
            del self._held[row]

    def release(self, row: int) -> None:
        self._held.pop(row, None)

    def olm_seen(self, digest: str) -> bool:
        return digest in self._olm_seen

    def save_olm_seen(self, digest: str) -> None:
        self._olm_seen[digest] = None
        if len(self._olm_seen) > OLM_SEEN:
            del self._olm_seen[next(iter(self._olm_seen))]

    def inbound(self, room: RoomId, session: str) -> list[Inbound]:
        return list(self._inbound.get((room, session), {}).values())

    def save_inbound(self, row: Inbound) -> None:
        self._inbound.setdefault((row.room, row.session), {})[row.sender_key] = row

    def inbound_of(self, room: RoomId) -> list[Inbound]:
        return [row for (owner, _), copies in self._inbound.items() if owner == room for row in copies.values()]

    def remember_index(self, session: str, index: int, event: str, at_ms: int) -> tuple[str, int] | None:
        key = (session, index)
        if key in self._indexes:
            return self._indexes[key]
        self._indexes[key] = (event, at_ms)
        return None

    def outbound(self, room: RoomId) -> Outbound | None:
        return self._outbound.get(room)

    def outbounds_shared_with(self, user: UserId, device: DeviceId) -> list[Outbound]:
        return [row for row in self._outbound.values() if (user, device) in self._shares.get((row.room, row.session), {})]

    def save_outbound(self, row: Outbound) -> None:
        self._outbound[row.room] = row

    def shares(self, room: RoomId, session: str) -> list[Share]:
        return list(self._shares.get((room, session), {}).values())

    def save_shares(self, room: RoomId, session: str, shares: Iterable[Share]) -> None:
        self._shares.setdefault((room, session), {}).update({(one.user, one.device): one for one in shares})

    def mark_reached(self, room: RoomId, session: str, devices: Collection[tuple[UserId, DeviceId]]) -> None:
        known = self._shares.get((room, session), {})
        for ref in devices:
            if ref in known:
                old = known[ref]
                known[ref] = Share(old.user, old.device, old.curve25519, old.index, True)

    def withheld(self, room: RoomId, session: str) -> Withheld | None:
        return self._withheld.get((room, session))

    def save_withheld(self, room: RoomId, session: str, code: Withheld) -> None:
        self._withheld[(room, session)] = code

    def no_channel_from(self, sender: UserId, device: DeviceId) -> bool:
        return (sender, device) in self._no_channel

    def save_no_channel(self, sender: UserId, device: DeviceId) -> None:
        self._no_channel.add((sender, device))

    def clear_no_channel(self, sender: UserId, device: DeviceId) -> None:
        self._no_channel.discard((sender, device))

    def withheld_sent(self, session: str, user: UserId, device: DeviceId) -> bool:
        return (session, user, device) in self._withheld_sent

    def save_withheld_sent(self, session: str, user: UserId, device: DeviceId) -> None:
        self._withheld_sent.add((session, user, device))
