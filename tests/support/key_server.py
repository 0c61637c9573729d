"""The part of a homeserver that encryption talks to, in memory: device keys, one-time keys, to-device messages, identities.

`answer` speaks for the sans-IO core, `request` is the same as an HTTP-like coroutine.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from welink_desktop.adapters.matrix.crypto.canonical import signed_part
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.records import KeysClaim, KeysQuery, KeysUpload, News, Request, RoomRules, SendToDevice
from welink_desktop.adapters.matrix.errors import matrix_error
from welink_desktop.core.ids import DeviceId, RoomId, UserId

CURVE = "signed_curve25519"


class FakeClock:
    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def pass_ms(self, ms: int) -> None:
        self.ms += ms


class KeyServer:
    """Keeps what it is given; `failures` are server names that do not answer; `extra` is merged into query answers."""

    def __init__(self) -> None:
        self.devices: dict[str, dict[str, dict[str, Any]]] = {}
        self.one_time: dict[tuple[str, str], dict[str, Any]] = {}
        self.fallback: dict[tuple[str, str], dict[str, Any]] = {}
        self.fallback_used: dict[tuple[str, str], bool] = {}
        self.queues: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.changed: dict[object, set[str]] = {}
        """Whose lists changed, per device or whoever else asks under a name of its own."""
        self.txns: set[tuple[str, str]] = set()
        self.failures: set[str] = set()
        self.extra: dict[str, Any] = {}
        self.asked: list[Request] = []
        self.identities: dict[str, dict[str, dict[str, Any]]] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.password = "open sesame"
        self.uploaded_identities = 0

    def answer(self, who: tuple[str, str], request: Request) -> dict[str, Any]:
        self.asked.append(request)
        match request:
            case KeysUpload():
                return self.upload(who, request.body)
            case KeysQuery():
                return self.query(request.body, who[0])
            case KeysClaim():
                return self.claim(request.body)
            case SendToDevice():
                return self.send(who, request.type, request.txn, request.body)

    def upload(self, who: tuple[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        body = json.loads(json.dumps(body))
        if "device_keys" in body:
            if self.devices.get(who[0], {}).get(who[1]) != body["device_keys"]:
                self.one_time.pop(who, None)
            self.devices.setdefault(who[0], {})[who[1]] = body["device_keys"]
            self.announce(who[0])
        keys = self.one_time.setdefault(who, {})
        for key_id, key in body.get("one_time_keys", {}).items():
            assert keys.get(key_id, key) == key, "one time key already exists"
            keys[key_id] = key
        if "fallback_keys" in body:
            self.fallback[who] = body["fallback_keys"]
            self.fallback_used[who] = False
        return {"one_time_key_counts": {CURVE: len(keys)}}

    def announce(self, user: str) -> None:
        for others in self.changed.values():
            others.add(user)

    def query(self, body: Mapping[str, Any], asker: str = "") -> dict[str, Any]:
        shown = {}
        for user in body["device_keys"]:
            if user.partition(":")[2] not in self.failures:
                shown[user] = self.devices.get(user, {})
        answer: dict[str, Any] = {"device_keys": shown, "failures": {server: {} for server in self.failures}}
        for kind in ("master", "self_signing", "user_signing"):
            answer[f"{kind}_keys"] = {
                user: _seen_by(asker, user, self.identities[user][f"{kind}_key"])
                for user in shown
                if user in self.identities and (kind != "user_signing" or user == asker)
            }
        return dict(json.loads(json.dumps({**answer, **self.extra})))

    def upload_identity(self, user: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The first one needs nothing, nor does the same again; another one needs the password (401 otherwise)."""
        keys = json.loads(json.dumps({kind: body[kind] for kind in ("master_key", "self_signing_key", "user_signing_key")}))
        known = self.identities.get(user)
        same = known is not None and all(keys[kind]["keys"] == known[kind]["keys"] for kind in keys)
        if known is not None and not same:
            self.confirm(user, body)
        if not same:
            self.identities[user] = keys
            self.uploaded_identities += 1
            self.announce(user)
        return {}

    def confirm(self, user: str, body: Mapping[str, Any]) -> None:
        auth = body.get("auth", {})
        if auth.get("password") == self.password and auth.get("session") == "S":
            return
        challenge: dict[str, Any] = {"session": "S", "flows": [{"stages": ["m.login.password"]}], "params": {}}
        if "password" in auth:
            challenge["errcode"] = "M_FORBIDDEN"
        raise matrix_error(401, challenge)

    def upload_signatures(self, user: str, body: Mapping[str, Any]) -> dict[str, Any]:
        failures: dict[str, dict[str, Any]] = {}
        for owner, objects in json.loads(json.dumps(body)).items():
            for key, value in objects.items():
                known = self._signable(owner, key)
                if known is None or signed_part(known) != signed_part(value):
                    failures.setdefault(owner, {})[key] = {"errcode": "M_UNKNOWN", "error": "Key does not match"}
                    continue
                known.setdefault("signatures", {}).setdefault(user, {}).update(value["signatures"][user])
            self.announce(owner)
        return {"failures": failures}

    def _signable(self, owner: str, key: str) -> dict[str, Any] | None:
        if key in self.devices.get(owner, {}):
            return self.devices[owner][key]
        master = self.identities.get(owner, {}).get("master_key")
        return master if master is not None and f"ed25519:{key}" in master["keys"] else None

    def shown_devices(self, user: str) -> dict[str, Any]:
        """`GET devices`; last seen in the order they came."""
        return {
            "devices": [
                {"device_id": device, "display_name": self.names.get((user, device), ""), "last_seen_ts": number}
                for number, device in enumerate(self.devices.get(user, {}), 1)
            ]
        }

    def delete_devices(self, user: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.confirm(user, body)
        for device in body["devices"]:
            self.devices[user].pop(device, None)
        self.announce(user)
        return {}

    def claim(self, body: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for user, wanted in body["one_time_keys"].items():
            for device in wanted:
                keys = self.one_time.get((user, device), {})
                if keys:
                    key_id = next(iter(keys))
                    answer.setdefault(user, {})[device] = {key_id: keys.pop(key_id)}
                elif (user, device) in self.fallback:
                    self.fallback_used[(user, device)] = True
                    answer.setdefault(user, {})[device] = self.fallback[(user, device)]
        return {"one_time_keys": json.loads(json.dumps(answer)), "failures": {}}

    def send(self, who: tuple[str, str], event_type: str, txn: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if (who[1], txn) in self.txns:
            return {}
        self.txns.add((who[1], txn))
        for user, devices in body["messages"].items():
            for device, content in devices.items():
                event = {"type": event_type, "sender": who[0], "content": json.loads(json.dumps(content))}
                self.queues.setdefault((user, device), []).append(event)
        return {}

    def take(self, who: tuple[str, str]) -> list[dict[str, Any]]:
        return self.queues.pop(who, [])

    def unused_fallbacks(self, who: tuple[str, str]) -> list[str]:
        return [CURVE] if who in self.fallback and not self.fallback_used[who] else []

    def count(self, who: tuple[str, str]) -> dict[str, int]:
        return {CURVE: len(self.one_time.get(who, {}))}


class Party:
    """One device with its machine, in step with the server."""

    def __init__(self, server: KeyServer, machine: CryptoMachine) -> None:
        self.server = server
        self.machine = machine
        self.who = (machine.user, machine.device)
        server.changed.setdefault(self.who, set())
        self.news = News()
        self.work()

    def work(self) -> None:
        """Perform everything that is due."""
        for _ in range(20):
            requests = self.machine.pending_requests()
            if not requests:
                return
            for request in requests:
                self.news.add(self.machine.request_done(request, self.server.answer(self.who, request)))
        raise AssertionError("work does not come to an end")

    def sync(self) -> News:
        """One sync answer, then what it makes due. Returns everything that was learnt."""
        self.news = News()
        changed = self.server.changed[self.who]
        self.server.changed[self.who] = set()
        self.machine.receive_sync(
            changed=changed, key_counts=self.server.count(self.who), fallback_types=self.server.unused_fallbacks(self.who)
        )
        for event in self.server.take(self.who):
            self.news.add(self.machine.receive_to_device(event))
        self.work()
        return self.news

    def make_identity(self) -> None:
        """A first (or another) identity at the server, this device signed by it."""
        identities = self.machine.identities
        body = identities.create()
        self.server.upload_identity(self.who[0], {**body, "auth": {"session": "S", "password": self.server.password}})
        identities.published()
        self.bring(identities.sign_own_device(self.machine.device))
        self.sync()

    def bring(self, signatures: dict[str, Any] | None) -> None:
        """Upload signatures."""
        assert signatures is not None
        assert self.server.upload_signatures(self.who[0], signatures) == {"failures": {}}

    def share(self, rules: RoomRules) -> None:
        """What `prepare_to_send` does."""
        self.machine.track(rules.recipients)
        self.work()
        for claim in self.machine.room_claims(rules):
            self.machine.request_done(claim, self.server.answer(self.who, claim))
        while self.machine.share_room_key(rules):
            self.work()

    def say(self, rules: RoomRules, text: str, *, event: str, ts: int = 1_700_000_000_000) -> dict[str, Any]:
        """Share, encrypt; returns the room event as a server would show it."""
        self.share(rules)
        content = self.machine.encrypt(rules.room, "m.room.message", {"msgtype": "m.text", "body": text})
        return {
            "type": "m.room.encrypted",
            "event_id": event,
            "sender": self.machine.user,
            "origin_server_ts": ts,
            "content": json.loads(json.dumps(content)),
        }


class KeyLine:
    """`KeyRequests` of one device against a `KeyServer`.

    `fail` is raised by the next requests; those named in `hold` wait until `open` is set.
    """

    def __init__(self, server: KeyServer, user: UserId, device: DeviceId) -> None:
        self._server = server
        self._who = (user, device)
        self.fail: Exception | None = None
        self.lose_answers = 0
        self.hold: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.calls: list[str] = []

    async def request(
        self,
        method: str,
        path: Sequence[str],
        *,
        json: Mapping[str, Any] | None = None,
        deadline: float = 30.0,
        retry: bool = True,
    ) -> dict[str, Any]:
        if "/".join(path[3:5]) in self.hold:
            await self.open.wait()
        self.calls.append("/".join(path[3:5]))
        if self.fail is not None:
            raise self.fail
        user = self._who[0]
        match (method, *path[3:]):
            case ("GET", "devices"):
                return self._server.shown_devices(user)
            case ("PUT", "devices", device):
                assert json is not None
                self._server.names[(user, device)] = json["display_name"]
                self._server.announce(user)
                return {}
        assert json is not None
        match (method, *path[3:]):
            case ("POST", "delete_devices"):
                return self._server.delete_devices(user, json)
            case ("POST", "keys", "device_signing", "upload"):
                answer = self._server.upload_identity(user, json)
            case ("POST", "keys", "signatures", "upload"):
                answer = self._server.upload_signatures(user, json)
            case ("POST", "keys", "upload"):
                answer = self._server.upload(self._who, json)
            case ("POST", "keys", "query"):
                answer = self._server.query(json, user)
            case ("POST", "keys", "claim"):
                answer = self._server.claim(json)
            case ("PUT", "sendToDevice", event_type, txn):
                answer = self._server.send(self._who, event_type, txn, json)
            case _:
                raise AssertionError(f"unexpected request {method} {path}")
        if self.lose_answers:
            self.lose_answers -= 1
            from welink_desktop.core.errors import Offline

            raise Offline("answer lost")
        return answer


def _seen_by(asker: str, owner: str, value: dict[str, Any]) -> dict[str, Any]:
    """Signatures of others over a key are shown to whoever made them only."""
    signatures = value.get("signatures", {})
    return {**value, "signatures": {who: by for who, by in signatures.items() if who in (asker, owner)}}


def rules_for(room: RoomId, *users: UserId, **settings: Any) -> RoomRules:
    return RoomRules(room, tuple(users), **settings)
