"""Verifications of this device: brings their messages there and back, between devices and in rooms (matrix.md §8.8)."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.crypto.identities import USER_SIGNING
from welink_desktop.adapters.matrix.crypto.records import Device, JsonObject, ToDevice
from welink_desktop.adapters.matrix.crypto.verification import VerificationMachine
from welink_desktop.adapters.matrix.crypto.verification_records import CANCEL, TYPES, Effects, Received, Send
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.encryption_seams import KeyRequests
from welink_desktop.adapters.matrix.errors import Limited
from welink_desktop.adapters.matrix.wire.values import text_of
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import EncryptionRefused, IdentityChanged, NotFound, Offline, ServerFault, WeLinkError
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, State
from welink_desktop.core.security import Verification, VerificationPhase

LONGEST_SLEEP = 30.0
"""Seconds between looks at the clock while a verification runs."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
KEEP_TRYING = 600.0
"""Seconds for which a message is tried again."""

PATIENCE, LAST_WORD = 30.0, 1.0
"""Seconds for one request; for one while the session closes."""

ENCRYPT_ATTEMPTS = 3
Conclude = Callable[[Effects], Awaitable[None]]
"""Puts in place what a verification proved. Raises a `WeLinkError` if it cannot."""

_log = topic("security.verification")


class Rooms(Protocol):
    """What verifications need of rooms."""

    def encrypted(self, room: RoomId) -> bool: ...

    async def direct_room(self, user: UserId) -> RoomId:
        """The direct chat with `user`; made if there is none."""


class LiveTrust:
    """The `TrustView` of an `Encryption`, looked up each time."""

    def __init__(self, encryption: Encryption) -> None:
        self._encryption = encryption

    def own_device(self) -> tuple[DeviceId, str]:
        return self._encryption.identities.own_device()

    def own_master(self) -> tuple[str, bool] | None:
        return self._encryption.identities.own_master()

    def master_of(self, user: UserId) -> str | None:
        return self._encryption.identities.master_of(user)

    def device(self, user: UserId, device: DeviceId) -> Device | None:
        return self._encryption.identities.device(user, device)


