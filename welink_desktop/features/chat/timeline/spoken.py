"""What assistive technology reads for a row: sender, external, text, time, edited, reactions, readers (visual.md §10)."""

from welink_desktop.core.timeline import (
    AttachmentContent,
    NoticeContent,
    RecalledContent,
    SendPhase,
    TextContent,
    TimelineItem,
    UndecryptableContent,
    UnreadableContent,
    UnsupportedContent,
)
from welink_desktop.features.chat.timeline import marks
from welink_desktop.services.members import MemberList
from welink_desktop.strings import local_moment
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.text.bidi import one_line, without_controls
from welink_desktop.ui.text.parse import parse
from welink_desktop.ui.text.tree import plain_text

MAX_SPOKEN = 2000


def spoken(item: TimelineItem, members: MemberList) -> str:
    """One sentence per fact, separated by commas."""
    words = words_of(item)
    if isinstance(item.content, (NoticeContent, UnreadableContent)):
        return words
    time = current_strings().time(local_moment(item.timestamp_ms))
    parts = [tr("chat-you") if item.own else one_line(item.sender_name) or item.sender]
    if item.external:
        parts.append(tr("external"))
    if item.reply is not None:
        parts.append(tr("chat-spoken-reply", name=one_line(item.reply.sender_name)))
    parts += [words[:MAX_SPOKEN], time]
    if item.edited:
        parts.append(tr("chat-edited"))
    if item.shield in marks.MARKED:
        parts.append(tr(f"shield-{item.shield.value}"))
    if item.own:
        parts += _own_state(item)
    for reaction in item.reactions:
        parts.append(tr("chat-spoken-reaction", emoji=one_line(reaction.key), count=len(reaction.people)))
    if item.readers:
        names = ", ".join(one_line(members.name_of(user)) for user in item.readers[:5])
        parts.append(tr("chat-read-names", names=names))
    return ", ".join(part for part in parts if part)


def words_of(item: TimelineItem) -> str:
    """The message itself as plain text, as it is copied and read aloud."""
    match item.content:
        case TextContent(body, html):
            return plain_text(parse(body, html))
        case AttachmentContent(kind=kind, name=name, caption=caption):
            words = tr(f"chat-attachment-{kind.value}", name=one_line(name))
            return f"{words}, {without_controls(caption)}" if caption else words
        case NoticeContent(text):
            return tr(text)
        case RecalledContent() as gone:
            return marks.recalled_words(gone, item)
        case UndecryptableContent(why):
            title = tr("chat-unreadable-yet" if why.curable else "chat-unreadable")
            return f"{title}. {tr(f'undecryptable-{why.reason.value}')}"
        case UnsupportedContent(body=body):
            return without_controls(body) or tr("chat-unsupported")
        case UnreadableContent():
            return tr("chat-malformed")


def _own_state(item: TimelineItem) -> list[str]:
    match item.send.phase:
        case SendPhase.QUEUED:
            return [tr("chat-state-queued")]
        case SendPhase.SENDING:
            return [tr("chat-state-sending")]
        case SendPhase.FAILED:
            return [tr("chat-not-sent", time=current_strings().time(local_moment(item.timestamp_ms)))]
        case SendPhase.SENT:
            return []
