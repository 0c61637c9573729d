"""The Meet destination: running meetings, the lobby or the stage, as the meeting's state says."""

from PySide6.QtWidgets import QStackedWidget, QWidget

from welink_desktop.core.calls import CaptureSource
from welink_desktop.core.ids import RoomId
from welink_desktop.core.people import Person
from welink_desktop.core.settings import DeviceChoice
from welink_desktop.features.meetings.home.model import MeetingsHomeModel
from welink_desktop.features.meetings.home.view import MeetingsHomeView
from welink_desktop.features.meetings.lobby.model import LobbyModel
from welink_desktop.features.meetings.lobby.view import LobbyView
from welink_desktop.features.meetings.stage.model import StageModel
from welink_desktop.features.meetings.stage.view import StageView
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import Choices, Idle, InMeeting, Joining, Leaving, Lobby, MeetingState
from welink_desktop.services.pictures import Pictures
from welink_desktop.services.room_list import RoomList
from welink_desktop.ui.a11y import identify
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.stage.avatars import AvatarPictures


class MeetPage(QStackedWidget):
    """Makes the lobby and the stage when they are needed and lets them go afterwards."""

    def __init__(self, meeting: Meeting, rooms: RoomList, pictures: Pictures, me: Person) -> None:
        super().__init__()
        identify(self, "meet")
        self._meeting = meeting
        self._rooms = rooms
        self._me = me
        self._avatars = AvatarPictures(pictures.avatar)
        self._model: LobbyModel | StageModel | None = None
        self._special: QWidget | None = None
        home = MeetingsHomeModel(rooms, self.open_lobby)
        self.destroyed.connect(lambda *_: home.close())
        self._home = MeetingsHomeView(home.state, home.act, self._avatars)
        self.addWidget(self._home)
        listen(self, pictures.arrived, self._avatars.arrived)
        bind(self, meeting.state, self._render)

    def open_lobby(self, room: RoomId) -> None:
        """The lobby of a room's meeting, or back to the meeting if we are in it."""
        state = self._meeting.state.value
        if isinstance(state, InMeeting | Joining | Lobby) and state.room == room:
            return
        summary = self._rooms.room(room)
        if summary is not None:
            self._meeting.open_lobby(room, summary.name, encrypted=summary.encrypted)

    def focus_first(self) -> None:
        """Where the keyboard starts: the list of places; lobby and stage choose themselves when they are shown."""
        if self._special is None:
            self._home.focus_first()

    def panes(self) -> tuple[QWidget, ...]:
        """For F6: those of what is shown."""
        if isinstance(self._special, LobbyView | StageView):
            return self._special.panes()
        return self._home.panes()

    def _render(self, state: MeetingState) -> None:
        match state:
            case Lobby() | Joining():
                if not isinstance(self._model, LobbyModel):
                    lobby = LobbyModel(self._meeting, self._me)
                    self._show(lobby, LobbyView(lobby.state, lobby.act, lambda: lobby.frames, self._avatars))
            case InMeeting():
                if not isinstance(self._model, StageModel):
                    stage = StageModel(self._meeting)
                    self._show(stage, StageView(stage.state, stage.act, lambda: stage.frames, self._avatars))
            case Idle() | Leaving():
                self._show(None, None)

    def _show(self, model: LobbyModel | StageModel | None, view: QWidget | None) -> None:
        old_model, self._model = self._model, model
        old_view, self._special = self._special, view
        if view is not None:
            self.addWidget(view)
        self.setCurrentWidget(view or self._home)
        if old_model is not None:
            old_model.close()
        if old_view is not None:
            self.removeWidget(old_view)
            old_view.deleteLater()


def capture_choices(devices: DeviceChoice) -> Choices:
    """What the lobby starts with: the devices of the settings."""
    return Choices(
        microphone=CaptureSource(device=devices.microphone),
        camera=CaptureSource(device=devices.camera),
        speaker=devices.speaker,
    )
