"""Event rows and pending items into timeline rows."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.rooms import rows
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.notices import notice_of
from welink_desktop.adapters.matrix.rooms.pending import Pending, PendingKind
from welink_desktop.adapters.matrix.rooms.relations import latest_edit, reactions
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.adapters.matrix.rooms.verifications import is_request
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.wire.content import mentions, message_content
from welink_desktop.adapters.matrix.wire.events import relation_of
from welink_desktop.adapters.matrix.wire.values import Json, object_of, text_of
from welink_desktop.core.ids import EventId, ItemKey, RoomId, UserId
from welink_desktop.core.text import Text, text
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    Content,
    NoticeContent,
    Reaction,
    RecalledContent,
    ReplyPreview,
    TextContent,
    TimelineItem,
    UndecryptableContent,
    UnreadableContent,
    UnsupportedContent,
)
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

REPLY_LENGTH = 300
_HIDDEN = frozenset((names.REACTION, names.REDACTION, names.CALL_NOTIFICATION, names.CALL_NOTIFY_OLD))
_ATTACHMENT_NOTICES = {AttachmentKind.IMAGE: "preview-picture", AttachmentKind.VOICE: "preview-voice"}


class ItemBuilder:
    """Builds the rows of one account's timelines from the store as it stands."""

    def __init__(self, database: Database, rooms: RoomStore) -> None:
        self._database = database
        self._rooms = rooms

    def build(self, room: RoomId, events: Sequence[EventRow]) -> list[TimelineItem | None]:
        """A row for each event, None for events that make none (reactions, edits, call signalling …)."""
        with self._database.read() as t:
            shown = [row for row in events if is_shown(row)]
            related: dict[EventId, list[EventRow]] = {}
            for row in rows.related_to(t, room, [row.event for row in shown]):
                if row.relates_to is not None:
                    related.setdefault(row.relates_to, []).append(row)
            answered = rows.events_of(t, room, {reply for row in shown if (reply := _reply_of(row)) is not None})
            edits: dict[EventId, list[EventRow]] = {}
            for row in rows.related_to(t, room, answered):
                if row.relates_to is not None:
                    edits.setdefault(row.relates_to, []).append(row)
        return [self._item(room, row, related.get(row.event, []), answered, edits) if is_shown(row) else None for row in events]

    def _item(
        self,
        room: RoomId,
        row: EventRow,
        related: list[EventRow],
        answered: dict[EventId, EventRow],
        edits: dict[EventId, list[EventRow]],
    ) -> TimelineItem | None:
        edit = latest_edit(row, related) if related else None
        content = self._content(room, row, edit)
        if content is None:
            return None
        raw = _current(row, edit)
        reply = _reply_of(row)
        people, everyone = mentions(raw)
        return TimelineItem(
            key=ItemKey(row.transaction or row.event),
            ref=row.event,
            sender=row.sender,
            sender_name=self._rooms.name_of(room, row.sender),
            timestamp_ms=row.ts,
            content=content,
            own=row.sender == self._rooms.user,
            sender_avatar=self._rooms.avatar_of(room, row.sender),
            external=self._rooms.outside(row.sender) is not None,
            edited=edit is not None,
            reply=None if reply is None else self._reply(room, reply, answered, edits),
            reactions=reactions(related, self._rooms.user),
            mentions_me=row.sender != self._rooms.user and (self._rooms.user in people or (everyone and row.notify == 2)),
            shield=Shield(row.shield),
        )

    def _content(self, room: RoomId, row: EventRow, edit: EventRow | None) -> Content | None:
        if row.type == rows.UNREADABLE_TYPE:
            return UnreadableContent(text_of(json.loads(row.raw)["content"], "reason"))
        if row.redaction is not None:
            redaction = json.loads(row.redaction)
            by = UserId(redaction["by"])
            return RecalledContent(by, self._rooms.name_of(room, by), redaction["ts"], redaction["reason"])
        if row.failure is not None:
            failure = json.loads(row.failure)
            return UndecryptableContent(
                Undecryptable(UndecryptableReason(failure["reason"]), failure["curable"], failure["device"])
            )
        if row.state_key is not None:
            raw = json.loads(row.raw)
            previous = object_of(object_of(raw, "unsigned"), "prev_content")
            notice = notice_of(
                row.type, row.state_key, row.sender, row.content(), previous, lambda user: self._rooms.name_of(room, user)
            )
            return None if notice is None else NoticeContent(notice)
        content = _current(row, edit)
        if is_request(row.type, content):
            return NoticeContent(text("notice-verification", who=self._rooms.name_of(room, row.sender)))
        if row.type == names.MESSAGE:
            return message_content(content)
        return UnsupportedContent(row.type, text_of(content, "body", 10_000))

    def _reply(
        self, room: RoomId, event: EventId, answered: dict[EventId, EventRow], edits: dict[EventId, list[EventRow]]
    ) -> ReplyPreview:
        row = answered.get(event)
        if row is None:
            return ReplyPreview(event)
        content = self._content(room, row, latest_edit(row, edits.get(event, [])))
        return ReplyPreview(event, row.sender, self._rooms.name_of(room, row.sender), plain(content)[:REPLY_LENGTH])

    def echo(self, room: RoomId, pending: Pending) -> TimelineItem:
        """The row of a message on its way."""
        assert pending.kind is PendingKind.MESSAGE
        assert pending.content is not None
        reply = None
        if pending.reply_to is not None:
            with self._database.read() as t:
                answered = rows.events_of(t, room, [pending.reply_to])
                edits = rows.related_to(t, room, answered)
            reply = self._reply(room, pending.reply_to, answered, {pending.reply_to: edits})
        me = self._rooms.user
        return TimelineItem(
            key=ItemKey(pending.transaction),
            ref=pending.event or pending.transaction,
            sender=me,
            sender_name=self._rooms.name_of(room, me),
            timestamp_ms=pending.created_ms,
            content=pending.content,
            own=True,
            sender_avatar=self._rooms.avatar_of(room, me),
            reply=reply,
            shield=Shield.AUTHENTIC if self._rooms.encrypted(room) else Shield.NONE,
            send=pending.state,
        )


