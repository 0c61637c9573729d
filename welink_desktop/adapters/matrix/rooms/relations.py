"""Edits, reactions and what may count as one (matrix.md §3.2). Pure."""

from collections.abc import Iterable

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.core.ids import EventId, UserId
from welink_desktop.core.timeline import Reaction

MAX_KEYS = 50


def edit_allowed(original: EventRow, edit: EventRow) -> bool:
    """Whether `edit` may replace `original`'s content: same sender and type, no state, no edit of an edit, both encrypted or
    both not, nothing redacted, readable, and with an object as new content. (The room is the same by construction.)
    """
    return (
        edit.relation == names.REL_REPLACE
        and edit.relates_to == original.event
        and edit.sender == original.sender
        and edit.type == original.type
        and edit.state_key is None
        and original.state_key is None
        and original.relation != names.REL_REPLACE
        and edit.was_encrypted == original.was_encrypted
        and edit.failure is None
        and original.failure is None
        and edit.redaction is None
        and original.redaction is None
        and isinstance(edit.content().get("m.new_content"), dict)
    )


def latest_edit(original: EventRow, related: Iterable[EventRow]) -> EventRow | None:
    """The allowed edit with the latest time stamp; of two at the same time the one with the larger id."""
    allowed = (row for row in related if edit_allowed(original, row))
    return max(allowed, key=lambda row: (row.ts, row.event), default=None)


def reactions(related: Iterable[EventRow], me: UserId) -> tuple[Reaction, ...]:
    """By key, in the order of the first of each; everybody counts once per key."""
    people: dict[str, dict[UserId, None]] = {}
    mine: dict[str, EventId] = {}
    for row in related:
        if row.relation != names.REL_ANNOTATION or row.type != names.REACTION or row.redaction is not None:
            continue
        relates = row.content().get("m.relates_to")
        key = relates.get("key") if isinstance(relates, dict) else None
        if not isinstance(key, str) or not 0 < len(key) <= 100 or (key not in people and len(people) >= MAX_KEYS):
            continue
        people.setdefault(key, {})[row.sender] = None
        if row.sender == me:
            mine[key] = row.event
    return tuple(Reaction(key, tuple(users), mine.get(key)) for key, users in people.items())
