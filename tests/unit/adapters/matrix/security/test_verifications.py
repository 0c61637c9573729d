"""The driver of verifications: bad lines, refusals, rooms in clear and encrypted, effects that cannot be put in place."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.matrix.test_encryption import ALICE, BOB, ROOM, Device, World, until
from welink_desktop.adapters.matrix.crypto.records import Decrypted, JsonObject
from welink_desktop.adapters.matrix.crypto.verification_records import REQUEST, Effects, Received
from welink_desktop.adapters.matrix.errors import matrix_error
from welink_desktop.adapters.matrix.security import verification as module
from welink_desktop.adapters.matrix.security.identity import IdentityDriver
from welink_desktop.adapters.matrix.security.uia import Interactive
from welink_desktop.adapters.matrix.security.verification import Verifications
from welink_desktop.adapters.matrix.security.verification_effects import VerificationEffects
from welink_desktop.core.errors import IdentityChanged, NotFound, Offline, ServerFault, WeLinkError, WrongCode
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.security import PersonTrust, Verification, VerificationEnd, VerificationPhase

Phase, End = VerificationPhase, VerificationEnd


class Room:
    """One room as a server keeps it: every event goes to every side, in order."""

    def __init__(self, encrypted: bool) -> None:
        self.is_encrypted = encrypted
        self.sides: list[Side] = []
        self.types: list[str] = []

    def encrypted(self, room: RoomId) -> bool:
        return self.is_encrypted

    async def direct_room(self, user: UserId) -> RoomId:
        return ROOM

    def put(self, sender: "Side", event_type: str, content: JsonObject) -> EventId:
        event = EventId(f"${len(self.types)}")
        self.types.append(event_type)
        for side in self.sides:
            side.see(event, sender, event_type, content)
        return event


class Line:
    """The line of one side: `faults` are raised first, one per request."""

    def __init__(self, side: "Side") -> None:
        self._side = side
        self.faults: list[WeLinkError] = []
        self.txns: list[str] = []

    async def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        json: Mapping[str, Any] | None = None,
        deadline: float = 30.0,
        retry: bool = True,
    ) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.txns.append(path[-1])
        if self.faults:
            raise self.faults.pop(0)
        if "rooms" in path:
            return {"event_id": self._side.room.put(self._side, path[-2], dict(json or {}))}
        return await self._side.device.line.request(method, path, json=json)


class Side:
    def __init__(self, device: Device, room: Room) -> None:
        self.device = device
        self.room = room
        room.sides.append(self)
        self.line = Line(self)
        interactive = Interactive(device.line, "https://x", device.user)
        self.identity = IdentityDriver(
            device.encryption, device.line, interactive, user=device.user, device=device.name, scope=device.scope
        )
        self.put_in_place = VerificationEffects(device.encryption, self.identity)
        self.refuse: WeLinkError | None = None
        self.proved: list[Effects] = []
        self.verifications = Verifications(
            device.encryption,
            self.line,
            room,
            user=device.user,
            device=device.name,
            scope=device.scope,
            clock=device.world.clock,
            conclude=self._conclude,
        )
        self.shown: tuple[Verification, ...] = ()
        self.identity.start()
        self.verifications.start()
        self.verifications.watch(self._show)

    def _show(self, shown: tuple[Verification, ...]) -> None:
        self.shown = shown

    async def _conclude(self, effects: Effects) -> None:
        self.proved.append(effects)
        if self.refuse is not None:
            raise self.refuse
        await self.put_in_place(effects)

    def see(self, event: EventId, sender: "Side", event_type: str, content: JsonObject) -> None:
        now = self.device.world.clock.now_ms()
        if event_type == "m.room.encrypted":
            self.device.sync()
            found = self.device.encryption.decrypt(
                ROOM, {"event_id": event, "sender": sender.device.user, "content": content, "origin_server_ts": now}
            )
            assert isinstance(found, Decrypted), found
            event_type, content = found.type, found.content
        kind = REQUEST if content.get("msgtype") == REQUEST else event_type
        echo = sender is self
        self.verifications.received(Received(kind, sender.device.user, content, ROOM, event, now, echo))

    @property
    def end(self) -> VerificationEnd | None:
        return self.shown[-1].end

    async def wait(self, phase: VerificationPhase) -> str:
        """Synchronising until it is there; returns the flow."""

        def there() -> bool:
            for side in self.room.sides:
                side.device.sync()
            return bool(self.shown) and self.shown[-1].phase is phase

        try:
            await until(there)
        except TimeoutError:
            raise AssertionError(f"waits for {phase}: {self.shown}") from None
        return self.shown[-1].flow


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.0)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.all:
        await device.die()


async def own_devices(world: World) -> tuple[Side, Side]:
    room = Room(False)
    old = Side(await world.device(ALICE), room)
    await old.identity.ensure()
    new = Side(await world.device(ALICE, name="B"), room)
    await new.device.encryption.refresh_devices(ALICE)
    return old, new


async def two_people(world: World, *, encrypted: bool) -> tuple[Side, Side]:
    room = Room(encrypted)
    sides = Side(await world.device(ALICE), room), Side(await world.device(BOB), room)
    for side in sides:
        await side.identity.ensure()
    return sides


async def compare(first: Side, second: Side) -> None:
    await second.verifications.accept(await second.wait(Phase.REQUESTED))
    await first.verifications.compare(await first.wait(Phase.READY))
    for side in (first, second):
        await side.verifications.decide(await side.wait(Phase.COMPARING), True)


async def test_a_bad_line_only_delays(world: World) -> None:
    old, new = await own_devices(world)
    new.line.faults = [Offline(), ServerFault(), matrix_error(429, {"errcode": "M_LIMIT_EXCEEDED"})]
    await new.verifications.verify_device()
    await old.wait(Phase.REQUESTED)
    assert len(new.line.txns) == 4 and len(set(new.line.txns)) == 1, "the same request again"
    await compare(new, old)
    await old.wait(Phase.DONE)
    await new.wait(Phase.DONE)
    assert [bool(one.sign_device) for one in old.proved] == [True]
    assert [one.trust_own_master is not None for one in new.proved] == [True]


async def test_a_message_that_the_server_refuses_ends_it(world: World) -> None:
    old, new = await own_devices(world)
    new.line.faults = [matrix_error(403, {"errcode": "M_FORBIDDEN"})]
    flow = await new.verifications.verify_device()
    await new.wait(Phase.ENDED)
    assert new.end is End.FAILED and old.shown == ()
    await new.verifications.dismiss(flow)
    assert new.shown == ()


async def test_a_cancellation_that_the_server_refuses_is_still_one(world: World) -> None:
    _, new = await own_devices(world)
    await new.verifications.verify_device()
    new.line.faults = [matrix_error(403, {"errcode": "M_FORBIDDEN"})] * 2
    await new.verifications.cancel(new.shown[-1].flow)
    await until(lambda: len(new.line.txns) == 2)
    assert new.end in (End.CANCELLED, End.FAILED)


async def test_after_ten_minutes_without_a_line_it_is_over(world: World) -> None:
    _, new = await own_devices(world)
    await new.verifications.verify_device()
    world.clock.pass_ms(601_000)
    new.verifications.tick()
    assert new.end is End.TIMEOUT


@pytest.mark.parametrize("in_room", [False, True])
async def test_a_session_that_closes_tells_whoever_waits(world: World, in_room: bool) -> None:
    first, second = await (two_people(world, encrypted=True) if in_room else own_devices(world))
    await (first.verifications.verify_person(BOB) if in_room else first.verifications.verify_device())
    await second.verifications.accept(await second.wait(Phase.REQUESTED))
    await first.wait(Phase.READY)
    first.room.sides.remove(first)
    await first.device.scope.aclose()
    await second.wait(Phase.ENDED)
    assert second.end is End.CANCELLED


async def test_a_session_that_closes_without_a_line_does_not_wait(world: World) -> None:
    _, new = await own_devices(world)
    await new.verifications.verify_device()
    await until(lambda: new.line.txns)
    new.line.faults = [Offline()]
    await new.device.scope.aclose()
    assert new.line.faults == []


async def test_effects_that_cannot_be_put_in_place_are_shown_as_failed(world: World) -> None:
    old, new = await own_devices(world)
    old.refuse = ServerFault()
    await new.verifications.verify_device()
    await compare(new, old)
    await old.wait(Phase.ENDED)
    assert old.end is End.FAILED


async def test_wrong_effects_are_refused(world: World) -> None:
    old, new = await own_devices(world)
    other = (ALICE, DeviceId("B"))
    wrong: list[tuple[Side, Effects, type[WeLinkError]]] = [
        (new, Effects(trust_own_master="x"), IdentityChanged),
        (old, Effects(sign_user=(BOB, "x")), IdentityChanged),
        (old, Effects(sign_device=DeviceId("B"), device_key="x", other=other), ServerFault),
        (old, Effects(sign_device=DeviceId("C"), device_key="x", other=(ALICE, DeviceId("C"))), ServerFault),
    ]
    for side, effects, error in wrong:
        with pytest.raises(error):
            await side.put_in_place(effects)
    assert not any(device.owner_signed for device in old.device.encryption.devices_of(ALICE) if device.device == "B")


async def test_an_unknown_code_is_told_to_the_caller(world: World) -> None:
    old, new = await own_devices(world)
    await new.verifications.verify_device()
    await old.verifications.accept(await old.wait(Phase.REQUESTED))
    with pytest.raises(WrongCode):
        await new.verifications.scan(await new.wait(Phase.READY), b"hello")
    assert new.shown[-1].phase is Phase.READY


async def test_who_may_be_asked(world: World) -> None:
    old, new = await own_devices(world)
    with pytest.raises(NotFound):
        await old.verifications.verify_device(DeviceId("NOSUCH"))
    third = Side(await world.device(ALICE, name="C"), old.room)
    await third.device.encryption.refresh_devices(ALICE)
    await third.verifications.verify_device()
    await old.wait(Phase.REQUESTED)
    assert new.shown == (), "a device that nobody signed cannot help"
    await third.verifications.verify_device(new.device.name)
    await new.wait(Phase.REQUESTED)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_people_in_a_room(world: World, encrypted: bool) -> None:
    alice, bob = await two_people(world, encrypted=encrypted)
    await alice.verifications.verify_person(BOB)
    await compare(alice, bob)
    for side in (alice, bob):
        await side.wait(Phase.DONE)
    assert alice.device.encryption.identities.trust_of(BOB) is PersonTrust.VERIFIED
    assert bob.device.encryption.identities.trust_of(ALICE) is PersonTrust.VERIFIED
    assert ("m.room.encrypted" in alice.room.types) is encrypted
    assert ("m.key.verification.mac" in alice.room.types) is not encrypted


async def test_people_for_whom_nothing_may_be_encrypted_are_compared_in_clear(world: World) -> None:
    alice, bob = await two_people(world, encrypted=True)
    await alice.verifications.verify_person(BOB)
    await compare(alice, bob)
    for side in (alice, bob):
        await side.wait(Phase.DONE)
    await bob.identity.replace(world.server.password)
    await alice.device.encryption.refresh_devices(BOB)
    assert alice.device.encryption.identities.trust_of(BOB) is PersonTrust.BROKEN
    before = len(alice.room.types)
    await alice.verifications.verify_person(BOB)
    assert alice.room.types[before:][0] == "m.room.message"
    await compare(alice, bob)
    for side in (alice, bob):
        await side.wait(Phase.DONE)
    assert alice.device.encryption.identities.trust_of(BOB) is PersonTrust.VERIFIED


async def test_asking_who_asks_already_is_an_answer(world: World) -> None:
    old, new = await own_devices(world)
    await new.verifications.verify_device()
    asked = await old.wait(Phase.REQUESTED)
    assert await old.verifications.verify_device() == asked
    await new.wait(Phase.READY)
    assert len(old.shown) == len(new.shown) == 1


async def test_a_person_who_asks_already_is_answered(world: World) -> None:
    alice, bob = await two_people(world, encrypted=True)
    await alice.verifications.verify_person(BOB)
    asked = await bob.wait(Phase.REQUESTED)
    assert await bob.verifications.verify_person(ALICE) == asked
    await alice.wait(Phase.READY)
    assert len(bob.shown) == 1


async def test_nobody_without_an_identity_is_asked(world: World) -> None:
    room = Room(False)
    alice, _ = Side(await world.device(ALICE), room), Side(await world.device(BOB), room)
    with pytest.raises(NotFound):
        await alice.verifications.verify_person(BOB)
    await alice.identity.ensure()
    with pytest.raises(NotFound):
        await alice.verifications.verify_person(BOB)
    assert room.types == []


async def test_an_unanswered_question_about_an_unknown_device_stops_nothing(world: World) -> None:
    old, new = await own_devices(world)
    content = {"from_device": "NOSUCH", "methods": ["m.sas.v1"], "transaction_id": "T", "timestamp": world.clock.now_ms()}
    old.verifications.received(Received(REQUEST, UserId("@carol:nowhere"), content))
    await new.verifications.verify_device()
    await old.wait(Phase.REQUESTED)
    assert len(old.shown) == 1
