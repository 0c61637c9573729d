"""From incoming messages to the desktop's notifications: rendered here, because only here words have a language."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.ports.system import Desktop, Notification
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.settings import Settings
from welink_desktop.ui.strings import tr

if TYPE_CHECKING:
    from welink_desktop.core.timeline import IncomingMessage


class Notifier:
    """`looking_at` is the room that is open in the active window (None: the person looks elsewhere)."""

    def __init__(
        self,
        chat: Chat,
        desktop: Desktop,
        settings: State[Settings],
        looking_at: Callable[[], RoomId | None],
        go: Callable[[RoomId], None],
        scope: Scope,
    ) -> None:
        self._desktop = desktop
        self._settings = settings
        self._looking_at = looking_at
        scope.add(chat.watch_incoming(self._arrived))
        scope.add(desktop.watch_activated(lambda notification: go(notification.room)))

    def _arrived(self, message: "IncomingMessage") -> None:
        behaviour = self._settings.value.behaviour
        if not behaviour.notifications or self._looking_at() == message.room:
            return
        direct = message.room_name == message.sender_name
        title = message.sender_name if direct else tr("notification-title", sender=message.sender_name, room=message.room_name)
        if behaviour.hide_preview:
            body = tr("notification-hidden")
        else:
            body = message.body or (tr(message.notice) if message.notice is not None else tr("notification-hidden"))
        self._desktop.notify(Notification(message.room, message.event, title, body))
