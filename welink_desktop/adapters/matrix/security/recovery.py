"""Recovery: the one state of this device's encryption, and the deeds that make it good (records in `core.security`)."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto import recovery_key
from welink_desktop.adapters.matrix.crypto.identities import MASTER, SECRET_NAMES
from welink_desktop.adapters.matrix.crypto.secret_storage import KeyDescription
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.security.backup import BackupState, KeyBackup
from welink_desktop.adapters.matrix.security.gossip import SecretGossip
from welink_desktop.adapters.matrix.security.identity import IdentityDriver
from welink_desktop.adapters.matrix.security.recovery_state import BackupFact, Facts, cures, recovery_state
from welink_desktop.adapters.matrix.security.secret_storage import SecretStorage
from welink_desktop.core.errors import ConfirmInBrowser, NotAllowed, NotFound, PasswordNeeded, WeLinkError, WrongRecoveryKey
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.security import RecoveryState, RecoveryStatus

BACKUP = "m.megolm_backup.v1"
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
_log = topic("security.recovery")


@dataclass(frozen=True, slots=True)
class RecoveryParts:
    """`seal(key, description)`: keep the store's key under the recovery secret, too (`key_safe`)."""

    encryption: Encryption
    identity: IdentityDriver
    storage: SecretStorage
    backup: KeyBackup
    gossip: Callable[[], SecretGossip]
    seal: Callable[[bytes, KeyDescription], None]


