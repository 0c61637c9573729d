"""Everything that exists while an account is open: its services, its models, and how its pages are made."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from welink_desktop.app.chat_page import ChatDestination
from welink_desktop.app.navigation import Navigation, Page
from welink_desktop.app.notifier import Notifier
from welink_desktop.app.security_page import SecurityDestination
from welink_desktop.app.world import World
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId, UserId, localpart_of
from welink_desktop.core.people import Person
from welink_desktop.core.reactive import State
from welink_desktop.services.preferences import Preferences
from welink_desktop.services.session import Open, SessionKeeper


class AccountPages:
    """Lives in the session's scope. Pages, and what only they need, are loaded when they are first shown."""

    def __init__(
        self,
        opened: Open,
        world: World,
        keeper: SessionKeeper,
        preferences: Preferences,
        navigation: Navigation,
        looking_at: Callable[[], RoomId | None],
    ) -> None:
        self._world = world
        self._keeper = keeper
        self._preferences = preferences
        self._navigation = navigation
        self._session = opened.session
        self._account = opened.account
        self._scope = opened.scope
        user = opened.account.user
        self.me: State[Person] = State(Person(user, localpart_of(user), organisation=opened.account.server.organisation))
        self.security = SecurityDestination(
            self._session.security, world, preferences, opened.account.user, self._name_of, self._scope
        )
        service = self.security.service
        self.chat = ChatDestination(self._session, navigation, world.desktop, preferences.state, self._scope, service)
        self.chat.model.compare_wanted.listen(self.security.compare_person)
        self.chat.model.cure_wanted.listen(self.security.cure_account)
        self.rooms = self.chat.model.rooms
        self.pictures = self.chat.model.pictures
        self._in_meeting: Callable[[], bool] = lambda: False
        self._notifier = Notifier(
            self._session.chat, world.desktop, preferences.state, looking_at, navigation.open_room, self._scope
        )
        self._scope.add(self._session.people.watch_people(self._person_changed))
        self._scope.spawn(self._load_me(), name="own-profile")
        self._meet_page: QWidget | None = None

    def _name_of(self, user: UserId) -> str:
        return self.chat.model.known_people.name_of(user)

    def makers(self) -> dict[Page, Callable[[], QWidget]]:
        """How each destination of the rail is made."""
        return {
            Page.CHAT: self.chat.make,
            Page.CONTACTS: self._make_contacts,
            Page.MEET: self._make_meet,
            Page.SETTINGS: self._make_settings,
        }

    def meet_in(self, room: RoomId) -> None:
        """Go to the lobby of a room's meeting."""
        self._navigation.open_meeting()
        page = self._meet_page
        from welink_desktop.app.meet_page import MeetPage

        if isinstance(page, MeetPage):
            page.open_lobby(room)

    def in_meeting(self) -> bool:
        return self._in_meeting()

    def _make_contacts(self) -> QWidget:
        from welink_desktop.features.contacts.model import ContactsModel
        from welink_desktop.features.contacts.view import ContactsView
        from welink_desktop.services.directory import Directory

        directory = Directory(self._session.people, self._scope)
        model = ContactsModel(
            directory,
            self._session.chat,
            self.pictures,
            self._account.user,
            self._scope,
            clock=self._world.clock,
            security=self.security.service,
        )
        model.compare_wanted.listen(self.security.compare_person)
        model.chat_wanted.listen(self._navigation.open_room)
        model.meeting_wanted.listen(self.meet_in)
        model.start()
        return ContactsView(model.state, model.act, model.picture, model.picture_arrived)

    def _make_meet(self) -> QWidget:
        from welink_desktop.app.meet_page import MeetPage, capture_choices
        from welink_desktop.services.meeting.meeting import Meeting
        from welink_desktop.services.meeting.records import InMeeting

        choices = capture_choices(self._preferences.value.devices)
        meeting = Meeting(self._session.calls, self._world.media, self._world.desktop, self._world.clock, choices=choices)
        self._scope.add(meeting.aclose)
        self._in_meeting = lambda: isinstance(meeting.state.value, InMeeting)
        page = MeetPage(meeting, self.rooms, self.pictures, self.me.value)
        self._meet_page = page
        return page

    def _make_settings(self) -> QWidget:
        from welink_desktop.features.settings.model import Section, SettingsModel
        from welink_desktop.features.settings.view import SettingsView

        model = SettingsModel(self._preferences, self._keeper, self._world.media, self._account, self.me.value, self._scope)
        self._scope.add(self.me.watch(model.set_me))
        return SettingsView(model.state, model.act, parts={Section.SECURITY: self.security.make_page()})

    async def _load_me(self) -> None:
        try:
            self.me.set(await self._session.people.me())
        except WeLinkError:
            return  # the id stands in for the name until the server answers

    def _person_changed(self, person: Person) -> None:
        if person.user == self._account.user:
            self.me.set(person)
