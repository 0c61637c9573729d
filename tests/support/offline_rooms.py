"""The rooms half of an engine without a server: sync answers go in by hand, everything else is real."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from welink_desktop.adapters.matrix.crypto.records import Decrypted, Decryption
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rooms.account_data import AccountData
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.history import History
from welink_desktop.adapters.matrix.rooms.hub import Hub
from welink_desktop.adapters.matrix.rooms.ingest import Ingest, RoomNews
from welink_desktop.adapters.matrix.rooms.items import ItemBuilder
from welink_desktop.adapters.matrix.rooms.pending import Pending
from welink_desktop.adapters.matrix.rooms.room_list import RoomList
from welink_desktop.adapters.matrix.rooms.summaries import Summaries
from welink_desktop.adapters.matrix.rooms.timeline import RoomTimeline
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.sync.apply import Applier
from welink_desktop.adapters.matrix.wire.sync import parse_sliding
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import DeviceId, EventId, RoomId, TransactionId, UserId
from welink_desktop.core.reactive import Cancel, Scope, Signal
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

ME = UserId("@lin:welink.test")
MEI = UserId("@mei:welink.test")
BO = UserId("@bo:northbridge.test")
ROOM = RoomId("!room:welink.test")
KEY = bytes(range(32))
PUSH_RULES = {
    "global": {
        "override": [
            {
                "rule_id": ".m.rule.suppress_notices",
                "enabled": True,
                "actions": [],
                "conditions": [{"kind": "event_match", "key": "content.msgtype", "pattern": "m.notice"}],
            },
            {
                "rule_id": ".m.rule.is_user_mention",
                "enabled": True,
                "actions": ["notify", {"set_tweak": "highlight"}],
                "conditions": [{"kind": "event_property_contains", "key": "content.m\\.mentions.user_ids", "value": ME}],
            },
        ],
        "underride": [
            {
                "rule_id": ".m.rule.message",
                "enabled": True,
                "actions": ["notify"],
                "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.message"}],
            }
        ],
    }
}


class HandKeys:
    """Stands for encryption: events are readable once their session is in `keys`. Content lies in `ciphertext`."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.received: list[Mapping[str, Any]] = []
        self.woken = 0
        self.forgotten = 0

    def decrypt(self, room: RoomId, event: Mapping[str, Any]) -> Decryption:
        content = event["content"]
        if content.get("session_id") not in self.keys:
            return Undecryptable(UndecryptableReason.KEY_MISSING)
        inner = json.loads(content["ciphertext"])
        return Decrypted(inner["type"], inner["content"], Shield.AUTHENTIC, DeviceId("D"), content["session_id"], 0)

    def receive_sync(
        self,
        transaction: Transaction,
        *,
        to_device: Sequence[Any] = (),
        device_lists: Mapping[str, Sequence[str]] | None = None,
        key_counts: Mapping[str, int] | None = None,
        fallback_types: Sequence[str] | None = None,
    ) -> None:
        self.received += to_device

    def wake(self) -> None:
        self.woken += 1

    def forget_device_lists(self) -> None:
        self.forgotten += 1


class HandOutbox:
    """Stands for the outbox: pending items are put in by hand, `settle` takes them out."""

    def __init__(self) -> None:
        self.items: list[Pending] = []
        self._changed: Signal[RoomId] = Signal()

    def put(self, *items: Pending) -> None:
        known = {item.transaction: index for index, item in enumerate(self.items)}
        for item in items:
            if item.transaction in known:
                self.items[known[item.transaction]] = item
            else:
                self.items.append(item)
        self._changed.emit(items[0].room)

    def drop(self, item: Pending) -> None:
        self.items.remove(item)
        self._changed.emit(item.room)

    def pending(self, room: RoomId) -> tuple[Pending, ...]:
        return tuple(item for item in self.items if item.room == room)

    def watch(self, room: RoomId, listener: Callable[[tuple[Pending, ...]], None]) -> Cancel:
        listener(self.pending(room))
        return self._changed.listen(lambda changed: listener(self.pending(room)) if changed == room else None)

    def watch_all(self, listener: Callable[[RoomId], None]) -> Cancel:
        return self._changed.listen(listener)

    def settle(self, t: Transaction, room: RoomId, event: EventId, transaction: TransactionId | None) -> TransactionId | None:
        found = next((one for one in self.items if one.transaction == transaction or one.event == event), None)
        if found is None:
            return transaction
        t.after_commit(lambda: self.drop(found))
        return found.transaction


