"""Own devices that confirm each other, as two people at two screens would."""

from collections.abc import Callable

from tests.support.engine import Person, until
from welink_desktop.core.security import Verification, VerificationPhase


async def signed(person: Person) -> None:
    """Wait until this device is signed by the account's identity, which the first device makes by itself."""
    encryption, account = person.session.encryption, person.account

    def trusted() -> bool:
        own = encryption.identities.device(account.user, account.device)
        return own is not None and encryption.identities.device_trusted(own)

    await until(trusted)


async def verify(old: Person, new: Person) -> None:
    """Compare emoji between two devices of one account, both saying that they are the same."""
    seen: dict[Person, tuple[Verification, ...]] = {old: (), new: ()}
    cancels = [
        person.session.security.watch_verifications(_kept(seen, person))  # both sides show the same flow
        for person in (old, new)
    ]
    flow = await new.session.security.verify_device(old.account.device)

    def phase(person: Person) -> VerificationPhase | None:
        return next((one.phase for one in seen[person] if one.flow == flow), None)

    await until(lambda: phase(old) is VerificationPhase.REQUESTED)
    await old.session.security.accept(flow)
    await until(lambda: phase(new) is VerificationPhase.READY)
    await new.session.security.compare(flow)
    await until(lambda: phase(old) is phase(new) is VerificationPhase.COMPARING)
    await old.session.security.decide(flow, True)
    await new.session.security.decide(flow, True)
    await until(lambda: phase(old) is phase(new) is VerificationPhase.DONE)
    for cancel in cancels:
        cancel()


def _kept(seen: dict[Person, tuple[Verification, ...]], person: Person) -> Callable[[tuple[Verification, ...]], None]:
    def keep(verifications: tuple[Verification, ...]) -> None:
        seen[person] = verifications

    return keep
