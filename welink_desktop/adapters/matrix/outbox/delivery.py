"""Brings one item at a time to the server: address, upload, encryption, sending. Knows nothing of order and waiting."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.constants import CLIENT_V3, MEDIA_V3
from welink_desktop.adapters.matrix.crypto.attachments import file_content
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.outbox.files import OutgoingFiles, Part
from welink_desktop.adapters.matrix.rooms.pending import PendingKind
from welink_desktop.adapters.matrix.store import outbox as tables
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.outbox import OutboxRow
from welink_desktop.adapters.matrix.wire.values import content_uri
from welink_desktop.core.errors import EncryptionRefused, FileDamaged, NotFound, ServerFault
from welink_desktop.core.ids import ContentUri, EventId, RoomId, TransactionId
from welink_desktop.core.media import EncryptedFile

Json = dict[str, Any]
Moved = Callable[[TransactionId, int, int], None]
"""Item, bytes sent, bytes in total."""

ENCRYPT_ATTEMPTS = 5
_IN_CLEAR = (names.REACTION, names.REDACTION)


class Encrypts(Protocol):
    """The part of `Encryption` that sending uses."""

    def prepare_to_send(self, room: RoomId) -> Awaitable[None]: ...

    def encrypt(self, room: RoomId, event_type: str, content: Json) -> Json: ...

    def reaches_all(self, room: RoomId, content: Json) -> Awaitable[bool]: ...


class Uploaded(Protocol):
    """Told when a copy reached the server, so that it need not be downloaded again."""

    def __call__(self, uri: ContentUri, part: Part, *, clear: bool) -> None: ...


class Delivery:
    """`send` may be repeated as often as wanted with the same row: the server sees one transaction id.

    It sees one ciphertext, too, unless those who may read the room changed while the message waited.
    """

    def __init__(
        self,
        database: Database,
        http: Http,
        encryption: Encrypts | None,
        files: OutgoingFiles,
        *,
        moved: Moved,
        uploaded: Uploaded,
    ) -> None:
        self._database = database
        self._http = http
        self._encryption = encryption
        self._files = files
        self._moved = moved
        self._uploaded = uploaded

    async def send(self, row: OutboxRow, target: EventId | None) -> EventId:
        """Returns the server's event id. `target`: the event that `row.target` stands for.

        Raises the errors of `Http`, `EncryptionRefused`, `NotFound` (the copy of a file is gone), `Offline`.
        """
        if row.kind == PendingKind.RECALL.value:
            return await self._redact(row, target)
        encrypted = self._is_encrypted(row.room)
        wire = await self._kept(row)
        if wire is None:
            content = row.content
            if row.file is not None:
                content = await self._with_file(row, encrypted)
            elif target is not None:
                content = {**content, "m.relates_to": {**content.get("m.relates_to", {}), "event_id": target}}
            wire = await self._wire(row, content, encrypted)
        path = (*CLIENT_V3, "rooms", row.room, "send", wire["type"], row.transaction)
        return _event_id(await self._http.request("PUT", path, json=wire["content"], retry=False))

    async def _kept(self, row: OutboxRow) -> Json | None:
        """What an earlier attempt made, if everybody in the room can read it still."""
        if row.wire is None or row.wire["type"] != names.ENCRYPTED or self._encryption is None:
            return row.wire
        return row.wire if await self._encryption.reaches_all(row.room, row.wire["content"]) else None

    async def _wire(self, row: OutboxRow, content: Json, encrypted: bool) -> Json:
        """What goes over the line; a ciphertext is durable before it is first sent."""
        if not encrypted or row.type in _IN_CLEAR:
            self._mark_tried(row)
            return {"type": row.type, "content": content}
        if self._encryption is None:
            raise EncryptionRefused
        for attempt in range(ENCRYPT_ATTEMPTS):
            await self._encryption.prepare_to_send(row.room)
            try:
                with self._database.transaction() as t:
                    wire = {"type": names.ENCRYPTED, "content": self._encryption.encrypt(row.room, row.type, content)}
                    tables.set_wire(t, row.id, wire)
                    tables.set_tried(t, row.id)
                return wire
            except EncryptionRefused:
                if attempt == ENCRYPT_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0)
        raise EncryptionRefused

    async def _redact(self, row: OutboxRow, target: EventId | None) -> EventId:
        if target is None:
            raise NotFound
        self._mark_tried(row)
        path = (*CLIENT_V3, "rooms", row.room, "redact", target, row.transaction)
        return _event_id(await self._http.request("PUT", path, json=row.content, retry=False))

    def _mark_tried(self, row: OutboxRow) -> None:
        if not row.tried:
            with self._database.transaction() as t:
                tables.set_tried(t, row.id)

    def _is_encrypted(self, room: RoomId) -> bool:
        with self._database.read() as t:
            return bool(tables.is_encrypted(t, room))

    async def _with_file(self, row: OutboxRow, encrypted: bool) -> Json:
        """The content with the addresses of its file and thumbnail; uploads what is not on the server yet."""
        file = row.file or {}
        parts = {role: Part.from_json(value) for role, value in file["parts"].items()}
        total = sum(part.size for part in parts.values())
        before = 0
        addresses: dict[str, ContentUri] = {}
        for role, part in parts.items():
            uri = part.uri if part.uri is not None and part.clear is not encrypted else None
            if uri is None:
                mimetype = file["mimetype"] if role == "file" else "image/png"
                uri = await self._upload(row, part, mimetype, not encrypted, before, total)
                file["parts"][role] = {**part.to_json(), "uri": uri, "clear": not encrypted}
                with self._database.transaction() as t:
                    tables.set_file(t, row.id, file)
                self._uploaded(uri, part, clear=not encrypted)
            addresses[role] = uri
            before += part.size
        return addressed(row.content, parts, addresses, encrypted)

    async def _upload(self, row: OutboxRow, part: Part, mimetype: str, clear: bool, before: int, total: int) -> ContentUri:
        if not self._files.path(part.name).is_file():
            raise NotFound
        answer = await self._http.upload(
            (*MEDIA_V3, "upload"),
            lambda: self._files.stream(part, clear=clear, moved=lambda done: self._moved(row.transaction, before + done, total)),
            size=part.size,
            content_type=mimetype if clear else "application/octet-stream",
        )
        uri = content_uri(answer.get("content_uri"))
        if uri is None:
            raise ServerFault("no content address in the answer")
        return uri


def addressed(content: Json, parts: dict[str, Part], addresses: dict[str, ContentUri], encrypted: bool) -> Json:
    """`content` with `url`/`file` and, in `info`, `thumbnail_url`/`thumbnail_file`."""
    result = json.loads(json.dumps(content))
    if not isinstance(result, dict):
        raise FileDamaged
    for role, part in parts.items():
        place = result if role == "file" else result.setdefault("info", {})
        prefix = "" if role == "file" else "thumbnail_"
        if encrypted:
            keys = EncryptedFile(addresses[role], part.keys.key, part.keys.iv, part.keys.sha256)
            place[f"{prefix}file"] = file_content(keys)
        else:
            place[f"{prefix}url"] = addresses[role]
        if role == "thumbnail":
            place["thumbnail_info"] = {"size": part.size, "mimetype": "image/png"}
    return result


def _event_id(answer: Json) -> EventId:
    event = answer.get("event_id")
    if not isinstance(event, str) or not event.startswith("$"):
        raise ServerFault("no event id in the answer")
    return EventId(event)
