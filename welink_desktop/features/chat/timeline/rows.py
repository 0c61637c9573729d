"""How a row stands among its neighbours: groups, day dividers, the unread line. Pure functions, Qt-free."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import lru_cache

from welink_desktop.core.timeline import NoticeContent, RecalledContent, TimelineItem
from welink_desktop.services.unread import UnreadMark
from welink_desktop.strings import local_moment, local_zone

GROUP_MS = 5 * 60_000
_QUARTER = 15 * 60_000


@dataclass(frozen=True, slots=True)
class Shape:
    """`day` asks for a divider above, `unread` > 0 for the unread line; `first`/`last` tell the place in the group."""

    day: date | None
    unread: int
    first: bool
    last: bool


def shape_of(rows: Sequence[TimelineItem], index: int, mark: UnreadMark | None) -> Shape:
    item = rows[index]
    before = rows[index - 1] if index else None
    after = rows[index + 1] if index + 1 < len(rows) else None
    new_day = before is None or day_of(before.timestamp_ms) != day_of(item.timestamp_ms)
    return Shape(
        day=day_of(item.timestamp_ms) if new_day else None,
        unread=mark.count if mark is not None and mark.key == item.key else 0,
        first=before is None or not joined(before, item, mark),
        last=after is None or not joined(item, after, mark),
    )


def joined(before: TimelineItem, item: TimelineItem, mark: UnreadMark | None) -> bool:
    """Whether `item` continues the group of the row before it."""
    if before.sender != item.sender or is_notice(before) or is_notice(item):
        return False
    if not 0 <= item.timestamp_ms - before.timestamp_ms <= GROUP_MS:
        return False
    if mark is not None and mark.key == item.key:
        return False
    return day_of(before.timestamp_ms) == day_of(item.timestamp_ms)


def is_notice(item: TimelineItem) -> bool:
    return isinstance(item.content, NoticeContent)


def can_answer(item: TimelineItem) -> bool:
    """Whether a row can be replied to and reacted to: the server knows it and it is a message."""
    return item.ref.startswith("$") and not isinstance(item.content, (NoticeContent, RecalledContent))


def day_of(timestamp_ms: int) -> date:
    """The local day; offsets of time zones are whole quarters of an hour."""
    return _day(timestamp_ms // _QUARTER, local_zone())


@lru_cache(maxsize=4096)
def _day(quarter: int, zone: tzinfo | None) -> date:
    """`zone` is only there to tell the days of one time zone from those of another."""
    return local_moment(quarter * _QUARTER).date()
