"""Real engines that verify each other: devices of a test, and what a person sees of their verifications."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.engine import Person, RoomsSeen, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.security import PersonTrust, Verification, VerificationPhase
from welink_desktop.evaluation.client import Registered


class LeapingClock:
    """The real time, plus what a test adds."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._real = SystemClock()

    def now_ms(self) -> int:
        return self._real.now_ms() + int(self.ahead * 1_000)

    def monotonic(self) -> float:
        return self._real.monotonic() + self.ahead


class Verifier:
    """A signed-in device. `shown` is what a person sees."""

    def __init__(self, person: Person, password: str, clock: LeapingClock) -> None:
        self.person = person
        self.password = password
        self.clock = clock
        self.session = person.session
        self.security = self.session.security
        self.user, self.device = self.session.account.user, self.session.account.device
        self.shown: tuple[Verification, ...] = ()
        self._cancel = self.security.watch_verifications(self._show)

    async def stop(self) -> None:
        self._cancel()
        await self.person.close()

    def _show(self, shown: tuple[Verification, ...]) -> None:
        self.shown = shown

    @property
    def current(self) -> Verification:
        return self.shown[-1]

    async def wait(self, phase: VerificationPhase, more: Callable[[Verification], object] = lambda shown: True) -> Verification:
        """The newest verification, once it is in `phase` and `more` holds."""
        try:
            await until(lambda: self.shown and self.current.phase is phase and more(self.current))
        except TimeoutError:
            raise AssertionError(f"{self.device} waited for {phase}, shows {self.shown}") from None
        return self.current

    async def accept(self) -> None:
        await self.security.accept((await self.wait(VerificationPhase.REQUESTED)).flow)

    async def decide(self, same: bool, phase: VerificationPhase = VerificationPhase.COMPARING) -> None:
        await self.security.decide((await self.wait(phase)).flow, same)

    def trust(self, user: UserId) -> PersonTrust:
        return self.session.encryption.identities.trust_of(user)

    def own_trusted(self) -> bool:
        own = self.session.encryption.identities.own_master()
        return own is not None and own[1]

    def device_trusted(self, other: "Verifier") -> bool:
        identities = self.session.encryption.identities
        device = identities.device(other.user, other.device)
        return device is not None and identities.device_trusted(device)

    async def replace_identity(self) -> None:
        await self.security._identity.replace(self.password)

    async def join(self, room: RoomId) -> None:
        """As soon as the invitation came."""
        seen = RoomsSeen(self.session)
        await until(lambda: seen.get(room) is not None)
        seen.cancel()
        await self.session.chat.join(room)


@asynccontextmanager
async def verifiers(
    synapse: TestSynapse, folder: Path, *accounts: Registered, new: bool = False
) -> AsyncIterator[list[Verifier]]:
    """A device for each account, in order; the same account twice gives it a second device.

    First devices have made an identity, unless the accounts have one already (`new`).
    """
    made: list[Verifier] = []
    try:
        for number, account in enumerate(accounts):
            clock = LeapingClock()
            person = await signed_in(synapse, account, folder / str(number), clock=clock)
            await person.live()
            made.append(Verifier(person, account.password, clock))
            if account not in accounts[:number] and not new:
                await made[-1].security.create_identity(account.password)
                await until(made[-1].own_trusted)
            else:
                await made[-1].session.encryption.refresh_devices(made[-1].user)
        yield made
    finally:
        for one in made:
            await one.stop()
