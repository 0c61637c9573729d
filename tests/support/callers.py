"""People in meetings on real servers: our engine, meeting service and SFU session, without a window."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.engine import Person, signed_in
from tests.support.servers import TestSynapse
from tests.support.until import eventually, until
from welink_desktop.adapters.fake.system import MemoryDesktop
from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.core.calls import CaptureKind, CaptureSource, MediaDevices
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.calls import MediaEngine
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import Choices, InMeeting, MeetingState, Participant

SMALL = CaptureSource(CaptureKind.SYNTHETIC, width=640, height=360, fps=15)
TONE = CaptureSource(CaptureKind.SYNTHETIC, device="440")


class SfuEngine:
    """`MediaEngine` whose sessions live in this process, without a sound card."""

    def __init__(self) -> None:
        self.sessions: list[SfuSession] = []

    async def open(self) -> SfuSession:
        self.sessions.append(SfuSession(listen=True))
        return self.sessions[-1]

    async def devices(self) -> MediaDevices:
        return MediaDevices()


class Caller:
    """An account with a live engine and a meeting service of its own."""

    def __init__(self, person: Person, camera: CaptureSource = SMALL, engine: MediaEngine | None = None) -> None:
        self.person = person
        self.engine = SfuEngine()
        self.choices = Choices(microphone=TONE, camera=camera)
        self.meeting = Meeting(person.session.calls, engine or self.engine, MemoryDesktop(), SystemClock(), choices=self.choices)
        self.heard: set[str] = set()
        self.meeting.state.watch(self._listen)

    @property
    def identity(self) -> str:
        return f"{self.person.account.user}:{self.person.account.device}"

    @property
    def media(self) -> SfuSession:
        return self.engine.sessions[-1]

    @property
    def now(self) -> InMeeting:
        state = self.meeting.state.value
        assert isinstance(state, InMeeting), state
        return state

    def sees_in(self, identity: str) -> Participant | None:
        state = self.meeting.state.value
        people = state.participants if isinstance(state, InMeeting) else ()
        return next((one for one in people if one.identity == identity), None)

    async def hears(self, identity: str, seconds: float = 20) -> None:
        """Waits until a participant was heard once in this meeting."""
        await eventually(lambda: identity in self.heard, seconds)

    def _listen(self, state: MeetingState) -> None:
        if isinstance(state, InMeeting):
            self.heard |= {one.identity for one in state.participants if one.microphone and one.speaking}

    async def enter(self, room: RoomId, *, camera: bool = True, microphone: bool = True) -> None:
        await self.meeting.open_lobby(room, "test", encrypted=True)
        self.meeting.camera.want(camera)
        self.meeting.microphone.want(microphone)
        await until(self.meeting.camera.state, lambda state: state.actual == camera, 15)
        await self.meeting.join()
        self.meeting.stage.resize(1280, 720, 1.0)
        assert isinstance(self.meeting.state.value, InMeeting), self.meeting.state.value

    async def tile_of(self, identity: str, seconds: float = 30) -> int:
        """Waits until a participant has a picture tile; returns its number."""

        def number() -> int | None:
            tiles = self.meeting.stage.view.value.tiles
            return next((tile.tile for tile in tiles if tile.identity == identity and tile.tile is not None), None)

        await eventually(lambda: number() is not None, seconds)
        found = number()
        assert found is not None
        return found


@asynccontextmanager
async def callers(
    synapse: TestSynapse, folder: Path, *names: str, engine: MediaEngine | None = None
) -> AsyncIterator[list[Caller]]:
    """Fresh accounts with live engines; out of their meetings and closed with the block. `engine`: that of the first."""
    made: list[Caller] = []
    try:
        for name in names:
            person = await signed_in(synapse, synapse.register(name), folder)
            await person.live()
            made.append(Caller(person, engine=engine if not made else None))
        yield made
    finally:
        for caller in made:
            await caller.meeting.aclose()
            await caller.person.close()
