"""`Security` of one device over the fake trust server. A device that `answers` agrees to whatever another one asks."""

from collections.abc import Collection
from dataclasses import replace

from welink_desktop.adapters.fake.trust_server import FINAL, Address, FakeAccountSafe, FakeFlow, FakeTrustServer
from welink_desktop.core.errors import NotFound, WrongCode, WrongRecoveryKey
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, State
from welink_desktop.core.security import (
    Cure,
    HistoryArrival,
    OwnDevice,
    PersonTrust,
    Progress,
    RecoveryState,
    RecoveryStatus,
    Verification,
    VerificationEnd,
    VerificationPhase,
)

KEPT_KEYS = 240
"""Keys of messages in a full backup."""
CURES = {
    RecoveryState.NO_IDENTITY: (Cure.GIVE_PASSWORD,),
    RecoveryState.NOT_SET_UP: (Cure.TURN_ON_RECOVERY,),
    RecoveryState.UNVERIFIED: (Cure.CONFIRM_FROM_DEVICE, Cure.ENTER_RECOVERY_KEY, Cure.START_OVER),
    RecoveryState.IDENTITY_REPLACED: (Cure.CONFIRM_FROM_DEVICE, Cure.ENTER_RECOVERY_KEY, Cure.START_OVER),
    RecoveryState.SECRETS_MISSING: (Cure.ENTER_RECOVERY_KEY, Cure.CONFIRM_FROM_DEVICE, Cure.START_OVER),
    RecoveryState.BACKUP_GONE: (Cure.TURN_ON_BACKUP,),
}


