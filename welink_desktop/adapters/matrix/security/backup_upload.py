"""Sessions go to the backup in batches; what the server will never take does not hold back the rest (matrix.md §8.7)."""

import asyncio
from collections.abc import Sequence
from typing import Final

from welink_desktop.adapters.matrix.crypto.backup import BackupLock
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.errors import MatrixError
from welink_desktop.adapters.matrix.security.backup_restore import Opened
from welink_desktop.adapters.matrix.security.backup_server import BackupServer
from welink_desktop.adapters.matrix.store import backup as store
from welink_desktop.adapters.matrix.store.backup import Waiting
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import short, topic

PART = 25
"""Sessions sealed between two turns of the loop."""

FIELDS: Final = (
    "algorithm",
    "sender_key",
    "sender_claimed_keys",
    "session_key",
    "forwarding_curve25519_key_chain",
    "m.shared_history",
)
_REFUSALS = (400, 413)
_log = topic("backup")


class Uploader:
    def __init__(self, database: Database, server: BackupServer, encryption: Encryption) -> None:
        self._database = database
        self._server = server
        self._encryption = encryption

    async def upload(self, opened: Opened, batch: Sequence[Waiting]) -> None:
        """Upload the sessions of `batch`, which do not wait any more then. Raises `VersionGone` and the line's errors.

        A session that got better meanwhile goes on waiting; so does everything if another version began meanwhile.
        """
        rooms = await self._entries(opened, batch)
        try:
            if rooms:
                await self._server.put(opened.version, rooms)
        except MatrixError as error:
            if error.status not in _REFUSALS:
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self.upload(opened, batch[:middle])
                await self.upload(opened, batch[middle:])
                return
            _log.warning("the server refuses a key", room=short(batch[0].room))
        with self._database.transaction() as t:
            row = store.backup(t)
            if row is not None and row.version == opened.version:
                store.backed_up(t, batch)

    async def _entries(self, opened: Opened, batch: Sequence[Waiting]) -> dict[RoomId, dict[str, JsonObject]]:
        """By room and session; of several copies the one that reaches back furthest."""
        rooms: dict[RoomId, dict[str, JsonObject]] = {}
        lock = BackupLock(opened.key.public)
        for number, one in enumerate(batch):
            if number % PART == PART - 1:
                await asyncio.sleep(0)
            entry = self._entry(lock, one)
            known = rooms.get(one.room, {}).get(one.session)
            if entry is not None and (known is None or entry["first_message_index"] < known["first_message_index"]):
                rooms.setdefault(one.room, {})[one.session] = entry
        return rooms

    def _entry(self, lock: BackupLock, one: Waiting) -> JsonObject | None:
        """None: the session is not there any more, or is of no room (whoever sends a key may name any)."""
        found = self._encryption.exported(one.room, one.session, one.sender_key)
        if found is None or not one.room.startswith("!") or not one.room.isprintable():
            return None
        index, session = found
        return lock.entry({name: session[name] for name in FIELDS if name in session}, index)
