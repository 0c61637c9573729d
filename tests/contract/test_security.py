"""What `Security` promises, seen from two devices of one account and from a colleague's.

Held by the fake world and by three engines on a real homeserver alike.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import until as waiting
from tests.support.engine import Person, RoomsSeen, signed_in
from tests.support.servers import TestSynapse
from welink_desktop.adapters.fake import FakeSecurity, FakeTrustServer
from welink_desktop.core.errors import NotFound, PasswordNeeded, WrongCode, WrongPassword, WrongRecoveryKey
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.ports.security import Security
from welink_desktop.core.reactive import Cancel, State
from welink_desktop.core.security import (
    Cure,
    OwnDevice,
    PersonTrust,
    RecoveryState,
    RecoveryStatus,
    Verification,
    VerificationEnd,
    VerificationPhase,
)
from welink_desktop.evaluation.client import Registered

PASSWORD = "spruce"
ME, MAYA = UserId("@lin:yunshan.example"), UserId("@maya:yunshan.example")
Phase = VerificationPhase


async def eventually(fact: Callable[[], bool]) -> None:
    await waiting.eventually(fact, seconds=30)


class Seen:
    """Everything that one device hears."""

    def __init__(self, security: Security) -> None:
        self.security = security
        self.recovery = State(RecoveryStatus())
        self.devices: State[tuple[OwnDevice, ...]] = State(())
        self.verifications: State[tuple[Verification, ...]] = State(())
        self._cancels: list[Cancel] = [
            security.watch_recovery(self.recovery.set),
            security.watch_devices(self.devices.set),
            security.watch_verifications(self.verifications.set),
        ]

    def trust(self, user: UserId) -> State[PersonTrust]:
        state = State(PersonTrust.NONE)
        self._cancels.append(self.security.watch_person(user, state.set))
        return state

    def flow(self, name: str) -> Verification | None:
        return next((one for one in self.verifications.value if one.flow == name), None)

    def asked(self) -> Verification | None:
        return next((one for one in self.verifications.value if one.incoming and one.phase is Phase.REQUESTED), None)

    def current(self) -> OwnDevice:
        return next(one for one in self.devices.value if one.current)

    async def state(self, wanted: RecoveryState) -> None:
        await eventually(lambda: self.recovery.value.state is wanted)

    async def phase(self, flow: str, wanted: VerificationPhase) -> Verification:
        def there() -> bool:
            found = self.flow(flow)
            return found is not None and found.phase is wanted and (wanted is not Phase.COMPARING or bool(found.emoji))

        await eventually(there)
        found = self.flow(flow)
        assert found is not None
        return found

    def stop(self) -> None:
        while self._cancels:
            self._cancels.pop()()


@dataclass
class Place:
    """`first` and `second` are devices of `user`, signed in in this order; `colleague` is somebody else's only device."""

    user: UserId
    password: str
    first: Seen
    second: Seen
    colleague: Seen
    colleague_id: UserId

    def all(self) -> tuple[Seen, Seen, Seen]:
        return self.first, self.second, self.colleague


