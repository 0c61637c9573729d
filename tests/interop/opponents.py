"""People with WeLink and people with matrix-js-sdk at one server: the steps that tests of encryption have in common."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.interop.peers import Peer
from tests.support.engine import Person, RoomsSeen, TimelineSeen, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.security import RecoveryState, RecoveryStatus, Verification, VerificationPhase
from welink_desktop.core.timeline import OutgoingText, TimelineItem, UndecryptableContent
from welink_desktop.core.trust import UndecryptableReason
from welink_desktop.evaluation.client import Registered


@dataclass(frozen=True)
class Opponent:
    """A signed-in device of matrix-js-sdk."""

    peer: Peer
    account: Registered
    device: DeviceId
    token: str

    @property
    def user(self) -> UserId:
        return UserId(self.account.user_id)


@asynccontextmanager
async def opponent(
    synapse: TestSynapse, account: Registered, folder: Path, *, identity: bool = False, stored: bool = False, name: str = "theirs"
) -> AsyncIterator[Opponent]:
    """`identity`: it makes the account's identity. `stored`: its crypto store can be copied."""
    folder.mkdir(parents=True, exist_ok=True)
    peer = await Peer.start(name, folder)
    try:
        seat = await peer.login(base=synapse.base_url, user=account.localpart, password=account.password, indexed=stored)
        if identity:
            await peer.bootstrap_cross_signing()
        yield Opponent(peer, account, DeviceId(seat["device_id"]), seat["token"])
    finally:
        await peer.stop()


@asynccontextmanager
async def device(synapse: TestSynapse, account: Registered, folder: Path) -> AsyncIterator[Person]:
    """A live device of ours with a profile of its own."""
    person = await signed_in(synapse, account, folder)
    try:
        session = await person.live()
        session.security._backup._delay = lambda: 0.05
        yield person
    finally:
        await person.close()


async def in_state(person: Person, wanted: RecoveryState) -> RecoveryStatus:
    """Wait until this is the state of the device's encryption, with nothing left to restore or to upload."""
    states: list[RecoveryStatus] = []
    cancel = person.session.security.watch_recovery(states.append)
    await until(lambda: states[-1].state is wanted and not states[-1].waiting and states[-1].restoring is None)
    cancel()
    return states[-1]


async def met(theirs: Opponent, ours: Person, **how: Any) -> RoomId:
    """An encrypted room of the opponent that our person has joined."""
    room = RoomId((await theirs.peer.create_room(name="Interop", invite=[ours.account.user], **how))["room"])
    await joined(ours, room)
    await theirs.peer.wait_member(room=room, user=ours.account.user)
    return room


async def joined(person: Person, room: RoomId) -> None:
    """As soon as the invitation is here."""
    await listed(person, room)
    await person.session.chat.join(room)
    await until(lambda: person.account.user in person.session._rooms.joined(room) and person.session._rooms.encrypted(room))


async def accepted(theirs: Opponent, room: RoomId) -> None:
    """The opponent saw the invitation (only then it takes history from the inviter) and joins."""
    await eventually(theirs.peer.rooms, lambda rooms: any((one["room"], one["membership"]) == (room, "invite") for one in rooms))
    await theirs.peer.join(room=room)


async def listed(person: Person, room: RoomId) -> None:
    rooms = RoomsSeen(person.session)
    await until(lambda: rooms.get(room) is not None)
    rooms.cancel()


async def say(person: Person, room: RoomId, body: str) -> None:
    """Send; returns once the server has it."""
    await person.session.chat.send_text(room, OutgoingText(body))
    await until(lambda: not person.session.outbox.pending(room))


@asynccontextmanager
async def timeline(person: Person, room: RoomId) -> AsyncIterator[TimelineSeen]:
    """All that the server gives of a room."""
    await listed(person, room)
    seen = TimelineSeen(await person.session.chat.open_timeline(room))
    while await seen.timeline.load_older(50):
        pass
    try:
        yield seen
    finally:
        seen.cancel()
        await seen.timeline.close()


async def read(person: Person, room: RoomId, body: str) -> TimelineItem:
    """Our person sees these words."""
    async with timeline(person, room) as seen:
        await until(lambda: seen.item(body))
        item = seen.item(body)
        assert item is not None
        return item


def unreadable(seen: TimelineSeen) -> list[UndecryptableReason]:
    return [item.content.why.reason for item in seen.items if isinstance(item.content, UndecryptableContent)]


async def eventually(ask: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool], seconds: float = 30) -> Any:
    """Ask until the answer is the wanted one; returns it."""
    async with asyncio.timeout(seconds):
        while not wanted(answer := await ask()):
            await asyncio.sleep(0.05)
    return answer


class _Flows:
    """What a person sees of the verifications of a device."""

    def __init__(self, person: Person) -> None:
        self.flows: tuple[Verification, ...] = ()
        self.cancel = person.session.security.watch_verifications(self._show)

    def _show(self, flows: tuple[Verification, ...]) -> None:
        self.flows = flows

    async def phase(self, wanted: VerificationPhase) -> Verification:
        await until(lambda: self.flows and self.flows[-1].phase is wanted)
        return self.flows[-1]


async def compared(ours: Person, theirs: Opponent) -> None:
    """Two devices of one account compare emoji; ours asks."""
    seen = _Flows(ours)
    await ours.session.encryption.refresh_devices(ours.account.user)
    flow = await ours.session.security.verify_device(theirs.device)
    transaction = (await theirs.peer.wait_request())["tx"]
    await theirs.peer.verify_accept(tx=transaction)
    await seen.phase(VerificationPhase.READY)
    await ours.session.security.compare(flow)
    await theirs.peer.sas_wait(tx=transaction)
    await seen.phase(VerificationPhase.COMPARING)
    await ours.session.security.decide(flow, True)
    assert (await theirs.peer.sas_confirm(tx=transaction))["state"] == "done"
    await seen.phase(VerificationPhase.DONE)
    seen.cancel()
