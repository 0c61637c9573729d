"""A homeserver's call side in memory: one room, its call.member state, delayed leaves, and Olm messages between devices."""

import asyncio
import base64
import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from welink_desktop.adapters.matrix.crypto.records import ToDevice
from welink_desktop.adapters.matrix.errors import MatrixError, Missing, matrix_error
from welink_desktop.adapters.matrix.rtc.keeper import Timings
from welink_desktop.adapters.matrix.rtc.keys import Policy
from welink_desktop.adapters.matrix.rtc.membership import Face, MemberEvent
from welink_desktop.adapters.matrix.rtc.session import CallParts
from welink_desktop.adapters.matrix.rtc.signalling import RtcSignalling
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.errors import MeetingTokenRefused, Offline, WeLinkError
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.reactive import Cancel, Signal

ROOM = RoomId("!meeting:example.org")
SERVICE = "https://rtc.example.org/token"
QUICK = Timings(
    leave_delay=0.4, heartbeat=0.05, restart_timeout=0.05, retry=0.01, join_tries=3, unconfirmed=0.3, leave_timeout=0.5
)
QUICK_KEYS = Policy(use_delay=0.05, young=0.2, first_retry=0.02, last_retry=0.1)


@dataclass
class RtcWorld:
    """Facts; every change is told to all watchers. `deaf`: devices that no Olm message reaches."""

    joined: set[UserId] = field(default_factory=set)
    encrypted: bool = True
    state: dict[str, MemberEvent] = field(default_factory=dict)
    delayed: dict[str, tuple[str, UserId]] = field(default_factory=dict)
    changed: Signal[None] = field(default_factory=Signal)
    deaf: set[DeviceId] = field(default_factory=set)
    devices: dict[tuple[UserId, DeviceId], "Olm"] = field(default_factory=dict)
    number: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def put(self, sender: UserId, key: str, content: Mapping[str, Any]) -> EventId:
        event = EventId(f"$event{next(self.number)}")
        self.state[key] = MemberEvent(sender, event, SystemClock().now_ms(), dict(content), key)
        self.changed.emit(None)
        return event

    def fire(self, delay_id: str) -> None:
        """The delayed leave's time has come."""
        key, sender = self.delayed.pop(delay_id)
        self.put(sender, key, {})

    def remove(self, user: UserId) -> None:
        self.joined.discard(user)
        self.changed.emit(None)


class Server:
    """`CallServer` of one user. `fail` answers requests by name with an error; `log` keeps what was asked."""

    def __init__(self, world: RtcWorld, user: UserId, device: DeviceId) -> None:
        self._world, self._user, self._device = world, user, device
        self.log: list[str] = []
        self.fail: dict[str, WeLinkError] = {}
        self.announced: Any = [{"type": "livekit", "livekit_service_url": SERVICE}]
        self.known: dict[str, Any] = {}
        self.answer: dict[str, Any] | None = None

    def _note(self, name: str) -> None:
        self.log.append(name)
        if name in self.fail:
            raise self.fail[name]

    async def transports(self) -> Sequence[Any] | None:
        self._note("transports")
        found: Sequence[Any] | None = self.announced
        return found

    async def well_known(self) -> Mapping[str, Any]:
        self._note("well-known")
        return self.known

    async def openid_token(self) -> dict[str, Any]:
        self._note("openid")
        return {"access_token": "open", "matrix_server_name": "example.org"}

    async def ask_token_service(self, service_url: str, body: dict[str, Any]) -> dict[str, Any]:
        self._note("token")
        assert set(body) == {"room", "openid_token", "device_id"}
        if self.answer is not None:
            return self.answer
        return {"url": "wss://sfu.example.org", "jwt": jwt_for(f"{self._user}:{self._device}")}

    async def put_state(self, room: RoomId, event_type: str, state_key: str, content: dict[str, Any]) -> EventId:
        self._note("leave" if not content else "member")
        if self._user not in self._world.joined:
            raise matrix_error(403, {"errcode": "M_FORBIDDEN"})
        return self._world.put(self._user, state_key, content)

    async def put_delayed_state(
        self, room: RoomId, event_type: str, state_key: str, content: dict[str, Any], delay_ms: int
    ) -> str:
        self._note("delay")
        delay_id = f"syd_{next(self._world.number)}"
        self._world.delayed[delay_id] = (state_key, self._user)
        return delay_id

    async def delayed_of(self, room: RoomId, event_type: str, state_key: str) -> Sequence[str]:
        self._note("delayed-list")
        return [one for one, (key, user) in self._world.delayed.items() if (key, user) == (state_key, self._user)]

    async def update_delayed(self, delay_id: str, action: str, *, timeout: float) -> None:
        self._note(action)
        if delay_id not in self._world.delayed:
            raise not_found()
        if action == "send":
            self._world.fire(delay_id)
        elif action == "cancel":
            del self._world.delayed[delay_id]


