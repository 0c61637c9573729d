"""What is sent: contents of events, built from what a person wrote (matrix.md §3.2). Pure functions."""

import json
from typing import Any

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.wire.values import clean
from welink_desktop.core.errors import TooLarge
from welink_desktop.core.ids import EventId, UserId
from welink_desktop.core.timeline import AttachmentKind, MessageKind, OutgoingText

MAX_CONTENT_BYTES = 45_000
"""An event holds 65,536 bytes; encryption adds a third and about 500 bytes (matrix.md §1.2)."""

Content = dict[str, Any]

_TEXT_TYPES = {MessageKind.TEXT: "m.text", MessageKind.NOTICE: "m.notice", MessageKind.EMOTE: "m.emote"}
_FILE_TYPES = {
    AttachmentKind.IMAGE: "m.image",
    AttachmentKind.FILE: "m.file",
    AttachmentKind.AUDIO: "m.audio",
    AttachmentKind.VOICE: "m.audio",
    AttachmentKind.VIDEO: "m.video",
}


def text_content(message: OutgoingText, *, answered: UserId | None = None) -> Content:
    """An `m.room.message`. `answered` wrote the message that this one replies to. Raises `TooLarge`."""
    content = _written(message, answered)
    if message.reply_to is not None:
        content["m.relates_to"] = {"m.in_reply_to": {"event_id": message.reply_to}}
    return checked(content)


def edit_content(message: OutgoingText, target: EventId | None) -> Content:
    """An edit of `target` (None: known later, see `with_target`). Nobody is mentioned anew. Raises `TooLarge`."""
    new = _written(message, None)
    content = {**new, "body": f"* {new['body']}", "m.new_content": new, names.MENTIONS: {}}
    if "formatted_body" in new:
        content["formatted_body"] = f"* {new['formatted_body']}"
    return checked(with_target(content, names.REL_REPLACE, target))


def reaction_content(target: EventId | None, key: str) -> Content:
    content = with_target({}, names.REL_ANNOTATION, target)
    content["m.relates_to"]["key"] = clean(key)[:100]
    return content


def with_target(content: Content, relation: str, target: EventId | None) -> Content:
    """`content` relating to `target`; the other parts of the relation are kept."""
    relates = {**content.get("m.relates_to", {}), "rel_type": relation}
    if target is not None:
        relates["event_id"] = target
    return {**content, "m.relates_to": relates}


def file_message(kind: AttachmentKind, filename: str, caption: str, info: Content) -> Content:
    """An attachment without its address, which the delivery adds as `url` or `file`."""
    content: Content = {"msgtype": _FILE_TYPES[kind], "body": caption or filename, "filename": filename, names.MENTIONS: {}}
    content["info"] = info
    if kind is AttachmentKind.VOICE:
        content[names.VOICE] = {}
        content[names.AUDIO_DETAILS] = {"duration": info.get("duration", 0), "waveform": []}
    return checked(content)


def checked(content: Content) -> Content:
    """`content` if it fits into one event. Raises `TooLarge` (limit in bytes)."""
    if len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")) > MAX_CONTENT_BYTES:
        raise TooLarge(limit=MAX_CONTENT_BYTES)
    return content


def _written(message: OutgoingText, answered: UserId | None) -> Content:
    content: Content = {"msgtype": _TEXT_TYPES[message.kind], "body": clean(message.body)}
    if message.html:
        content["format"] = names.HTML_FORMAT
        content["formatted_body"] = clean(message.html)
    people = list(dict.fromkeys([*message.mentions, *([answered] if answered is not None else [])]))
    block: Content = {"user_ids": people} if people else {}
    if message.mentions_room:
        block["room"] = True
    content[names.MENTIONS] = block
    return content
