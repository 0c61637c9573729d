"""The lobby as a view model over `Meeting`. Qt-free."""

from dataclasses import replace

from welink_desktop.core.calls import CaptureSource, DeviceKind, MediaDevice
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.people import Person
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.reactive import Cancel, State
from welink_desktop.features.meetings.lobby.state import Cancel as CancelWish
from welink_desktop.features.meetings.lobby.state import (
    ChooseDevice,
    DeviceOptions,
    Guest,
    Join,
    LobbyState,
    PlayTestSound,
    ToggleCamera,
    ToggleMicrophone,
    Wish,
)
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import Choices, Joining, Lobby


class LobbyModel:
    """One per lobby page; `close` un-watches the meeting."""

    def __init__(self, meeting: Meeting, me: Person) -> None:
        self.state = State(LobbyState("", encrypted=True, own_user=me.user, own_name=me.name, own_avatar=me.avatar))
        self._meeting = meeting
        self._watches: list[Cancel] = [
            meeting.state.watch(lambda _: self._update()),
            meeting.level.watch(lambda level: self.state.set(replace(self.state.value, level=level))),
            meeting.microphone.state.watch(lambda _: self._update()),
            meeting.camera.state.watch(lambda _: self._update()),
            meeting.refusals.listen(self._refused),
        ]

    @property
    def frames(self) -> FrameSource | None:
        return self._meeting.frames

    def close(self) -> None:
        while self._watches:
            self._watches.pop()()

    def act(self, wish: Wish) -> None:
        meeting = self._meeting
        match wish:
            case ToggleMicrophone():
                meeting.microphone.toggle()
            case ToggleCamera():
                meeting.camera.toggle()
            case ChooseDevice(kind, name):
                self._choose(kind, name)
            case PlayTestSound():
                meeting.test_speaker()
            case Join(sound_only):
                self._join(sound_only)
            case CancelWish():
                meeting.leave()

    def _join(self, sound_only: bool) -> None:
        if self.state.value.joining:
            return
        if sound_only:
            self._meeting.camera.want(False)
        self.state.set(replace(self.state.value, error=None))
        self._meeting.join()

    def _choose(self, kind: DeviceKind, name: str) -> None:
        state = self._meeting.state.value
        if not isinstance(state, Lobby):
            return
        choices = state.choices
        match kind:
            case DeviceKind.MICROPHONE:
                choices = replace(choices, microphone=_other(choices.microphone, name))
            case DeviceKind.CAMERA:
                choices = replace(choices, camera=_other(choices.camera, name))
            case DeviceKind.SPEAKER:
                choices = replace(choices, speaker=name)
        self._meeting.choose(choices)

    def _refused(self, error: WeLinkError) -> None:
        self.state.set(replace(self.state.value, error=error.text))

    def _update(self) -> None:
        state, now = self._meeting.state.value, self.state.value
        now = replace(
            now,
            microphone_on=self._meeting.microphone.state.value.wanted,
            camera_on=self._meeting.camera.state.value.wanted,
            joining=isinstance(state, Joining),
        )
        if isinstance(state, Lobby):
            now = _with_lobby(now, state)
        self.state.set(now)


def _with_lobby(now: LobbyState, lobby: Lobby) -> LobbyState:
    members = [member for member in lobby.members if not member.own]
    return replace(
        now,
        title=lobby.name,
        encrypted=lobby.encrypted,
        guests=tuple(Guest(member.user, member.name, member.avatar, member.external) for member in members),
        ready=lobby.ready,
        error=lobby.error.text if lobby.error is not None else now.error,
        microphones=_options(lobby.devices.microphones, lobby.choices, DeviceKind.MICROPHONE),
        speakers=_options(lobby.devices.speakers, lobby.choices, DeviceKind.SPEAKER),
        cameras=_options(lobby.devices.cameras, lobby.choices, DeviceKind.CAMERA),
    )


def _options(devices: tuple[MediaDevice, ...], choices: Choices, kind: DeviceKind) -> DeviceOptions:
    names = tuple(dict.fromkeys(device.name for device in devices if device.id))
    return DeviceOptions(names, choices.named(kind))


def _other(source: CaptureSource, device: str) -> CaptureSource:
    return replace(source, device=device)
