"""The chat destination: one `ChatModel` per account, wired to navigation."""

from PySide6.QtWidgets import QWidget

from welink_desktop.app.navigation import Navigation
from welink_desktop.core.ids import RoomId
from welink_desktop.core.people import Person
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.core.settings import Settings
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.room_list.model import RoomListModel, Step
from welink_desktop.features.chat.room_list.view import RoomListView
from welink_desktop.services.known_people import KnownPeople
from welink_desktop.services.pictures import Pictures
from welink_desktop.services.room_list import RoomList


class ChatPage:
    """`meeting_wanted`, `person_wanted` and `new_chat_wanted` lead out of chat; navigation follows them."""

    def __init__(
        self,
        session: Session,
        rooms: RoomList,
        pictures: Pictures,
        navigation: Navigation,
        scope: Scope,
        settings: State[Settings],
    ) -> None:
        self.meeting_wanted: Signal[RoomId] = Signal()
        self.person_wanted: Signal[Person] = Signal()
        self.new_chat_wanted: Signal[None] = Signal()
        self._pictures = pictures
        self._navigation = navigation
        self._model = RoomListModel(rooms, KnownPeople(session.people, scope), scope)
        scope.add(self._model.chosen.listen(navigation.open_room))

    def make(self) -> QWidget:
        view = RoomListView(self._model, Pixmaps(self._pictures))
        view.new_chat.connect(lambda: self.new_chat_wanted.emit(None))
        return view

    def focus_search(self) -> None:
        """Ctrl+K: into the search of conversations."""

    def step(self, by: int, *, unread_only: bool) -> None:
        self._model.act(Step(by, unread_only))
