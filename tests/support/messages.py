"""Short ways to records of messages and rooms."""

from typing import Any

from welink_desktop.core.ids import EventId, ItemKey, RoomId, UserId
from welink_desktop.core.rooms import RoomSummary
from welink_desktop.core.timeline import TextContent, TimelineItem

ME = UserId("@me:example.org")
ANN = UserId("@ann:example.org")
START_MS = 1_700_000_000_000


def item(
    number: int, body: str = "", *, own: bool = False, sender: UserId = ANN, minutes: int | None = None, **more: Any
) -> TimelineItem:
    """Message `number` (event "$number"), one per minute."""
    event = EventId(f"${number}")
    at = START_MS + (number if minutes is None else minutes) * 60_000
    content = more.pop("content", TextContent(body or f"message {number}"))
    who = ME if own else sender
    return TimelineItem(ItemKey(event), event, who, "Me" if own else "Ann", at, content, own=own, **more)


def summary(room: str, name: str = "", **more: Any) -> RoomSummary:
    return RoomSummary(RoomId(room), name or room.strip("!"), **more)
