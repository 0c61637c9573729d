"""Room keys asked of and given to own devices: drives `crypto.forwarding` (matrix.md §8.4)."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto.forwarding import FORWARD, REQUEST, KeyForwarding, KeyWish, forwarded, worth_asking
from welink_desktop.adapters.matrix.crypto.records import Device, Source, ToDevice
from welink_desktop.adapters.matrix.crypto.trust import LATE_MS
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.healing import SqlHealingStore
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.log import topic
from welink_desktop.core.reactive import Scope
from welink_desktop.core.trust import Undecryptable, UndecryptableReason

GRACE = 10.0
"""Seconds that a key may take before others are asked for it."""

GRACE_WITH_BACKUP = 60.0
"""The same while a backup may have it."""

BATCH = 20
BATCH_SECONDS = 10.0
"""No more than `BATCH` questions in this time."""

MAX_WAITING = 2_000
LINE_PAUSE = 10.0
LATE_SECONDS = LATE_MS / 1_000 + 1
LOOK_BACK = 500
_UNREAD = (
    "SELECT room, session, max(failure) FROM events INDEXED BY events_by_session "
    "WHERE failure IS NOT NULL AND session IS NOT NULL GROUP BY room, session LIMIT ?"
)
_UNREAD_IN = (
    "SELECT session, max(failure) FROM events INDEXED BY events_by_session "
    "WHERE room = ? AND failure IS NOT NULL AND session IS NOT NULL GROUP BY session LIMIT ?"
)
_WAITS = (
    "SELECT sender, json_extract(failure, '$.device'), ts, failure FROM events INDEXED BY events_by_session "
    "WHERE room = ? AND session = ? AND failure IS NOT NULL ORDER BY ts DESC LIMIT 1"
)
FRESH_MS = 24 * 3_600_000
_log = topic("security.forwarding")


@dataclass(frozen=True, slots=True)
class _Lost:
    """A message that waits for its key. `device`: which one sent it, as it says itself."""

    sender: UserId
    device: DeviceId
    at_ms: int
    reason: UndecryptableReason | None

    def fresh(self, now_ms: int) -> bool:
        """Does its sender still have the key at hand, and should have given it to us?"""
        return self.reason in _GIVEN_TO_US and abs(now_ms - self.at_ms) < FRESH_MS


_GIVEN_TO_US = (UndecryptableReason.KEY_MISSING, UndecryptableReason.KEY_LATE)


class KeySharing:
    """One per account, on the engine loop; `start` it after `Encryption`.

    Let `missing` hear of messages without a key and `keys_came` of keys. `backup_helps()`: a backup may bring keys.
    """

    def __init__(
        self,
        encryption: Encryption,
        database: Database,
        clock: Clock,
        scope: Scope,
        *,
        user: UserId,
        device: DeviceId,
        backup_helps: Callable[[], bool] = lambda: False,
        grace: float = GRACE,
    ) -> None:
        self._encryption = encryption
        self._database = database
        self._clock = clock
        self._scope = scope
        self._user = user
        self._backup_helps = backup_helps
        self._grace = grace
        self._waiting: dict[tuple[RoomId, str], float] = {}
        """Sessions that messages lack, and when (monotonic) others are asked."""
        self._late: dict[tuple[RoomId, str], float] = {}
        """Sessions whose messages say "late", and when they are looked at again."""
        self._wanted: set[tuple[RoomId, str]] = set()
        self._wishes: list[KeyWish] = []
        self._due = asyncio.Event()
        self._wished_for = asyncio.Event()
        self._forwarding = KeyForwarding(
            (user, device),
            SqlHealingStore(database),
            clock,
            lambda: encryption.devices_of(user),
            self._trusted,
            encryption.machine.session,
        )

    def start(self) -> None:
        self._scope.add(self._encryption.listen(REQUEST, self._wished))
        self._scope.add(self._encryption.listen(FORWARD, self._arrived))
        self._scope.add(self._encryption.lists_changed.listen(self._lists_changed))
        self._scope.add(self._encryption.people_changed.listen(self._lists_changed))
        self._look_back()
        self._scope.spawn(self._ask_in_time(), name="ask-keys")
        self._scope.spawn(self._give(), name="give-keys")

    def missing(self, room: RoomId, session: str, why: Undecryptable) -> None:
        """A message cannot be read. Cheap, and fine inside a transaction."""
        if not worth_asking(why.reason) or (room, session) in self._waiting or len(self._waiting) >= MAX_WAITING:
            return
        if why.reason is UndecryptableReason.KEY_LATE:
            self._late.setdefault((room, session), self._clock.monotonic() + LATE_SECONDS)
        grace = max(self._grace, GRACE_WITH_BACKUP) if self._backup_helps() else self._grace
        self._waiting[(room, session)] = self._clock.monotonic() + grace
        self._due.set()

    def ask_now(self, room: RoomId) -> None:
        """The person wants it: no grace and a short rest for what cannot be read in `room`."""
        with self._database.read() as t:
            rows = t.rows(_UNREAD_IN, (room, LOOK_BACK))
        for session, failure in rows:
            reason = _reason(failure)
            if reason is not None and worth_asking(reason):
                self._waiting[(room, session)] = self._clock.monotonic()
                self._wanted.add((room, session))
        self._due.set()

    def keys_came(self, keys: Iterable[tuple[RoomId, str]]) -> None:
        """After a commit that brought keys, from wherever."""
        posts = []
        with self._encryption.change():
            for room, session in keys:
                if self._unread(room, session) is not None:
                    continue
                self._waiting.pop((room, session), None)
                self._late.pop((room, session), None)
                post = self._forwarding.came(room, session)
                if post is not None:
                    posts.append(post)
            if posts:
                self._encryption.post(REQUEST, posts)

    # Asking

    def _look_back(self) -> None:
        """Kept messages that could not be read: there may be a device now that was not there to be asked."""
        with self._database.read() as t:
            rows = t.rows(_UNREAD, (LOOK_BACK,))
        for room, session, failure in rows:
            reason = _reason(failure)
            if reason is not None:
                self.missing(RoomId(room), session, Undecryptable(reason))

    async def _ask_in_time(self) -> None:
        while True:
            now = self._clock.monotonic()
            self._look_again([key for key, at in self._late.items() if at <= now])
            due = [key for key, at in self._waiting.items() if at <= now][:BATCH]
            self._ask(due)
            if len(due) == BATCH:
                await asyncio.sleep(BATCH_SECONDS)
                continue
            self._due.clear()
            rest = min((at - now for at in (*self._waiting.values(), *self._late.values())), default=None)
            try:
                async with asyncio.timeout(rest):
                    await self._due.wait()
            except TimeoutError:
                continue

    def _look_again(self, late: list[tuple[RoomId, str]]) -> None:
        """These keys are not late any more, they are missing: the messages shall say so."""
        for key in late:
            del self._late[key]
        if late:
            self._encryption.on_room_keys(late)

    def _ask(self, due: Iterable[tuple[RoomId, str]]) -> None:
        posts, renewed = [], False
        with self._encryption.change():
            for room, session in due:
                self._waiting.pop((room, session), None)
                lost = self._unread(room, session)
                wanted = (room, session) in self._wanted
                self._wanted.discard((room, session))
                post = None if lost is None else self._forwarding.ask(room, session, wanted=wanted)
                if post is not None:
                    posts.append(post)
                if lost is not None and lost.fresh(self._clock.now_ms()):
                    renewed = self._encryption.machine.renew_session(lost.sender, lost.device) or renewed
            if posts:
                _log.info("keys asked of own devices", count=len(posts))
                self._encryption.post(REQUEST, posts)
        if renewed:
            self._encryption.wake()

    def _unread(self, room: RoomId, session: str) -> "_Lost | None":
        """The kept message that waits for this session, None if there is none any more."""
        with self._database.read() as t:
            row = t.row(_WAITS, (room, session))
        if row is None:
            return None
        return _Lost(UserId(row[0]), DeviceId(row[1] or ""), row[2], _reason(row[3]))

    def _arrived(self, event: ToDevice) -> None:
        given = self._forwarding.arrived(event)
        if given is None:
            return
        taken = self._encryption.take_sessions([given], Source.FORWARDED)
        if taken:
            self._encryption.on_room_keys(taken)

    # Answering

    def _trusted(self, device: Device) -> bool:
        """By the identities of this moment: a rollback makes them anew."""
        return self._encryption.identities.device_trusted(device)

    def _wished(self, event: ToDevice) -> None:
        self._queue(self._forwarding.wished(event))

    def _lists_changed(self, users: set[UserId]) -> None:
        if self._user in users:
            self._queue(self._forwarding.review())
            self._look_back()

    def _queue(self, wishes: list[KeyWish]) -> None:
        self._wishes += wishes
        if wishes:
            self._wished_for.set()

    async def _give(self) -> None:
        while True:
            await self._wished_for.wait()
            while self._wishes:
                try:
                    await self._forward(self._wishes[0])
                except WeLinkError:
                    await asyncio.sleep(LINE_PAUSE)
                else:
                    del self._wishes[0]
            self._wished_for.clear()

    async def _forward(self, wish: KeyWish) -> None:
        content = self._encryption.machine.exported(wish.row)
        if content is not None and self._encryption.identities.device_trusted(wish.device):
            recipients = {wish.device.user: {wish.device.device: forwarded(content)}}
            await self._encryption.send_to_device_encrypted(FORWARD, recipients)


def _reason(failure: str) -> UndecryptableReason | None:
    """The reason in a kept failure; None for one that this version does not know."""
    try:
        return UndecryptableReason(json.loads(failure)["reason"])
    except (ValueError, KeyError, TypeError):
        return None