def with_pending(item: TimelineItem, pending: Iterable[Pending], me: UserId) -> TimelineItem:
    """`item` with our edits, reactions and recalls that are still on their way."""
    for change in pending:
        if change.target is None or change.target not in (item.ref, item.key):
            continue
        match change.kind:
            case PendingKind.EDIT if change.content is not None:
                item = replace(item, content=change.content, edited=True, send=change.state)
            case PendingKind.REACTION:
                item = replace(item, reactions=_reacted(item.reactions, change, me))
            case PendingKind.RECALL if change.state.error is None:
                name = item.sender_name if item.own else ""
                item = replace(item, content=RecalledContent(me, name, change.created_ms), reactions=(), reply=None)
            case _:
                pass
    return item


def _reacted(present: tuple[Reaction, ...], change: Pending, me: UserId) -> tuple[Reaction, ...]:
    ref = change.event or change.transaction
    for index, reaction in enumerate(present):
        if reaction.key == change.key:
            if me in reaction.people:
                return present
            return (*present[:index], Reaction(change.key, (*reaction.people, me), ref), *present[index + 1 :])
    return (*present, Reaction(change.key, (me,), ref))


def is_shown(row: EventRow) -> bool:
    """Whether an event is a row of its own (state events may still turn out not to be)."""
    if row.type in _HIDDEN or row.relation == names.REL_REPLACE:
        return False
    if row.type.startswith(names.VERIFICATION_PREFIX):
        return False
    if row.state_key is None and row.type not in (names.MESSAGE, names.ENCRYPTED, rows.UNREADABLE_TYPE, names.STICKER):
        return not row.type.startswith(("m.call.", "org.matrix.msc3401.", "org.matrix.msc4075.", "m.rtc.", "io.element.call."))
    return not (row.redaction is not None and row.state_key is not None)


def plain(content: Content | None) -> str:
    """The words of a message, for previews."""
    match content:
        case TextContent(body=body):
            return body
        case AttachmentContent(name=name, caption=caption):
            return caption or name
        case UnsupportedContent(body=body):
            return body
        case _:
            return ""


def preview_notice(content: Content) -> Text | None:
    """Our words for a last message that has no text of its own."""
    match content:
        case AttachmentContent(kind=kind, name=name):
            return text(_ATTACHMENT_NOTICES.get(kind, "preview-attachment"), name=name)
        case RecalledContent():
            return text("preview-recalled")
        case UndecryptableContent():
            return text("preview-undecryptable")
        case UnsupportedContent(body=body):
            return None if body else text("preview-unsupported")
        case UnreadableContent():
            return text("preview-unsupported")
        case NoticeContent(text=words):
            return words
        case _:
            return None


def _current(row: EventRow, edit: EventRow | None) -> Json:
    return row.content() if edit is None else object_of(edit.content(), "m.new_content")


def _reply_of(row: EventRow) -> EventId | None:
    if row.state_key is not None or row.redaction is not None:
        return None
    outer = json.loads(row.raw).get("content")
    relation = relation_of(outer) if isinstance(outer, dict) else None
    if relation is None or (relation.kind == names.REL_THREAD and object_of(outer["m.relates_to"], "m.in_reply_to") == {}):
        return None
    if relation.kind == names.REL_THREAD and outer["m.relates_to"].get("is_falling_back") is True:
        return None
    return relation.reply_to
