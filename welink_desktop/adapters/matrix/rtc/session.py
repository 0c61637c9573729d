"""One call of ours: members from the room's state, our membership, keys out and in. Implements `CallSession`."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto.records import ToDevice
from welink_desktop.adapters.matrix.rtc.keeper import MembershipKeeper, Place, Timings
from welink_desktop.adapters.matrix.rtc.key_events import KEY_BYTES, KEY_EVENT, InboundKeys, key_content, parse_key_event
from welink_desktop.adapters.matrix.rtc.keys import Holder, KeyRollout, OutboundKey, Policy, Share, Step, Use
from welink_desktop.adapters.matrix.rtc.membership import identity_of, next_expiry_ms, parse_members
from welink_desktop.adapters.matrix.rtc.seams import CallRooms, CallServer, JsonObject, KeyChannel
from welink_desktop.adapters.matrix.rtc.tickets import fetch_ticket
from welink_desktop.core.calls import (
    CallEnded,
    CallMember,
    CallSignal,
    MediaKey,
    MembersChanged,
    MembershipDoubtful,
    OwnKeyReady,
    RemoteKeyArrived,
    SfuTicket,
)
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import EncryptionRefused, WeLinkError
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, Signal

_log = topic("call")
LONGEST_TIMER = 3600.0


@dataclass(frozen=True, slots=True)
class CallParts:
    """What every call of an account uses."""

    server: CallServer
    rooms: CallRooms
    keys: KeyChannel
    clock: Clock
    timings: Timings = Timings()
    policy: Policy = Policy()


class RtcSession:
    """From `start` to `leave`. `ended` is called once it is over, whoever ended it."""

    def __init__(self, parts: CallParts, place: Place, *, video: bool, ended: Callable[[], None]) -> None:
        self._parts, self._place, self._ended = parts, place, ended
        self._scope = Scope("call")
        self._signals: Signal[CallSignal] = Signal()
        self._encrypted = parts.rooms.encrypted(place.room)
        self._members: tuple[CallMember, ...] = ()
        self._inbound = InboundKeys()
        self._rollout = KeyRollout(random=lambda: secrets.token_bytes(KEY_BYTES), policy=parts.policy)
        self._in_use: OutboundKey | None = None
        self._announced = self._over = False
        self._left = asyncio.Event()
        self._first_ticket: SfuTicket | None = None
        self._key_timer: asyncio.TimerHandle | None = None
        self._expiry_timer: asyncio.TimerHandle | None = None
        self._keeper = MembershipKeeper(
            parts.server,
            parts.clock,
            place,
            video=video,
            timings=parts.timings,
            on_doubt=lambda doubtful: self._signals.emit(MembershipDoubtful(doubtful)),
            on_end=self._end,
            on_return=self._returned,
        )

    async def start(self) -> None:
        """Get admitted, then become a member. Raises as `CallSignalling.join`; nothing stays behind then."""
        try:
            self._first_ticket = await self._fetch("")
            self._scope.add(self._parts.rooms.watch_call(self._place.room, self._evaluate))
            await self._keeper.announce(self._scope)
        except BaseException:
            await self.leave()
            raise
        self._announced = True
        self._evaluate()

    # The port

    def watch(self, listener: Listener[CallSignal]) -> Cancel:
        listener(MembersChanged(self._members))
        current = self._rollout.current
        if current is not None and current != self._in_use:
            listener(OwnKeyReady(self._own(current), use=False))
        if self._in_use is not None:
            listener(OwnKeyReady(self._own(self._in_use), use=True))
        for key in self._inbound.known():
            listener(RemoteKeyArrived(key))
        return self._signals.listen(listener)

    async def ticket(self, service_url: str = "") -> SfuTicket:
        first, self._first_ticket = self._first_ticket, None
        if first is not None and service_url in ("", first.service_url):
            return first
        return await self._fetch(service_url)

    async def set_video(self, on: bool) -> None:
        self._keeper.set_video(on)

    async def leave(self) -> None:
        if self._over:
            await self._left.wait()
            return
        self._over = True
        for timer in (self._key_timer, self._expiry_timer):
            if timer is not None:
                timer.cancel()
        self._inbound.forget()
        self._in_use = None
        try:
            await self._keeper.leave()
        finally:
            await self._scope.aclose()
            self._left.set()
            self._ended()

    # Keys in

    def key_arrived(self, message: ToDevice) -> None:
        """A key event of any room; unencrypted, forged or foreign ones are dropped."""
        if self._over or not self._encrypted:
            return
        if not message.encrypted or not message.sender_device:
            _log.warning("media key came in clear, dropped")
            return
        event = parse_key_event(message.sender, message.sender_device, message.content)
        if event is None or event.room != self._place.room:
            return
        if (event.user, event.device) == (self._place.user, self._place.device):
            return
        if event.user not in self._parts.rooms.joined(self._place.room):
            _log.warning("media key of somebody outside the room, dropped", room=short(self._place.room))
            return
        key = self._inbound.add(event)
        if key is not None:
            self._signals.emit(RemoteKeyArrived(key))

    # Members

    def _evaluate(self) -> None:
        """The room's state, our own membership or the time changed."""
        if self._over:
            return
        parts, place = self._parts, self._place
        if parts.rooms.encrypted(place.room) and not self._encrypted:
            self._end(EncryptionRefused("the room was encrypted during the call"))
            return
        now = parts.clock.now_ms()
        events = parts.rooms.call_events(place.room)
        joined = parts.rooms.joined(place.room)
        own = (place.user, place.device)
        members = parse_members(events, joined, now, own=own, face=lambda user: parts.rooms.face(place.room, user))
        self._keeper.observed(next((member for member in members if member.own), None))
        if members != self._members:
            self._members = members
            self._signals.emit(MembersChanged(members))
        for key in self._inbound.present({(member.user, member.device) for member in members if not member.own}):
            self._signals.emit(RemoteKeyArrived(key))
        if self._encrypted and self._announced:
            holders = [Holder(member.user, member.device, member.since_ms) for member in members if not member.own]
            self._perform(self._rollout.members(parts.clock.monotonic(), holders, joined))
        self._expiry_timer = self._rearm(self._expiry_timer, _seconds_to(next_expiry_ms(events, now), now), self._evaluate)

    def _returned(self) -> None:
        if self._encrypted:
            self._perform(self._rollout.resend(self._parts.clock.monotonic()))

    # Keys out

    def _perform(self, steps: tuple[Step, ...]) -> None:
        if self._over:
            return
        for step in steps:
            match step:
                case Use():
                    self._in_use = step.key
                    self._signals.emit(OwnKeyReady(self._own(step.key), use=True))
                case Share():
                    if step.rotated:
                        _log.info("new media key", index=step.key.index, recipients=len(step.recipients))
                        self._signals.emit(OwnKeyReady(self._own(step.key), use=False))
                    self._scope.spawn(self._share(step), name="share-key")
        deadline = self._rollout.deadline()
        delay = None if deadline is None else deadline - self._parts.clock.monotonic()
        self._key_timer = self._rearm(self._key_timer, delay, self._due)

    def _due(self) -> None:
        self._perform(self._rollout.due(self._parts.clock.monotonic()))

    async def _share(self, share: Share) -> None:
        place, key = self._place, share.key
        content = key_content(place.user, place.device, place.room, key.index, key.key, self._parts.clock.now_ms())
        recipients: dict[UserId, dict[DeviceId, JsonObject]] = {}
        for holder in share.recipients:
            recipients.setdefault(holder.user, {})[holder.device] = content
        reached: set[tuple[UserId, DeviceId]] = set()
        try:
            reached = await self._parts.keys.send_to_device_encrypted(KEY_EVENT, recipients)
        except WeLinkError as error:
            _log.warning("media key not sent", error=literal(type(error).__name__))
        finally:
            if len(reached) < len(share.recipients):
                _log.info("media key did not reach everybody", missing=len(share.recipients) - len(reached))
            self._perform(self._rollout.shared(self._parts.clock.monotonic(), reached))

    # Small parts

    async def _fetch(self, service_url: str) -> SfuTicket:
        place = self._place
        url = service_url or place.service_url
        return await fetch_ticket(self._parts.server, url, place.room, place.user, place.device, encrypted=self._encrypted)

    def _own(self, key: OutboundKey) -> MediaKey:
        return MediaKey(identity_of(self._place.user, self._place.device), key.index, key.key)

    def _end(self, error: WeLinkError) -> None:
        if self._over:
            return
        _log.warning("out of the call", error=literal(type(error).__name__))
        self._signals.emit(CallEnded(error))

    def _rearm(
        self, timer: asyncio.TimerHandle | None, delay: float | None, call: Callable[[], None]
    ) -> asyncio.TimerHandle | None:
        if timer is not None:
            timer.cancel()
        if delay is None:
            return None
        return asyncio.get_running_loop().call_later(min(max(delay, 0.0), LONGEST_TIMER), call)


def _seconds_to(moment_ms: int | None, now_ms: int) -> float | None:
    return None if moment_ms is None else (moment_ms - now_ms) / 1000 + 0.05
