"""`Meeting`: what the lobby and the stage talk to. One meeting at a time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from welink_desktop.core.calls import (
    CaptureSource,
    DevicesChanged,
    EngineDied,
    LevelMeasured,
    MediaEvent,
    SelfChanged,
    SpeakerChanged,
    TileRequest,
    TrackSource,
)
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import MediaEngineFailed, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.calls import CallSession, CallSignalling, FrameSource, MediaEngine, MediaSession
from welink_desktop.core.ports.system import Desktop
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.services.meeting.live import Live, LiveParts, MeetingTimings
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
from welink_desktop.services.meeting.sources import Sources
from welink_desktop.services.meeting.stage import Stage

__all__ = ["Meeting", "MeetingTimings"]

_log = topic("meeting")


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
        self._live: Live | None = None
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
        if self._live is not None:
            self._live.change(lambda state: replace(state, choices=choices))
            self._live.media.set_devices(choices.microphone, choices.camera, choices.speaker)
        elif isinstance(self.state.value, Lobby):
            self._in_lobby(lambda lobby: replace(lobby, choices=choices))
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
        if self._live is not None:
            self._live.change(lambda state: replace(state, mode=mode))

    def pin(self, identity: str | None) -> None:
        """Make one participant large for us; None: nobody."""
        self.stage.pin(identity)
        if self._live is not None:
            self._live.change(lambda state: replace(state, pinned=identity))

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
                await self._prepare_again()
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
        now = self._clock.now_ms()
        start = InMeeting(lobby.room, lobby.name, ticket.encrypted, now, choices=self._choices, devices=lobby.devices)
        parts = LiveParts(
            self._life,
            self._clock,
            self._times,
            self._sources,
            self.stage,
            show=self.state.set,
            ended=lambda error: self._scope.spawn(self._leave(error), name="ended"),
            screen=lambda: self._screen_source,
        )
        self.stage.set_mode(StageMode.GALLERY)
        self._live = Live(parts, start, session, media, ticket)
        await self._live.enter()
        self._desktop.keep_awake(True)

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

    async def _withdraw(self) -> None:
        """Undo a join that failed. An engine that was on its way into the meeting is given up."""
        session, self._session = self._session, None
        live, self._live = self._live, None
        if live is not None:
            live.stop()
            self._media = None
        await self._finish(live.media if live is not None else None, session)

    async def _prepare_again(self) -> None:
        """Back in the lobby: picture and level as before."""
        try:
            if self._media is None:
                await self._open_engine()
        except WeLinkError as error:
            _log.warning("no media engine", error=literal(type(error).__name__))
            self._in_lobby(lambda lobby: replace(lobby, ready=False))
        self._preview()

    # Leaving

    async def _leave(self, error: WeLinkError | None) -> None:
        async with self._work:
            await self._end(error)

    async def _end(self, error: WeLinkError | None) -> None:
        state = self.state.value
        if isinstance(state, (Idle, Leaving)):
            return
        self.state.set(Leaving(state.room))
        media, self._media = self._media, None
        session, self._session = self._session, None
        live, self._live = self._live, None
        if live is not None:
            live.stop()
        self._sources.rest()
        self._desktop.keep_awake(False)
        self.stage.clear()
        await self._life.aclose()
        await self._finish(media, session)
        self.level.set(0.0)
        self.state.set(Idle(error))

    async def _finish(self, media: MediaSession | None, session: CallSession | None) -> None:
        """End both side by side; what goes wrong is logged, we are out all the same."""
        ends = [one.close() for one in (media,) if one is not None] + [one.leave() for one in (session,) if one is not None]
        for result in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(result, Exception):
                _log.error("a part of the meeting did not end well", exc=result)

    # In the meeting

    async def _reopen(self) -> None:
        async with self._work:
            state, live = self.state.value, self._live
            if isinstance(state, Lobby):
                with suppress(WeLinkError):
                    await self._open_engine()
                    self._in_lobby(lambda lobby: replace(lobby, ready=True, error=None))
                    self._preview()
                return
            if live is None or not isinstance(state, InMeeting) or state.connection is not Connection.FAILED:
                return
            live.change(lambda now: replace(now, connection=Connection.RETURNING, error=None))
            old, self._media = self._media, None
            try:
                if old is not None:
                    await old.close()
                media = await self._open_engine()
            except WeLinkError as error:
                reason = error
                live.change(lambda now: replace(now, connection=Connection.FAILED, error=reason))
                return
            await live.reenter(media)

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
                if self._live is not None:
                    self._live.media_event(event)
                elif isinstance(event, EngineDied):
                    self._died_in_lobby(event)

    def _devices(self, event: DevicesChanged) -> None:
        if self._live is not None:
            self._live.change(lambda state: replace(state, devices=event.devices))
        self._in_lobby(lambda lobby: replace(lobby, devices=event.devices))

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

    def _wish(self, source: TrackSource, on: bool) -> None:
        if self._live is not None:
            self._live.wish(source, on)
        elif self._media is not None and source is TrackSource.CAMERA and isinstance(self.state.value, Lobby):
            self._media.preview_camera(self._choices.camera if on else None)

    def _own_source(self, source: TrackSource, on: bool) -> None:
        if self._live is not None:
            self._live.own_source(source, on)

    def _show(self, tiles: tuple[TileRequest, ...]) -> None:
        if self._live is not None:
            self._live.media.show(tiles)
