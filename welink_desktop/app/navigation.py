"""Where the person is, and how features meet: none knows another, all of them wish for a place here."""

import enum
from dataclasses import dataclass, replace

from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import State


class Page(enum.Enum):
    """Destinations of the rail, in its order."""

    CHAT = "chat"
    CONTACTS = "contacts"
    MEET = "meet"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Place:
    page: Page = Page.CHAT
    room: RoomId | None = None


class Navigation:
    """`place` is watched by the window and the chat page; `meeting_wanted` is set by whoever wants a meeting in a room."""

    def __init__(self, page: str = "", room: str = "") -> None:
        known = {one.value: one for one in Page}
        self.place = State(Place(known.get(page, Page.CHAT), RoomId(room) if room else None))

    def show(self, page: Page) -> None:
        self.place.set(replace(self.place.value, page=page))

    def open_room(self, room: RoomId | None) -> None:
        """Go to a conversation."""
        self.place.set(Place(Page.CHAT, room))

    def open_meeting(self) -> None:
        self.show(Page.MEET)