@pytest.fixture(params=["fake", "real"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Identities exist; nothing else is set up; the second device is not confirmed yet."""
    making = fake_place() if request.param == "fake" else real_place(request.getfixturevalue("synapse"), tmp_path)
    async with making as made:
        yield made
        for seen in made.all():
            seen.stop()


@asynccontextmanager
async def fake_place() -> AsyncIterator[Place]:
    server = FakeTrustServer()
    first = FakeSecurity(server, ME, DeviceId("FIRST"), "Office computer", last_seen_ms=2)
    first.make_identity()
    second = FakeSecurity(server, ME, DeviceId("SECOND"), "Laptop", last_seen_ms=1)
    colleague = FakeSecurity(server, MAYA, DeviceId("MAYA"), "Maya’s computer", last_seen_ms=1)
    colleague.make_identity()
    yield Place(ME, PASSWORD, Seen(first), Seen(second), Seen(colleague), MAYA)


@asynccontextmanager
async def real_place(synapse: TestSynapse, folder: Path) -> AsyncIterator[Place]:
    lin, maya = synapse.register("lin", PASSWORD), synapse.register("maya", PASSWORD)
    for account in (lin, maya):
        with synapse.client(account) as registered:
            registered.call("POST", "client", "v3", "logout")
    async with AsyncExitStack() as stack:

        async def device(account: Registered, place: str) -> Person:
            person = await signed_in(synapse, account, folder / place)
            await person.live()
            stack.push_async_callback(person.close)
            return person

        first, colleague = await device(lin, "first"), await device(maya, "colleague")
        seen, theirs = Seen(first.session.security), Seen(colleague.session.security)
        await seen.state(RecoveryState.NOT_SET_UP)
        await theirs.state(RecoveryState.NOT_SET_UP)
        second = await device(lin, "second")
        other = Seen(second.session.security)
        await other.state(RecoveryState.UNVERIFIED)
        await eventually(lambda: bool(other.devices.value) and len(seen.devices.value) > 0)
        await talking(first, colleague)
        yield Place(first.account.user, PASSWORD, seen, other, theirs, colleague.account.user)


async def talking(one: Person, other: Person) -> None:
    """They have a direct chat."""
    room = await one.session.chat.direct_room(other.account.user)
    listed = RoomsSeen(other.session)
    await eventually(lambda: listed.get(room) is not None)
    listed.cancel()
    await other.session.chat.join(room)


async def compared(one: Seen, other: Seen, flow: str) -> None:
    """Accept, emoji, both say that they match. Each side has its own name for the flow."""
    asked = other.asked()
    assert asked is not None
    await other.security.accept(asked.flow)
    await one.phase(flow, Phase.READY)
    await one.security.compare(flow)
    mine, theirs = await one.phase(flow, Phase.COMPARING), await other.phase(asked.flow, Phase.COMPARING)
    assert mine.emoji == theirs.emoji
    assert len(mine.emoji) == 7
    assert all(0 <= number < 64 for number in mine.emoji)
    assert mine.decimals == theirs.decimals
    assert all(1000 <= number <= 9191 for number in mine.decimals)
    await one.security.decide(flow, same=True)
    await other.security.decide(asked.flow, same=True)
    await one.phase(flow, Phase.DONE)
    await other.phase(asked.flow, Phase.DONE)


async def request(place: Place) -> str:
    """The second device asks the first."""
    flow = await place.second.security.verify_device()
    await eventually(lambda: place.first.asked() is not None)
    return flow


# First device


async def test_a_first_device_only_lacks_recovery(place: Place) -> None:
    await place.first.state(RecoveryState.NOT_SET_UP)
    assert place.first.recovery.value.cures == (Cure.TURN_ON_RECOVERY,)
    assert place.first.current().signed


async def test_turning_recovery_on_gives_a_key_and_makes_ready(place: Place) -> None:
    key = await place.first.security.turn_on_recovery()
    await place.first.state(RecoveryState.READY)
    assert len("".join(key.split())) == 48
    assert place.first.recovery.value.backup
    assert place.first.recovery.value.cures == ()


# Second device


async def test_a_second_device_names_its_cures(place: Place) -> None:
    await place.second.state(RecoveryState.UNVERIFIED)
    cures = place.second.recovery.value.cures
    assert cures
    assert Cure.CONFIRM_FROM_DEVICE in cures
    assert not place.second.current().signed


async def test_a_second_device_is_confirmed_from_the_first_and_gets_the_secrets(place: Place) -> None:
    await place.first.security.turn_on_recovery()
    await place.first.state(RecoveryState.READY)
    flow = await request(place)
    await compared(place.second, place.first, flow)
    await place.second.state(RecoveryState.READY)
    await eventually(lambda: place.second.current().signed)
    await eventually(lambda: all(one.signed for one in place.first.devices.value))


async def test_a_second_device_is_confirmed_by_the_recovery_key(place: Place) -> None:
    key = await place.first.security.turn_on_recovery()
    with pytest.raises(WrongRecoveryKey):
        await place.second.security.recover("EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d")
    assert place.second.recovery.value.state is RecoveryState.UNVERIFIED
    await place.second.security.recover(f"  {key.replace(' ', '')} ")
    await place.second.state(RecoveryState.READY)
    assert place.second.recovery.value.backup


async def test_a_passphrase_opens_it_too(place: Place) -> None:
    await place.first.security.turn_on_recovery("seven spruces in the yard")
    await eventually(lambda: place.second.recovery.value.passphrase)
    await place.second.security.recover("seven spruces in the yard")
    await place.second.state(RecoveryState.READY)


async def test_without_anything_kept_there_is_nothing_to_recover(place: Place) -> None:
    with pytest.raises(NotFound):
        await place.second.security.recover("EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d")


async def test_starting_over_asks_for_the_password_and_tells_the_other_devices(place: Place) -> None:
    await place.first.security.turn_on_recovery()
    await place.first.state(RecoveryState.READY)
    with pytest.raises(PasswordNeeded):
        await place.second.security.start_over()
    with pytest.raises(WrongPassword):
        await place.second.security.start_over("wrong")
    key = await place.second.security.start_over(place.password)
    assert len("".join(key.split())) == 48
    await place.second.state(RecoveryState.READY)
    await place.first.state(RecoveryState.IDENTITY_REPLACED)
    await place.first.security.recover(key)
    await place.first.state(RecoveryState.READY)


async def test_a_full_restore_shows_its_progress(place: Place) -> None:
    key = await place.first.security.turn_on_recovery()
    await place.second.security.recover(key)
    seen: list[tuple[int, int]] = []
    cancel = place.second.security.watch_recovery(
        lambda status: seen.append((status.restoring.done, status.restoring.total)) if status.restoring is not None else None
    )
    await place.second.security.restore_all()
    await eventually(lambda: place.second.recovery.value.restoring is None)
    cancel()
    assert all(done <= total for done, total in seen)
    assert seen == sorted(seen)
    await place.second.security.restore_room(RoomId("!unknown:yunshan.example"))


# Devices


async def test_this_device_comes_first(place: Place) -> None:
    await eventually(lambda: len(place.first.devices.value) == 2)
    assert place.first.devices.value[0].current
    assert place.second.devices.value[0].current
    assert place.first.devices.value[0].device == place.second.devices.value[1].device


async def test_a_device_is_renamed(place: Place) -> None:
    device = place.second.current().device
    await place.first.security.rename_device(device, "笔记本")
    await eventually(lambda: any(one.name == "笔记本" for one in place.first.devices.value))


async def test_other_devices_are_signed_out_with_the_password_only(place: Place) -> None:
    await eventually(lambda: len(place.first.devices.value) == 2)
    others = [one.device for one in place.first.devices.value if not one.current]
    with pytest.raises(PasswordNeeded):
        await place.first.security.sign_out_devices(others)
    with pytest.raises(WrongPassword):
        await place.first.security.sign_out_devices(others, "wrong")
    assert len(place.first.devices.value) == 2
    await place.first.security.sign_out_devices(others, place.password)
    await eventually(lambda: [one.current for one in place.first.devices.value] == [True])


# People


async def test_people_are_pinned_compared_and_alarms_are_raised(place: Place) -> None:
    trust, theirs = place.first.trust(place.colleague_id), place.colleague.trust(place.user)
    await eventually(lambda: trust.value is PersonTrust.SEEN)
    flow = await place.first.security.verify_person(place.colleague_id)
    await eventually(lambda: place.colleague.asked() is not None)
    await compared(place.first, place.colleague, flow)
    await eventually(lambda: trust.value is PersonTrust.VERIFIED)
    await eventually(lambda: theirs.value is PersonTrust.VERIFIED)
    await place.colleague.security.start_over(place.password)
    await eventually(lambda: trust.value is PersonTrust.BROKEN)
    await place.first.security.accept_person(place.colleague_id)
    await eventually(lambda: trust.value is PersonTrust.SEEN)
    await place.colleague.security.start_over(place.password)
    await eventually(lambda: trust.value is PersonTrust.CHANGED)


# Comparing


async def test_a_request_says_who_asks(place: Place) -> None:
    flow = await request(place)
    asked = place.first.asked()
    assert asked is not None
    assert (asked.flow, asked.own, asked.incoming, asked.user) == (flow, True, True, place.user)
    assert asked.device == place.second.current().device
    mine = place.second.flow(flow)
    assert mine is not None
    assert not mine.incoming


async def test_pictures_that_differ_confirm_nothing(place: Place) -> None:
    flow = await request(place)
    await place.first.security.accept(flow)
    await place.second.phase(flow, Phase.READY)
    await place.second.security.compare(flow)
    await place.second.phase(flow, Phase.COMPARING)
    await place.first.phase(flow, Phase.COMPARING)
    await place.second.security.decide(flow, same=False)
    for side in (place.first, place.second):
        assert (await side.phase(flow, Phase.ENDED)).end is VerificationEnd.MISMATCH
    assert not place.second.current().signed


async def test_a_declined_request_ends_for_both(place: Place) -> None:
    flow = await request(place)
    await place.first.security.cancel(flow)
    ended = await place.second.phase(flow, Phase.ENDED)
    assert ended.end in (VerificationEnd.DECLINED, VerificationEnd.CANCELLED)
    await place.second.security.dismiss(flow)
    await eventually(lambda: place.second.flow(flow) is None)


async def test_a_code_is_shown_and_scanned(place: Place) -> None:
    await place.first.security.turn_on_recovery()
    flow = await request(place)
    await place.first.security.accept(flow)
    await eventually(lambda: bool((found := place.first.flow(flow)) and found.code))
    await place.second.phase(flow, Phase.READY)
    shown = place.first.flow(flow)
    assert shown is not None
    with pytest.raises(WrongCode):
        await place.second.security.scan(flow, b"MATRIX\x02\x00nonsense")
    await place.second.security.scan(flow, shown.code)
    await place.first.phase(flow, Phase.SCANNED)
    await place.first.security.decide(flow, same=True)
    await place.first.phase(flow, Phase.DONE)
    await place.second.phase(flow, Phase.DONE)
    await eventually(lambda: place.second.current().signed)


async def test_what_is_over_is_ignored(place: Place) -> None:
    security = place.first.security
    for work in (security.accept("gone"), security.compare("gone"), security.decide("gone", same=True), security.cancel("gone")):
        await asyncio.wait_for(work, 5)
    await security.dismiss("gone")
    await security.require_signed_devices(True)
    await security.require_signed_devices(False)
