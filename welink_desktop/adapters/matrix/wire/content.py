"""Message contents from untrusted JSON (matrix.md §3.2, §6)."""

import base64
import binascii
from collections.abc import Callable

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.wire.values import (
    Json,
    content_uri,
    integer_of,
    list_of,
    object_of,
    text_of,
    texts_of,
    true_at,
)
from welink_desktop.core.ids import UserId
from welink_desktop.core.media import EncryptedFile, MediaInfo, MediaSource
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    Content,
    MessageKind,
    TextContent,
    UnreadableContent,
    UnsupportedContent,
)

_TEXT_KINDS = {"m.text": MessageKind.TEXT, "m.notice": MessageKind.NOTICE, "m.emote": MessageKind.EMOTE}
_FILE_KINDS = {
    "m.image": AttachmentKind.IMAGE,
    "m.file": AttachmentKind.FILE,
    "m.audio": AttachmentKind.AUDIO,
    "m.video": AttachmentKind.VIDEO,
}
_MAX_BODY = 65_536


def message_content(content: Json) -> Content:
    """The content of an `m.room.message` (or of `m.new_content`). Never raises."""
    kind = text_of(content, "msgtype", 255)
    body = content.get("body")
    if not kind or not isinstance(body, str):
        return UnreadableContent("no text in the message")
    if kind in _TEXT_KINDS:
        html = text_of(content, "formatted_body", _MAX_BODY) if content.get("format") == names.HTML_FORMAT else ""
        return TextContent(text_of(content, "body", _MAX_BODY), html, _TEXT_KINDS[kind])
    if kind in _FILE_KINDS:
        return _attachment(_FILE_KINDS[kind], content)
    return UnsupportedContent(kind, text_of(content, "body", _MAX_BODY))


def mentions(content: Json) -> tuple[tuple[UserId, ...], bool]:
    """The people and whether the whole room is mentioned (`m.mentions`)."""
    block = object_of(content, names.MENTIONS)
    return tuple(UserId(user) for user in texts_of(block, "user_ids")[:200]), true_at(block, "room")


def media_source(content: Json, plain: str, encrypted: str) -> MediaSource | None:
    """The file named by `content[encrypted]` (preferred) or `content[plain]`; None if neither is valid."""
    file = content.get(encrypted)
    if isinstance(file, dict):
        return encrypted_file(file)
    return content_uri(content.get(plain))


def encrypted_file(file: Json) -> EncryptedFile | None:
    """Keys of an attachment; None unless it is exactly version 2 (matrix.md §6)."""
    key = object_of(file, "key")
    if file.get("v") != "v2" or key.get("alg") != "A256CTR" or key.get("kty") != "oct":
        return None
    uri = content_uri(file.get("url"))
    secret = _decoded(key.get("k"), base64.urlsafe_b64decode)
    start = _decoded(file.get("iv"), base64.b64decode)
    digest = _decoded(object_of(file, "hashes").get("sha256"), base64.b64decode)
    if uri is None or len(secret) != 32 or len(start) != 16 or len(digest) != 32:
        return None
    return EncryptedFile(uri, secret, start, digest)


def _attachment(kind: AttachmentKind, content: Json) -> Content:
    source = media_source(content, "url", "file")
    if source is None:
        return UnreadableContent("no valid file in the message")
    body = text_of(content, "body", _MAX_BODY)
    name = text_of(content, "filename", 1_000)
    caption = body if name and name != body else ""
    voice = names.VOICE in content or names.VOICE_STABLE in content
    if kind is AttachmentKind.AUDIO and voice:
        kind = AttachmentKind.VOICE
    return AttachmentContent(kind, name or body[:1_000] or "file", source, _info(content), caption)


def _info(content: Json) -> MediaInfo:
    info, audio = object_of(content, "info"), object_of(content, names.AUDIO_DETAILS)
    duration = integer_of(info, "duration") or integer_of(audio, "duration")
    wave = [value for value in list_of(audio, "waveform")[:200] if isinstance(value, int) and not isinstance(value, bool)]
    return MediaInfo(
        mimetype=text_of(info, "mimetype", 255) or "application/octet-stream",
        size=max(0, integer_of(info, "size")),
        width=_bounded(integer_of(info, "w")),
        height=_bounded(integer_of(info, "h")),
        duration_ms=max(0, duration),
        thumbnail=media_source(info, "thumbnail_url", "thumbnail_file"),
        waveform=tuple(max(0, min(1024, value)) for value in wave),
    )


def _bounded(value: int) -> int:
    return max(0, min(100_000, value))


def _decoded(value: object, decode: Callable[[bytes], bytes]) -> bytes:
    if not isinstance(value, str) or len(value) > 200:
        return b""
    try:
        text = value.rstrip("=").encode("ascii")
        return decode(text + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""
