"""What calls need of the rest of the engine. Implemented by `http`, the rooms store and `Encryption`; faked in tests."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from welink_desktop.adapters.matrix.crypto.records import ToDevice
from welink_desktop.adapters.matrix.rtc.membership import Face, MemberEvent
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.reactive import Cancel

JsonObject = dict[str, Any]


class CallServer(Protocol):
    """The requests of a call (matrixrtc §1, §2.5, §3). Each is one try unless it says otherwise.

    Raises `MatrixError` (the server refused), `Offline` (nobody answered), `ServerFault`.
    """

    async def transports(self) -> Sequence[Any] | None:
        """`rtc_transports` of the server; None where the endpoint does not exist."""

    async def well_known(self) -> Mapping[str, Any]:
        """`.well-known/matrix/client` of our own server name; empty if there is none."""

    async def openid_token(self) -> JsonObject:
        """A fresh token as the server gave it."""

    async def ask_token_service(self, service_url: str, body: JsonObject) -> JsonObject:
        """POST `{service_url}/sfu/get`. Raises `MeetingTokenRefused` for whatever is not a good answer."""

    async def put_state(self, room: RoomId, event_type: str, state_key: str, content: JsonObject) -> EventId: ...

    async def put_delayed_state(self, room: RoomId, event_type: str, state_key: str, content: JsonObject, delay_ms: int) -> str:
        """Schedule a state event (MSC4140); returns its delay id."""

    async def delayed_of(self, room: RoomId, event_type: str, state_key: str) -> Sequence[str]:
        """Delay ids of everything of ours that is scheduled for this state."""

    async def update_delayed(self, delay_id: str, action: str, *, timeout: float) -> None:
        """`restart`, `send` or `cancel`. Raises `Missing` if it is not scheduled any more."""


class CallRooms(Protocol):
    """Facts about rooms as the last committed sync left them."""

    async def load_members(self, room: RoomId) -> None:
        """Make sure that `joined` is complete. Raises `Offline` if it never was; `NotFound` for unknown rooms."""

    def call_events(self, room: RoomId) -> Sequence[MemberEvent]:
        """The present call.member state events, whatever their content."""

    def joined(self, room: RoomId) -> Collection[UserId]: ...

    def face(self, room: RoomId, user: UserId) -> Face: ...

    def encrypted(self, room: RoomId) -> bool: ...

    def version(self, room: RoomId) -> str:
        """The room version ("1" if unknown)."""

    def watch_call(self, room: RoomId, listener: Callable[[], None]) -> Cancel:
        """Call `listener` after each commit that changed call.member state, membership or encryption of `room`."""


class KeyChannel(Protocol):
    """The part of `Encryption` that carries media keys."""

    def send_to_device_encrypted(
        self, event_type: str, recipients: Mapping[UserId, Mapping[DeviceId, JsonObject]]
    ) -> Awaitable[set[tuple[UserId, DeviceId]]]: ...

    def listen(self, event_type: str, listener: Callable[[ToDevice], None]) -> Cancel: ...
