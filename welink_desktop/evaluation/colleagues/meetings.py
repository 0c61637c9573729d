"""Colleagues in meetings: they join a call that a person started in their room, are seen and heard, and leave again."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.adapters.media.process.sources import speak
from welink_desktop.core.calls import CaptureKind, CaptureSource, MediaDevices, OngoingCall
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.ports.calls import MediaSession
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.ports.system import Notification
from welink_desktop.core.reactive import Cancel, Scope
from welink_desktop.evaluation.pictures import CAMERA, drawn
from welink_desktop.evaluation.sample import Sample, SamplePerson
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import Choices, InMeeting, Lobby

WIDTH, HEIGHT, FPS = 480, 360, 15
TONES = (220, 262, 330, 392, 440, 523)
_log = topic("evaluation.meetings")


class InProcessEngine:
    """A `MediaEngine` without a process of its own: many colleagues share this one."""

    async def open(self) -> MediaSession:
        return SfuSession()

    async def devices(self) -> MediaDevices:
        return MediaDevices()


class NoDesktop:
    """Nobody sits here: nothing is shown, nothing has to be kept awake."""

    def notify(self, notification: Notification) -> None:
        del notification

    def withdraw(self, room: RoomId) -> None:
        del room

    def watch_activated(self, listener: Listener[Notification]) -> Cancel:
        del listener
        return lambda: None

    def set_badge(self, unread: int) -> None:
        del unread

    def keep_awake(self, on: bool) -> None:
        del on

    def open_link(self, url: str) -> bool:
        del url
        return False


class Equipment:
    """Camera pictures and voices of the sample people, made once in `folder`."""

    def __init__(self, sample: Sample, folder: Path) -> None:
        self._sample = sample
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def choices(self, person: SamplePerson) -> Choices:
        """What `person` is seen and heard by."""
        return Choices(microphone=self._voice(person), camera=self._camera(person))

    def _camera(self, person: SamplePerson) -> CaptureSource:
        if not person.camera:
            return CaptureSource(CaptureKind.SYNTHETIC, width=WIDTH, height=HEIGHT, fps=FPS)
        name = f"people/{person.camera}"
        path = drawn(self._folder, {name: CAMERA})[name]
        return CaptureSource(CaptureKind.FILE, path=str(path), width=WIDTH, height=HEIGHT, fps=FPS)

    def _voice(self, person: SamplePerson) -> CaptureSource:
        speech = dict(self._sample.meetings.speech).get(person.key)
        path = self._folder / f"{person.key}.wav"
        if speech is not None and (path.is_file() or speak(speech.text, path, speech.voice)):
            return CaptureSource(CaptureKind.FILE, path=str(path))
        tone = TONES[sum(person.key.encode()) % len(TONES)]
        return CaptureSource(CaptureKind.SYNTHETIC, device=str(tone))


@dataclass
class Attendance:
    """One colleague in one meeting."""

    person: SamplePerson
    meeting: Meeting
    left: bool = False


@dataclass
class Attendants:
    """Sends colleagues into the call of one room while somebody from outside the crew is in it."""

    sample: Sample
    room: RoomId
    name: str
    sessions: Mapping[str, Session]
    present: Sequence[str]
    equipment: Equipment
    ended: Callable[[], None]
    _scope: Scope = field(default_factory=lambda: Scope("attendants"))
    _here: dict[str, Attendance] = field(default_factory=dict)
    _visitors: bool = True
    _closing: bool = False

    def start(self) -> None:
        """Begin to join, one after the other."""
        habits = self.sample.meetings
        for key, delay in zip(self._order()[: habits.most], habits.delays, strict=False):
            self._scope.spawn(self._attend(key, delay), name=f"attend-{key}")

    def call_changed(self, call: OngoingCall | None, crew: frozenset[str]) -> None:
        """The call as some colleague sees it; when the last visitor is gone, all leave after a moment."""
        visitors = call is not None and any(member.user not in crew for member in call.members)
        if self._visitors and not visitors and not self._closing:
            self._scope.spawn(self._leave_if_alone(), name="leave-if-alone")
        self._visitors = visitors

    async def close(self) -> None:
        """Leave at once."""
        if self._closing:
            return
        self._closing = True
        await asyncio.gather(*(self._leave(each) for each in tuple(self._here.values())), return_exceptions=True)
        await self._scope.aclose()
        self.ended()

    def _order(self) -> list[str]:
        """Who speaks comes first, then who has a camera picture."""
        voices = dict(self.sample.meetings.speech)
        people = self.sample.people
        return sorted(self.present, key=lambda key: (key not in voices, not people[key].camera))

    async def _attend(self, key: str, delay: float) -> None:
        await asyncio.sleep(delay)
        person = self.sample.people[key]
        choices = await asyncio.to_thread(self.equipment.choices, person)
        meeting = Meeting(self.sessions[key].calls, InProcessEngine(), NoDesktop(), SystemClock(), choices=choices)
        attendance = self._here[key] = Attendance(person, meeting)
        await meeting.open_lobby(self.room, self.name, encrypted=True)
        meeting.camera.want(True)
        meeting.microphone.want(True)
        for pause in (0.5, 1.0, 2.0, 4.0):
            await meeting.join()
            state = meeting.state.value
            if isinstance(state, InMeeting) or attendance.left:
                break
            if isinstance(state, Lobby) and state.error is not None:
                _log.warning("colleague cannot join", who=literal(key), why=literal(type(state.error).__name__))
            await asyncio.sleep(pause)
        _log.info("colleague joined", who=literal(key))
        stay = dict(self.sample.meetings.leave_after).get(key)
        if stay is not None:
            await asyncio.sleep(stay)
            await self._leave(attendance)

    async def _leave(self, attendance: Attendance) -> None:
        if attendance.left:
            return
        attendance.left = True
        try:
            await attendance.meeting.aclose()
        except WeLinkError as error:
            _log.warning("colleague left in disorder", why=literal(type(error).__name__))
        _log.info("colleague left", who=literal(attendance.person.key))

    async def _leave_if_alone(self) -> None:
        await asyncio.sleep(3.0)
        if not self._visitors:
            await self.close()
