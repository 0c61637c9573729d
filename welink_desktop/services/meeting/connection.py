"""The way into the SFU and back: joins, and returns by itself with a fresh ticket after every loss (matrixrtc §0.2)."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from welink_desktop.core.calls import (
    EngineDied,
    JoinRequest,
    LinkChanged,
    MediaEvent,
    MediaKey,
    MediaLink,
    OwnKeyReady,
    SfuTicket,
)
from welink_desktop.core.errors import MediaEngineFailed, MeetingServerUnreachable, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.calls import CallSession, MediaSession
from welink_desktop.core.reactive import Scope
from welink_desktop.services.meeting.records import Choices, Connection

_log = topic("meeting")
RETRY_SECONDS = (0.5, 0.5, 1.0, 2.0, 5.0)
JOIN_SECONDS = 25.0


@dataclass(slots=True)
class KeyTable:
    """All media keys of the meeting, so that a new connection starts with them."""

    remote: dict[tuple[str, int], MediaKey]
    used: MediaKey | None = None
    newest: MediaKey | None = None

    def own(self, ready: OwnKeyReady) -> None:
        self.newest = ready.key
        if ready.use:
            self.used = ready.key

    def add(self, keys: Iterable[MediaKey]) -> None:
        self.remote |= {(key.identity, key.index): key for key in keys}


class SfuConnection:
    """Feeds one `MediaSession`. `changed` hears LIVE, RETURNING and FAILED; LIVE comes after each (re)connection.

    `before_join` is called before every try: what the engine told about participants is void then.
    """

    def __init__(
        self,
        scope: Scope,
        room: RoomId,
        session: CallSession,
        media: MediaSession,
        keys: KeyTable,
        choices: Callable[[], Choices],
        *,
        changed: Callable[[Connection, WeLinkError | None], None],
        before_join: Callable[[], None],
        retry_seconds: tuple[float, ...] = RETRY_SECONDS,
    ) -> None:
        self._scope, self._session, self._media, self._keys = scope, session, media, keys
        self._room, self._choices = room, choices
        self._changed = changed
        self._before_join = before_join
        self._retry_seconds = retry_seconds
        self._outcome: asyncio.Future[WeLinkError | None] | None = None
        self._returning = False

    async def join(self, ticket: SfuTicket) -> None:
        """One try. Raises `MeetingServerUnreachable` or what the engine says."""
        self._before_join()
        outcome: asyncio.Future[WeLinkError | None] = asyncio.get_running_loop().create_future()
        self._outcome = outcome
        try:
            self._media.join(self._request(ticket))
            async with asyncio.timeout(JOIN_SECONDS):
                error = await outcome
        except TimeoutError as late:
            raise MeetingServerUnreachable("no answer") from late
        finally:
            self._outcome = None
        if error is not None:
            raise error
        pending = self._keys.newest
        if ticket.encrypted and pending is not None and pending != self._keys.used:
            self._media.set_own_key(pending, use=False)

    def event(self, event: MediaEvent) -> None:
        """What the engine says about the connection or itself."""
        match event:
            case LinkChanged(link=MediaLink.CONNECTED):
                if self._outcome is not None:
                    self._settle(None)
                elif not self._returning:
                    self._changed(Connection.LIVE, None)
            case LinkChanged(link=MediaLink.RECONNECTING):
                self._changed(Connection.RETURNING, None)
            case LinkChanged(link=MediaLink.DISCONNECTED):
                self._lost(event.error or MeetingServerUnreachable("disconnected"))
            case EngineDied(respawning=True):
                self._lost(MediaEngineFailed("the engine is restarted"))
            case EngineDied():
                self._returning = False
                self._settle(MediaEngineFailed("the engine died too often"))
                self._changed(Connection.FAILED, MediaEngineFailed("the engine died too often"))
            case _:
                pass

    def _lost(self, error: WeLinkError) -> None:
        if self._outcome is not None:
            self._settle(error)
        elif not self._returning and not self._scope.closed:
            self._returning = True
            self._changed(Connection.RETURNING, error)
            self._scope.spawn(self._return(), name="return-to-sfu")

    async def _return(self) -> None:
        tries = 0
        while self._returning:
            await asyncio.sleep(self._retry_seconds[min(tries, len(self._retry_seconds) - 1)])
            tries += 1
            try:
                await self.join(await self._session.ticket())
            except WeLinkError as error:
                _log.info("not back yet", tries=tries, error=literal(type(error).__name__))
                continue
            self._returning = False
            _log.info("back in the meeting", tries=tries)
            self._changed(Connection.LIVE, None)

    def _settle(self, error: WeLinkError | None) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(error)

    def _request(self, ticket: SfuTicket) -> JoinRequest:
        choices = self._choices()
        return JoinRequest(
            room=self._room,
            ticket=ticket,
            encrypted=ticket.encrypted,
            keys=tuple(self._keys.remote.values()) if ticket.encrypted else (),
            own_key=self._keys.used if ticket.encrypted else None,
            microphone=choices.microphone,
            camera=choices.camera,
            speaker=choices.speaker,
        )
