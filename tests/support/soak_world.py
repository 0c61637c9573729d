"""People, rooms and devices of a soak: who comes, goes, sends, is killed and is cut off."""

import asyncio
import multiprocessing
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.support.engine import home, no_pictures, until
from tests.support.fault_proxy import Fault, FaultProxy, every
from tests.support.sender_process import accounts_of, until_at_most
from tests.support.servers import TestSynapse
from tests.support.soak_child import Sender, live
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.account import Account, Homeserver, Link
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.security import RecoveryState, RecoveryStatus, Verification, VerificationPhase
from welink_desktop.core.timeline import OutgoingText
from welink_desktop.evaluation.client import MatrixClient, Registered

PATIENCE = 120.0
SPOILT = (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.HALF_ANSWER, Fault.BAD_GATEWAY)
SPOILT_PATHS = (b"/send/", b"/sendToDevice/", b"/keys/", b"sync", b"room_keys")
WAITING = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """`children` processes are killed again and again; `rotation` is the rooms' messages per session."""

    messages: int
    devices: int
    rooms: int
    children: int
    rotation: int
    seconds: float
    seed: int


@dataclass
class Figures:
    """What happened."""

    sign_ins: int = 0
    by_recovery_key: int = 0
    by_comparing: int = 0
    sign_outs: int = 0
    kills: int = 0
    cuts: int = 0
    joins: int = 0
    leaves: int = 0
    troubles: dict[str, int] = field(default_factory=dict)


@dataclass
class User:
    """`guest`: comes to rooms and goes. Only one device of a user signs in or out at a time."""

    registered: Registered
    client: MatrixClient
    guest: bool
    rooms: set[RoomId] = field(default_factory=set)
    key: str = ""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Device:
    """One device of a user. In a child process, `session` is None until the end."""

    def __init__(self, user: User, name: str, profile: Path, accounts: MatrixAccounts, account: Account) -> None:
        self.user = user
        self.name = name
        self.profile = profile
        self.accounts = accounts
        self.account = account
        self.session: MatrixSession | None = None
        self.recovery = RecoveryStatus()
        self.flows: tuple[Verification, ...] = ()
        self.paused = False

    @property
    def running(self) -> MatrixSession:
        assert self.session is not None
        return self.session

    async def open(self) -> None:
        session = await self.accounts.open(self.account.key)
        assert isinstance(session, MatrixSession)
        self.session = session
        session.security.watch_recovery(self._recovery)
        session.security.watch_verifications(self._verifications)
        await until(lambda: session._sync.connection.value.link is Link.LIVE, seconds=PATIENCE)
        await until(lambda: session.encryption.uploaded.value, seconds=PATIENCE)

    async def close(self) -> None:
        if self.session is not None:
            await self.session.close()
            self.session = None

    async def state(self, *wanted: RecoveryState) -> None:
        await until(lambda: self.recovery.state in wanted, seconds=PATIENCE)

    async def phase(self, *wanted: VerificationPhase) -> Verification:
        await until(lambda: self.flows and self.flows[-1].phase in wanted, seconds=PATIENCE)
        return self.flows[-1]

    async def drained(self) -> None:
        for room in sorted(self.user.rooms):
            await asyncio.wait_for(until_at_most(self.running, room, 0), PATIENCE)

    def _recovery(self, status: RecoveryStatus) -> None:
        self.recovery = status

    def _verifications(self, flows: tuple[Verification, ...]) -> None:
        self.flows = flows