class FakeSecurity:
    """`seen_identity`, `seen_backup`: what this device believed last. `restored`: rooms whose keys were fetched ("" for all)."""

    def __init__(self, server: FakeTrustServer, user: UserId, device: DeviceId, name: str, *, last_seen_ms: int = 0) -> None:
        self.server = server
        self.user = user
        self.device = device
        self.answers = False
        self.only_signed = False
        self.restored: list[str] = []
        self.pinned: dict[UserId, int] = {}
        self.compared: dict[UserId, int] = {}
        self.has_secrets = False
        self.seen_identity = 0
        self.seen_backup = 0
        self._restoring: Progress | None = None
        self._waiting = 0
        self._persons: dict[UserId, State[PersonTrust]] = {}
        self._learned: set[int] = set()
        self._recovery = State(RecoveryStatus())
        self._devices: State[tuple[OwnDevice, ...]] = State(())
        self._verifications: State[tuple[Verification, ...]] = State(())
        self.account.devices[device] = OwnDevice(device, name, last_seen_ms)
        server.changed.listen(lambda _: self._refresh())
        server.publish()

    @property
    def account(self) -> FakeAccountSafe:
        return self.server.account(self.user)

    @property
    def address(self) -> Address:
        return self.user, self.device

    # Facts

    def watch_recovery(self, listener: Listener[RecoveryStatus]) -> Cancel:
        return self._recovery.watch(listener)

    def watch_devices(self, listener: Listener[tuple[OwnDevice, ...]]) -> Cancel:
        return self._devices.watch(listener)

    def watch_person(self, user: UserId, listener: Listener[PersonTrust]) -> Cancel:
        if user not in self._persons:
            self._persons[user] = State(self._trust_of(user))
        return self._persons[user].watch(listener)

    def watch_verifications(self, listener: Listener[tuple[Verification, ...]]) -> Cancel:
        return self._verifications.watch(listener)

    def watch_history(self, room: RoomId, listener: Listener[HistoryArrival]) -> Cancel:
        """Nobody gives history along in the fake world."""
        return lambda: None

    # Identity and recovery

    async def create_identity(self, password: str = "") -> None:
        self.server.reach()
        if self.account.identity:
            return
        self.account.check(password)
        self.make_identity()

    def make_identity(self) -> None:
        """A new identity that is trusted here, with its secrets here."""
        account = self.account
        account.unsign_all()
        account.identity = self.server.number()
        account.sign(self.device)
        self.seen_identity = account.identity
        self.has_secrets = True
        self.server.publish()

    async def turn_on_recovery(self, passphrase: str = "") -> str:
        self.server.reach()
        return self.keep_secrets(passphrase)

    def keep_secrets(self, passphrase: str = "") -> str:
        account = self.account
        account.recovery_key = self.server.new_recovery_key()
        account.passphrase = passphrase
        self._new_backup()
        self.server.publish()
        return account.recovery_key

    async def recover(self, secret: str) -> None:
        self.server.reach()
        account = self.account
        if not account.recovery_key:
            raise NotFound
        typed = "".join(secret.split())
        if typed != "".join(account.recovery_key.split()) and (not account.passphrase or secret != account.passphrase):
            raise WrongRecoveryKey
        self.trust_here()

    async def start_over(self, password: str = "") -> str:
        self.server.reach()
        self.account.check(password)
        self.make_identity()
        return self.keep_secrets()

    async def turn_on_backup(self) -> None:
        self.server.reach()
        self._new_backup()
        self.server.publish()

    async def restore_all(self) -> None:
        self.server.reach()
        for done in (0, KEPT_KEYS // 2, KEPT_KEYS):
            self._restoring = Progress(done, KEPT_KEYS)
            self._refresh()
        self._restoring = None
        self.restored.append("")
        self._refresh()

    async def restore_room(self, room: RoomId) -> None:
        self.server.reach()
        self.restored.append(room)

    def lose_backup(self) -> None:
        """Somebody deletes the account's backup."""
        self.account.backup = 0
        self.server.publish()

    def lose_secrets(self) -> None:
        """The secrets of this device are gone; it is confirmed all the same."""
        self.has_secrets = False
        self.server.publish()

    # Devices

    async def refresh_devices(self) -> None:
        self.server.reach()
        self._refresh()

    async def rename_device(self, device: DeviceId, name: str) -> None:
        self.server.reach()
        known = self.account.devices.get(device)
        if known is None:
            raise NotFound
        self.account.devices[device] = replace(known, name=name)
        self.server.publish()

    async def sign_out_devices(self, devices: Collection[DeviceId], password: str = "") -> None:
        self.server.reach()
        self.account.check(password)
        for device in devices:
            if device != self.device:
                self.account.devices.pop(device, None)
        self.server.publish()

    # People

    async def accept_person(self, user: UserId) -> None:
        self.pinned[user] = self.server.account(user).identity
        self.compared.pop(user, None)
        self._refresh()

    async def require_signed_devices(self, on: bool) -> None:
        self.only_signed = on

    # Verification

    async def verify_device(self, device: DeviceId | None = None) -> str:
        self.server.reach()
        others = [one for one in self.account.devices if one != self.device and device in (None, one)]
        if not others:
            raise NotFound
        chosen = device if device is not None else DeviceId("")
        return self.server.request(self.address, (self.user, chosen)).name

    async def verify_person(self, user: UserId) -> str:
        self.server.reach()
        return self.server.request(self.address, (user, DeviceId(""))).name

    async def accept(self, flow: str) -> None:
        found = self._running(flow)
        if found is not None and found.phase is VerificationPhase.REQUESTED and self._is_asked(found):
            found.second = self.address
            found.phase = VerificationPhase.READY
            self.server.publish()

    async def compare(self, flow: str) -> None:
        found = self._running(flow)
        if found is not None and found.phase is VerificationPhase.READY:
            found.comparing = True
            found.phase = VerificationPhase.COMPARING
            self.server.publish()

    async def decide(self, flow: str, same: bool) -> None:
        found = self._running(flow)
        if found is None or not (found.comparing or found.scanned_by):
            return
        if not same:
            self.server.finish(found, VerificationEnd.MISMATCH)
            return
        found.agreed.add(self.address)
        if len(found.agreed) == len({found.first, found.second}):
            self.server.finish(found)
        else:
            self.server.publish()

    async def scan(self, flow: str, code: bytes) -> None:
        found = self._running(flow)
        if found is None:
            return
        if found.phase is VerificationPhase.REQUESTED or code != found.code_of(found.other(self.address)):
            raise WrongCode
        found.scanned_by = self.address
        found.phase = VerificationPhase.SCANNED
        found.agreed.add(self.address)
        self.server.publish()

    async def cancel(self, flow: str) -> None:
        found = self._running(flow)
        if found is not None:
            declined = self._is_asked(found) and found.phase is VerificationPhase.REQUESTED
            self.server.finish(found, VerificationEnd.DECLINED if declined else VerificationEnd.CANCELLED)

    async def dismiss(self, flow: str) -> None:
        for found in self.server.flows:
            if found.name == flow and found.phase in FINAL:
                found.dismissed.add(self.address)
        self._refresh()

    # Inside

    def _running(self, name: str) -> FakeFlow | None:
        flow = self.server.flow(name)
        return flow if flow is not None and self._concerns(flow) else None

    def _concerns(self, flow: FakeFlow) -> bool:
        return self.address in (flow.first, flow.second) or self._is_asked(flow)

    def _is_asked(self, flow: FakeFlow) -> bool:
        user, device = flow.second
        return flow.first != self.address and user == self.user and device in ("", self.device)

    def trust_here(self) -> None:
        """This device is confirmed and gets the secrets."""
        self._take_over()
        self.server.publish()

    def _take_over(self) -> None:
        account = self.account
        account.sign(self.device)
        self.seen_identity = account.identity
        self.has_secrets = True
        self.seen_backup = account.backup

    def _new_backup(self) -> None:
        self.account.backup = self.seen_backup = self.server.number()

    def _refresh(self) -> None:
        self._learn_from_flows()
        self._recovery.set(self._status())
        devices = [replace(one, current=one.device == self.device) for one in self.account.devices.values()]
        self._devices.set(tuple(sorted(devices, key=lambda one: (not one.current, -one.last_seen_ms, one.device))))
        for user, state in self._persons.items():
            state.set(self._trust_of(user))
        shown = [flow for flow in self.server.flows if self._concerns(flow) and self.address not in flow.dismissed]
        self._verifications.set(tuple(self.server.view(flow, self._side(flow)) for flow in shown))
        if self.answers:
            for flow in shown:
                self._answer(flow)

    def _side(self, flow: FakeFlow) -> Address:
        return self.address if self.address in (flow.first, flow.second) else flow.second

    def _learn_from_flows(self) -> None:
        """A finished verification gives trust, and the secrets of the other own device."""
        for flow in self.server.flows:
            mine = self.address in (flow.first, flow.second)
            if flow.phase is not VerificationPhase.DONE or not mine or flow.number in self._learned:
                continue
            self._learned.add(flow.number)
            user = flow.other(self.address)[0]
            if user != self.user:
                self.pinned[user] = self.compared[user] = self.server.account(user).identity
            elif not self.has_secrets or self.seen_identity != self.account.identity:
                self._take_over()

    def _answer(self, flow: FakeFlow) -> None:
        if flow.phase is VerificationPhase.REQUESTED and self._is_asked(flow):
            self.server.soon(lambda: self._agree(flow))
        elif (flow.comparing or flow.scanned_by) and flow.phase not in FINAL and self.address not in flow.agreed:
            self.server.soon(lambda: self._match(flow))

    def _agree(self, flow: FakeFlow) -> None:
        if flow.phase is VerificationPhase.REQUESTED:
            flow.second, flow.phase = self.address, VerificationPhase.READY
            self.server.publish()

    def _match(self, flow: FakeFlow) -> None:
        other = flow.other(self.address)
        if flow.phase in FINAL or self.address in flow.agreed or other not in flow.agreed:
            return
        flow.agreed.add(self.address)
        self.server.finish(flow)

    def _trust_of(self, user: UserId) -> PersonTrust:
        identity = self.server.account(user).identity
        if not identity:
            return PersonTrust.NONE
        pinned = self.pinned.setdefault(user, identity)
        if user in self.compared:
            return PersonTrust.VERIFIED if self.compared[user] == identity else PersonTrust.BROKEN
        return PersonTrust.SEEN if pinned == identity else PersonTrust.CHANGED

    def _status(self) -> RecoveryStatus:
        state = self._state()
        helpers = any(one.signed and one.device != self.device for one in self.account.devices.values())
        cures = tuple(cure for cure in CURES.get(state, ()) if helpers or cure is not Cure.CONFIRM_FROM_DEVICE)
        return RecoveryStatus(
            state,
            cures,
            backup=bool(self.account.backup) and self.seen_backup == self.account.backup,
            waiting=self._waiting,
            restoring=self._restoring,
            passphrase=bool(self.account.passphrase),
        )

    def _state(self) -> RecoveryState:
        account = self.account
        own = account.devices.get(self.device)
        if not account.identity:
            return RecoveryState.NO_IDENTITY
        if own is None or not own.signed:
            return RecoveryState.IDENTITY_REPLACED if self.seen_identity else RecoveryState.UNVERIFIED
        if not account.recovery_key:
            return RecoveryState.NOT_SET_UP
        if not self.has_secrets:
            return RecoveryState.SECRETS_MISSING
        return RecoveryState.READY if account.backup and self.seen_backup == account.backup else RecoveryState.BACKUP_GONE
