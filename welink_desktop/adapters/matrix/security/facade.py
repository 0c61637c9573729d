"""The port `Security` of one account: makes the parts, starts them, lets them hear of each other."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto.secret_storage import KeyDescription
from welink_desktop.adapters.matrix.crypto.verification_records import Effects
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.encryption_seams import RoomFacts
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.security.backup import KeyBackup
from welink_desktop.adapters.matrix.security.bundles import HistoryBundles
from welink_desktop.adapters.matrix.security.devices import OwnDevices
from welink_desktop.adapters.matrix.security.forwarding import KeySharing
from welink_desktop.adapters.matrix.security.gossip import SecretGossip
from welink_desktop.adapters.matrix.security.identity import IdentityDriver
from welink_desktop.adapters.matrix.security.recovery import Recovery, RecoveryParts
from welink_desktop.adapters.matrix.security.secret_storage import DEFAULT_KEY, SecretStorage
from welink_desktop.adapters.matrix.security.uia import Interactive
from welink_desktop.adapters.matrix.security.verification import Rooms, Verifications
from welink_desktop.adapters.matrix.security.verification_effects import VerificationEffects
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import NotFound
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope
from welink_desktop.core.security import HistoryArrival, OwnDevice, PersonTrust, RecoveryStatus, Verification
from welink_desktop.core.trust import Undecryptable


@dataclass(frozen=True, slots=True)
class SecurityParts:
    """What security needs of the session. `seal`: see `RecoveryParts`."""

    database: Database
    http: Http
    encryption: Encryption
    facts: RoomFacts
    rooms: Rooms
    user: UserId
    device: DeviceId
    scope: Scope
    clock: Clock
    seal: Callable[[bytes, KeyDescription], None]


class MatrixSecurity:
    """One per account, on the engine loop; `start` it after `Encryption`."""

    def __init__(self, parts: SecurityParts) -> None:
        self._encryption = encryption = parts.encryption
        self._scope = parts.scope
        database, http, clock, scope = parts.database, parts.http, parts.clock, parts.scope
        user, device = parts.user, parts.device
        interactive = Interactive(http, http.base_url, user)
        self._identity = IdentityDriver(encryption, http, interactive, user=user, device=device, scope=scope)
        self._devices = OwnDevices(encryption, http, interactive, user=user, device=device, scope=scope)
        self._backup = KeyBackup(database, http, encryption, scope=scope, clock=clock)
        self._effects = VerificationEffects(encryption, self._identity)
        self._recovery = Recovery(
            RecoveryParts(
                encryption, self._identity, SecretStorage(http, user), self._backup, gossip=lambda: self._gossip, seal=parts.seal
            ),
            user=user,
            device=device,
            scope=scope,
        )
        self._gossip = SecretGossip(
            encryption,
            database,
            clock,
            scope,
            user=user,
            device=device,
            secret_of=self._recovery.secret_of,
            take_secret=self._recovery.take_secret,
        )
        self._sharing = KeySharing(
            encryption,
            database,
            clock,
            scope,
            user=user,
            device=device,
            backup_helps=lambda: self._backup.private_key is not None,
        )
        self.bundles = HistoryBundles(
            encryption, database, http, parts.facts, clock, scope, user=user, device=device, before_build=self._fetch_room
        )
        self.verifications = Verifications(
            encryption, http, parts.rooms, user=user, device=device, scope=scope, clock=clock, conclude=self._conclude
        )

    def start(self) -> None:
        """Returns at once."""
        self._encryption.on_sessions = self._backup.wake
        self._encryption.on_missing = self._missing
        for part in (
            self._identity,
            self._devices,
            self._gossip,
            self._sharing,
            self.bundles,
            self.verifications,
            self._recovery,
        ):
            part.start()
        self._scope.spawn(self._backup.run(), name="backup")

    def keys_came(self, keys: list[tuple[RoomId, str]]) -> None:
        """After a commit that brought keys, from wherever."""
        self._sharing.keys_came(keys)

    def account_data_changed(self, event_type: str) -> None:
        """Another device may have renewed the recovery key."""
        if event_type == DEFAULT_KEY:
            self._recovery.look()

    # Port

    def watch_recovery(self, listener: Listener[RecoveryStatus]) -> Cancel:
        return self._recovery.status.watch(listener)

    def watch_devices(self, listener: Listener[tuple[OwnDevice, ...]]) -> Cancel:
        return self._devices.watch(listener)

    def watch_person(self, user: UserId, listener: Listener[PersonTrust]) -> Cancel:
        return self._identity.watch_person(user, listener)

    def watch_verifications(self, listener: Listener[tuple[Verification, ...]]) -> Cancel:
        return self.verifications.watch(listener)

    def watch_history(self, room: RoomId, listener: Listener[HistoryArrival]) -> Cancel:
        return self.bundles.watch(room, listener)

    async def create_identity(self, password: str = "") -> None:
        await self._recovery.create_identity(password)

    async def turn_on_recovery(self, passphrase: str = "") -> str:
        return await self._recovery.turn_on(passphrase)

    async def recover(self, secret: str) -> None:
        await self._recovery.recover(secret)

    async def start_over(self, password: str = "") -> str:
        return await self._recovery.start_over(password)

    async def turn_on_backup(self) -> None:
        await self._recovery.turn_on_backup()

    async def restore_all(self) -> None:
        await self._backup.restore_all()

    async def restore_room(self, room: RoomId) -> None:
        """Other devices of ours are asked for what the backup does not have."""
        await self._fetch_room(room)
        self._sharing.ask_now(room)

    async def refresh_devices(self) -> None:
        await self._devices.refresh()

    async def rename_device(self, device: DeviceId, name: str) -> None:
        await self._devices.rename(device, name)

    async def sign_out_devices(self, devices: Collection[DeviceId], password: str = "") -> None:
        await self._devices.sign_out(devices, password)

    async def accept_person(self, user: UserId) -> None:
        with self._encryption.change():
            self._encryption.identities.accept(user)

    async def verify_device(self, device: DeviceId | None = None) -> str:
        return await self.verifications.verify_device(device)

    async def verify_person(self, user: UserId) -> str:
        return await self.verifications.verify_person(user)

    async def accept(self, flow: str) -> None:
        await self.verifications.accept(flow)

    async def compare(self, flow: str) -> None:
        await self.verifications.compare(flow)

    async def decide(self, flow: str, same: bool) -> None:
        await self.verifications.decide(flow, same)

    async def scan(self, flow: str, code: bytes) -> None:
        await self.verifications.scan(flow, code)

    async def cancel(self, flow: str) -> None:
        await self.verifications.cancel(flow)

    async def dismiss(self, flow: str) -> None:
        await self.verifications.dismiss(flow)

    async def require_signed_devices(self, on: bool) -> None:
        self._encryption.require_signed_devices(on)

    # Inside

    def _missing(self, room: RoomId, session: str, why: Undecryptable) -> None:
        self._backup.want(room, session, why)
        self._sharing.missing(room, session, why)

    async def _fetch_room(self, room: RoomId) -> None:
        if self._backup.private_key is not None:
            try:
                await self._backup.restore_room(room)
            except NotFound:
                return

    async def _conclude(self, effects: Effects) -> None:
        """What a verification proved; then the new device asks for the secrets and the old one may give them."""
        await self._effects(effects)
        if effects.other is not None and effects.sign_device is not None:
            self._gossip.device_verified(effects.sign_device)
        if effects.trust_own_master is not None:
            self._recovery.device_verified()
