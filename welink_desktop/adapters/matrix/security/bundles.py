"""History for people we invite, and the history that inviters give us: drives `crypto.bundles` (MSC4268, matrix.md §8.5)."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from welink_desktop.adapters.matrix.constants import CLIENT_V1, MEDIA_V3
from welink_desktop.adapters.matrix.crypto.attachments import Check, Encryptor, decrypted, file_content
from welink_desktop.adapters.matrix.crypto.bundles import (
    BUNDLE,
    BUNDLE_OLD,
    MAX_BYTES,
    Bundle,
    Offer,
    Offers,
    bundle_of,
    history_devices,
    read_bundle,
)
from welink_desktop.adapters.matrix.crypto.records import Device, Inbound, JsonObject, Source, ToDevice, Withheld
from welink_desktop.adapters.matrix.crypto.sharing import may_share_history
from welink_desktop.adapters.matrix.encryption import Encryption, RoomFacts
from welink_desktop.adapters.matrix.http import Download
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.healing import SqlHealingStore
from welink_desktop.adapters.matrix.wire.content import encrypted_file
from welink_desktop.adapters.matrix.wire.values import Json, content_uri
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import FileDamaged, HistoryNotShared, ServerFault, TooLarge, WeLinkError
from welink_desktop.core.ids import ContentUri, DeviceId, RoomId, UserId
from welink_desktop.core.log import literal, short, topic
from welink_desktop.core.media import EncryptedFile
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, Signal
from welink_desktop.core.security import HistoryArrival

EXPORT_STEP = 50
IMPORT_STEP = 200
"""Sessions between two looks at other work."""

PIECE = 1 << 18
ATTEMPTS = 5
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
_log = topic("security.bundles")


class MediaLine(Protocol):
    """The part of `Http` that bundles use."""

    async def upload(self, path: Sequence[str], stream: Callable[[], AsyncIterable[bytes]], *, size: int) -> Json: ...

    def download(self, path: Sequence[str], *, limit: int) -> AbstractAsyncContextManager[Download]: ...


class HistoryBundles:
    """One per account, on the engine loop; `start` it after `Encryption`.

    `before_build(room)`: fetch the room's keys that are only in the backup. `arrivals` tells what becomes of bundles given
    to us.
    """

    def __init__(
        self,
        encryption: Encryption,
        database: Database,
        http: MediaLine,
        rooms: RoomFacts,
        clock: Clock,
        scope: Scope,
        *,
        user: UserId,
        device: DeviceId,
        before_build: Callable[[RoomId], Awaitable[None]] | None = None,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self.arrivals: Signal[tuple[RoomId, HistoryArrival]] = Signal()
        self._encryption = encryption
        self._http = http
        self._rooms = rooms
        self._scope = scope
        self._user = user
        self._device = device
        self._before_build = before_build
        self._first_pause = first_pause
        self._due = asyncio.Event()
        self._unheard: set[RoomId] = set()
        """Rooms whose history failed to come while nobody watched."""
        self._offers = Offers(SqlHealingStore(database), clock)

    def start(self) -> None:
        self._scope.add(self._encryption.listen(BUNDLE, self._announced))
        self._scope.add(self._encryption.listen(BUNDLE_OLD, self._announced))
        self._scope.spawn(self._load_due(), name="history-bundles")
        self._due.set()

    # Giving

    async def share(self, room: RoomId, user: UserId) -> None:
        """Give `user` the keys of older messages; call it before the invitation goes out, and only if the inviter chose it.

        Raises `HistoryNotShared` if they may not or cannot have them, `Offline`, `ServerFault`.
        """
        rules = await self._rooms.rules(room)
        signed = self._own_signed()
        if not may_share_history(chosen=True, readable=rules.shared_history, own_signed=signed):
            raise HistoryNotShared("this device is not signed" if rules.shared_history else "visibility")
        devices = history_devices(await self._invited(user))
        if not devices:
            raise HistoryNotShared("no signed device")
        if self._before_build is not None:
            await self._before_build(room)
        bundle = await self._built(room)
        if not bundle["room_keys"]:
            return
        content = {"room_id": room, "file": file_content(await self._uploaded(bundle))}
        recipients = {user: {device.device: content for device in devices}}
        if not await self._encryption.send_to_device_encrypted(BUNDLE, recipients):
            raise HistoryNotShared("no channel")
        _log.info("history shared", room=short(room), user=short(user), keys=len(bundle["room_keys"]))

    def _own_signed(self) -> bool:
        own = next((one for one in self._encryption.devices_of(self._user) if one.device == self._device), None)
        return own is not None and self._encryption.identities.device_trusted(own)

    async def _invited(self, user: UserId) -> Sequence[Device]:
        """Their devices as the server shows them now: an invitation is no moment for an old list."""
        await self._encryption.refresh_devices(user)
        return self._encryption.devices_of(user)

    async def _built(self, room: RoomId) -> JsonObject:
        machine = self._encryption.machine
        exports: dict[tuple[str, str], JsonObject | None] = {}
        rows = machine.sessions(room)
        for number, row in enumerate(rows):
            if row.shared_history:
                exports[(row.session, row.sender_key)] = machine.exported(row)
            if number % EXPORT_STEP == 0:
                await asyncio.sleep(0)

        def export(row: Inbound) -> JsonObject | None:
            return exports.get((row.session, row.sender_key))

        return bundle_of(room, rows, export)

    async def _uploaded(self, bundle: JsonObject) -> EncryptedFile:
        encryptor, sealed = await asyncio.to_thread(_sealed, bundle)
        if len(sealed) > MAX_BYTES:
            raise TooLarge(limit=MAX_BYTES)
        answer = await self._http.upload((*MEDIA_V3, "upload"), lambda: _pieces(sealed), size=len(sealed))
        uri = content_uri(answer.get("content_uri"))
        if uri is None:
            raise ServerFault("no address in the answer")
        return encryptor.finish(uri)

    # Taking

    def watch(self, room: RoomId, listener: Listener[HistoryArrival]) -> Cancel:
        """See `Security.watch_history`."""

        def arrived(news: tuple[RoomId, HistoryArrival]) -> None:
            if news[0] == room:
                self._unheard.discard(room)
                listener(news[1])

        if room in self._unheard:
            arrived((room, HistoryArrival.FAILED))
        return self.arrivals.listen(arrived)

    def invite_accepted(self, room: RoomId, inviter: UserId) -> None:
        """The person joined `room` on the invitation of `inviter`; what they announced or announce within a day is loaded."""
        with self._encryption.change():
            self._offers.accepted(room, inviter)
        self._due.set()

    def _announced(self, event: ToDevice) -> None:
        with self._encryption.change():
            kept = self._offers.announced(event)
        if kept:
            self._due.set()

    async def _load_due(self) -> None:
        pause = self._first_pause
        while True:
            await self._due.wait()
            self._due.clear()
            again = False
            for offer in self._offers.due():
                again = not await self._settled(offer) or again
            if not again:
                pause = self._first_pause
                continue
            try:
                async with asyncio.timeout(pause):
                    await self._due.wait()
            except TimeoutError:
                self._due.set()
            pause = min(LONGEST_PAUSE, 3 * pause)

    async def _settled(self, offer: Offer) -> bool:
        """Try to load one. False: try again later."""
        if offer.tries == 0:
            self.arrivals.emit((offer.room, HistoryArrival.LOADING))
        try:
            arrival = await self._load(offer)
        except (FileDamaged, ValueError) as error:
            _log.warning("history bundle is of no use", room=short(offer.room), error=literal(type(error).__name__))
            arrival = HistoryArrival.FAILED
        except WeLinkError as error:
            _log.info("history bundle not loaded", room=short(offer.room), error=literal(type(error).__name__))
            with self._encryption.change():
                tries = self._offers.failed(offer)
            if tries < ATTEMPTS:
                return False
            arrival = HistoryArrival.FAILED
        with self._encryption.change():
            self._offers.done(offer)
        if arrival is HistoryArrival.FAILED:
            self._unheard.add(offer.room)
        self.arrivals.emit((offer.room, arrival))
        return True

    async def _load(self, offer: Offer) -> HistoryArrival:
        devices = await self._inviters(offer.sender)
        sender = next((one for one in devices if one.curve25519 == offer.sender_key), None)
        if not self._offers.may_take(offer, sender):
            return HistoryArrival.FAILED
        file = encrypted_file(json.loads(offer.file))
        if file is None:
            raise FileDamaged
        sealed = await self._downloaded(file.uri)
        bundle = await asyncio.to_thread(_opened, file, sealed, offer.room)
        await self._import(offer.room, bundle)
        return HistoryArrival.HERE

    async def _inviters(self, user: UserId) -> Sequence[Device]:
        await self._encryption.refresh_devices(user)
        return self._encryption.devices_of(user)

    async def _import(self, room: RoomId, bundle: Bundle) -> None:
        for start in range(0, len(bundle.sessions), IMPORT_STEP):
            taken = self._encryption.take_sessions(bundle.sessions[start : start + IMPORT_STEP], Source.BUNDLE)
            if taken:
                self._encryption.on_room_keys(taken)
            await asyncio.sleep(0)
        machine = self._encryption.machine
        with self._encryption.change():
            explained = [session for session in bundle.withheld if not machine.session(room, session)]
            for session in explained:
                machine.note_withheld(room, session, Withheld.HISTORY_NOT_SHARED)
        if explained:
            self._encryption.on_room_keys([(room, session) for session in explained])
        _log.info("history came", room=short(room), keys=len(bundle.sessions))

    async def _downloaded(self, uri: ContentUri) -> bytes:
        server, _, media = uri.removeprefix("mxc://").partition("/")
        received = bytearray()
        async with self._http.download((*CLIENT_V1, "media", "download", server, media), limit=MAX_BYTES) as download:
            async for piece in download.chunks:
                received += piece
        return bytes(received)


def _sealed(bundle: JsonObject) -> tuple[Encryptor, bytes]:
    encryptor = Encryptor()
    return encryptor, encryptor.update(json.dumps(bundle, separators=(",", ":")).encode())


def _opened(file: EncryptedFile, sealed: bytes, room: RoomId) -> Bundle:
    """Raises `FileDamaged`, or `ValueError` for what is no bundle."""
    check = Check()
    check.update(sealed)
    if not check.matches(file):
        raise FileDamaged
    return read_bundle(b"".join(decrypted(file, _slices(sealed))), room)


def _slices(data: bytes) -> Iterable[bytes]:
    return (data[start : start + PIECE] for start in range(0, len(data), PIECE))


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for piece in _slices(data):
        yield piece
