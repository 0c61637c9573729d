"""`CallSignalling` of one account. Runs on the engine loop."""

from welink_desktop.adapters.matrix.crypto.records import ToDevice
from welink_desktop.adapters.matrix.rtc.keeper import Place
from welink_desktop.adapters.matrix.rtc.key_events import KEY_EVENT
from welink_desktop.adapters.matrix.rtc.membership import MEMBER_EVENT, parse_members, state_key_of
from welink_desktop.adapters.matrix.rtc.session import CallParts, RtcSession
from welink_desktop.adapters.matrix.rtc.transports import Transports
from welink_desktop.core.calls import CallMember
from welink_desktop.core.errors import MeetingTokenRefused, WeLinkError
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.log import literal, topic

_log = topic("call")


class RtcSignalling:
    """Create it before the first sync, so that no media key is missed; `close` leaves the call that runs.

    `configured` is the token service of our own configuration ("" = none), asked last.
    """

    def __init__(self, parts: CallParts, *, user: UserId, device: DeviceId, configured: str = "") -> None:
        self._parts = parts
        self._own = (user, device)
        self._transports = Transports(parts.server, parts.clock, configured)
        self._session: RtcSession | None = None
        self._cleared: set[RoomId] = set()
        self._stop_listening = parts.keys.listen(KEY_EVENT, self._key_arrived)

    async def members(self, room: RoomId) -> tuple[CallMember, ...]:
        rooms = self._parts.rooms
        await rooms.load_members(room)
        return parse_members(
            rooms.call_events(room),
            rooms.joined(room),
            self._parts.clock.now_ms(),
            own=self._own,
            face=lambda user: rooms.face(room, user),
        )

    async def join(self, room: RoomId, *, video: bool) -> RtcSession:
        if self._session is not None:
            await self._session.leave()
        await self._parts.rooms.load_members(room)
        service_url = await self._transports.service_url()
        user, device = self._own
        state_key = state_key_of(user, device, self._parts.rooms.version(room))
        place = Place(room=room, user=user, device=device, state_key=state_key, service_url=service_url)
        await self._clear_remains(place)
        session = RtcSession(self._parts, place, video=video, ended=lambda: self._drop(session))
        self._session = session
        try:
            await session.start()
        except MeetingTokenRefused:
            self._transports.forget()
            raise
        return session

    async def _clear_remains(self, place: Place) -> None:
        """A leave that a killed run of ours has left scheduled would remove us again: cancel it, once per room and run."""
        if place.room in self._cleared:
            return
        self._cleared.add(place.room)
        server = self._parts.server
        try:
            for delay_id in await server.delayed_of(place.room, MEMBER_EVENT, place.state_key):
                await server.update_delayed(delay_id, "cancel", timeout=self._parts.timings.restart_timeout)
        except WeLinkError as error:
            _log.info("remains of an earlier run not looked for", error=literal(type(error).__name__))

    async def close(self) -> None:
        self._stop_listening()
        if self._session is not None:
            await self._session.leave()

    def _drop(self, session: RtcSession) -> None:
        if self._session is session:
            self._session = None

    def _key_arrived(self, message: ToDevice) -> None:
        if self._session is not None:
            self._session.key_arrived(message)
