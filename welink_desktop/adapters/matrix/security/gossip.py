"""Secrets asked of and given to own devices: drives `crypto.gossip` (matrix.md §8.7)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

from welink_desktop.adapters.matrix.crypto.gossip import NAMES, REQUEST, SEND, Gossip, SecretAnswer, SecretWish, answer_to
from welink_desktop.adapters.matrix.crypto.records import Device, ToDevice
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.healing import SqlHealingStore
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.reactive import Scope

PAUSES = (2.0, 10.0, 60.0)
"""Seconds between attempts to give a secret or to check one."""

_log = topic("security.gossip")


class SecretGossip:
    """One per account, on the engine loop; `start` it after `Encryption`.

    `secret_of(name)`: the secret if we hold it. `take_secret(name, value)`: keep it if its public half is the published one,
    and say whether it was; raises `WeLinkError` if that could not be found out now.
    """

    def __init__(
        self,
        encryption: Encryption,
        database: Database,
        clock: Clock,
        scope: Scope,
        *,
        user: UserId,
        device: DeviceId,
        secret_of: Callable[[str], str | None],
        take_secret: Callable[[str, str], Awaitable[bool]],
    ) -> None:
        self._encryption = encryption
        self._scope = scope
        self._user = user
        self._secret_of = secret_of
        self._take_secret = take_secret
        self._checking = asyncio.Lock()
        self._gossip = Gossip(
            (user, device),
            SqlHealingStore(database),
            clock,
            lambda: encryption.devices_of(user),
            self._trusted,
        )

    def start(self) -> None:
        self._scope.add(self._encryption.listen(REQUEST, self._wished))
        self._scope.add(self._encryption.listen(SEND, self._arrived))
        self._scope.add(self._encryption.lists_changed.listen(self._lists_changed))
        self._scope.add(self._encryption.people_changed.listen(self._lists_changed))

    @property
    def wanted(self) -> frozenset[str]:
        """Names that were asked for and have not come."""
        return self._gossip.wanted

    def want(self, names: Collection[str] = NAMES) -> None:
        """Ask every verified device, now and as soon as there is one (for a day)."""
        with self._encryption.change():
            self._encryption.post(REQUEST, self._gossip.want(names))

    def give_up(self, names: Collection[str]) -> None:
        """These came another way."""
        with self._encryption.change():
            self._encryption.post(REQUEST, self._gossip.give_up(names))

    def device_verified(self, device: DeviceId) -> None:
        """A verification with this own device succeeded, or the person said it may have the secrets: for five minutes."""
        self._give(self._gossip.allow(device))
        self._ask_others()

    # Inside

    def _trusted(self, device: Device) -> bool:
        """By the identities of this moment: a rollback makes them anew."""
        return self._encryption.identities.device_trusted(device)

    def _ask_others(self) -> None:
        if self._gossip.wanted:
            with self._encryption.change():
                self._encryption.post(REQUEST, self._gossip.ask_others())

    def _lists_changed(self, users: set[UserId]) -> None:
        """A device may have been signed meanwhile."""
        if self._user in users:
            self._give(self._gossip.review())
            self._ask_others()

    def _wished(self, event: ToDevice) -> None:
        self._give(self._gossip.wished(event))

    def _arrived(self, event: ToDevice) -> None:
        answer = self._gossip.arrived(event)
        if answer is not None and not self._scope.closed:
            self._scope.spawn(self._try(answer), name="secret")

    def _give(self, wishes: Iterable[SecretWish]) -> None:
        for wish in wishes:
            secret = self._secret_of(wish.name)
            if secret is not None and not self._scope.closed:
                self._scope.spawn(self._send(wish, secret), name="give-secret")

    async def _send(self, wish: SecretWish, secret: str) -> None:
        recipients = {wish.device.user: {wish.device.device: answer_to(wish, secret)}}
        for pause in (*PAUSES, 0.0):
            try:
                reached = await self._encryption.send_to_device_encrypted(SEND, recipients)
            except WeLinkError:
                await asyncio.sleep(pause)
                continue
            _log.info("secret given", name=literal(wish.name), device=short(wish.device.device), reached=bool(reached))
            return

    async def _try(self, answer: SecretAnswer) -> None:
        """One at a time: the first that fits closes the question."""
        async with self._checking:
            for pause in (*PAUSES, 0.0):
                if not self._gossip.is_open(answer):
                    return
                try:
                    fits = await self._take_secret(answer.name, answer.secret)
                except WeLinkError:
                    await asyncio.sleep(pause)
                    continue
                self._tried(answer, fits=fits)
                return

    def _tried(self, answer: SecretAnswer, *, fits: bool) -> None:
        with self._encryption.change():
            if fits:
                _log.info("secret came", name=literal(answer.name))
                self._encryption.post(REQUEST, self._gossip.taken(answer))
            else:
                self._gossip.refused(answer)
