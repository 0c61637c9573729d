"""All verifications of one device: which event belongs to which, what is worth a request, what ran out (matrix.md §8.8)."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import TypeGuard

from welink_desktop.adapters.matrix.crypto import sas
from welink_desktop.adapters.matrix.crypto.canonical import storable
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.verification_flow import Flow, can_verify
from welink_desktop.adapters.matrix.crypto.verification_records import (
    CANCEL,
    DONE,
    FUTURE_MS,
    LIFETIME,
    METHODS,
    READY,
    REQUEST,
    START,
    TYPES,
    Around,
    Ask,
    Code,
    Effects,
    Received,
    Send,
    Stage,
    TrustView,
)
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.log import short, topic
from welink_desktop.core.security import Verification, VerificationEnd

MOST_RUNNING = 20
"""Requests of other people beyond this many running verifications are ignored."""
MOST_FINISHED = 20
MOST_OVER = 500
"""Transactions that are remembered as over, so that no late or repeated request brings them back."""
MAX_ID = 255
REQUEST_TEXT = "asks to compare emoji with you, to prove who is who. This client cannot do that."
"""What clients without verification show; ours shows a notice."""

Route = tuple[str, str]

_log = topic("crypto.verification")


class VerificationMachine:
    """Synchronous, without IO. After each call: send what `take` returns, act on the effects, call `concluded` for them."""

    def __init__(
        self,
        user: UserId,
        device: DeviceId,
        trust: TrustView,
        clock: Clock,
        *,
        make_key: Callable[[], sas.Secret] = sas.EphemeralKey,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._around = Around((user, device), trust, clock, make_key, random)
        self._flows: dict[str, Flow] = {}
        self._routes: dict[Route, Flow] = {}
        self._over: OrderedDict[Route, None] = OrderedDict()
        self._told: set[str] = set()

    def verifications(self) -> tuple[Verification, ...]:
        """Running ones and finished ones that were not dismissed, in the order they came."""
        return tuple(flow.snapshot() for flow in self._flows.values())

    def take(self) -> tuple[list[Send], list[tuple[str, Effects]]]:
        """What is to be sent, and what finished flows prove; each of them once."""
        sends: list[Send] = []
        proved: list[tuple[str, Effects]] = []
        for flow in self._flows.values():
            sends += flow.out
            flow.out = []
            if flow.stage is Stage.CONCLUDING and flow.effects is not None and flow.key not in self._told:
                self._told.add(flow.key)
                proved.append((flow.key, flow.effects))
        return sends, proved

    def concluded(self, flow: str, good: bool = True) -> None:
        """The effects are in place, or cannot be put in place."""
        if (found := self._flows.get(flow)) is None:
            return
        if good:
            found.concluded()
        elif found.proved:
            found.finish(VerificationEnd.FAILED)

    # What a person wants. Flows that are unknown or over are ignored.

    def request_devices(self, devices: Collection[DeviceId]) -> str:
        """Ask these other devices of the account; the first that answers is the one. Returns the flow."""
        user = self._around.me[0]
        transaction = self._around.random(16).hex()
        flow = self._add(Ask(user, transaction, self._expiry(), asked=tuple(devices)))
        content = self.request_content() | {"timestamp": self._around.clock.now_ms(), "transaction_id": transaction}
        flow.out.append(Send(flow.key, REQUEST, content, user, flow.asked))
        return flow.key

    def answer_waiting(self, user: UserId, devices: Collection[DeviceId] = ()) -> str | None:
        """Whoever is about to ask `user` (one of `devices`, if given) may be asked already: accept that. Returns the flow."""
        self.tick()
        for flow in self._flows.values():
            waits = flow.incoming and flow.stage is Stage.REQUESTED and flow.user == user
            if waits and (not devices or flow.device in devices):
                flow.accept()
                return None if flow.final else flow.key
        return None

    def request_content(self) -> JsonObject:
        return {"from_device": self._around.me[1], "methods": list(METHODS)}

    def room_request(self, user: UserId) -> JsonObject:
        """The content of the `m.room.message` that asks `user`; tell `requested_in_room` its event id."""
        return {"msgtype": REQUEST, "to": user, "body": REQUEST_TEXT, **self.request_content()}

    def requested_in_room(self, room: RoomId, event: EventId, user: UserId) -> str:
        """Our request is in the room. Returns the flow."""
        return self._add(Ask(user, event, self._expiry(), room)).key

    def accept(self, flow: str) -> None:
        self._running(flow, Flow.accept)

    def compare(self, flow: str) -> None:
        self._running(flow, Flow.compare)

    def decide(self, flow: str, same: bool) -> None:
        self._running(flow, lambda one: one.decide(same))

    def scan(self, flow: str, code: bytes) -> None:
        """Raises `WrongCode`."""
        self._running(flow, lambda one: one.scan(code))

    def cancel(self, flow: str) -> None:
        def end(one: Flow) -> None:
            declined = one.incoming and one.stage is Stage.REQUESTED
            one.cancel(Code.USER, VerificationEnd.DECLINED if declined else VerificationEnd.CANCELLED)

        self._running(flow, end)

    def dismiss(self, flow: str) -> None:
        found = self._flows.get(flow)
        if found is not None and found.final and not found.out:
            self._remove(found)

    def fail(self, flow: str) -> None:
        """The other side cannot be reached any more."""
        if (found := self._flows.get(flow)) is not None and not found.proved:
            found.finish(VerificationEnd.FAILED)
            found.out = []

    # What happens

    def tick(self) -> None:
        """End what ran out. Requests that were never answered here are not cancelled for the other devices."""
        now = self._around.clock.monotonic()
        for flow in [one for one in self._flows.values() if not one.final and one.expires <= now]:
            if flow.incoming and flow.stage is Stage.REQUESTED:
                flow.finish(VerificationEnd.TIMEOUT)
            else:
                flow.cancel(Code.TIMEOUT, VerificationEnd.TIMEOUT)

    def next_end(self) -> float | None:
        """When the next one runs out (monotonic)."""
        return min((one.expires for one in self._flows.values() if not one.final and not one.proved), default=None)

    def keys_changed(self) -> None:
        """Device lists or identities changed: flows whose keys are other ones than at their beginning end."""
        for flow in list(self._flows.values()):
            flow.keys_hold()

    def receive(self, event: Received) -> None:
        """Any event, hostile as it may be. What belongs to no flow is ignored."""
        self.tick()
        route = _route(event)
        if event.type not in TYPES or route is None or event.echo:
            return
        if event.type == REQUEST:
            self._asked(route, event)
            return
        flow = self._routes.get(route)
        if flow is None:
            self._close(route)
        elif event.sender == flow.user and not self._foreign_device(flow, event):
            flow.receive(event.type, event.content)
        elif event.sender == self._around.me[0]:
            self._answered_elsewhere(flow, event)
        else:
            _log.warning("verification message of somebody else", flow=short(flow.transaction))

    def needs_device(self, event: Received) -> tuple[UserId, DeviceId] | None:
        """The unknown device that an event names: fetch its owner's list first."""
        device = event.content.get("from_device")
        if event.type not in (REQUEST, READY) or event.echo or not _is_id(device):
            return None
        known = self._around.trust.device(event.sender, DeviceId(device)) is not None
        return None if known or (event.sender, device) == self._around.me else (event.sender, DeviceId(device))

    # Inside

    def _asked(self, route: Route, event: Received) -> None:
        content, me = event.content, self._around.me
        device, methods = content.get("from_device"), content.get("methods")
        if route in self._routes or route in self._over or not self._is_timely(event):
            return
        if not _is_id(device) or not isinstance(methods, list) or (event.device and event.device != device):
            return
        if (event.sender, device) == me or (event.room and (event.sender == me[0] or content.get("to") != me[0])):
            return
        if self._around.trust.device(event.sender, DeviceId(device)) is None:
            _log.warning("request of an unknown device", user=short(event.sender))
            return
        running = [one for one in self._flows.values() if not one.final]
        crossing = next((one for one in running if self._crosses(one, event, device)), None)
        if crossing is not None and me < (event.sender, device):
            self._close(route)
            return
        if len(running) >= MOST_RUNNING and event.sender != me[0]:
            return
        self._open(route, event, DeviceId(device), [one for one in methods if isinstance(one, str)], crossing)

    def _open(self, route: Route, event: Received, device: DeviceId, methods: list[str], crossing: Flow | None) -> None:
        for old in [one for one in self._flows.values() if not one.final and one is not crossing]:
            if (old.user, old.device) == (event.sender, device):
                old.cancel(Code.USER, VerificationEnd.CANCELLED)
        age_ms = max(0, self._around.clock.now_ms() - self._sent_ms(event))
        ask = Ask(event.sender, route[1], self._expiry(age_ms), event.room, True, (), device, tuple(methods))
        flow = self._add(ask, crossing.key if crossing is not None else "")
        if not can_verify(methods):
            flow.cancel(Code.UNKNOWN_METHOD, VerificationEnd.NOT_SUPPORTED)
        elif crossing is not None:
            crossing.cancel(Code.ACCEPTED, VerificationEnd.ELSEWHERE)
            flow.out = crossing.out
            flow.accept()
            flow.incoming = False
            self._forget_routes(crossing)

    def _expiry(self, age_ms: int = 0) -> float:
        return self._around.clock.monotonic() + LIFETIME - age_ms / 1_000

    def _crosses(self, flow: Flow, event: Received, device: str) -> bool:
        """Both asked each other at the same time: one request is enough, and both are willing."""
        if flow.incoming or flow.stage is not Stage.REQUESTED or flow.user != event.sender:
            return False
        return flow.room == event.room and (bool(event.room) or device in flow.asked)

    def _is_timely(self, event: Received) -> bool:
        age = self._around.clock.now_ms() - self._sent_ms(event)
        return -FUTURE_MS <= age <= LIFETIME * 1_000

    def _sent_ms(self, event: Received) -> int:
        sent = event.sent_ms if event.room else event.content.get("timestamp")
        return sent if isinstance(sent, int) and not isinstance(sent, bool) else 0

    def _foreign_device(self, flow: Flow, event: Received) -> bool:
        """Olm proves that another device than the flow's sent it, or another than it says."""
        named = event.content.get("from_device", event.device)
        return bool(event.device) and (named != event.device or (flow.device not in ("", event.device)))

    def _answered_elsewhere(self, flow: Flow, event: Received) -> None:
        """Another device of ours takes part in a room's verification that waits here for an answer."""
        own = event.content.get("from_device") == self._around.me[1]
        waits = flow.incoming and flow.stage is Stage.REQUESTED and event.room == flow.room
        if waits and not own and event.type in (READY, START, CANCEL, DONE):
            flow.finish(VerificationEnd.ELSEWHERE)

    def _add(self, ask: Ask, key: str = "") -> Flow:
        flow = Flow(self._around, key or f"{ask.user} {ask.transaction}", ask)
        self._flows[flow.key] = self._routes[(ask.room or ask.user, ask.transaction)] = flow
        finished = [one for one in self._flows.values() if one.final and not one.out]
        for old in finished[: len(finished) - MOST_FINISHED] if len(finished) > MOST_FINISHED else []:
            self._remove(old)
        return flow

    def _remove(self, flow: Flow) -> None:
        del self._flows[flow.key]
        self._told.discard(flow.key)
        self._forget_routes(flow)

    def _forget_routes(self, flow: Flow) -> None:
        for route in [route for route, one in self._routes.items() if one is flow]:
            del self._routes[route]
            self._close(route)

    def _close(self, route: Route) -> None:
        self._over[route] = None
        while len(self._over) > MOST_OVER:
            self._over.popitem(last=False)

    def _running(self, flow: str, wish: Callable[[Flow], None]) -> None:
        self.tick()
        found = self._flows.get(flow)
        if found is not None and not found.final:
            wish(found)


def _route(event: Received) -> Route | None:
    """(room, request's event id), or (sender, transaction id)."""
    if not event.room:
        transaction = event.content.get("transaction_id")
        return (event.sender, transaction) if _is_id(transaction) else None
    if event.type == REQUEST:
        return (event.room, event.event)
    relation = event.content.get("m.relates_to")
    target = relation.get("event_id") if isinstance(relation, dict) and relation.get("rel_type") == "m.reference" else None
    return (event.room, target) if _is_id(target) else None


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and storable(value) and 0 < len(value) <= MAX_ID