class World:
    """`accepted` are the messages that engines of this process took; those of children are in `log`."""

    def __init__(self, synapse: TestSynapse, proxy: FaultProxy, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.figures = Figures()
        self.chance = random.Random(plan.seed)
        self.users: list[User] = []
        self.rooms: list[RoomId] = []
        self.devices: list[Device] = []
        self.held: list[list[Device]] = []
        self.accepted: list[tuple[RoomId, str]] = []
        self.log = folder / "accepted"
        self.over = asyncio.Event()
        self._synapse = synapse
        self._proxy = proxy
        self._folder = folder
        self._made = 0
        self._born = time.monotonic()
        proxy.decide = every(0.01, SPOILT, SPOILT_PATHS, plan.seed)

    @property
    def sent(self) -> int:
        written = self.log.read_bytes().count(b"\n") if self.log.exists() else 0
        return len(self.accepted) + written

    async def people(self) -> None:
        """Users, rooms and first devices with recovery; then the other devices."""
        guests = max(1, self.plan.devices // 15)
        residents = max(2, self.plan.devices // 4 - guests)
        for number in range(residents + guests):
            registered = self._synapse.register(f"soak{number}")
            self.users.append(User(registered, self._synapse.client(registered), number >= residents))
        for number in range(self.plan.rooms):
            self._room(f"Room {number}", [self.users[(number + step) % residents] for step in range(2)])
        for user in self.users:
            first = await self._sign_in(user, kept=False)
            await first.state(RecoveryState.NOT_SET_UP)
            user.key = await first.running.security.turn_on_recovery()
            await first.state(RecoveryState.READY)
            self.devices.append(first)
        per_child = max(1, (self.plan.devices - len(self.users)) // (2 * self.plan.children))
        for _ in range(self.plan.children):
            self.held.append([await self._held(user) for user in self.chance.sample(self._residents, min(per_child, residents))])
        while len(self.devices) + sum(len(held) for held in self.held) < self.plan.devices:
            await self.come(self.chance.choice(self.users))

    async def come(self, user: User) -> Device:
        """A new device, verified one way or the other."""
        async with user.turn:
            device = await self._sign_in(user, kept=False)
            await device.state(RecoveryState.UNVERIFIED)
            await self._verified(device)
        self.devices.append(device)
        return device

    async def go(self, device: Device) -> None:
        """Sign out once all is sent."""
        async with device.user.turn:
            self.devices.remove(device)
            device.paused = True
            await device.drained()
            await device.running.sign_out()
            device.session = None
            self.figures.sign_outs += 1

    def first_of(self, user: User) -> Device:
        return next(device for device in self.devices if device.user is user)

    # What goes on

    async def send(self, device: Device) -> None:
        """Until the device goes or the soak is over."""
        number = 0
        while not self.over.is_set() and not device.paused:
            rooms = sorted(device.user.rooms)
            if rooms:
                room, body = self.chance.choice(rooms), f"{device.name}.{number}"
                await device.running.chat.send_text(room, OutgoingText(body))
                self.accepted.append((room, body))
                number += 1
                await until_at_most(device.running, room, WAITING)
            await self.rest(0.0, 0.3)

    async def come_and_go(self) -> None:
        """One device of a random user signs out, another signs in."""
        while not self.over.is_set():
            await self.rest(4.0, 12.0)
            later = [device for device in self.devices if device is not self.first_of(device.user) and not device.paused]
            if not later or self.over.is_set():
                continue
            await self._try("sign-out", self.go(self.chance.choice(later)))
            await self._try("sign-in", self._come_and_send())

    async def move_guests(self) -> None:
        """Guests are invited to rooms and leave them."""
        guests = [user for user in self.users if user.guest]
        while not self.over.is_set():
            await self.rest(3.0, 10.0)
            guest, room = self.chance.choice(guests), self.chance.choice(self.rooms)
            await self._try("member", self._leave(guest, room) if room in guest.rooms else self._join(guest, room))

    async def kill(self, number: int) -> None:
        """One child lives for some seconds, is killed, starts again."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.support.soak_child"])
        run = 0
        while not self.over.is_set():
            senders = [Sender(str(held.profile), held.name, tuple(sorted(held.user.rooms))) for held in self.held[number]]
            process: BaseProcess = context.Process(target=live, args=(senders, run, str(self.log)), daemon=True)
            process.start()
            before = self.sent
            await self.rest(4.0, 20.0)
            if process.exitcode is not None:
                self.trouble("child ended by itself")
            if self.sent > before:
                self.figures.kills += 1
            process.kill()
            await asyncio.to_thread(process.join, 20)
            process.close()
            run += 1
            await self.rest(0.0, 3.0)

    async def cut(self) -> None:
        """The line of half of the devices is cut now and then."""
        while not self.over.is_set():
            await self.rest(8.0, 30.0)
            await self._proxy.stop()
            self.figures.cuts += 1
            await asyncio.sleep(self.chance.uniform(0.5, 5.0))
            await self._proxy.start()

    async def count(self) -> None:
        """Ends it when enough was sent or time is up."""
        while self.sent < self.plan.messages and time.monotonic() - self._born < self.plan.seconds:
            await asyncio.sleep(0.5)
        self.over.set()

    async def rest(self, least: float, most: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), self.chance.uniform(least, most))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            for device in self.devices:
                group.create_task(self.send(device))
            for number in range(len(self.held)):
                group.create_task(self.kill(number))
            for job in (self.come_and_go(), self.move_guests(), self.cut(), self.count()):
                group.create_task(job)

    async def calm(self) -> None:
        """The line is whole, every device is online, everything queued is sent."""
        self._proxy.decide = lambda line: None
        for held in self.held:
            for device in held:
                await device.open()
                self.devices.append(device)
        for device in self.devices:
            await device.drained()

    async def close(self) -> None:
        for device in self.devices:
            await device.close()
        for user in self.users:
            user.client.close()

    # Inside

    def trouble(self, what: str) -> None:
        """Something did not work at once; told in the report."""
        self.figures.troubles[what] = self.figures.troubles.get(what, 0) + 1

    @property
    def _residents(self) -> list[User]:
        return [user for user in self.users if not user.guest]

    def _room(self, name: str, members: list[User]) -> None:
        encryption = {"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_msgs": self.plan.rotation}
        room = RoomId(
            members[0].client.create_room(
                name=name,
                preset="private_chat",
                invite=[member.registered.user_id for member in members[1:]],
                initial_state=[{"type": "m.room.encryption", "state_key": "", "content": encryption}],
            )
        )
        self.rooms.append(room)
        for member in members:
            member.rooms.add(room)
            if member is not members[0]:
                member.client.join(room)

    async def _sign_in(self, user: User, *, kept: bool) -> Device:
        """`kept`: a child can open the profile later."""
        self._made += 1
        name = f"d{self._made}"
        profile = self._folder / name
        accounts = accounts_of(profile) if kept else MatrixAccounts(profile, MemorySecrets(), decode=no_pictures)
        server = home(self._synapse)
        if self._made % 2:
            server = Homeserver(name=server.name, base_url=self._proxy.base_url, secure=False)
        account = await self._patiently(accounts, server, user, name)
        device = Device(user, name, profile, accounts, account)
        await device.open()
        self.figures.sign_ins += 1
        return device

    async def _patiently(self, accounts: MatrixAccounts, server: Homeserver, user: User, name: str) -> Account:
        """The line may be cut just now."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await accounts.sign_in(server, user.registered.localpart, user.registered.password, name)
                except WeLinkError:
                    await asyncio.sleep(0.5)

    async def _held(self, user: User) -> Device:
        device = await self._sign_in(user, kept=True)
        await device.state(RecoveryState.UNVERIFIED)
        await self._verified(device)
        await device.close()
        return device

    async def _verified(self, device: Device) -> None:
        """By emoji with the user's first device every third time, else by the recovery key."""
        if self._made % 3 == 0 and await self._try("compare", self._compare(device)):
            self.figures.by_comparing += 1
        else:
            async with asyncio.timeout(PATIENCE):
                while device.recovery.state is not RecoveryState.READY:
                    await self._try("recover", device.running.security.recover(device.user.key))
                    await asyncio.sleep(0.5)
            self.figures.by_recovery_key += 1
        await device.state(RecoveryState.READY)

    async def _compare(self, device: Device) -> None:
        other = self.first_of(device.user)
        mine, theirs = device.running.security, other.running.security
        flow = await mine.verify_device(other.account.device)
        await until(lambda: any(f.flow == flow or f.phase is VerificationPhase.REQUESTED for f in other.flows), seconds=PATIENCE)
        asked = other.flows[-1].flow
        await theirs.accept(asked)
        await device.phase(VerificationPhase.READY)
        await mine.compare(flow)
        shown = await device.phase(VerificationPhase.COMPARING)
        also = await other.phase(VerificationPhase.COMPARING)
        await mine.decide(flow, shown.emoji == also.emoji)
        await theirs.decide(asked, shown.emoji == also.emoji)
        await device.phase(VerificationPhase.DONE)
        await other.phase(VerificationPhase.DONE)
        await theirs.dismiss(asked)

    async def _come_and_send(self) -> None:
        device = await self.come(self.chance.choice(self.users))
        self._group.create_task(self.send(device))

    async def _join(self, guest: User, room: RoomId) -> None:
        host = next(user for user in self.users if room in user.rooms and not user.guest)
        first = self.first_of(guest).running
        await self.first_of(host).running.chat.invite(room, guest.registered.user_id)  # type: ignore[arg-type]  # as registered
        await until(lambda: invited(first, room), seconds=PATIENCE)
        await self.rest(2.0, 4.0)
        await first.chat.join(room)
        for device in self.devices:
            if device.user is guest:
                joined = device.running
                await until(lambda joined=joined: joined._is_joined(room), seconds=PATIENCE)  # type: ignore[misc]  # bound at once
        guest.rooms.add(room)
        self.figures.joins += 1

    async def _leave(self, guest: User, room: RoomId) -> None:
        guest.rooms.discard(room)
        async with guest.turn:
            for device in self.devices:
                if device.user is guest:
                    await asyncio.wait_for(until_at_most(device.running, room, 0), PATIENCE)
            await self.first_of(guest).running.chat.leave(room)
        self.figures.leaves += 1

    async def _try(self, what: str, deed: "asyncio.Future[None] | object") -> bool:
        """The line may be cut while something is done: that is told, and goes on."""
        try:
            await deed  # type: ignore[misc]  # a coroutine
        except (WeLinkError, TimeoutError) as error:
            self.trouble(f"{what}: {type(error).__name__}")
            return False
        return True


def invited(session: MatrixSession, room: RoomId) -> bool:
    row = session._rooms.row(room)
    return row is not None and row.membership == "invite"
