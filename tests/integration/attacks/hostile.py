"""A homeserver that cannot be trusted: the real one behind a way that bends what it says and writes down what it is told."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.integration.attacks.forger import Foe, Forged, Target
from tests.support.engine import Person, TimelineSeen, signed_in, until
from tests.support.healing import signed
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.adapters.matrix.crypto.identities import Identities
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.records import Device
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.rooms import RoomRequest
from welink_desktop.core.timeline import OutgoingText, SendPhase, TimelineItem, UndecryptableContent
from welink_desktop.core.trust import UndecryptableReason
from welink_desktop.evaluation.client import Registered

Json = dict[str, Any]
Bend = Callable[[Json], None]
SYNC = "simplified_msc3575/sync"
POLL_MS = "100"


class Wire(httpx.AsyncBaseTransport):
    """The way to the real server. `on` bends the answers of a path, `push` adds to the next sync answer.

    Everything that leaves is kept: `to_device` (type, user, device, content), `requests` (method, path, body). `entitled`:
    Curve25519 keys of the devices that may be sent something sealed.
    """

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._bends: list[tuple[str, Bend]] = []
        self._pushed: list[Json] = []
        self.statuses: dict[str, tuple[int, Json]] = {}
        """Path endings that are answered by the proxy itself."""
        self.to_device: list[tuple[str, str, str, Json]] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.entitled: set[str] = set()
        self.begun = 0
        self._delivered_in = 0

    def on(self, path: str, bend: Bend) -> None:
        """Change JSON answers of every path that ends with `path`, in place."""
        self._bends.append((path, bend))

    def straight(self) -> None:
        self._bends.clear()
        self.statuses.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, sync = request.url.path, request.url.path.endswith(SYNC)
        body = await request.aread()
        self._record(request.method, path, body, request.url.query.decode())
        turn = 0
        if sync:
            self.begun += 1
            turn = self.begun
            url = request.url.copy_set_param("timeout", POLL_MS) if "pos" in request.url.params else request.url
            request = httpx.Request(request.method, url, headers=request.headers, content=body)
        for ending, (status, answer) in self.statuses.items():
            if path.endswith(ending):
                return httpx.Response(status, json=answer)
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        await response.aclose()
        kind = response.headers.get("content-type", "")
        if response.status_code == 200 and content[:1] == b"{" and kind.startswith("application/json"):
            content = json.dumps(self._bent(path, json.loads(content), turn)).encode()
        return httpx.Response(response.status_code, headers={"content-type": kind}, content=content)

    def _bent(self, path: str, answer: Json, turn: int) -> Json:
        for ending, bend in self._bends:
            if path.endswith(ending):
                bend(answer)
        if turn and self._pushed:
            for piece in self._pushed:
                _merge(answer, piece)
            self._pushed.clear()
            self._delivered_in = turn
        return answer

    def _record(self, method: str, path: str, body: bytes, query: str) -> None:
        value = json.loads(body) if body[:1] == b"{" else body
        self.requests.append((method, f"{path}?{query}" if query else path, value))
        if "/sendToDevice/" in path and isinstance(value, dict):
            kind = path.split("/sendToDevice/")[1].partition("/")[0]
            for user, devices in value["messages"].items():
                self.to_device += [(kind, user, device, content) for device, content in devices.items()]

    async def push(
        self,
        *to_device: Json,
        room: str = "",
        timeline: tuple[Json, ...] = (),
        state: tuple[Json, ...] = (),
        account_data: tuple[Json, ...] = (),
    ) -> None:
        """Returns once the engine has taken it in."""
        piece: Json = {"to_device": list(to_device), "account_data": list(account_data), "rooms": {}}
        if room:
            piece["rooms"][room] = {"timeline": list(timeline), "required_state": list(state), "num_live": len(timeline)}
        self._pushed.append(json.loads(json.dumps(piece)))
        await until(lambda: not self._pushed and self.begun > self._delivered_in)

    async def turns(self, count: int) -> None:
        """Until the engine has asked for news `count` times more."""
        target = self.begun + count
        await until(lambda: self.begun >= target)

    def sealed_for(self, user: str, device: str) -> list[Json]:
        """Everything encrypted that left for a device."""
        return [content for kind, to, on, content in self.to_device if (kind, to, on) == ("m.room.encrypted", user, device)]

    def told(self, kind: str, user: str, device: str) -> list[Json]:
        return [content for one, to, on, content in self.to_device if (one, to, on) == (kind, user, device)]

    def puts(self, part: str) -> list[Any]:
        """Bodies of what was written to paths that contain `part`."""
        return [body for method, path, body in self.requests if method in ("PUT", "POST") and part in path]

    def judge(self) -> None:
        """The proof of the proxy: nothing sealed left for a device that is not entitled, no key or secret left in clear."""
        for kind, user, device, content in self.to_device:
            if kind == "m.room.encrypted":
                strangers = set(content["ciphertext"]) - self.entitled
                assert not strangers, f"something sealed left for {user} {device}"
            else:
                assert not {"session_key", "secret", "ciphertext"} & set(content), f"{kind} left in clear"

    async def aclose(self) -> None:
        """Shared by several clients of one test: `end` closes it."""

    async def end(self) -> None:
        await self._inner.aclose()


def _merge(answer: Json, piece: Json) -> None:
    extensions = answer.setdefault("extensions", {})
    extensions.setdefault("to_device", {}).setdefault("events", []).extend(piece["to_device"])
    extensions.setdefault("account_data", {}).setdefault("global", []).extend(piece["account_data"])
    for room, update in piece["rooms"].items():
        known = answer.setdefault("rooms", {}).setdefault(room, {})
        for part in ("timeline", "required_state"):
            known.setdefault(part, []).extend(update[part])
        known["num_live"] = known.get("num_live", 0) + update["num_live"]


class Siege:
    """Our real engine behind a hostile way, and what a person sees of it."""

    def __init__(self, synapse: TestSynapse, person: Person, wire: Wire) -> None:
        self.synapse = synapse
        self.person = person
        self.wire = wire
        self.user = person.account.user
        self.device = person.account.device
        self._foes: list[Foe] = []
        self._helper: Foe | None = None

    @property
    def session(self) -> MatrixSession:
        return self.person.session

    @property
    def encryption(self) -> Encryption:
        return self.session.encryption

    @property
    def machine(self) -> CryptoMachine:
        return self.encryption.machine

    @property
    def identities(self) -> Identities:
        return self.encryption.identities

    def foe(self, name: str, *, identity: bool = True) -> Foe:
        """Another account whose keys the attacker holds; its own device is a lawful one."""
        made = Foe(self.synapse, name, identity=identity)
        self._foes.append(made)
        self.wire.entitled.add(made.device.curve)
        return made

    def target(self) -> Target:
        """Our engine, as an attacker writes to it. Its one-time keys come from the real server."""
        if self._helper is None:
            self._helper = self.foe("helper", identity=False)
        keys, helper = self.encryption.own_keys, self._helper
        return Target(self.user, self.device, keys["curve25519"], keys["ed25519"], helper.claim)

    async def room(self, *foes: Foe) -> RoomId:
        """An encrypted room of ours that all `foes` have joined, whose devices are known."""
        request = RoomRequest(name="Ward round", encrypted=True, invite=tuple(UserId(foe.user) for foe in foes))
        room = await self.session.chat.create_room(request)
        for foe in foes:
            foe.client.join(room)
        for foe in foes:
            await self.look(foe.user)
        return room

    async def look(self, user: str) -> None:
        """Fetch the devices and the identity of somebody now."""
        await self.encryption.refresh_devices(UserId(user))

    async def opened(self, room: RoomId) -> TimelineSeen:
        return TimelineSeen(await self.session.chat.open_timeline(room))

    async def say(self, room: RoomId, text: str) -> None:
        """Send, and wait until the server has it."""
        seen = await self.opened(room)
        await self.session.chat.send_text(room, OutgoingText(text))
        await until(lambda: (item := seen.item(text)) and item.send.phase is SendPhase.SENT)
        seen.cancel()
        await seen.timeline.close()

    def known(self, user: str, device: str) -> Device | None:
        return next((one for one in self.encryption.devices_of(UserId(user)) if one.device == device), None)

    def sessions(self, room: str, session: str) -> int:
        return len(self.machine.session(RoomId(room), session))

    async def settle(self) -> None:
        """Until everything that the attack may have set off is through."""
        await self.wire.turns(3)
        await until(lambda: not self.machine.pending_requests())

    async def hear(self, foe: Foe, room: str, megolm: Any, device: Forged | None = None, **changes: Any) -> None:
        """Bring the session's key by Olm, as a lawful device does."""
        await self.wire.push((device or foe.device).letter(self.target(), "m.room_key", megolm.room_key(room, **changes)))

    async def own_device(self, *, verified: bool) -> Forged:
        """Another device of our account at the real server, in the attacker's hands or (`verified`) signed by us."""
        password = "pass-" + self.user[1:].partition(":")[0]
        with self.synapse.client(self.registered()) as anybody, anybody.log_in(self.user, password) as client:
            device = Forged(self.user, client.call("GET", "client", "v3", "account", "whoami")["device_id"])
            device.publish(client)
        await self.look(self.user)
        if verified:
            with self.encryption.change():
                body = self.identities.sign_own_device(DeviceId(device.device))
            assert body is not None
            await self.session.security._identity.upload_signatures(body)
            self.wire.entitled.add(device.curve)
            await self.look(self.user)
        return device

    def registered(self) -> Registered:
        """Without a token: only to log in with."""
        return Registered(self.user, self.user[1:].partition(":")[0], "", "")

    async def verify(self, foe: Foe) -> None:
        """We compared keys with `foe`: their identity is verified, at the server, too."""
        await self.look(foe.user)
        with self.encryption.change():
            body = self.identities.sign_user(UserId(foe.user), foe.master.public)
        assert body is not None
        await self.session.security._identity.upload_signatures(body)

    async def close(self) -> None:
        await self.person.close()
        for foe in self._foes:
            foe.client.close()
        await self.wire.end()


@asynccontextmanager
async def besieged(synapse: TestSynapse, folder: Path) -> AsyncIterator[Siege]:
    """A fresh account with a live engine; at the end the proxy must have seen no key leave for a wrong device."""
    wire = Wire()
    person = await signed_in(synapse, synapse.register("lin"), folder, way=lambda: wire)
    siege = Siege(synapse, person, wire)
    try:
        await person.live()
        wire.entitled.add(siege.encryption.own_keys["curve25519"])
        await signed(person)
        yield siege
        await siege.settle()
        wire.judge()
    finally:
        await siege.close()


def why(item: TimelineItem | None) -> UndecryptableReason | None:
    """Why a row shows no message."""
    content = item.content if item is not None else None
    return content.why.reason if isinstance(content, UndecryptableContent) else None


async def refused(deed: Any, kind: type[WeLinkError]) -> bool:
    """Did a coroutine end with this error?"""
    try:
        await deed
    except kind:
        return True
    return False