class Rooms:
    def __init__(self, world: RtcWorld) -> None:
        self._world = world

    async def load_members(self, room: RoomId) -> None:
        assert room == ROOM

    def call_events(self, room: RoomId) -> Sequence[MemberEvent]:
        return list(self._world.state.values())

    def joined(self, room: RoomId) -> Collection[UserId]:
        return self._world.joined

    def face(self, room: RoomId, user: UserId) -> Face:
        return Face(name=user[1:4].title())

    def encrypted(self, room: RoomId) -> bool:
        return self._world.encrypted

    def version(self, room: RoomId) -> str:
        return "11"

    def watch_call(self, room: RoomId, listener: Callable[[], None]) -> Cancel:
        return self._world.changed.listen(lambda _none: listener())


class Olm:
    """`KeyChannel` of one device. Delivery takes one turn of the loop."""

    def __init__(self, world: RtcWorld, user: UserId, device: DeviceId) -> None:
        self._world, self._place = world, (user, device)
        self._arrived: Signal[ToDevice] = Signal()
        world.devices[self._place] = self

    async def send_to_device_encrypted(
        self, event_type: str, recipients: Mapping[UserId, Mapping[DeviceId, dict[str, Any]]]
    ) -> set[tuple[UserId, DeviceId]]:
        await asyncio.sleep(0)
        reached = set()
        for user, devices in recipients.items():
            for device, content in devices.items():
                other = self._world.devices.get((user, device))
                if other is not None and device not in self._world.deaf:
                    other.deliver(ToDevice(event_type, content, *self._place, sender_key="curve", encrypted=True))
                    reached.add((user, device))
        return reached

    def deliver(self, message: ToDevice) -> None:
        self._arrived.emit(message)

    def listen(self, event_type: str, listener: Callable[[ToDevice], None]) -> Cancel:
        return self._arrived.listen(listener)


@dataclass
class Party:
    """One device of somebody in the world."""

    user: UserId
    device: DeviceId
    server: Server
    olm: Olm
    calls: RtcSignalling

    @property
    def identity(self) -> str:
        return f"{self.user}:{self.device}"


def party(world: RtcWorld, name: str, device: str = "PHONE") -> Party:
    user, device_id = UserId(f"@{name}:example.org"), DeviceId(device)
    world.joined.add(user)
    server, olm = Server(world, user, device_id), Olm(world, user, device_id)
    parts = CallParts(server, Rooms(world), olm, SystemClock(), QUICK, QUICK_KEYS)
    return Party(user, device_id, server, olm, RtcSignalling(parts, user=user, device=device_id))


def jwt_for(identity: str) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part({'sub': identity, 'video': {'room': 'r'}})}.c2ln"


def not_found() -> Missing:
    error = matrix_error(404, {"errcode": "M_NOT_FOUND"})
    assert isinstance(error, Missing)
    return error


def refused(status: int, errcode: str, **body: Any) -> MatrixError:
    return matrix_error(status, {"errcode": errcode, **body})


OFFLINE = Offline("test")
TOKEN_REFUSED = MeetingTokenRefused("test")
