"""What a conversation says in one line, on screen and aloud."""

from welink_desktop.core.rooms import Membership, PreviewState, RoomSummary
from welink_desktop.features.chat.room_list.model import ListRow, RoomRow, SectionRow
from welink_desktop.strings import local_moment, local_now
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.text.bidi import one_line

MAX_PREVIEW = 200


def preview(row: RoomRow) -> str:
    """The second line, without a draft's mark; the open room shows its last message, its draft is in the composer."""
    room = row.room
    if room.membership is Membership.INVITED:
        return tr("rooms-invited-by", name=one_line(row.inviter_name)) if row.inviter_name else tr("rooms-invited")
    if room.draft and not row.current:
        return one_line(room.draft[:MAX_PREVIEW])
    last = room.last
    if last is None:
        return ""
    words = one_line(last.body[:MAX_PREVIEW]) or (tr(last.notice) if last.notice is not None else "")
    if last.own:
        return tr("rooms-you", message=words)
    return words if room.direct_with is not None else tr("rooms-sender", name=one_line(last.sender_name), message=words)


def time_of(room: RoomSummary) -> str:
    if room.last is None:
        return ""
    return current_strings().moment(local_moment(room.last.timestamp_ms), local_now())


def spoken(row: ListRow) -> str:
    if isinstance(row, SectionRow):
        words = tr("rooms-section-spoken", name=tr(f"rooms-section-{row.kind.value}"), count=row.count)
        return f"{words}, {tr('rooms-section-collapsed')}" if row.collapsed else words
    room = row.room
    parts = [one_line(room.name)]
    if room.unread.messages:
        parts.append(tr("rooms-spoken-unread", count=room.unread.messages))
    if room.unread.mentions:
        parts.append(tr("rooms-spoken-mention"))
    if room.external_organisations:
        parts.append(tr("external"))
    if room.muted:
        parts.append(tr("rooms-spoken-muted"))
    if room.call is not None:
        parts.append(tr("rooms-spoken-call"))
    if room.last is not None and room.last.state is PreviewState.FAILED:
        parts.append(tr("rooms-spoken-failed"))
    said = preview(row)
    if said:
        parts.append(f"{tr('rooms-draft')} {said}" if room.draft and not row.current else said)
    parts.append(time_of(room))
    return ", ".join(part for part in parts if part)
