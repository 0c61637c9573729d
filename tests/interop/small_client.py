"""A client without rooms, timelines and windows: a sync loop around `Encryption`, to test it against the world alone."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.constants import CLIENT_V3, SLIDING_SYNC
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Decryption, RoomRules
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.tokens import TokenKeeper, Tokens
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.trust import Undecryptable
from welink_desktop.evaluation.client import Registered

STATE = [["m.room.encryption", ""], ["m.room.history_visibility", ""], ["m.room.member", "*"]]


class SmallClient:
    """`events[room]`: raw events by id; `read[room]`: what became of the encrypted ones."""

    def __init__(self, synapse: TestSynapse, account: Registered, folder: Path) -> None:
        self.user = UserId(account.user_id)
        self.device = DeviceId(account.device_id)
        self.events: dict[str, dict[str, dict[str, Any]]] = {}
        self.state: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
        self.read: dict[str, dict[str, Decryption]] = {}
        self.database = Database.open(folder / "store.db", b"s" * 32, MIGRATIONS)
        self.http = Http(synapse.base_url, keeper=TokenKeeper(Tokens(account.access_token), lambda tokens: None))
        self.scope = Scope("small")
        self.encryption = Encryption(
            self.database, self.http, user=self.user, device=self.device, rooms=self, scope=self.scope, clock=SystemClock()
        )
        self.encryption.on_room_keys = self._keys_came
        self._news = asyncio.Condition()
        self._pos = ""
        self._since = ""

    @classmethod
    async def start(cls, synapse: TestSynapse, account: Registered, folder: Path) -> "SmallClient":
        client = cls(synapse, account, folder)
        await client.encryption.start()
        client.scope.spawn(client._sync(), name="sync")
        await client.until(lambda: client.encryption.uploaded.value and client._pos != "")
        return client

    async def stop(self) -> None:
        await self.scope.aclose()
        await self.http.aclose()
        self.database.close()

    async def until(self, fact: Callable[[], object], timeout: float = 30) -> None:
        """Wait until `fact()`; looked at after every answer of the server, and now and then between them."""
        async with asyncio.timeout(timeout):
            while not fact():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2), self._news:
                        await self._news.wait()

    async def rules(self, room: RoomId) -> RoomRules:
        state = self.state[room]
        encryption = state[("m.room.encryption", "")]
        visibility = state.get(("m.room.history_visibility", ""), {}).get("history_visibility", "shared")
        memberships = ("join",) if visibility == "joined" else ("join", "invite")
        people = [
            key for (kind, key), content in state.items() if kind == "m.room.member" and content["membership"] in memberships
        ]
        return RoomRules(
            room,
            tuple(UserId(user) for user in people),
            algorithm=encryption.get("algorithm", MEGOLM),
            rotation_messages=encryption.get("rotation_period_msgs"),
            shared_history=visibility in ("shared", "world_readable"),
        )

    def joined_at_ms(self, room: RoomId) -> int:
        return 0

    async def join(self, room: str) -> None:
        await self.http.request("POST", (*CLIENT_V3, "join", room), json={})
        await self.until(lambda: self.membership(room, self.user) == "join" and ("m.room.encryption", "") in self.state[room])

    def membership(self, room: str, user: str) -> str | None:
        content = self.state.get(room, {}).get(("m.room.member", user))
        return content["membership"] if content else None

    async def send(self, room: str, content: dict[str, Any], kind: str = "m.room.message") -> str:
        await self.encryption.prepare_to_send(RoomId(room))
        sealed = self.encryption.encrypt(RoomId(room), kind, content)
        return await self.send_raw(room, "m.room.encrypted", sealed)

    async def send_raw(self, room: str, kind: str, content: dict[str, Any]) -> str:
        path = (*CLIENT_V3, "rooms", room, "send", kind, secrets.token_hex(8))
        return str((await self.http.request("PUT", path, json=content))["event_id"])

    async def text(self, room: str, body: str) -> str:
        return await self.send(room, {"msgtype": "m.text", "body": body, "m.mentions": {}})

    async def wait_for(self, room: str, event: str, timeout: float = 30) -> dict[str, Any]:
        """The decrypted content of an event."""
        await self.until(
            lambda: not isinstance(self.read.get(room, {}).get(event, Undecryptable), (Undecryptable, type)), timeout
        )
        result = self.read[room][event]
        assert not isinstance(result, Undecryptable)
        return result.content

    async def _sync(self) -> None:
        while True:
            answer = await self.http.request(
                "POST",
                SLIDING_SYNC,
                query={"timeout": "20000", **({"pos": self._pos} if self._pos else {})},
                json=self._body(),
                deadline=60,
                limit=1 << 26,
            )
            with self.database.transaction() as transaction:
                self._take(transaction, answer)
            self._pos = answer["pos"]
            self.encryption.wake()
            async with self._news:
                self._news.notify_all()

    def _body(self) -> dict[str, Any]:
        to_device = {"enabled": True, **({"since": self._since} if self._since else {})}
        return {
            "conn_id": "main",
            "lists": {"all": {"ranges": [[0, 49]], "timeline_limit": 50, "required_state": STATE}},
            "extensions": {"to_device": to_device, "e2ee": {"enabled": True}},
        }

    def _take(self, transaction: Any, answer: dict[str, Any]) -> None:
        e2ee, to_device = answer["extensions"].get("e2ee", {}), answer["extensions"].get("to_device", {})
        self._since = to_device.get("next_batch", self._since)
        self.encryption.receive_sync(
            transaction,
            to_device=to_device.get("events", []),
            device_lists=e2ee.get("device_lists"),
            key_counts=e2ee.get("device_one_time_keys_count"),
            fallback_types=e2ee.get("device_unused_fallback_key_types"),
        )
        for room, part in answer["rooms"].items():
            for event in [*part.get("required_state", []), *part.get("timeline", [])]:
                if "state_key" in event:
                    self.state.setdefault(room, {})[(event["type"], event["state_key"])] = event["content"]
            for event in part.get("timeline", []):
                self.events.setdefault(room, {})[event["event_id"]] = event
                if event["type"] == "m.room.encrypted" and event["content"]:
                    self.read.setdefault(room, {})[event["event_id"]] = self.encryption.decrypt(RoomId(room), event)

    def _keys_came(self, keys: list[tuple[RoomId, str]]) -> None:
        for room, session in keys:
            for event in self.events.get(room, {}).values():
                if event["content"].get("session_id") == session:
                    self.read[room][event["event_id"]] = self.encryption.decrypt(room, event)
