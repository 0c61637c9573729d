"""Devices of one account with key backups, around a server in memory."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.support.backup_home import BackupHome
from tests.support.key_server import FakeClock, KeyLine, KeyServer
from welink_desktop.adapters.matrix.crypto.records import Decrypted, JsonObject, RoomRules
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.security.backup import BackupState, KeyBackup
from welink_desktop.adapters.matrix.store import backup as store
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.trust import Undecryptable

LIN = UserId("@lin:x")
WARD, LAB = RoomId("!ward"), RoomId("!lab")


class Rooms:
    async def rules(self, room: RoomId) -> RoomRules:
        return RoomRules(room, (LIN,))

    def joined_at_ms(self, room: RoomId) -> int:
        return 0


class World:
    def __init__(self, folder: Path) -> None:
        self.home = BackupHome()
        self.keys = KeyServer()
        self.clock = FakeClock()
        self.folder = folder
        self.devices: list[Device] = []

    def device(self, name: str, *, run: bool = True) -> "Device":
        device = Device(self, DeviceId(name))
        self.devices.append(device)
        if run:
            device.run()
        return device


class Device:
    """One device of Lin with a store of its own."""

    def __init__(self, world: World, name: DeviceId) -> None:
        self.world = world
        self.name = name
        self.told: list[tuple[RoomId, str]] = []
        self.open()

    def open(self) -> None:
        self.database = Database.open(self.world.folder / f"{self.name}.db", b"d" * 32, MIGRATIONS)
        self.scope = Scope("device")
        line = KeyLine(self.world.keys, LIN, self.name)
        self.encryption = Encryption(
            self.database, line, user=LIN, device=self.name, rooms=Rooms(), scope=self.scope, clock=self.world.clock
        )
        self.backup = KeyBackup(
            self.database,
            self.world.home,
            self.encryption,
            scope=self.scope,
            clock=self.world.clock,
            delay=lambda: 0.0,
            rest=0.0,
        )
        self.encryption.on_sessions = self.backup.wake
        self.encryption.on_missing = self.backup.want
        self.encryption.on_room_keys = self.told.extend

    def run(self) -> None:
        self.scope.spawn(self.backup.run(), name="backup")

    async def die(self) -> None:
        await self.scope.aclose()
        self.database.close()

    async def again(self, *, run: bool = True) -> None:
        await self.die()
        self.open()
        if run:
            self.run()

    async def write(self, text: str, *, room: RoomId = WARD, fresh: bool = False) -> JsonObject:
        """A message of this device, in a session of its own if `fresh`."""
        if fresh:
            with self.database.transaction():
                self.encryption.machine.end_session(room)
        await self.encryption.prepare_to_send(room)
        content = self.encryption.encrypt(room, "m.room.message", {"body": text})
        return {"event_id": f"${text}", "sender": LIN, "content": content, "origin_server_ts": 5, "type": "m.room.encrypted"}

    def read(self, event: JsonObject, room: RoomId = WARD) -> Decrypted | Undecryptable:
        return self.encryption.decrypt(room, event)

    def text(self, event: JsonObject, room: RoomId = WARD) -> str | None:
        found = self.read(event, room)
        return found.content["body"] if isinstance(found, Decrypted) else None

    def keep_unread(self, event: JsonObject, room: RoomId = WARD) -> None:
        """As the timeline keeps a message that cannot be read."""
        with self.database.transaction() as t:
            t.execute(
                "INSERT INTO events(room, event, position, sender, type, ts, raw, session, failure) "
                "VALUES(?, ?, 0, ?, 'm.room.encrypted', 5, '{}', ?, '{}')",
                (room, event["event_id"], LIN, event["content"]["session_id"]),
            )

    @property
    def state(self) -> BackupState:
        return self.backup.state.value

    @property
    def sessions(self) -> int:
        with self.database.read() as t:
            return len(store.first_indexes(t, WARD))

    @property
    def idle(self) -> bool:
        return self.state.active and self.state.waiting == 0


async def until(fact: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not fact():
            await asyncio.sleep(0)


def session_of(event: JsonObject) -> str:
    return str(event["content"]["session_id"])


async def backed_up(world: World, count: int = 2) -> tuple[Device, list[JsonObject]]:
    """A device whose `count` sessions of one room are in the backup."""
    device = world.device("LAPTOP")
    await device.backup.create()
    events = [await device.write(f"text {number}", fresh=True) for number in range(count)]
    await until(lambda: device.idle and len(world.home.all_of("1")) == count)
    return device, events
