"""People in meetings on real servers: signalling, meeting service and SFU session of ours, without a window."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from tests.interop.small_client import SmallClient
from tests.support.servers import TestSynapse
from tests.support.until import eventually, until
from welink_desktop.adapters.fake.system import MemoryDesktop
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rtc.membership import MEMBER_EVENT, Face, MemberEvent
from welink_desktop.adapters.matrix.rtc.server import HttpCallServer
from welink_desktop.adapters.matrix.rtc.session import CallParts
from welink_desktop.adapters.matrix.rtc.signalling import RtcSignalling
from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.core.calls import CaptureKind, CaptureSource, MediaDevices
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.reactive import Cancel, Signal
from welink_desktop.evaluation.client import Registered
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import Choices, InMeeting, Participant

SMALL = CaptureSource(CaptureKind.SYNTHETIC, width=640, height=360, fps=15)
TONE = CaptureSource(CaptureKind.SYNTHETIC, device="440")


class CallClient(SmallClient):
    """Also keeps call members: implements `CallRooms`."""

    def __init__(self, synapse: TestSynapse, account: Registered, folder: Path) -> None:
        super().__init__(synapse, account, folder)
        self.calls: dict[str, dict[str, MemberEvent]] = {}
        self.changed: Signal[str] = Signal()

    def _body(self) -> dict[str, Any]:
        body = super()._body()
        state = body["lists"]["all"]["required_state"]
        body["lists"]["all"]["required_state"] = [*state, [MEMBER_EVENT, "*"], ["m.room.create", ""]]
        return body

    def _take(self, transaction: Any, answer: dict[str, Any]) -> None:
        super()._take(transaction, answer)
        for room, part in answer["rooms"].items():
            for event in [*part.get("required_state", []), *part.get("timeline", [])]:
                if event["type"] == MEMBER_EVENT and "state_key" in event:
                    self.calls.setdefault(room, {})[event["state_key"]] = MemberEvent(
                        event["sender"], event["event_id"], event["origin_server_ts"], event["content"], event["state_key"]
                    )
        loop = asyncio.get_running_loop()
        for room in answer["rooms"]:
            loop.call_soon(self.changed.emit, room)

    async def load_members(self, room: RoomId) -> None:
        await self.until(lambda: self.membership(room, self.user) == "join")

    def call_events(self, room: RoomId) -> Sequence[MemberEvent]:
        return list(self.calls.get(room, {}).values())

    def joined(self, room: RoomId) -> Collection[UserId]:
        return {
            UserId(key)
            for (kind, key), content in self.state[room].items()
            if kind == "m.room.member" and content["membership"] == "join"
        }

    def face(self, room: RoomId, user: UserId) -> Face:
        return Face(str(self.state[room].get(("m.room.member", user), {}).get("displayname", "")))

    def encrypted(self, room: RoomId) -> bool:
        return ("m.room.encryption", "") in self.state.get(room, {})

    def version(self, room: RoomId) -> str:
        return str(self.state[room].get(("m.room.create", ""), {}).get("room_version", "1"))

    def watch_call(self, room: RoomId, listener: Callable[[], None]) -> Cancel:
        return self.changed.listen(lambda changed: listener() if changed == room else None)


class SfuEngine:
    """`MediaEngine` whose sessions live in this process; with synthetic sources, without a sound card."""

    def __init__(self) -> None:
        self.sessions: list[SfuSession] = []

    async def open(self) -> SfuSession:
        self.sessions.append(SfuSession(listen=True))
        return self.sessions[-1]

    async def devices(self) -> MediaDevices:
        return MediaDevices()


class Caller:
    """One account with a device and its meeting service."""

    def __init__(self, client: CallClient, camera: CaptureSource) -> None:
        self.client = client
        self.http: Http = client.http
        parts = CallParts(HttpCallServer(client.http, client.user), client, client.encryption, SystemClock())
        self.signalling = RtcSignalling(parts, user=client.user, device=client.device)
        self.engine = SfuEngine()
        choices = Choices(microphone=TONE, camera=camera)
        self.meeting = Meeting(self.signalling, self.engine, MemoryDesktop(), SystemClock(), choices=choices)

    @classmethod
    async def start(cls, synapse: TestSynapse, account: Registered, folder: Path, camera: CaptureSource = SMALL) -> "Caller":
        folder.mkdir(parents=True, exist_ok=True)
        client = await CallClient.start(synapse, account, folder)
        assert isinstance(client, CallClient)
        return cls(client, camera)

    @property
    def identity(self) -> str:
        return f"{self.client.user}:{self.client.device}"

    @property
    def media(self) -> SfuSession:
        return self.engine.sessions[-1]

    @property
    def now(self) -> InMeeting:
        state = self.meeting.state.value
        assert isinstance(state, InMeeting), state
        return state

    def person(self, identity: str) -> Participant | None:
        state = self.meeting.state.value
        people = state.participants if isinstance(state, InMeeting) else ()
        return next((one for one in people if one.identity == identity), None)

    async def enter(self, room: str, *, camera: bool = True, microphone: bool = True) -> None:
        await self.meeting.open_lobby(RoomId(room), "test", encrypted=True)
        self.meeting.camera.want(camera)
        self.meeting.microphone.want(microphone)
        await until(self.meeting.camera.state, lambda state: state.actual == camera, 15)
        await self.meeting.join()
        self.meeting.stage.resize(1280, 720, 1.0)
        assert isinstance(self.meeting.state.value, InMeeting), self.meeting.state.value

    async def sees(self, identity: str, seconds: float = 30) -> int:
        """Waits until a participant's tile is asked for; returns its number."""

        def number() -> int | None:
            tiles = self.meeting.stage.view.value.tiles
            return next((tile.tile for tile in tiles if tile.identity == identity and tile.tile is not None), None)

        await eventually(lambda: number() is not None, seconds)
        found = number()
        assert found is not None
        return found

    async def stop(self) -> None:
        await self.meeting.aclose()
        await self.signalling.close()
        await self.client.stop()
