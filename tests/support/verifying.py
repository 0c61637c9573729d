"""Verification machines of several devices around a server that a test may bend."""

import base64
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from welink_desktop.adapters.matrix.crypto.records import Device, JsonObject
from welink_desktop.adapters.matrix.crypto.verification import VerificationMachine
from welink_desktop.adapters.matrix.crypto.verification_records import REQUEST, Effects, Received, Send
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.security import Verification, VerificationPhase

ALICE, BOB = UserId("@alice:ex.org"), UserId("@bob:ex.org")
ROOM = RoomId("!direct:ex.org")
START_MS = 1_700_000_000_000


class HeldClock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now_ms(self) -> int:
        return START_MS + int(self.seconds * 1_000)

    def monotonic(self) -> float:
        return self.seconds


def public(name: str) -> str:
    """A stable 32-byte value as unpadded base64."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")


@dataclass
class KnownKeys:
    """What one device knows: implements `TrustView`."""

    user: UserId
    me: DeviceId
    devices: dict[tuple[UserId, DeviceId], Device] = field(default_factory=dict)
    masters: dict[UserId, str] = field(default_factory=dict)
    trusting: bool = True

    def own_device(self) -> tuple[DeviceId, str]:
        return self.me, public(f"{self.user}{self.me}")

    def own_master(self) -> tuple[str, bool] | None:
        master = self.masters.get(self.user)
        return None if master is None else (master, self.trusting)

    def master_of(self, user: UserId) -> str | None:
        return self.masters.get(user)

    def device(self, user: UserId, device: DeviceId) -> Device | None:
        return self.devices.get((user, device))


class Party:
    """One device: its machine, what it knows, and what finished verifications proved to it."""

    def __init__(self, user: UserId, device: str, clock: HeldClock, *, trusting: bool = True) -> None:
        self.user, self.device = user, DeviceId(device)
        self.keys = KnownKeys(user, self.device, trusting=trusting)
        self.machine = VerificationMachine(user, self.device, self.keys, clock)
        self.proved: dict[str, Effects] = {}

    @property
    def shown(self) -> Verification:
        """The newest verification."""
        return self.machine.verifications()[-1]

    @property
    def phase(self) -> VerificationPhase:
        return self.shown.phase

    def do(self, wish: str, *arguments: object) -> None:
        getattr(self.machine, wish)(self.shown.flow, *arguments)


@dataclass(frozen=True)
class Letter:
    """One event on its way to one device."""

    to: Party
    event: Received


class World:
    """Everybody knows the true keys at first. Letters wait in `mail` until they are delivered."""

    def __init__(self, *parties: tuple[UserId, str, bool]) -> None:
        self.clock = HeldClock()
        self.parties = [Party(user, device, self.clock, trusting=trusting) for user, device, trusting in parties]
        self.mail: list[Letter] = []
        self.sent: list[tuple[Party, Send]] = []
        self.bend: Callable[[Party, Send], JsonObject | None] = lambda party, send: send.content
        self._events = itertools.count(1)
        for party in self.parties:
            for other in self.parties:
                if other is not party:
                    device = Device(
                        other.user, other.device, "c", public(f"{other.user}{other.device}"), name=f"{other.device}'s"
                    )
                    party.keys.devices[(other.user, other.device)] = device
                party.keys.masters[other.user] = public(f"master {other.user}")

    def swap_device(self, at: Party, of: Party) -> None:
        """The server shows `at` another key of `of`."""
        known = at.keys.devices[(of.user, of.device)]
        at.keys.devices[(of.user, of.device)] = replace(known, ed25519=public("evil device"))

    def ask_in_room(self, asking: Party, asked: UserId) -> str:
        content = asking.machine.room_request(asked)
        event = EventId(f"$request{next(self._events)}")
        flow = asking.machine.requested_in_room(ROOM, event, asked)
        self._post(asking, REQUEST, content, event)
        return flow

    def collect(self) -> None:
        """What the machines want to send is on its way; effects are put in place."""
        for party in self.parties:
            sends, proved = party.machine.take()
            for send in sends:
                self.sent.append((party, send))
                content = self.bend(party, send)
                if content is None:
                    continue
                if send.room:
                    self._post(party, send.type, content, EventId(f"$event{next(self._events)}"))
                else:
                    for device in send.devices:
                        to = next(one for one in self.parties if (one.user, one.device) == (send.user, device))
                        self.mail.append(Letter(to, Received(send.type, party.user, content)))
            for flow, effects in proved:
                party.proved[flow] = effects
                party.machine.concluded(flow)

    def run(self) -> None:
        """Deliver everything, in order, until nobody has anything to say."""
        self.collect()
        while self.mail:
            letter = self.mail.pop(0)
            letter.to.machine.receive(letter.event)
            self.collect()

    def _post(self, party: Party, kind: str, content: JsonObject, event: EventId) -> None:
        for to in self.parties:
            echo = to is party
            self.mail.append(Letter(to, Received(kind, party.user, content, ROOM, event, self.clock.now_ms(), echo)))


MASTER = {user: public(f"master {user}") for user in (ALICE, BOB)}


def two_people() -> tuple[World, Party, Party]:
    world = World((ALICE, "A1", True), (BOB, "B1", True))
    return world, *world.parties  # type: ignore[return-value]  # two of them


def own_devices(*, trusting: tuple[bool, bool] = (True, False)) -> tuple[World, Party, Party]:
    world = World((ALICE, "OLD", trusting[0]), (ALICE, "NEW", trusting[1]))
    return world, *world.parties  # type: ignore[return-value]  # two of them


def asked(kind: str, *, asker: int = 0) -> tuple[World, Party, Party]:
    """`kind`: "room" or "own". Returns the world, who asked and who was asked, ready to choose a way."""
    world, *both = two_people() if kind == "room" else own_devices()
    first, second = both[asker], both[1 - asker]
    if kind == "room":
        world.ask_in_room(first, second.user)
    else:
        first.machine.request_devices([second.device])
    world.run()
    assert (first.phase, second.phase) == (VerificationPhase.REQUESTED, VerificationPhase.REQUESTED)
    assert second.shown.incoming and not first.shown.incoming
    second.do("accept")
    world.run()
    assert (first.phase, second.phase) == (VerificationPhase.READY, VerificationPhase.READY)
    return world, first, second


def comparing(kind: str, *, asker: int = 0, starter: int = 0) -> tuple[World, Party, Party]:
    world, first, second = asked(kind, asker=asker)
    (first, second)[starter].do("compare")
    world.run()
    assert (first.phase, second.phase) == (VerificationPhase.COMPARING, VerificationPhase.COMPARING)
    return world, first, second


def effects_for(kind: str, party: Party, other: Party) -> Effects:
    device_key, ref = public(f"{other.user}{other.device}"), (other.user, other.device)
    if kind == "room":
        return Effects(sign_user=(other.user, MASTER[other.user]), device_key=device_key, other=ref)
    if party.device == "OLD":
        return Effects(sign_device=other.device, device_key=device_key, other=ref)
    return Effects(trust_own_master=MASTER[ALICE], device_key=device_key, other=ref)


def assert_both_done(kind: str, first: Party, second: Party) -> None:
    for party, other in ((first, second), (second, first)):
        assert party.phase is VerificationPhase.DONE
        assert list(party.proved.values()) == [effects_for(kind, party, other)]


def to_requested(world: World, first: Party, second: Party) -> None:
    first.machine.request_devices([second.device])


def to_ready(world: World, first: Party, second: Party) -> None:
    to_requested(world, first, second)
    world.run()
    second.do("accept")


def to_comparing(world: World, first: Party, second: Party) -> None:
    to_ready(world, first, second)
    world.run()
    first.do("compare")


def to_waiting(world: World, first: Party, second: Party) -> None:
    to_comparing(world, first, second)
    world.run()
    first.do("decide", True)


def to_scanned(world: World, first: Party, second: Party) -> None:
    to_ready(world, first, second)
    world.run()
    second.do("scan", first.shown.code)


STEPS = [to_requested, to_ready, to_comparing, to_waiting, to_scanned]
