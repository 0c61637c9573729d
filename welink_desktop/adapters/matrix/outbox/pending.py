"""Rows of the outbox as the timeline and the room list show them."""

from typing import Any

from welink_desktop.adapters.matrix.outbox.files import Part
from welink_desktop.adapters.matrix.rooms.pending import Pending, PendingKind
from welink_desktop.adapters.matrix.store import outbox as tables
from welink_desktop.adapters.matrix.store.outbox import OutboxRow
from welink_desktop.adapters.matrix.wire.content import message_content
from welink_desktop.core import errors
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import EventId, MessageRef, TransactionId, UserId
from welink_desktop.core.media import MediaInfo
from welink_desktop.core.rooms import PreviewState
from welink_desktop.core.timeline import AttachmentContent, AttachmentKind, Content, SendPhase, SendState

_KINDS: dict[str, type[WeLinkError]] = {
    kind.__name__: kind
    for kind in (
        errors.NotAllowed,
        errors.NotFound,
        errors.TooLarge,
        errors.EncryptionRefused,
        errors.IdentityChanged,
        errors.ServerFault,
        errors.DiskFull,
    )
}
_PHASES = {tables.QUEUED: SendPhase.QUEUED, tables.SENT: SendPhase.SENT, tables.FAILED: SendPhase.FAILED}
_PREVIEWS = {
    SendPhase.QUEUED: PreviewState.SENDING,
    SendPhase.SENDING: PreviewState.SENDING,
    SendPhase.SENT: PreviewState.SENT,
    SendPhase.FAILED: PreviewState.FAILED,
}


def pending_of(row: OutboxRow, sending: tuple[int, int] | None) -> Pending:
    """`sending`: bytes done and in total while the item is on its way, else None."""
    kind = PendingKind(row.kind)
    relates = row.content.get("m.relates_to", {})
    reply = relates.get("m.in_reply_to", {}).get("event_id")
    users = row.content.get("m.mentions", {}).get("user_ids", [])
    return Pending(
        transaction=row.transaction,
        room=row.room,
        kind=kind,
        created_ms=row.created_ms,
        state=_state(row, sending),
        content=_content(row, kind),
        event=row.event,
        reply_to=None if reply is None else EventId(reply),
        target=_reference(row.target),
        key=relates.get("key", ""),
        mentions=tuple(UserId(user) for user in users),
    )


def preview_state(pending: Pending) -> PreviewState:
    """How far an own message is, for the room list."""
    return _PREVIEWS[pending.state.phase]


def error_name(error: WeLinkError) -> str:
    """How an error is written into the queue: the first of its kinds that can be read back, with what it says about a limit
    or a person.
    """
    for kind in type(error).__mro__:
        if kind.__name__ in _KINDS:
            argument = error.args_for_text.get("name" if kind is errors.IdentityChanged else "limit")
            kept = isinstance(argument, str if kind is errors.IdentityChanged else int)
            return f"{kind.__name__} {argument}" if kept else kind.__name__
    return WeLinkError.__name__


def error_from(name: str) -> WeLinkError:
    word, _, argument = name.partition(" ")
    kind = _KINDS.get(word, WeLinkError)
    if kind is errors.IdentityChanged:
        return kind(name=argument)
    return kind(limit=int(argument)) if argument.isdigit() else kind()


def _state(row: OutboxRow, sending: tuple[int, int] | None) -> SendState:
    total = sum(part["size"] for part in row.file["parts"].values()) if row.file is not None else 0
    if row.state == tables.QUEUED and sending is not None:
        return SendState(SendPhase.SENDING, None, sending[0], sending[1] or total)
    error = error_from(row.error) if row.state == tables.FAILED else None
    return SendState(_PHASES[row.state], error, total if row.state == tables.SENT else 0, total)


def _content(row: OutboxRow, kind: PendingKind) -> Content | None:
    if kind is PendingKind.EDIT:
        return message_content(row.content.get("m.new_content", {}))
    if kind is not PendingKind.MESSAGE:
        return None
    return message_content(row.content) if row.file is None else _attachment(row.file)


def _attachment(file: dict[str, Any]) -> AttachmentContent:
    parts = {role: Part.from_json(value) for role, value in file["parts"].items()}
    thumbnail = parts.get("thumbnail")
    info = MediaInfo(
        mimetype=file["mimetype"],
        size=parts["file"].size,
        width=file["width"],
        height=file["height"],
        thumbnail=None if thumbnail is None else thumbnail.keys,
    )
    return AttachmentContent(AttachmentKind(file["kind"]), file["filename"], parts["file"].keys, info, file["caption"])


def _reference(target: str | None) -> MessageRef | None:
    if target is None:
        return None
    return EventId(target) if target.startswith("$") else TransactionId(target)
