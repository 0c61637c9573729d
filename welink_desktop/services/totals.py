"""What counts on badges. A pure function over records."""

from collections.abc import Iterable
from dataclasses import dataclass

from welink_desktop.core.rooms import Membership, RoomSummary


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the room list. Muted rooms count for mentions only; invitations count as one message each."""

    messages: int = 0
    mentions: int = 0
    rooms: int = 0


def totals(rooms: Iterable[RoomSummary]) -> Totals:
    messages = mentions = count = 0
    for room in rooms:
        if room.is_space:
            continue
        if room.membership is Membership.INVITED:
            messages += 1
            count += 1
            continue
        mentions += room.unread.mentions
        if room.muted and not room.unread.mentions:
            continue
        if room.unread.any:
            count += 1
            messages += max(room.unread.messages, 1) if not room.muted else 0
    return Totals(messages, mentions, count)
