"""One call that we are in: connection, keys, participants, our sources, from admission to leaving."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from welink_desktop.core.calls import (
    CallEnded,
    CallSignal,
    CaptureSource,
    MediaEvent,
    MembersChanged,
    MembershipDoubtful,
    OwnKeyReady,
    Quality,
    RemoteKeyArrived,
    SfuTicket,
    TrackSource,
)
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import ServerFault, WeLinkError
from welink_desktop.core.ports.calls import CallSession, MediaSession
from welink_desktop.core.reactive import Scope
from welink_desktop.services.meeting.connection import RETRY_SECONDS, KeyTable, SfuConnection
from welink_desktop.services.meeting.records import Connection, InMeeting
from welink_desktop.services.meeting.roster import Roster
from welink_desktop.services.meeting.sources import Sources
from welink_desktop.services.meeting.stage import Stage


@dataclass(frozen=True, slots=True)
class MeetingTimings:
    """Seconds."""

    tick: float = 0.5
    own_key: float = 10.0
    give_up: float = 5.0
    retry: tuple[float, ...] = RETRY_SECONDS


@dataclass(slots=True)
class LiveParts:
    """What the call works with. `show` takes each new state; `ended` hears that we are out for good."""

    scope: Scope
    clock: Clock
    times: MeetingTimings
    sources: Sources
    stage: Stage
    show: Callable[[InMeeting], None]
    ended: Callable[[WeLinkError], object]
    screen: Callable[[], CaptureSource] = field(default=CaptureSource)


class Live:
    """`state` is shown from the moment `enter` succeeded. `media` is replaced by `reenter`."""

    def __init__(self, parts: LiveParts, state: InMeeting, session: CallSession, media: MediaSession, ticket: SfuTicket) -> None:
        self.state = state
        self.session = session
        self.media = media
        self._parts = parts
        self._ticket = ticket
        self._keys = KeyTable({})
        self._own_key_known = asyncio.Event()
        self._roster = Roster(encrypted=ticket.encrypted, own=ticket.identity, service_url=ticket.service_url)
        self._connection = self._connect()
        self._deaf: frozenset[str] = frozenset()
        self._entered = self._linked = self._doubtful = self._dirty = self._over = False

    async def enter(self) -> None:
        """Into the SFU with all keys. Raises `MeetingServerUnreachable`, `ServerFault` and what the engine says."""
        parts = self._parts
        for source in parts.sources.switches:
            self._roster.own_source(source, parts.sources.is_on(source))
        parts.scope.add(self.session.watch(self._signal))
        if self._ticket.encrypted:
            try:
                async with asyncio.timeout(parts.times.own_key):
                    await self._own_key_known.wait()
            except TimeoutError as error:
                raise ServerFault("no media key") from error
        await self._connection.join(self._ticket)
        self._entered = True
        self._link(Connection.LIVE, None)
        parts.scope.spawn(self._tick(), name="tick")

    async def reenter(self, media: MediaSession) -> None:
        """With another media engine, after ours failed for good."""
        self.media = media
        self._connection = self._connect()
        try:
            await self._connection.join(await self.session.ticket())
        except WeLinkError as error:
            self._link(Connection.FAILED, error)
        else:
            self._link(Connection.LIVE, None)

    def stop(self) -> None:
        """Whatever comes now is no news."""
        self._over = True
        self._parts.sources.hold()

    def change(self, change: Callable[[InMeeting], InMeeting]) -> None:
        self.state = change(self.state)
        if self._entered and not self._over:
            self._parts.show(self.state)

    def media_event(self, event: MediaEvent) -> None:
        """Connection and participants."""
        if self._over:
            return
        self._connection.event(event)
        if self._roster.event(event, self._parts.clock.monotonic()):
            self._soon()

    def own_source(self, source: TrackSource, on: bool) -> None:
        """One of our switches has a new truth."""
        self._roster.own_source(source, on)
        self._soon()
        if source is TrackSource.CAMERA and self._entered and not self._over:
            self._parts.scope.spawn(self.session.set_video(on), name="intent")

    def wish(self, source: TrackSource, on: bool) -> None:
        """Ask the engine; not for sending while our membership is doubtful."""
        if self._doubtful and on:
            return
        match source:
            case TrackSource.MICROPHONE:
                self.media.set_microphone(on)
            case TrackSource.CAMERA:
                self.media.set_camera(on)
            case TrackSource.SCREEN:
                self.media.set_screen(on, self._parts.screen() if on else None)
            case TrackSource.SCREEN_SOUND:
                pass

    def _connect(self) -> SfuConnection:
        parts = self._parts
        return SfuConnection(
            parts.scope,
            self.state.room,
            self.session,
            self.media,
            self._keys,
            lambda: self.state.choices,
            changed=self._link,
            before_join=self._roster.lost,
            retry_seconds=parts.times.retry,
        )

    async def _tick(self) -> None:
        """What depends on time alone: waiting for keys, strangers, tiles that may move."""
        while True:
            await asyncio.sleep(self._parts.times.tick)
            self._parts.stage.settle()
            self._publish()

    def _signal(self, signal: CallSignal) -> None:
        if self._over:
            return
        match signal:
            case MembersChanged():
                self._roster.members(signal.members)
                self._soon()
            case RemoteKeyArrived():
                self._keys.add([signal.key])
                self.media.set_keys((signal.key,))
            case OwnKeyReady():
                self._keys.own(signal)
                if signal.use:
                    self._own_key_known.set()
                    self._soon()
                self.media.set_own_key(signal.key, use=signal.use)
            case MembershipDoubtful():
                self._doubt(signal.doubtful)
            case CallEnded():
                self._parts.ended(signal.error)

    def _link(self, connection: Connection, error: WeLinkError | None) -> None:
        self._linked = connection is Connection.LIVE
        if self._linked:
            self._deaf = frozenset()
            self._parts.stage.ask_again()
        self.change(lambda state: replace(state, connection=connection, error=error))
        self._sources_follow()
        self._soon()

    def _doubt(self, doubtful: bool) -> None:
        """The server may have removed us: others do not count us in, so nothing is sent until we are back."""
        self._doubtful = doubtful
        self._sources_follow()
        if doubtful:
            self.media.set_microphone(False)
            self.media.set_camera(False)
            self.media.set_screen(False)

    def _sources_follow(self) -> None:
        if self._linked and not self._doubtful:
            self._parts.sources.resume()
        else:
            self._parts.sources.hold()

    def _soon(self) -> None:
        """Bring the state up to date once this turn of the loop is over: bursts become one change."""
        if not self._dirty:
            self._dirty = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._dirty = False
        if self._over or not self._entered:
            return
        now = self._parts.clock.monotonic()
        people = self._roster.participants(now)
        own = next((one for one in people if one.own), None)
        used = self._keys.used
        self._follow_deafness(self._roster.deaf_to())
        self.change(
            lambda state: replace(
                state,
                participants=people,
                alarms=self._roster.alarms(now),
                quality=own.quality if own is not None else Quality.UNKNOWN,
                key_index=used.index if state.encrypted and used is not None else None,
            )
        )
        self._parts.stage.people(people, self._roster.speaking(), self._roster.sharing())

    def _follow_deafness(self, deaf: frozenset[str]) -> None:
        for identity in deaf - self._deaf:
            self.media.hear(identity, False)
        for identity in self._deaf - deaf:
            self.media.hear(identity, True)
        self._deaf = deaf
