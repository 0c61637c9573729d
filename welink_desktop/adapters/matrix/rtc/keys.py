"""When our media key changes, who gets it, and from when it is used (matrixrtc §4.3). Pure: time and chance come in.

`members()` is told every change, `due()` is called when `deadline()` passes, and each returns what to do now:

* `Share`: send this key to these devices; afterwards call `shared()` with those that were reached. One is open at a time,
  what happens meanwhile collapses into one more afterwards.
* `Use`: encrypt with this key from now on.

A rotated key is used 3 s after it was sent out, so that busy receivers have it before the first frame; at once when
nobody held the key before. A removal rotates at once; voluntary leaves among more than 40 members are collected for 10 s.
Rotation is never skipped.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from welink_desktop.core.ids import DeviceId, UserId

KEY_BYTES = 16
INDEX_COUNT = 255
"""Indexes 0–254: the native key ring holds 255 (matrixrtc §4.5)."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A device in the call. `since_ms` tells a re-join from the first join."""

    user: UserId
    device: DeviceId
    since_ms: int

    @property
    def place(self) -> tuple[UserId, DeviceId]:
        return self.user, self.device


@dataclass(frozen=True, slots=True, repr=False)
class OutboundKey:
    """Our key: 16 secret bytes at `index`."""

    index: int
    key: bytes

    def __repr__(self) -> str:
        return f"OutboundKey(index={self.index}, …)"


@dataclass(frozen=True, slots=True)
class Share:
    key: OutboundKey
    recipients: tuple[Holder, ...]
    rotated: bool


@dataclass(frozen=True, slots=True)
class Use:
    key: OutboundKey


Step = Share | Use


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in seconds."""

    use_delay: float = 3.0
    young: float = 10.0
    batch_above: int = 40
    batch_window: float = 10.0
    first_retry: float = 2.0
    last_retry: float = 30.0


@dataclass(slots=True)
class _Pending:
    """A key that was sent out and waits for its time."""

    key: OutboundKey
    at: float


@dataclass(slots=True)
class KeyRollout:
    """`random` gives 16 fresh secret bytes. All times are monotonic seconds."""

    random: Callable[[], bytes] = field(repr=False)
    policy: Policy = Policy()
    _current: OutboundKey | None = None
    _created: float = 0.0
    _exposed: dict[tuple[UserId, DeviceId], Holder] = field(default_factory=dict)
    _reached: set[Holder] = field(default_factory=set)
    _present: tuple[Holder, ...] = ()
    _joined: frozenset[UserId] = frozenset()
    _open: Share | None = None
    _pending: list[_Pending] = field(default_factory=list)
    _rotate_at: float | None = None
    _retry_at: float | None = None
    _retry_after: float = 0.0
    _resend: bool = False

    @property
    def current(self) -> OutboundKey | None:
        """The newest key, perhaps not in use yet."""
        return self._current

    def members(self, now: float, present: Iterable[Holder], joined: Collection[UserId]) -> tuple[Step, ...]:
        """`present`: every other device in the call; `joined`: who is in the room (a gone user who is not was removed)."""
        self._present = tuple(present)
        self._joined = frozenset(joined)
        return self._evaluate(now)

    def shared(self, now: float, reached: Collection[tuple[UserId, DeviceId]]) -> tuple[Step, ...]:
        """The open `Share` was carried out as far as it went. Who was not reached is tried again later."""
        share = self._open
        if share is None:
            return ()
        self._open = None
        places = set(reached)
        self._reached |= {holder for holder in share.recipients if holder.place in places}
        if len(places) >= len(share.recipients):
            self._retry_after = 0.0
        else:
            self._retry_after = min(max(self._retry_after * 2, self.policy.first_retry), self.policy.last_retry)
            self._retry_at = now + self._retry_after
        if share.rotated:
            self._pending.append(_Pending(share.key, now + self.policy.use_delay))
        return self._evaluate(now)

    def resend(self, now: float) -> tuple[Step, ...]:
        """Everybody gets the current key once more: after our own re-join others may have forgotten it."""
        self._resend = True
        return self._evaluate(now)

    def due(self, now: float) -> tuple[Step, ...]:
        """What the passing of time asks for. Harmless when called early."""
        used: list[Step] = []
        while self._pending and self._pending[0].at <= now:
            used.append(Use(self._pending.pop(0).key))
        return (*used, *self._evaluate(now))

    def deadline(self) -> float | None:
        """When `due` has something to do; None: not before the next change."""
        times = [pending.at for pending in self._pending[:1]]
        if self._open is None:
            times += [time for time in (self._rotate_at, self._retry_at) if time is not None]
        return min(times, default=None)

    def _evaluate(self, now: float) -> tuple[Step, ...]:
        if self._open is not None:
            return ()
        if self._current is None:
            first = self._make(now, index=0)
            return (Use(first), *self._share(first, self._present, rotated=False))
        if self._must_rotate(now):
            return self._rotate(now)
        joiners = [holder for holder in self._present if self._exposed.get(holder.place) != holder]
        if joiners and now - self._created >= self.policy.young:
            return self._rotate(now)
        if self._resend:
            self._resend = False
            return self._share(self._current, self._present, rotated=False)
        late = self._unreached() if self._retry_at is not None and self._retry_at <= now else []
        if late:
            self._retry_at = None
        return self._share(self._current, tuple(dict.fromkeys([*joiners, *late])), rotated=False)

    def _unreached(self) -> list[Holder]:
        return [holder for holder in self._present if holder not in self._reached]

    def _must_rotate(self, now: float) -> bool:
        """Whether somebody who was sent the key is gone, and it is time to act on it."""
        here = {holder.place for holder in self._present}
        gone = [place for place in self._exposed if place not in here]
        if not gone:
            self._rotate_at = None
            return False
        removed = any(user not in self._joined for user, _ in gone)
        if removed or len(self._present) < self.policy.batch_above:
            return True
        if self._rotate_at is None:
            self._rotate_at = now + self.policy.batch_window
        return self._rotate_at <= now

    def _rotate(self, now: float) -> tuple[Step, ...]:
        held = any(holder in self._exposed.values() for holder in self._present)
        index = 0 if self._current is None else (self._current.index + 1) % INDEX_COUNT
        key = self._make(now, index)
        share = self._share(key, self._present, rotated=held)
        if held:
            return share
        self._pending.clear()
        return (Use(key), *share)

    def _make(self, now: float, index: int) -> OutboundKey:
        self._current = OutboundKey(index, self.random())
        self._created = now
        self._exposed = {}
        self._reached = set()
        self._rotate_at = self._retry_at = None
        self._resend = False
        return self._current

    def _share(self, key: OutboundKey, recipients: tuple[Holder, ...], *, rotated: bool) -> tuple[Step, ...]:
        if not recipients:
            return ()
        self._exposed |= {holder.place: holder for holder in recipients}
        self._reached -= set(recipients)
        self._open = Share(key, recipients, rotated)
        return (self._open,)
