"""Where the unread messages of an open room begin. Pure functions over records."""

from collections.abc import Sequence
from dataclasses import dataclass

from welink_desktop.core.ids import EventId, ItemKey
from welink_desktop.core.timeline import NoticeContent, RecalledContent, TimelineItem


@dataclass(frozen=True, slots=True)
class UnreadMark:
    """The first unread row and how many messages of others follow from there."""

    key: ItemKey
    count: int


def counts(item: TimelineItem) -> bool:
    """Whether a row is a message that somebody else wants read."""
    return not item.own and not isinstance(item.content, (NoticeContent, RecalledContent))


def unread_mark(rows: Sequence[TimelineItem], read_up_to: EventId | None, limit: int = 1000) -> UnreadMark | None:
    """The first message of others after `read_up_to`; None when all is read.

    An own message after the receipt counts as having read what was before it. With no receipt among the newest `limit`
    rows nothing is claimed.
    """
    if read_up_to is None:
        return None
    key: ItemKey | None = None
    count = 0
    for row in reversed(rows[-limit:]):
        if row.ref == read_up_to or row.own:
            return UnreadMark(key, count) if key is not None else None
        if counts(row):
            key = row.key
            count += 1
    return None


def newest_event(rows: Sequence[TimelineItem]) -> EventId | None:
    """The newest row that the server knows, to be marked as read."""
    for row in reversed(rows[-200:]):
        if row.ref.startswith("$"):
            return EventId(row.ref)
    return None
