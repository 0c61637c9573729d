"""The running app: shows sign-in or the account's pages, as the session's state says."""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from welink_desktop.app.account_pages import AccountPages
from welink_desktop.app.commands import Command, install, show_list
from welink_desktop.app.connection_banner import ConnectionBanner
from welink_desktop.app.navigation import Navigation, Page, Place
from welink_desktop.app.options import Options
from welink_desktop.app.tray import Tray
from welink_desktop.app.window import MainWindow
from welink_desktop.app.world import World
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.people import Person
from welink_desktop.core.reactive import Cancel, Scope
from welink_desktop.services.pictures import PictureKey
from welink_desktop.services.preferences import Preferences
from welink_desktop.services.room_list import RoomListStatus
from welink_desktop.services.session import CannotOpen, NoAccount, Open, SessionKeeper, SessionState, Starting
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import Plane
from welink_desktop.ui.widgets.dialog import Dialog, ask
from welink_desktop.ui.widgets.field import Field
from welink_desktop.ui.widgets.label import Label

OWN_AVATAR = 72


class Application:
    """`quit` ends the loop through `on_quit`, after a question if a meeting runs."""

    def __init__(
        self,
        options: Options,
        world: World,
        preferences: Preferences,
        window: MainWindow,
        tray: Tray,
        on_quit: Callable[[], None],
    ) -> None:
        self._options = options
        self._world = world
        self.preferences = preferences
        self._on_quit = on_quit
        self.window = window
        self.tray = tray
        self.scope = Scope("app")
        self.keeper = SessionKeeper(world.accounts, evaluation=world.evaluation, keep_secrets_in_file=world.keep_secrets_in_file)
        state = preferences.value.window
        self.navigation = Navigation(state.page, state.room)
        self.pages: AccountPages | None = None
        self._front_scope: Scope | None = None
        self._page_watches: list[Cancel] = []
        self._commands: tuple[Command, ...] = install(window, self._actions())
        window.wants_hide = self.wants_hide
        tray.quit_wanted.connect(self.quit)
        window.placed.connect(self._remember_place)
        self.scope.add(self.keeper.state.watch(self._session_changed))
        self.scope.add(self.navigation.place.watch(self._place_changed))

    async def start(self) -> None:
        """Open the last account, or the evaluation organisation if the command line asks for it."""
        await self.keeper.start()
        if self._options.evaluation and isinstance(self.keeper.state.value, NoAccount):
            self._start_evaluation()

    async def stop(self) -> None:
        """Close the account and everything else, in order."""
        self._remember_place()
        self._drop_pages()
        if self._front_scope is not None:
            await self._front_scope.aclose()
        await self.keeper.close()
        await self.scope.aclose()

    # What is shown

    def _session_changed(self, state: SessionState) -> None:
        match state:
            case Starting():
                self._drop_pages()
                self.window.show_front(Plane("surface"))
            case NoAccount() | CannotOpen():
                self._drop_pages()
                if self._front_scope is None:
                    self._show_sign_in()
            case Open():
                self._drop_sign_in()
                self._show_pages(state)

    def _show_sign_in(self) -> None:
        from welink_desktop.features.sign_in.model import SignInModel
        from welink_desktop.features.sign_in.view import SignInView

        self._front_scope = Scope("sign-in")
        model = SignInModel(self.keeper, self._front_scope)
        view = SignInView(model.state, model.act)
        view.language_chosen.connect(self._set_language)
        self._sign_in = model
        self.window.show_front(view)

    def _start_evaluation(self) -> None:
        from welink_desktop.features.sign_in.model import ChooseWay, TryHere, Way

        if self._front_scope is not None:
            self._sign_in.act(ChooseWay(Way.EVALUATION))
            self._sign_in.act(TryHere())

    def _drop_sign_in(self) -> None:
        scope, self._front_scope = self._front_scope, None
        if scope is not None:
            self.scope.spawn(scope.aclose(), name="close-sign-in")

    def _show_pages(self, opened: Open) -> None:
        pages = AccountPages(opened, self._world, self.keeper, self.preferences, self.navigation, self._room_looked_at)
        self.pages = pages
        chat = pages.chat.model
        chat.meeting_wanted.listen(pages.meet_in)
        chat.person_wanted.listen(self._show_person)
        chat.new_chat_wanted.listen(lambda _: self._find_person())
        banner = ConnectionBanner(self.keeper.connection)
        banner.retry.connect(self._retry)
        banner.sign_in_again.connect(self._ask_password)
        pages.security.host = self.window
        banners = (banner, pages.security.make_banner())
        rail = self.window.show_shell(pages.makers(), banners, self.navigation.place.value.page)
        rail.wanted.connect(self.navigation.show)
        self._page_watches = [
            pages.me.watch(self._me_changed),
            pages.rooms.state.watch(self._rooms_changed),
            pages.pictures.arrived.listen(self._picture_arrived),
        ]

    def _drop_pages(self) -> None:
        for cancel in self._page_watches:
            cancel()
        self._page_watches = []
        if self.pages is not None:
            self.pages.security.close_sheet()
            self.pages = None
            self.window.drop_shell()
            self._world.desktop.set_badge(0)
            self.tray.set_unread(0)

    def _place_changed(self, place: Place) -> None:
        if self.pages is not None:
            self.window.show_page(place.page)
            if place.room is not None and place.page is Page.CHAT:
                self._world.desktop.withdraw(place.room)

    def _me_changed(self, me: Person) -> None:
        if self.window.rail is not None and self.pages is not None:
            self.window.rail.show_me(me)
            picture = self.pages.pictures.avatar(me.avatar, OWN_AVATAR) if me.avatar is not None else None
            if picture is not None:
                self.window.rail.set_picture(me.user, picture)

    def _picture_arrived(self, key: PictureKey) -> None:
        if self.pages is not None and key.uri == self.pages.me.value.avatar and key.width == OWN_AVATAR:
            self._me_changed(self.pages.me.value)

    def _rooms_changed(self, status: RoomListStatus) -> None:
        if self.window.rail is None:
            return
        unread = status.totals.messages
        running = sum(1 for room in status.rooms if room.call is not None and not room.call.joined_here)
        self.window.rail.items[Page.CHAT].set_badge(unread, tr("rail-unread", count=unread) if unread else "")
        self.window.rail.items[Page.MEET].set_badge(running, tr("rail-in-call", count=running) if running else "", "success")
        self._world.desktop.set_badge(unread)
        self.tray.set_unread(unread)

    # Wishes of the window

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {
            "chat": lambda: self.navigation.show(Page.CHAT),
            "contacts": lambda: self.navigation.show(Page.CONTACTS),
            "meet": lambda: self.navigation.show(Page.MEET),
            "settings": lambda: self.navigation.show(Page.SETTINGS),
            "find-room": self._find_room,
            "find-person": self._find_person,
            "next-room": lambda: self.step(1),
            "previous-room": lambda: self.step(-1),
            "next-unread": lambda: self.step(1, unread_only=True),
            "previous-unread": lambda: self.step(-1, unread_only=True),
            "next-pane": lambda: self.next_pane(1),
            "previous-pane": lambda: self.next_pane(-1),
            "shortcuts": self.show_shortcuts,
            "close-window": self._close_window,
            "quit": self.quit,
        }

    def _close_window(self) -> None:
        self.window.close()

    def show_shortcuts(self) -> None:
        show_list(self.window, self._commands)

    def _find_room(self) -> None:
        self.navigation.show(Page.CHAT)
        if self.pages is not None:
            self.pages.chat.focus_search()

    def _find_person(self) -> None:
        self.navigation.show(Page.CONTACTS)
        from welink_desktop.features.contacts.view import ContactsView

        view = self.window.page_view(Page.CONTACTS)
        if isinstance(view, ContactsView):
            view.focus_first()

    def _show_person(self, user: UserId) -> None:
        from welink_desktop.features.contacts.view import ContactsView

        self.navigation.show(Page.CONTACTS)
        view = self.window.page_view(Page.CONTACTS)
        if isinstance(view, ContactsView):
            view.show_user(user)

    def step(self, by: int, *, unread_only: bool = False) -> None:
        self.navigation.show(Page.CHAT)
        if self.pages is not None:
            self.pages.chat.step(by, unread_only=unread_only)

    def next_pane(self, step: int) -> None:
        view = self.window.current_view()
        panes: list[QWidget] = [*([self.window.rail] if self.window.rail is not None else []), *_panes_of(view)]
        shown = [pane for pane in panes if pane.isVisible()]
        focused: QWidget | None = QApplication.focusWidget() or self.window.focusWidget()
        inside = (i for i, pane in enumerate(shown) if focused is not None and (pane is focused or pane.isAncestorOf(focused)))
        at = next(inside, -1 if step > 0 else 0)
        if shown:
            _focus_into(shown[(at + step) % len(shown)])

    def _room_looked_at(self) -> RoomId | None:
        place = self.navigation.place.value
        return place.room if self.window.isActiveWindow() and place.page is Page.CHAT else None

    def _retry(self) -> None:
        self.scope.spawn(self.keeper.retry_now(), name="retry-now")

    def _ask_password(self) -> None:
        dialog = Dialog(self.window, tr("sign-in-again-title"))
        dialog.body.addWidget(Label(tr("sign-in-again-why"), color="text-secondary", wrap=True))
        field = Field(tr("sign-in-password"), large=True, secret=True)
        field.input.setObjectName("sign-in-again-password")
        dialog.body.addWidget(field)

        def go() -> None:
            password = field.input.text()
            if password:
                self.scope.spawn(self._sign_in_again(password, dialog, field), name="sign-in-again")

        field.submitted.connect(go)
        dialog.add_button(tr("cancel"), None)
        button = dialog.add_action(tr("sign-in-submit"), go, "primary")
        button.setObjectName("sign-in-again-submit")
        dialog.present()

    async def _sign_in_again(self, password: str, dialog: Dialog, field: Field) -> None:
        try:
            await self.keeper.sign_in_again(password)
        except WeLinkError as error:
            field.set_error(tr(error.text))
        else:
            dialog.dismiss()

    def _set_language(self, language: str) -> None:
        self.preferences.set_appearance(lambda now: replace(now, language=language))

    def _remember_place(self) -> None:
        place = self.navigation.place.value
        self.preferences.set_window(lambda now: replace(self.window.placement(now), page=place.page.value, room=place.room or ""))

    def wants_hide(self) -> bool:
        """Closing the window hides it where a tray keeps the app in reach; the first time it says so."""
        behaviour = self.preferences.value.behaviour
        if not self.tray.available or not behaviour.close_to_tray:
            self.quit()
            return False
        if not behaviour.tray_explained:
            self.tray.explain()
            self.preferences.set_behaviour(lambda now: replace(now, tray_explained=True))
        return True

    def quit(self) -> None:
        if self.pages is not None and self.pages.in_meeting():
            self.window.come_forward()
            ask(
                self.window,
                tr("quit-in-meeting-title"),
                tr("quit-in-meeting-warning"),
                tr("command-quit"),
                self._on_quit,
                "danger",
            )
            return
        self._on_quit()


def _panes_of(view: QWidget | None) -> list[QWidget]:
    panes = getattr(view, "panes", None)
    return list(panes()) if callable(panes) else ([view] if view is not None else [])


def _focus_into(pane: QWidget) -> None:
    reason = Qt.FocusReason.TabFocusReason
    if pane.focusPolicy() & Qt.FocusPolicy.TabFocus:
        pane.setFocus(reason)
        return
    able = [child for child in pane.findChildren(QWidget) if child.isVisible() and child.isEnabled()]
    able = [child for child in able if child.focusPolicy() & Qt.FocusPolicy.TabFocus]
    chosen = (child for child in able if isinstance(child, QAbstractButton) and child.isChecked())
    start = next(chosen, able[0] if able else None)
    if start is not None:
        start.setFocus(reason)