class Recovery:
    """One per account, on the engine loop. `status` is the truth; `look` makes it look at the server again."""

    def __init__(self, parts: RecoveryParts, *, user: UserId, device: DeviceId, scope: Scope) -> None:
        self._encryption = parts.encryption
        self._identity = parts.identity
        self._storage = parts.storage
        self._backup = parts.backup
        self._gossip = parts.gossip
        self._seal = parts.seal
        self._user = user
        self._device = device
        self._scope = scope
        self._facts = Facts()
        self._passphrase = False
        self._doing = asyncio.Lock()
        self._due = asyncio.Event()
        self.status: State[RecoveryStatus] = State(RecoveryStatus())

    def start(self) -> None:
        self._scope.add(self._encryption.people_changed.listen(self._changed))
        self._scope.add(self._encryption.lists_changed.listen(self._changed))
        self._scope.add(self._backup.state.watch(self._backup_changed))
        self._scope.spawn(self._follow(), name="recovery")
        self.look()

    def look(self) -> None:
        """Something may be different at the server. Returns at once."""
        self._due.set()

    # Deeds; one at a time

    async def create_identity(self, password: str = "") -> None:
        async with self._doing:
            await self._identity.ensure(password)
            await self._look()

    async def turn_on(self, passphrase: str = "") -> str:
        """See `Security.turn_on_recovery`. Raises `NotAllowed` on a device that is not confirmed."""
        async with self._doing:
            await self._look()
            if not (self._facts.signed and self._facts.secrets):
                raise NotAllowed("the secrets are not here")
            if self._facts.backup is not BackupFact.OURS:
                await self._backup.create()
            return await self._keep_secrets(passphrase)

    async def recover(self, secret: str) -> None:
        """See `Security.recover`."""
        async with self._doing:
            key = await self._storage.unlock(secret)
            found = {name: await self._storage.read(name, key) for name in (*SECRET_NAMES, BACKUP)}
            await self._encryption.refresh_devices(self._user)
            if not self._believe({name: value for name, value in found.items() if value is not None}):
                raise WrongRecoveryKey("what is kept belongs to another identity")
            await self._identity.ensure()
            backup = found[BACKUP]
            if backup is not None and await self._backup.adopt(backup):
                self._restore()
            self._gossip().give_up([name for name, value in found.items() if value is not None])
            await self._sealed(key)
            await self._look()

    async def start_over(self, password: str = "") -> str:
        """See `Security.start_over`. What fails in the middle shows as a state whose cure goes on from there."""
        async with self._doing:
            await self._identity.replace(password)
            await self._backup.delete_all()
            await self._backup.create()
            return await self._keep_secrets("")

    async def turn_on_backup(self) -> None:
        """See `Security.turn_on_backup`. Raises `NotAllowed` if the old backup's key is not here."""
        async with self._doing:
            if not self._backup.former_key:
                raise NotAllowed("a new recovery key is needed")
            await self._backup.create(again=True)
            await self._look()

    async def take_secret(self, name: str, value: str) -> bool:
        """A secret from another device of ours: kept if it is the published one's. Raises what keeps us from finding out."""
        if name == BACKUP:
            taken = await self._backup.adopt(value)
            if taken:
                self._restore()
        else:
            with self._encryption.change():
                taken = name in self._encryption.identities.take_secrets({name: value})
            if taken:
                await self._identity.ensure()
        self.look()
        return taken

    def secret_of(self, name: str) -> str | None:
        if name == BACKUP:
            return self._backup.private_key
        return self._encryption.identities.secrets().get(name)

    def device_verified(self) -> None:
        """This device was confirmed by another one of ours: ask for what it lacks."""
        self._ask_others()
        self.look()

    # Inside

    def _believe(self, found: dict[str, str]) -> bool:
        """Whether the identity's secrets are here now, believed and kept."""
        with self._encryption.change():
            self._encryption.identities.take_secrets(found)
        return MASTER in self._encryption.identities.secrets()

    async def _keep_secrets(self, passphrase: str) -> str:
        secrets = self._encryption.identities.secrets()
        backup = self._backup.private_key
        if backup is None:
            raise NotFound("no backup")
        shown = await self._storage.create(passphrase, {**secrets, BACKUP: backup})
        await self._sealed(recovery_key.decode(shown))
        await self._look()
        return shown

    async def _sealed(self, key: bytes) -> None:
        """Best effort: without it only the loss of the key ring is not covered."""
        try:
            description = await self._storage.description(key)
            await asyncio.to_thread(self._seal, key, description)
        except WeLinkError as error:
            _log.warning("the store's key is not kept twice", exception=literal(type(error).__name__))

    def _restore(self) -> None:
        """Everything that is kept comes back by itself; the person sees how far it is."""

        async def run() -> None:
            with contextlib.suppress(WeLinkError):
                await self._backup.restore_all()

        self._scope.spawn(run(), name="restore-history")

    def _changed(self, users: set[UserId]) -> None:
        if self._user in users:
            self.look()

    def _backup_changed(self, state: BackupState) -> None:
        if self._facts.checked and (state.gone or not state.active) and self._facts.backup is BackupFact.OURS:
            self.look()
        self._show()

    async def _follow(self) -> None:
        """Until cancelled. The first look makes the account's identity if it never had one."""
        pause = FIRST_PAUSE
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                async with self._doing:
                    if not self._facts.checked or not self._facts.identity:
                        await self._first()
                    await self._look()
                pause = FIRST_PAUSE
            except WeLinkError as error:
                _log.info("state of recovery not known yet", exception=literal(type(error).__name__))
                self._due.set()
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)

    async def _first(self) -> None:
        try:
            await self._identity.ensure()
        except (PasswordNeeded, ConfirmInBrowser):
            _log.info("an identity needs the password")

    async def _look(self) -> None:
        """Ask the server about everything that the state follows from."""
        stored = await self._storage.holds(MASTER)
        self._passphrase = stored and await self._storage.takes_passphrase()
        backup = await self._backup.check()
        self._facts = dataclasses.replace(self._local(), checked=True, stored=stored, backup=backup)
        self._show()
        if recovery_state(self._facts) is RecoveryState.SECRETS_MISSING and self._facts.helpers:
            self._ask_others()

    def _ask_others(self) -> None:
        missing = {name for name in (*SECRET_NAMES, BACKUP) if self.secret_of(name) is None} - self._gossip().wanted
        if missing:
            self._gossip().want(missing)

    def _local(self) -> Facts:
        identities = self._encryption.identities
        own = identities.own()
        mine = identities.device(self._user, self._device)
        others = [one for one in self._encryption.devices_of(self._user) if one.device != self._device and not one.dehydrated]
        return dataclasses.replace(
            self._facts,
            identity=own is not None and own.master != "",
            signed=mine is not None and identities.device_trusted(mine),
            replaced=own is not None and own.replaced,
            helpers=any(one.owner_signed and not one.keys_changed for one in others),
            secrets=own is not None and own.held >= set(SECRET_NAMES),
            old_key=bool(self._backup.former_key),
        )

    def _show(self) -> None:
        facts = self._local()
        kept = self._backup.state.value
        self.status.set(
            RecoveryStatus(
                state=recovery_state(facts),
                cures=cures(facts),
                backup=kept.active,
                waiting=kept.waiting,
                restoring=kept.restoring,
                passphrase=self._passphrase,
            )
        )