class Verifications:
    """One per account, on the engine loop. Give it `received` for events of rooms (`Hub.verification`).

    A finished verification shows as done once `conclude` has put in place what it proves, and as failed if that is impossible.
    """

    def __init__(
        self,
        encryption: Encryption,
        http: KeyRequests,
        rooms: Rooms,
        *,
        user: UserId,
        device: DeviceId,
        scope: Scope,
        clock: Clock,
        conclude: Conclude,
    ) -> None:
        self._encryption = encryption
        self._http = http
        self._rooms = rooms
        self._user = user
        self._device = device
        self._scope = scope
        self._clock = clock
        self._conclude = conclude
        self._trust = LiveTrust(encryption)
        self._machine = VerificationMachine(user, device, self._trust, clock)
        self._shown: State[tuple[Verification, ...]] = State(())
        self._in: asyncio.Queue[Received] = asyncio.Queue()
        self._out: asyncio.Queue[Send] = asyncio.Queue()
        self._asking = asyncio.Lock()
        self._began = asyncio.Event()

    def start(self) -> None:
        """Listen, and work until the scope ends; whoever waits for us then is told."""
        for event_type in TYPES:
            self._scope.add(self._encryption.listen(event_type, self._between_devices))
        self._scope.add(self._encryption.people_changed.listen(self._keys_changed))
        self._scope.add(self._encryption.lists_changed.listen(self._keys_changed))
        self._scope.add(self._leave)
        self._scope.spawn(self._receive(), name="verifications-in")
        self._scope.spawn(self._send(), name="verifications-out")
        self._scope.spawn(self._watch_clock(), name="verifications-clock")

    def received(self, event: Received) -> None:
        """An event of a room, after its commit. Returns at once."""
        self._in.put_nowait(event)

    # Port

    def watch(self, listener: Listener[tuple[Verification, ...]]) -> Cancel:
        """All that run, and finished ones until `dismiss`."""
        return self._shown.watch(listener)

    async def verify_device(self, device: DeviceId | None = None) -> str:
        """Ask one device of this account, or all that could help; returns the flow. Raises `NotFound` if there is none."""
        await self._encryption.refresh_devices(self._user)
        asked = self._to_ask() if device is None else [one for one in self._others() if one.device == device]
        if not asked or self._trust.own_master() is None:
            raise NotFound
        devices = [one.device for one in asked]
        flow = self._machine.answer_waiting(self._user, devices) or self._machine.request_devices(devices)
        self._settle()
        return flow

    async def verify_person(self, user: UserId) -> str:
        """Ask a person in the direct chat with them; returns the flow.

        Raises `NotFound` if the person has no identity, or this device could not vouch for it; `Offline`, `ServerFault`.
        """
        try:
            await self._encryption.refresh_devices(user)
        except Offline:
            if self._trust.master_of(user) is None:
                raise
        own = self._trust.own_master()
        if own is None or not own[1] or self._trust.master_of(user) is None or not self._may_sign_people():
            raise NotFound
        flow = self._machine.answer_waiting(user)
        if flow is not None:
            self._settle()
            return flow
        room = await self._rooms.direct_room(user)
        content = self._machine.room_request(user)
        async with self._asking:
            event = await self._post(room, *await self._wire(room, names.MESSAGE, content), new_txn())
            flow = self._machine.requested_in_room(room, event, user)
        self._settle()
        return flow

    async def accept(self, flow: str) -> None:
        self._machine.accept(flow)
        self._settle()

    async def compare(self, flow: str) -> None:
        self._machine.compare(flow)
        self._settle()

    async def decide(self, flow: str, same: bool) -> None:
        self._machine.decide(flow, same)
        self._settle()

    async def scan(self, flow: str, code: bytes) -> None:
        """Raises `WrongCode`."""
        self._machine.scan(flow, code)
        self._settle()

    async def cancel(self, flow: str) -> None:
        self._machine.cancel(flow)
        self._settle()

    async def dismiss(self, flow: str) -> None:
        self._machine.dismiss(flow)
        self._settle()

    def tick(self) -> None:
        """End what ran out by now."""
        self._machine.tick()
        self._settle()

    # Inside

    def _may_sign_people(self) -> bool:
        identity = self._encryption.identities.own()
        return identity is not None and USER_SIGNING in identity.held

    def _others(self) -> list[Device]:
        """Devices of this account that may be asked; dehydrated ones have nobody in front of them."""
        devices = self._encryption.devices_of(self._user)
        return [one for one in devices if one.device != self._device and not (one.keys_changed or one.dehydrated)]

    def _to_ask(self) -> list[Device]:
        """A device that trusts the identity can confirm those that are not signed, and those can only use signed ones."""
        own, others = self._trust.own_master(), self._others()
        if own is None or not own[1]:
            return [one for one in others if one.owner_signed]
        return [one for one in others if not one.owner_signed] or others

    def _between_devices(self, event: ToDevice) -> None:
        self._in.put_nowait(Received(event.type, event.sender, event.content, device=event.sender_device))

    def _keys_changed(self, users: set[UserId]) -> None:
        self._machine.keys_changed()
        self._settle()

    def _settle(self) -> None:
        """After each call of the machine: its messages are on their way, its news are told."""
        sends, proved = self._machine.take()
        for send in sends:
            self._out.put_nowait(send)
        for flow, effects in proved:
            self._scope.spawn(self._put_in_place(flow, effects), name="verification-effects")
        if self._machine.next_end() is not None:
            self._began.set()
        self._shown.set(self._machine.verifications())

    async def _put_in_place(self, flow: str, effects: Effects) -> None:
        good = True
        try:
            await self._conclude(effects)
        except WeLinkError as error:
            good = False
            _log.warning("what was verified is not in place", exception=literal(type(error).__name__))
        self._machine.concluded(flow, good)
        self._settle()

    async def _receive(self) -> None:
        while True:
            event = await self._in.get()
            async with self._asking:
                unknown = self._machine.needs_device(event)
                if unknown is not None:
                    await self._look_up(unknown[0])
                self._machine.receive(event)
            self._settle()

    async def _look_up(self, user: UserId) -> None:
        try:
            await self._encryption.refresh_devices(user)
        except WeLinkError as error:
            _log.info("device not looked up", user=short(user), exception=literal(type(error).__name__))

    async def _watch_clock(self) -> None:
        while True:
            await self._began.wait()
            self._began.clear()
            while (end := self._machine.next_end()) is not None:
                await asyncio.sleep(min(LONGEST_SLEEP, max(0.1, end - self._clock.monotonic())))
                self.tick()

    async def _send(self) -> None:
        while True:
            send = await self._out.get()
            try:
                await self._delivered(send)
            except WeLinkError as error:
                _log.warning("message not sent", type=literal(send.type), exception=literal(type(error).__name__))
                if send.type != CANCEL:
                    self._machine.fail(send.flow)
                    self._settle()

    async def _delivered(self, send: Send) -> None:
        """The same request again until the server has it. Raises what makes that hopeless."""
        txn, wire = new_txn(), (send.type, send.content)
        ends, pause = self._clock.monotonic() + KEEP_TRYING, FIRST_PAUSE
        sealed = not send.room
        while True:
            try:
                if not sealed:
                    wire, sealed = await self._wire(send.room, *wire), True
                await (self._post(send.room, *wire, txn) if send.room else self._tell(send, txn))
                return
            except (Offline, ServerFault, Limited):
                if self._clock.monotonic() > ends:
                    raise
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def _leave(self) -> None:
        """The scope ends: cancel what runs, in clear and without patience."""
        for shown in self._machine.verifications():
            if not (shown.incoming and shown.phase is VerificationPhase.REQUESTED):
                self._machine.cancel(shown.flow)
        for send in self._machine.take()[0]:
            try:
                if send.room:
                    await self._post(send.room, send.type, send.content, new_txn(), deadline=LAST_WORD)
                else:
                    await self._tell(send, new_txn(), deadline=LAST_WORD)
            except WeLinkError as error:
                _log.info("nobody told", exception=literal(type(error).__name__))
                return

    async def _tell(self, send: Send, txn: str, *, deadline: float = PATIENCE) -> None:
        body = {"messages": {send.user: dict.fromkeys(send.devices, send.content)}}
        await self._http.request("PUT", (*names.CLIENT_V3, "sendToDevice", send.type, txn), json=body, deadline=deadline)

    async def _post(self, room: RoomId, event_type: str, content: JsonObject, txn: str, *, deadline: float = PATIENCE) -> EventId:
        path = (*names.CLIENT_V3, "rooms", room, "send", event_type, txn)
        answer = await self._http.request("PUT", path, json=content, deadline=deadline)
        event = text_of(answer, "event_id", 255)
        if not event:
            raise ServerFault("no event id in the answer")
        return EventId(event)

    async def _wire(self, room: RoomId, event_type: str, content: JsonObject) -> tuple[str, JsonObject]:
        """What goes into the room: encrypted where the room is, but in clear to people for whom nothing may be encrypted.

        Nothing of a verification is secret, and comparing is how such people are trusted again.
        """
        if not self._rooms.encrypted(room):
            return event_type, content
        for _ in range(ENCRYPT_ATTEMPTS):
            try:
                await self._encryption.prepare_to_send(room)
                return names.ENCRYPTED, self._encryption.encrypt(room, event_type, content)
            except IdentityChanged:
                break
            except EncryptionRefused:
                continue
        return event_type, content


def new_txn() -> str:
    return f"verify-{secrets.token_hex(12)}"
