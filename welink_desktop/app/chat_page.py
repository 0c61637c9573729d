"""The chat destination: one `ChatModel` per account, wired to navigation, settings and the desktop."""

import asyncio

from PySide6.QtWidgets import QWidget

from welink_desktop.app.navigation import Navigation, Page, Place
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.ports.system import Desktop
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.settings import Settings
from welink_desktop.features.chat.model import ChatModel
from welink_desktop.features.chat.view import ChatPage as ChatView
from welink_desktop.services.security import AccountSecurity

AFTER_PAINT = 0.1
"""Seconds that the list of conversations has for its first picture before the conversation of the last time opens."""


class ChatDestination:
    """Keeps the open conversation and `navigation.place.room` the same."""

    def __init__(
        self,
        session: Session,
        navigation: Navigation,
        desktop: Desktop,
        settings: State[Settings],
        scope: Scope,
        security: AccountSecurity | None = None,
    ) -> None:
        user = session.account.user
        self.model = ChatModel(session.chat, session.people, session.media, user, scope, security=security)
        self._navigation = navigation
        self._desktop = desktop
        self._view: ChatView | None = None
        scope.add(settings.watch(lambda now: self.model.set_send_key(now.behaviour.send_key)))
        scope.add(self.model.link_wanted.listen(self._open_link))
        scope.add(self.model.opened.listen(self._opened))
        scope.spawn(self._restore(scope), name="restore-room")

    def make(self) -> QWidget:
        view = ChatView(self.model)
        view.destroyed.connect(self._forget_view)
        self._view = view
        return view

    def focus_search(self) -> None:
        """Ctrl+K: into the search of conversations."""
        if self._view is not None:
            self._view.focus_search()

    def step(self, by: int, *, unread_only: bool) -> None:
        if self._view is not None:
            self._view.step(by, unread_only=unread_only)

    def _open_link(self, url: str) -> None:
        self._desktop.open_link(url)

    def _forget_view(self) -> None:
        self._view = None

    async def _restore(self, scope: Scope) -> None:
        await asyncio.sleep(AFTER_PAINT)
        scope.add(self._navigation.place.watch(self._place_changed))

    def _place_changed(self, place: Place) -> None:
        summary = self.model.state.value.summary
        shown = summary.room if summary is not None else None
        if place.page is Page.CHAT and place.room is not None and place.room != shown:
            self.model.open(place.room)

    def _opened(self, room: RoomId | None) -> None:
        if self._navigation.place.value.room != room:
            self._navigation.open_room(room)
