"""Keys come back from the backup: a room's, everything, or just what a message that cannot be read needs (matrix.md §8.7)."""

import asyncio
import collections
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from welink_desktop.adapters.matrix.crypto.backup import BackupKey
from welink_desktop.adapters.matrix.crypto.exported import ExportedSession, parse_exported
from welink_desktop.adapters.matrix.crypto.records import Source
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.errors import Limited
from welink_desktop.adapters.matrix.security.backup_server import BackupServer, VersionGone
from welink_desktop.adapters.matrix.store import backup as store
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.wire.values import integer_of
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import Offline, ServerFault, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import literal, short, topic

SLICE = 32
"""Sessions between two turns of the loop: about ten milliseconds."""

TOLD = 4
"""Sessions whose messages are read again between two turns of the loop."""

WHOLE_ROOM = 10
"""So many wanted sessions of one room are fetched with the whole room."""

AGAIN_SECONDS = 600.0
REST_SECONDS = 0.1
LONGEST_PAUSE = 60.0
MOST_ASKED = 20_000
_log = topic("backup.restore")


@dataclass(frozen=True, slots=True)
class Opened:
    """A version that we can read."""

    version: str
    key: BackupKey


class Restorer:
    """`opened` tells what can be read now, None for nothing; `gone` is told when the server does not know the version."""

    def __init__(
        self,
        database: Database,
        server: BackupServer,
        encryption: Encryption,
        clock: Clock,
        *,
        opened: Callable[[], Opened | None],
        gone: Callable[[], None],
        rest: float = REST_SECONDS,
    ) -> None:
        self._database = database
        self._server = server
        self._encryption = encryption
        self._clock = clock
        self._opened = opened
        self._gone = gone
        self._rest = rest
        self._wanted: dict[RoomId, set[str]] = {}
        self._asked: collections.OrderedDict[tuple[RoomId, str], float] = collections.OrderedDict()
        self._whole: dict[RoomId, float] = {}
        self._due = asyncio.Event()

    async def room(self, opened: Opened, room: RoomId) -> None:
        await self._take(opened, room, await self._server.room(opened.version, room))

    async def everything(self, opened: Opened, passed: Callable[[int], None]) -> None:
        """`passed` is told how many more sessions were looked at. What is here already costs next to nothing."""
        async for room, sessions in self._server.everything(opened.version):
            await self._take(opened, room, sessions, passed)

    def want(self, room: RoomId, session: str) -> None:
        """A message cannot be read for want of this key: fetch it soon, unless it was asked for lately."""
        asked = self._asked.get((room, session))
        if self._opened() is None or (asked is not None and self._clock.monotonic() - asked < AGAIN_SECONDS):
            return
        self._wanted.setdefault(room, set()).add(session)
        self._due.set()

    def want_unread(self) -> None:
        """Everything that kept messages wait for."""
        with self._database.read() as t:
            wanted = store.unread_sessions(t, MOST_ASKED)
        for room, session in wanted:
            self.want(room, session)

    def forget_asked(self) -> None:
        """Another version: what was not there before may be there now."""
        self._asked.clear()
        self._whole.clear()

    async def run(self) -> None:
        """Fetch what is wanted, until cancelled."""
        pause = self._rest
        while True:
            await self._due.wait()
            await asyncio.sleep(pause)
            room = next(iter(self._wanted), None)
            opened = self._opened()
            if room is None or opened is None:
                self._wanted.clear()
                self._due.clear()
                continue
            sessions = self._wanted.pop(room)
            try:
                await self._fetch(opened, room, sessions)
                pause = self._rest
            except (Offline, ServerFault, Limited):
                self._wanted.setdefault(room, set()).update(sessions)
                pause = min(LONGEST_PAUSE, max(1.0, 2 * pause))
            except WeLinkError as error:
                _log.warning("keys not fetched", room=short(room), exception=literal(type(error).__name__))

    async def _fetch(self, opened: Opened, room: RoomId, sessions: set[str]) -> None:
        """A whole room only once in a while: anybody can write messages that name keys which do not exist."""
        now = self._clock.monotonic()
        if len(sessions) >= WHOLE_ROOM and now - self._whole.get(room, -AGAIN_SECONDS) >= AGAIN_SECONDS:
            self._whole[room] = now
            try:
                await self.room(opened, room)
            except VersionGone:
                self._gone()
            self._note(room, sessions)
            return
        for session in tuple(sessions):
            entry = await self._server.session(opened.version, room, session)
            self._note(room, [session])
            sessions.discard(session)
            if entry is not None:
                await self._take(opened, room, {session: entry})
            await asyncio.sleep(self._rest)

    def _note(self, room: RoomId, sessions: Iterable[str]) -> None:
        for session in sessions:
            self._asked[(room, session)] = self._clock.monotonic()
            if len(self._asked) > MOST_ASKED:
                self._asked.popitem(last=False)

    async def _take(
        self, opened: Opened, room: RoomId, sessions: dict[str, Any], passed: Callable[[int], None] = lambda count: None
    ) -> None:
        with self._database.read() as t:
            known = store.first_indexes(t, room)
        entries = list(sessions.items())
        for start in range(0, len(entries), SLICE):
            part = entries[start : start + SLICE]
            given = [
                found
                for session, entry in part
                if not _has(known, session, entry) and (found := _read(opened.key, room, session, entry)) is not None
            ]
            if given:
                await self._tell(room, self._encryption.take_sessions(given, Source.BACKUP, durable=False))
            passed(len(part))
            await asyncio.sleep(0)

    async def _tell(self, room: RoomId, taken: list[tuple[RoomId, str]]) -> None:
        with self._database.read() as t:
            waited_for = store.with_unread(t, room, {session for _, session in taken})
        for start in range(0, len(waited_for), TOLD):
            self._encryption.on_room_keys([(room, session) for session in waited_for[start : start + TOLD]])
            await asyncio.sleep(0)


def _has(known: dict[str, int], session: str, entry: object) -> bool:
    """What we have reaches as far back as the server says that this does."""
    index = known.get(session)
    return index is not None and index <= integer_of(entry, "first_message_index")


def _read(key: BackupKey, room: RoomId, session: str, entry: object) -> ExportedSession | None:
    """One session of the backup; None, and a line in the log, if it is not to be had."""
    try:
        plain = key.open(entry.get("session_data") if isinstance(entry, dict) else None)
    except ValueError:
        _log.warning("key in the backup cannot be opened", room=short(room))
        return None
    found = parse_exported(plain, room=room, session=session)
    if found is None:
        _log.warning("malformed key in the backup", room=short(room))
    return found