class OfflineRooms:
    """Everything of an account's rooms. `sync` takes what a sliding sync answer says about rooms."""

    def __init__(self, folder: Path, http: Http) -> None:
        self.database = Database.open(folder / "store.db", KEY, MIGRATIONS)
        self.crypto = HandKeys()
        self.outbox = HandOutbox()
        self.clock = SystemClock()
        self.rooms = RoomStore(self.database, ME)
        self.data = AccountData(self.database)
        self.builder = ItemBuilder(self.database, self.rooms)
        device = DeviceId("LINDEVICE")
        self.summaries = Summaries(self.database, self.rooms, self.data, self.builder, lambda: self.outbox, self.clock, device)
        self.room_list = RoomList(self.summaries, self.clock)
        self.hub = Hub(self.database, self.rooms, self.data, self.builder, self.room_list)
        self.scope = Scope("rooms")
        self.ingest = Ingest(self.rooms, self.data, self.crypto, lambda: self.outbox, self.clock)
        self.history = History(self.database, http, self.rooms, self.ingest, self.hub.publish, self.scope)
        self.applier = Applier(self.database, self.rooms, self.data, self.ingest, self.crypto, self.hub.publish, {})
        self.outbox.watch_all(self.hub.outbox_changed)
        self.position = 0

    def close(self) -> None:
        self.room_list.close()
        self.database.close()

    def sync(self, rooms: Mapping[str, Any] | None = None, **extensions: Any) -> None:
        """One committed answer: `rooms` by id, extensions by name (`receipts`, `typing`, `account_data`, `to_device`)."""
        self.position += 1
        answer = parse_sliding({"pos": str(self.position), "rooms": rooms or {}, "extensions": extensions})
        self.applier.apply(answer, "sliding-position")

    def account_data(self, event_type: str, content: Mapping[str, Any]) -> None:
        self.sync(account_data={"global": [{"type": event_type, "content": content}]})

    def timeline(self, room: RoomId = ROOM) -> RoomTimeline:
        opened = RoomTimeline(room, self.database, self.rooms, self.builder, self.outbox, self.history, closed=self.hub.remove)
        self.hub.add(opened)
        return opened

    def key_came(self, session: str, room: RoomId = ROOM) -> None:
        self.crypto.keys.add(session)
        news = RoomNews(room)
        with self.database.transaction() as t:
            self.hub.publish_in(t, news)
            self.ingest.decrypt_again(t, room, session, news)


def event(
    number: int | str, content: Mapping[str, Any], *, sender: str = MEI, type: str = "m.room.message", **more: Any
) -> dict[str, Any]:
    """A room event named `$number`."""
    stamp = number if isinstance(number, int) else 0
    return {
        "event_id": f"${number}",
        "sender": sender,
        "type": type,
        "origin_server_ts": 1_700_000_000_000 + stamp,
        "content": dict(content),
        **more,
    }


def message(number: int | str, body: str = "", **more: Any) -> dict[str, Any]:
    return event(number, {"msgtype": "m.text", "body": body or f"message {number}"}, **more)


def state(type: str, content: Mapping[str, Any], *, key: str = "", sender: str = ME, number: str = "") -> dict[str, Any]:
    return event(number or f"state-{type}-{key}", content, sender=sender, type=type, state_key=key)


def member(user: str, name: str, membership: str = "join", **more: Any) -> dict[str, Any]:
    return state("m.room.member", {"membership": membership, "displayname": name}, key=user, sender=user, **more)


def encrypted(number: int, session: str, inner: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """An event that `HandKeys` can open once it has `session`."""
    content = {"algorithm": "m.megolm.v1.aes-sha2", "session_id": session, "ciphertext": json.dumps(inner)}
    relates = inner["content"].get("m.relates_to")
    if relates is not None:
        content["m.relates_to"] = relates
    return event(number, content, type="m.room.encrypted", **more)


def room_start(*events: dict[str, Any], name: str = "Ward round", bump: int = 1, **more: Any) -> dict[str, Any]:
    """The first appearance of a room with Lin and Mei in it."""
    required = [
        state("m.room.create", {"room_version": "12"}),
        member(ME, "林知远"),
        member(MEI, "Mei"),
        *([state("m.room.name", {"name": name})] if name else []),
    ]
    return {
        "initial": True,
        "required_state": [*required, *more.pop("state", [])],
        "timeline": list(events),
        "joined_count": 2,
        "bump_stamp": bump,
        "num_live": 0,
        **more,
    }


def live(*events: dict[str, Any], bump: int | None = None, **more: Any) -> dict[str, Any]:
    """News of a known room."""
    update: dict[str, Any] = {"timeline": list(events), "num_live": len(events), **more}
    if bump is not None:
        update["bump_stamp"] = bump
    return update
