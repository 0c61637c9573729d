"""Keeps our call membership alive: delayed leave, member event, heartbeat, hourly refresh, return, leave (matrixrtc §2.4)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from welink_desktop.adapters.matrix.errors import Limited, Locked, MatrixError, Missing, Refused, TokenDead
from welink_desktop.adapters.matrix.rtc.membership import FIRST_EXPIRY_MS, MEMBER_EVENT, content_of
from welink_desktop.adapters.matrix.rtc.seams import CallServer
from welink_desktop.core.calls import CallMember
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import Offline, ServerFault, WeLinkError
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.reactive import Scope

_log = topic("call")
_FATAL = (Refused, TokenDead, Locked)


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds. `leave_delay`: how long after our last sign of life the server removes us."""

    leave_delay: float = 18.0
    heartbeat: float = 4.0
    restart_timeout: float = 2.0
    retry: float = 1.0
    join_tries: int = 4
    refresh: float = 3600.0
    refresh_lead: float = 5.0
    unconfirmed: float = 20.0
    leave_timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Which membership: ours, with this device, in this room, publishing at this service."""

    room: RoomId
    user: UserId
    device: DeviceId
    state_key: str
    service_url: str


class MembershipKeeper:
    """One membership of ours. `on_doubt(True)`: the server has probably removed us; `on_end`: there is no way back."""

    def __init__(
        self,
        server: CallServer,
        clock: Clock,
        place: Place,
        *,
        video: bool,
        on_doubt: Callable[[bool], None],
        on_end: Callable[[WeLinkError], None],
        on_return: Callable[[], None],
        timings: Timings = Timings(),
    ) -> None:
        self._server, self._clock, self._place, self._times = server, clock, place, timings
        self._video = video
        self._on_doubt, self._on_end, self._on_return = on_doubt, on_end, on_return
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._delay_ms = round(timings.leave_delay * 1000)
        self._delays_work = True
        self._delay_id = ""
        self._event = EventId("")
        self._since_ms: int | None = None
        self._seen: CallMember | None = None
        self._confirmed = self._vanished = self._changed = self._doubtful = self._left = self._tried = False
        self._put_at = self._alive_at = self._joined_at = clock.monotonic()
        self._refreshed = 0

    @property
    def event(self) -> EventId:
        """Our present member event."""
        return self._event

    async def announce(self, scope: Scope) -> None:
        """Become a member, then stay one in `scope`. Raises `NotAllowed`, `Offline`, `ServerFault`."""
        async with self._lock:
            for last in (*[False] * (self._times.join_tries - 1), True):
                try:
                    await self._enter()
                    break
                except (Offline, ServerFault, Limited) as error:
                    if last:
                        raise
                    await asyncio.sleep(min(error.seconds, 5.0) if isinstance(error, Limited) else self._times.retry)
        self._joined_at = self._clock.monotonic()
        scope.spawn(self._keep(), name="membership")

    def observed(self, own: CallMember | None) -> None:
        """What the room's state says about us since the last sync."""
        self._seen = own
        if own is not None:
            self._confirm()
            return
        if self._confirmed and not self._left:
            self._confirmed = False
            self._vanished = True
            self._wake.set()

    def _confirm(self) -> None:
        """A sync may bring our event before the answer to our own request does."""
        if self._seen is not None and self._seen.event == self._event:
            self._confirmed = True
            self._since_ms = self._seen.since_ms
            if self._changed:
                self._wake.set()

    def set_video(self, on: bool) -> None:
        """Others learn it with our next member event, which goes out at once if we are confirmed."""
        if on != self._video:
            self._video = on
            self._changed = True
            self._wake.set()

    async def leave(self) -> None:
        """Withdraw. Returns when the server knows, or after 5 s; then the delayed leave does it."""
        self._left = True
        if not self._tried:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._times.leave_timeout), self._lock:
                await self._withdraw()

    async def _withdraw(self) -> None:
        if self._delay_id:
            try:
                await self._server.update_delayed(self._delay_id, "send", timeout=self._times.leave_timeout)
                return
            except WeLinkError as error:
                _log.info("delayed leave could not be sent", error=literal(type(error).__name__))
        while True:
            try:
                await self._server.put_state(self._place.room, MEMBER_EVENT, self._place.state_key, {})
                return
            except MatrixError as error:
                if not isinstance(error, Limited):
                    return
            except WeLinkError:
                _log.info("leave is tried again")
            await asyncio.sleep(self._times.retry)

    async def _keep(self) -> None:
        pause = self._times.heartbeat
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            self._wake.clear()
            try:
                async with self._lock:
                    if self._left:
                        return
                    await self._beat()
                pause = self._times.heartbeat
            except _FATAL as error:
                self._on_end(error)
                return
            except Limited as error:
                pause = min(error.seconds, self._times.heartbeat)
            except WeLinkError as error:
                _log.info("membership request failed", error=literal(type(error).__name__))
                pause = self._times.retry
            self._judge()

    async def _beat(self) -> None:
        now = self._clock.monotonic()
        if self._vanished or (not self._confirmed and now - self._put_at >= self._times.unconfirmed):
            await self._return()
            return
        if self._confirmed and (self._changed or self._refresh_due(now)):
            await self._put_member()
        if now - self._alive_at >= self._times.heartbeat * 0.9:
            await self._restart()

    async def _restart(self) -> None:
        if not self._delay_id:
            await self._schedule_leave()
            return
        try:
            await self._server.update_delayed(self._delay_id, "restart", timeout=self._times.restart_timeout)
            self._alive()
        except Missing:
            self._delay_id = ""
            if self._clock.monotonic() - self._alive_at >= self._delay_ms / 1000:
                await self._return()
            else:
                await self._schedule_leave()

    async def _return(self) -> None:
        """Our membership is gone: join again, as a new member."""
        _log.info("membership vanished, joining again", room=short(self._place.room))
        self._since_ms = None
        self._refreshed = 0
        self._delay_id = ""
        await self._enter()
        self._joined_at = self._clock.monotonic()
        self._on_return()

    async def _enter(self) -> None:
        self._tried = True
        if not self._delay_id:
            await self._schedule_leave()
        await self._put_member()
        if self._delay_id:
            with suppress(Offline, ServerFault, Limited):
                await self._restart()

    async def _schedule_leave(self) -> None:
        if not self._delays_work:
            self._alive()
            return
        place = self._place
        try:
            self._delay_id = await self._server.put_delayed_state(place.room, MEMBER_EVENT, place.state_key, {}, self._delay_ms)
            self._alive()
        except (Limited, TokenDead, Locked):
            raise
        except MatrixError as error:
            longest = _longest_delay_ms(error)
            if longest is not None and 5_000 <= longest < self._delay_ms:
                self._delay_ms = longest
                await self._schedule_leave()
                return
            _log.warning("the server takes no delayed leave", status=error.status)
            self._delays_work = False
            self._alive()

    async def _put_member(self) -> None:
        place, since = self._place, self._since_ms
        content = content_of(
            place.user,
            place.device,
            place.room,
            place.service_url,
            video=self._video,
            expires_ms=FIRST_EXPIRY_MS * (self._refreshed + 1),
            created_ms=since,
        )
        self._changed = False
        try:
            self._event = await self._server.put_state(place.room, MEMBER_EVENT, place.state_key, content)
        except WeLinkError:
            self._changed = True
            raise
        self._put_at = self._clock.monotonic()
        self._confirmed = self._vanished = False
        self._confirm()

    def _refresh_due(self, now: float) -> bool:
        due = self._joined_at + self._times.refresh * (self._refreshed + 1) - self._times.refresh_lead
        if now < due:
            return False
        self._refreshed += 1
        return True

    def _alive(self) -> None:
        self._alive_at = self._clock.monotonic()

    def _judge(self) -> None:
        doubtful = self._clock.monotonic() - self._alive_at >= self._delay_ms / 1000
        if doubtful != self._doubtful:
            self._doubtful = doubtful
            self._on_doubt(doubtful)


def _longest_delay_ms(error: MatrixError) -> int | None:
    """The server's limit, if that is why it refused (both spellings, matrixrtc §2.5)."""
    for name in ("org.matrix.msc4140.max_delay", "max_delay"):
        value = error.body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
