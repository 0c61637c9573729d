"""A person's state in words: what the server knows, what they say of themselves, their local time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from welink_desktop.core.people import Person, Presence
from welink_desktop.core.text import Text, text


@dataclass(frozen=True, slots=True)
class StateInWords:
    """Either words of ours (`text`) or what the person wrote (`own_words`); both empty when nothing is known."""

    text: Text | None = None
    own_words: str = ""


def state_in_words(person: Person, now_ms: int) -> StateInWords:
    """The first that is known: in a meeting, their own words (unless over), local time of people far away, presence."""
    status = person.status
    if status.in_meeting:
        return StateInWords(text("state-in-meeting"))
    if status.text and (status.until_ms is None or status.until_ms > now_ms):
        return StateInWords(own_words=f"{status.emoji} {status.text}".strip())
    if person.external and (shown := _local_time(person.time_zone, now_ms)):
        return StateInWords(text("state-local-time", time=shown))
    if person.presence is Presence.UNKNOWN:
        return StateInWords()
    return StateInWords(text(f"state-{person.presence.value}"))


def shown_presence(person: Person) -> Presence:
    """What the dot shows: a meeting counts as busy where presence is known at all."""
    if person.status.in_meeting and person.presence is not Presence.UNKNOWN:
        return Presence.BUSY
    return person.presence


def _local_time(zone: str, now_ms: int) -> str:
    if not zone:
        return ""
    try:
        there = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""
    return f"{there.hour:02d}:{there.minute:02d}"
