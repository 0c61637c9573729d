"""`Meeting`: what the lobby and the stage talk to. One meeting at a time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from welink_desktop.core.calls import (
    CallEnded,
    CallSignal,
    CaptureSource,
    DevicesChanged,
    EngineDied,
    LevelMeasured,
    MediaEvent,
    MembersChanged,
    MembershipDoubtful,
    OwnKeyReady,
    Quality,
    RemoteKeyArrived,
    SelfChanged,
    SpeakerChanged,
    TileRequest,
    TrackSource,
)
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import MediaEngineFailed, ServerFault, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.calls import CallSession, CallSignalling, FrameSource, MediaEngine, MediaSession
from welink_desktop.core.ports.system import Desktop
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.services.meeting.connection import RETRY_SECONDS, KeyTable, SfuConnection
from welink_desktop.services.meeting.records import (
    Choices,
    Connection,
    Idle,
    InMeeting,
    Joining,
    Leaving,
    Lobby,
    MeetingState,
    StageMode,
)
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


class Meeting:
    """Wishes return at once (the task is for tests); the truth stands in the `State`s.

    `state` is where we are, `stage.view` what to paint, `level` the microphone in the lobby, `microphone`, `camera` and `screen`
    are switches that work in lobby and meeting alike. `refusals` says why something that was wanted did not happen.
    """

    def __init__(
        self,
        calls: CallSignalling,
        engine: MediaEngine,
        desktop: Desktop,
        clock: Clock,
        *,
        choices: Choices | None = None,
        timings: MeetingTimings | None = None,
    ) -> None:
        self._calls, self._engine, self._desktop, self._clock = calls, engine, desktop, clock
        self._times = timings or MeetingTimings()
        self.state: State[MeetingState] = State(Idle())
        self.level = State(0.0)
        self.refusals: Signal[WeLinkError] = Signal()
        self.stage = Stage(clock, self._show)
        self._scope = Scope("meeting")
        self._sources = Sources(self._scope, self._wish, self.refusals.emit)
        self.microphone = self._sources.switches[TrackSource.MICROPHONE]
        self.camera = self._sources.switches[TrackSource.CAMERA]
        self.screen = self._sources.switches[TrackSource.SCREEN]
        self._choices = choices or Choices()
        self._screen_source = CaptureSource()
        self._work = asyncio.Lock()
        self._life = Scope("meeting-life")
        self._entering: asyncio.Task[None] | None = None
        self._media: MediaSession | None = None
        self._session: CallSession | None = None
        self._connection: SfuConnection | None = None
        self._roster: Roster | None = None
        self._keys = KeyTable({})
        self._own_key_known = asyncio.Event()
        self._deaf: frozenset[str] = frozenset()
        self._live = self._doubtful = self._dirty = False
        for source, switch in self._sources.switches.items():
            switch.state.watch(lambda state, source=source: self._own_source(source, state.actual))  # type: ignore[misc]  # binds now

    @property
    def frames(self) -> FrameSource | None:
        """Pictures of the tiles; None while no media engine runs. Another one after `retry`."""
        return self._media.frames if self._media is not None else None

    # Wishes

    def open_lobby(self, room: RoomId, name: str, *, encrypted: bool) -> asyncio.Task[None]:
        """Show the lobby of `room`'s call; a meeting that runs is left first. Microphone and camera start off."""
        return self._scope.spawn(self._open(room, name, encrypted), name="open-lobby")

    def join(self) -> asyncio.Task[None]:
        """From the lobby into the meeting, or back to the lobby with the error."""
        self._entering = self._scope.spawn(self._join(), name="join")
        return self._entering

    def leave(self) -> asyncio.Task[None]:
        """Out of lobby or meeting, also while joining."""
        if self._entering is not None:
            self._entering.cancel()
        return self._scope.spawn(self._leave(None), name="leave")

    def retry(self) -> asyncio.Task[None]:
        """After the media engine failed for good: start a new one and return."""
        return self._scope.spawn(self._reopen(), name="retry")

    def choose(self, choices: Choices) -> None:
        """Other devices, before or during the meeting."""
        self._choices = choices
        state = self.state.value
        if isinstance(state, (Lobby, InMeeting)):
            self.state.set(replace(state, choices=choices))
        if self._media is None:
            return
        if isinstance(state, InMeeting):
            self._media.set_devices(choices.microphone, choices.camera, choices.speaker)
        elif isinstance(state, Lobby):
            self._preview()

    def test_speaker(self) -> None:
        if self._media is not None:
            self._media.test_speaker(self._choices.speaker)

    def share_screen(self, source: CaptureSource | None = None) -> None:
        """Share the screen `source.device` (None: the primary one)."""
        self._screen_source = source or CaptureSource()
        self.screen.want(True)

    def set_mode(self, mode: StageMode) -> None:
        self.stage.set_mode(mode)
        self._change(lambda state: replace(state, mode=mode))

    def pin(self, identity: str | None) -> None:
        """Make one participant large for us; None: nobody."""
        self.stage.pin(identity)
        self._change(lambda state: replace(state, pinned=identity))

    async def aclose(self) -> None:
        """Leave whatever runs, and stop."""
        await self.leave()
        await self._scope.aclose()

    # Lobby

    async def _open(self, room: RoomId, name: str, encrypted: bool) -> None:
        async with self._work:
            await self._end(None)
            self._life = Scope("meeting-life")
            self.state.set(Lobby(room, name, encrypted, choices=self._choices))
            self._life.spawn(self._look_in(room), name="members")
            try:
                await self._open_engine()
            except WeLinkError as error:
                self._engine_missing(error)
                return
            self._in_lobby(lambda lobby: replace(lobby, ready=True))
            self._preview()

    async def _open_engine(self) -> MediaSession:
        media = self._media = await self._engine.open()
        self._life.add(media.watch(self._media_event))
        media.list_devices()
        return media

    def _engine_missing(self, error: WeLinkError) -> None:
        self._media = None
        self._in_lobby(lambda lobby: replace(lobby, ready=False, error=error))

    async def _look_in(self, room: RoomId) -> None:
        with suppress(WeLinkError):
            members = await self._calls.members(room)
            self._in_lobby(lambda lobby: replace(lobby, members=members))

    def _preview(self) -> None:
        if self._media is not None:
            self._media.measure_microphone(self._choices.microphone)
            self._media.preview_camera(self._choices.camera if self.camera.state.value.wanted else None)

    def _in_lobby(self, change: Callable[[Lobby], Lobby]) -> None:
        state = self.state.value
        if isinstance(state, Lobby):
            self.state.set(change(state))

    # Joining

    async def _join(self) -> None:
        async with self._work:
            lobby = self.state.value
            if not isinstance(lobby, Lobby):
                return
            self.state.set(Joining(lobby.room, lobby.name, lobby.encrypted))
            try:
                await self._enter(lobby)
            except WeLinkError as error:
                await self._withdraw()
                self.state.set(replace(lobby, error=error))
                self._preview()
            except BaseException:
                await self._withdraw()
                self.state.set(lobby)
                raise

    async def _enter(self, lobby: Lobby) -> None:
        media = self._media or await self._open_engine()
        media.measure_microphone(None)
        media.preview_camera(None)
        session = self._session = await self._announce(lobby.room)
        ticket = await session.ticket()
        self._keys = KeyTable({})
        self._own_key_known.clear()
        self._roster = Roster(encrypted=ticket.encrypted, own=ticket.identity, service_url=ticket.service_url)
        for source in self._sources.switches:
            self._roster.own_source(source, self._sources.is_on(source))
        self._life.add(session.watch(self._signal))
        if ticket.encrypted:
            try:
                async with asyncio.timeout(self._times.own_key):
                    await self._own_key_known.wait()
            except TimeoutError as error:
                raise ServerFault("no media key") from error
        connection = self._connect(lobby.room, session, media)
        await connection.join(ticket)
        now = self._clock.now_ms()
        self.state.set(InMeeting(lobby.room, lobby.name, ticket.encrypted, now, choices=self._choices, devices=lobby.devices))
        self.stage.set_mode(StageMode.GALLERY)
        self._desktop.keep_awake(True)
        self._link(Connection.LIVE, None)
        self._life.spawn(self._tick(), name="tick")

    async def _announce(self, room: RoomId) -> CallSession:
        """Join the call. Cancelled, it still learns whether we are in it, so that nothing of us stays behind."""
        joining = self._scope.spawn(self._ask_to_join(room), name="announce")
        try:
            answer = await asyncio.shield(joining)
        except asyncio.CancelledError:
            await asyncio.wait([joining], timeout=self._times.give_up)
            joining.cancel()
            if joining.done() and not joining.cancelled() and not isinstance(found := joining.result(), WeLinkError):
                self._session = found
            raise
        if isinstance(answer, WeLinkError):
            raise answer
        return answer

    async def _ask_to_join(self, room: RoomId) -> CallSession | WeLinkError:
        try:
            return await self._calls.join(room, video=self.camera.state.value.wanted)
        except WeLinkError as error:
            return error

    def _connect(self, room: RoomId, session: CallSession, media: MediaSession) -> SfuConnection:
        self._connection = SfuConnection(
            self._life,
            room,
            session,
            media,
            self._keys,
            lambda: self._choices,
            changed=self._link,
            before_join=self._forget_sfu,
            retry_seconds=self._times.retry,
        )
        return self._connection

    async def _withdraw(self) -> None:
        """Undo a join that failed; the lobby's engine stays."""
        session, self._session = self._session, None
        self._connection = self._roster = None
        if session is not None:
            await session.leave()

    # Leaving

    async def _leave(self, error: WeLinkError | None) -> None:
        async with self._work:
            await self._end(error)

    async def _end(self, error: WeLinkError | None) -> None:
        state = self.state.value
        if isinstance(state, (Idle, Leaving)):
            return
        self.state.set(Leaving(state.room))
        self._live = self._doubtful = False
        media, self._media = self._media, None
        session, self._session = self._session, None
        self._sources.rest()
        self._connection = self._roster = None
        self._desktop.keep_awake(False)
        self.stage.clear()
        await self._life.aclose()
        with suppress(WeLinkError):
            await asyncio.gather(*[one.close() for one in (media,) if one], *[one.leave() for one in (session,) if one])
        self._keys = KeyTable({})
        self._deaf = frozenset()
        self.level.set(0.0)
        self.state.set(Idle(error))

    # In the meeting

    async def _reopen(self) -> None:
        async with self._work:
            state, session = self.state.value, self._session
            if isinstance(state, Lobby):
                with suppress(WeLinkError):
                    await self._open_engine()
                    self._in_lobby(lambda lobby: replace(lobby, ready=True, error=None))
                    self._preview()
                return
            if not isinstance(state, InMeeting) or session is None or state.connection is not Connection.FAILED:
                return
            self._change(lambda now: replace(now, connection=Connection.RETURNING, error=None))
            old, self._media = self._media, None
            try:
                if old is not None:
                    await old.close()
                media = await self._open_engine()
                await self._connect(state.room, session, media).join(await session.ticket())
            except WeLinkError as error:
                self._link(Connection.FAILED, error)
                return
            self._link(Connection.LIVE, None)

    async def _tick(self) -> None:
        """What depends on time alone: waiting for keys, strangers, tiles that may move."""
        while True:
            await asyncio.sleep(self._times.tick)
            self.stage.settle()
            self._publish()

    def _signal(self, signal: CallSignal) -> None:
        media = self._media
        match signal:
            case MembersChanged():
                if self._roster is not None:
                    self._roster.members(signal.members)
                    self._soon()
            case RemoteKeyArrived():
                self._keys.add([signal.key])
                if media is not None:
                    media.set_keys((signal.key,))
            case OwnKeyReady():
                self._keys.own(signal)
                if signal.use:
                    self._own_key_known.set()
                    self._soon()
                if media is not None:
                    media.set_own_key(signal.key, use=signal.use)
            case MembershipDoubtful():
                self._doubt(signal.doubtful)
            case CallEnded():
                self._scope.spawn(self._leave(signal.error), name="ended")

    def _media_event(self, event: MediaEvent) -> None:
        match event:
            case DevicesChanged():
                self._devices(event)
            case LevelMeasured():
                self.level.set(event.level)
            case SelfChanged():
                self._self_changed(event)
            case SpeakerChanged():
                if event.reason is not None:
                    self.refusals.emit(event.reason)
            case _:
                if self._connection is not None:
                    self._connection.event(event)
                elif isinstance(event, EngineDied):
                    self._died_in_lobby(event)
                if self._roster is not None and self._roster.event(event, self._clock.monotonic()):
                    self._soon()

    def _devices(self, event: DevicesChanged) -> None:
        state = self.state.value
        if isinstance(state, (Lobby, InMeeting)):
            self.state.set(replace(state, devices=event.devices))

    def _self_changed(self, event: SelfChanged) -> None:
        if isinstance(self.state.value, Lobby) and event.source is TrackSource.CAMERA and not event.on:
            if event.reason is not None and self.camera.state.value.wanted:
                self.camera.observed(False)
                self.refusals.emit(event.reason)
            return
        self._sources.changed(event)

    def _died_in_lobby(self, event: EngineDied) -> None:
        if event.respawning:
            self._preview()
            return
        self._engine_missing(MediaEngineFailed())

    def _link(self, connection: Connection, error: WeLinkError | None) -> None:
        if connection is Connection.LIVE:
            self._live = True
            self._deaf = frozenset()
            self.stage.ask_again()
        else:
            self._live = False
        self._change(lambda state: replace(state, connection=connection, error=error))
        self._sources_follow()
        self._soon()

    def _doubt(self, doubtful: bool) -> None:
        """The server may have removed us: others do not count us in, so nothing is sent until we are back."""
        self._doubtful = doubtful
        self._sources_follow()
        if doubtful and self._media is not None:
            self._media.set_microphone(False)
            self._media.set_camera(False)
            self._media.set_screen(False)

    def _sources_follow(self) -> None:
        if self._live and not self._doubtful:
            self._sources.resume()
        else:
            self._sources.hold()

    def _wish(self, source: TrackSource, on: bool) -> None:
        media, state = self._media, self.state.value
        if media is None:
            return
        if isinstance(state, Lobby):
            if source is TrackSource.CAMERA:
                media.preview_camera(self._choices.camera if on else None)
            return
        if self._doubtful and on:
            return
        match source:
            case TrackSource.MICROPHONE:
                media.set_microphone(on)
            case TrackSource.CAMERA:
                media.set_camera(on)
            case TrackSource.SCREEN:
                media.set_screen(on, self._screen_source if on else None)
            case TrackSource.SCREEN_SOUND:
                pass

    def _own_source(self, source: TrackSource, on: bool) -> None:
        session = self._session
        if self._roster is None:
            return
        self._roster.own_source(source, on)
        self._soon()
        if source is TrackSource.CAMERA and session is not None and isinstance(self.state.value, InMeeting):
            self._life.spawn(session.set_video(on), name="intent")

    def _show(self, tiles: tuple[TileRequest, ...]) -> None:
        if self._media is not None and isinstance(self.state.value, InMeeting):
            self._media.show(tiles)

    def _forget_sfu(self) -> None:
        if self._roster is not None:
            self._roster.lost()

    def _soon(self) -> None:
        """Bring the state up to date once this turn of the loop is over: bursts become one change."""
        if not self._dirty:
            self._dirty = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._dirty = False
        roster, state = self._roster, self.state.value
        if roster is None or not isinstance(state, InMeeting):
            return
        now = self._clock.monotonic()
        people = roster.participants(now)
        own = next((one for one in people if one.own), None)
        used = self._keys.used
        self._follow_deafness(roster.deaf_to())
        self.state.set(
            replace(
                state,
                participants=people,
                alarms=roster.alarms(now),
                quality=own.quality if own is not None else Quality.UNKNOWN,
                key_index=used.index if state.encrypted and used is not None else None,
            )
        )
        self.stage.people(people, roster.speaking(), roster.sharing())

    def _follow_deafness(self, deaf: frozenset[str]) -> None:
        if self._media is None:
            return
        for identity in deaf - self._deaf:
            self._media.hear(identity, False)
        for identity in self._deaf - deaf:
            self._media.hear(identity, True)
        self._deaf = deaf

    def _change(self, change: Callable[[InMeeting], InMeeting]) -> None:
        state = self.state.value
        if isinstance(state, InMeeting):
            self.state.set(change(state))
