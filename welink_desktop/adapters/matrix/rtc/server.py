"""`CallServer` over `Http`: the requests of a call (matrixrtc §1, §2.5, §3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from welink_desktop.adapters.matrix.constants import CLIENT_UNSTABLE, CLIENT_V3
from welink_desktop.adapters.matrix.errors import MatrixError, Missing
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rtc.seams import JsonObject
from welink_desktop.core.errors import MeetingTokenRefused, ServerFault, WeLinkError
from welink_desktop.core.ids import EventId, RoomId, UserId, server_name_of
from welink_desktop.core.log import literal, topic

TRANSPORTS = (*CLIENT_UNSTABLE, "org.matrix.msc4143", "rtc", "transports")
DELAYED = (*CLIENT_UNSTABLE, "org.matrix.msc4140", "delayed_events")
DELAY_PARAMETER = "org.matrix.msc4140.delay"
STATE_DEADLINE = 10.0
LOOKUP_DEADLINE = 10.0
WELL_KNOWN_DEADLINE = 5.0
_log = topic("call")


class HttpCallServer:
    """One account's homeserver, its well-known document and the token services it names."""

    def __init__(self, http: Http, user: UserId) -> None:
        self._http = http
        self._user = user

    async def transports(self) -> Sequence[Any] | None:
        try:
            answer = await self._http.request("GET", TRANSPORTS, deadline=LOOKUP_DEADLINE)
        except MatrixError as error:
            if error.status in (400, 404, 405):
                return None
            raise
        found = answer.get("rtc_transports", [])
        return found if isinstance(found, list) else []

    async def well_known(self) -> Mapping[str, Any]:
        place = Http(f"https://{server_name_of(self._user)}", clock=self._http.clock)
        try:
            return await place.request(
                "GET", (".well-known", "matrix", "client"), deadline=WELL_KNOWN_DEADLINE, retry=False, auth=False
            )
        except WeLinkError as error:
            _log.info("no well-known document", error=literal(type(error).__name__))
            return {}
        finally:
            await place.aclose()

    async def openid_token(self) -> JsonObject:
        return await self._http.request(
            "POST", (*CLIENT_V3, "user", self._user, "openid", "request_token"), json={}, deadline=LOOKUP_DEADLINE
        )

    async def ask_token_service(self, service_url: str, body: JsonObject) -> JsonObject:
        service = Http(service_url, clock=self._http.clock)
        try:
            return await service.request("POST", ("sfu", "get"), json=body, deadline=LOOKUP_DEADLINE, retry=False, auth=False)
        except WeLinkError as error:
            reason = f"{error.status} {error.errcode}" if isinstance(error, MatrixError) else type(error).__name__
            raise MeetingTokenRefused(reason) from error
        finally:
            await service.aclose()

    async def put_state(self, room: RoomId, event_type: str, state_key: str, content: JsonObject) -> EventId:
        answer = await self._http.request(
            "PUT", _state_path(room, event_type, state_key), json=content, deadline=STATE_DEADLINE, retry=False
        )
        return EventId(_text(answer, "event_id"))

    async def put_delayed_state(self, room: RoomId, event_type: str, state_key: str, content: JsonObject, delay_ms: int) -> str:
        answer = await self._http.request(
            "PUT",
            _state_path(room, event_type, state_key),
            query={DELAY_PARAMETER: delay_ms},
            json=content,
            deadline=STATE_DEADLINE,
            retry=False,
        )
        return _text(answer, "delay_id")

    async def delayed_of(self, room: RoomId, event_type: str, state_key: str) -> Sequence[str]:
        answer = await self._http.request("GET", DELAYED, deadline=STATE_DEADLINE, retry=False)
        listed = answer.get("delayed_events")
        wanted = (room, event_type, state_key)
        return [
            event["delay_id"]
            for event in (listed if isinstance(listed, list) else [])
            if isinstance(event, dict)
            and (event.get("room_id"), event.get("type"), event.get("state_key")) == wanted
            and isinstance(event.get("delay_id"), str)
        ]

    async def update_delayed(self, delay_id: str, action: str, *, timeout: float) -> None:
        try:
            await self._http.request("POST", (*DELAYED, delay_id, action), json={}, deadline=timeout, retry=False)
        except Missing as error:
            if error.errcode != "M_UNRECOGNIZED":
                raise
            await self._http.request("POST", (*DELAYED, delay_id), json={"action": action}, deadline=timeout, retry=False)


def _state_path(room: RoomId, event_type: str, state_key: str) -> tuple[str, ...]:
    return (*CLIENT_V3, "rooms", room, "state", event_type, state_key)


def _text(answer: JsonObject, name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise ServerFault(f"no {name} in the answer")
    return value
