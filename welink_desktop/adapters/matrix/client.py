"""One signed-in account, running: makes the parts, starts and stops them, implements the port `Session`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.chat import ChatParts, MatrixChat
from welink_desktop.adapters.matrix.crypto.secret_storage import KeyDescription
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.media.cache import MediaCache
from welink_desktop.adapters.matrix.media.library import MediaLibrary, PictureDecoder
from welink_desktop.adapters.matrix.outbox.files import Part
from welink_desktop.adapters.matrix.outbox.queue import Outbox
from welink_desktop.adapters.matrix.outbox.receipts import ReadMarks
from welink_desktop.adapters.matrix.outbox.typing import TypingNotices
from welink_desktop.adapters.matrix.people.directory import PeopleDirectory
from welink_desktop.adapters.matrix.rooms import summary_cache
from welink_desktop.adapters.matrix.rooms.account_data import AccountData
from welink_desktop.adapters.matrix.rooms.administration import RoomAdministration
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.history import History
from welink_desktop.adapters.matrix.rooms.hub import LIST_SECONDS, Hub
from welink_desktop.adapters.matrix.rooms.ingest import Ingest, RoomNews
from welink_desktop.adapters.matrix.rooms.items import ItemBuilder
from welink_desktop.adapters.matrix.rooms.members import RoomMembers
from welink_desktop.adapters.matrix.rooms.room_list import RoomList
from welink_desktop.adapters.matrix.rooms.shields import Marks
from welink_desktop.adapters.matrix.rooms.summaries import Summaries
from welink_desktop.adapters.matrix.rtc.server import HttpCallServer
from welink_desktop.adapters.matrix.rtc.session import CallParts
from welink_desktop.adapters.matrix.rtc.signalling import RtcSignalling
from welink_desktop.adapters.matrix.security.facade import MatrixSecurity, SecurityParts
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.sync.apply import Applier
from welink_desktop.adapters.matrix.sync.loop import SyncLoop
from welink_desktop.adapters.matrix.wire.values import texts_of
from welink_desktop.core.account import Account, Connection, Link
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import Offline, ServerFault, WeLinkError
from welink_desktop.core.ids import ContentUri, RoomId, UserId
from welink_desktop.core.log import topic
from welink_desktop.core.people import Person
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope

SIGN_OUT_SECONDS = 10.0
REFRESH_SECONDS = 0.5
KEEP_LIST_SECONDS = 120.0
_log = topic("session")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session needs besides its account. `forget` deletes its secrets and folder; `closed` tells that it ended.

    `seal`: keep the store's key under a recovery secret (`security.key_safe`).
    """

    folder: Path
    database: Database
    http: Http
    decode: PictureDecoder
    clock: Clock
    service_url: str
    seal: Callable[[bytes, KeyDescription], None]
    forget: Callable[[], None]
    closed: Callable[[], None]

    async def end(self) -> None:
        """Close the line and the store."""
        await self.http.aclose()
        self.database.close()


class _VerificationRooms:
    """Implements `verification.Rooms`."""

    def __init__(self, rooms: RoomStore, administration: RoomAdministration) -> None:
        self._rooms = rooms
        self._administration = administration

    def encrypted(self, room: RoomId) -> bool:
        return self._rooms.encrypted(room)

    async def direct_room(self, user: UserId) -> RoomId:
        return await self._administration.direct(user)


class MatrixSession:
    """Made and started on the engine loop by `accounts`."""

    def __init__(self, account: Account, around: Surroundings) -> None:
        self.account = account
        self._around = around
        database, http, clock = around.database, around.http, around.clock
        user, device = account.user, account.device
        self._scope = Scope("session", on_error=self._failed)
        rooms = RoomStore(database, user)
        data = AccountData(database)
        builder = ItemBuilder(database, rooms)
        summaries = Summaries(database, rooms, data, builder, lambda: self.outbox, clock, device)
        self.room_list = RoomList(summaries, clock)
        self.hub = Hub(database, rooms, data, builder, self.room_list, patience=LIST_SECONDS)
        touched: dict[RoomId, set[str]] = {}
        members = RoomMembers(database, http, rooms, touched, self.hub.publish)
        self.hub.call_changed = members.call_changed
        self.hub.gap_opened = self._gap_opened
        self.encryption = Encryption(database, http, user=user, device=device, rooms=members, scope=self._scope, clock=clock)
        self.encryption.on_room_keys = self._keys_came
        shields = Marks(database, self.encryption, self.hub.publish_in)
        self._scope.add(self.encryption.lists_changed.listen(shields.look_again))
        self._scope.add(self.encryption.people_changed.listen(shields.look_again))
        cache = MediaCache(database, around.folder / "media", clock)
        cache.tidy()
        self.outbox = Outbox(
            database,
            http,
            user=user,
            encryption=self.encryption,
            folder=around.folder / "outgoing",
            scope=self._scope,
            clock=clock,
            uploaded=self._adopt,
        )
        self._ingest = Ingest(rooms, data, self.encryption, lambda: self.outbox, clock)
        self._history = History(database, http, rooms, self._ingest, self.hub.publish, self._scope)
        self._rooms = rooms
        administration = RoomAdministration(http, database, rooms, data, self.hub)
        self.security = MatrixSecurity(
            SecurityParts(
                database=database,
                http=http,
                encryption=self.encryption,
                facts=members,
                rooms=_VerificationRooms(rooms, administration),
                user=user,
                device=device,
                scope=self._scope,
                clock=clock,
                seal=around.seal,
            )
        )
        administration.share_history = self.security.bundles.share
        administration.invite_accepted = self.security.bundles.invite_accepted
        self.hub.verification.listen(self.security.verifications.received)
        data.changed.listen(self.security.account_data_changed)
        marks = ReadMarks(database, http, user, self._scope)
        self._marks = marks
        self.chat = MatrixChat(
            ChatParts(
                database=database,
                rooms=rooms,
                room_list=self.room_list,
                hub=self.hub,
                members=members,
                history=self._history,
                builder=builder,
                administration=administration,
                outbox=self.outbox,
                marks=marks,
                typing=TypingNotices(http, user, self._scope),
                scope=self._scope,
                clock=clock,
            )
        )
        self.media = MediaLibrary(http, cache, self.outbox.files, around.decode, self._scope)
        self.people = PeopleDirectory(database, http, user, self._scope)
        rooms.outside = self.people.outside
        parts = CallParts(HttpCallServer(http, user), members, self.encryption, clock)
        self.calls = RtcSignalling(parts, user=user, device=device, configured=around.service_url)
        self._applier = Applier(database, rooms, data, self._ingest, self.encryption, self.hub.publish, touched)
        self._sync = SyncLoop(
            http, database, self._applier, self.encryption, scope=self._scope, grown=self._grown, applied=self._applied
        )
        self.encryption.caught_up = self._sync.caught_up
        self._seen_outside: dict[UserId, str | None] = {}

    async def start(self) -> None:
        """Show what is stored, then follow the server. Returns at once."""
        with self._around.database.read() as t:
            known = summary_cache.kept(t)
        self.room_list.load(self._rooms.rooms(), known)
        if known:
            self._scope.spawn(self._refresh_list(), name="refresh-list")
        self._scope.spawn(self._keep_list(), name="keep-list")
        self.room_list.set_loading(not self._rooms.rooms())
        self._scope.add(self.room_list.close)
        self._scope.add(self.hub.close)
        self._scope.add(self.outbox.watch_all(self.hub.outbox_changed))
        self._scope.add(self.people.watch_people(self._person_changed))
        await self.encryption.start()
        self.security.start()
        self.outbox.start()
        self._marks.start()
        self._scope.spawn(self._sync.run(), name="sync")

    # Port

    def watch_connection(self, listener: Listener[Connection]) -> Cancel:
        return self._sync.connection.watch(listener)

    async def retry_now(self) -> None:
        self._sync.retry_now()

    async def close(self) -> None:
        if self._scope.closed:
            return
        self.chat.save_drafts()
        await self.calls.close()
        await self._scope.aclose()
        with self._around.database.transaction() as t:
            summary_cache.keep(t, self.room_list.rooms)
        self._sync.connection.set(Connection(Link.STOPPED))
        await self._around.end()
        self._around.closed()

    async def abandon(self) -> None:
        """End a session whose start failed; nothing is written."""
        await self._scope.aclose()
        await self._around.end()

    async def sign_out(self) -> None:
        await self.calls.close()
        try:
            await self._around.http.request("POST", (*names.CLIENT_V3, "logout"), json={}, deadline=SIGN_OUT_SECONDS)
        except WeLinkError as error:
            _log.warning("device not deleted at the server", offline=isinstance(error, Offline))
        await self.close()
        await asyncio.to_thread(self._around.forget)

    def signed_in_again(self) -> None:
        """Fresh tokens are in place: follow the server again."""
        self._around.http.dead.set(None)
        if self._sync.connection.value.link is Link.STOPPED and not self._scope.closed:
            self._sync.connection.set(Connection(Link.CONNECTING))
            self._scope.spawn(self._sync.run(), name="sync")
            self.encryption.wake()

    # Inside

    def _adopt(self, uri: ContentUri, part: Part, clear: bool) -> None:
        self.media.adopt(uri, part, clear)

    def _failed(self, error: BaseException) -> None:
        """A part crashed: that is a fault of ours, the account goes on as far as it can."""
        _log.error("part failed", exc=error)

    def _applied(self) -> None:
        self.hub.notifying = True

    def _keys_came(self, keys: list[tuple[RoomId, str]]) -> None:
        for room, session in keys:
            news = RoomNews(room)
            with self._around.database.transaction() as t:
                self.hub.publish_in(t, news)
                self._ingest.decrypt_again(t, room, session, news)
        self.security.keys_came(keys)

    async def _refresh_list(self) -> None:
        """What was kept may be older than the store (after a crash). Not in the way of the first picture."""
        await asyncio.sleep(REFRESH_SECONDS)
        await self.room_list.refresh(self._rooms.rooms())

    async def _keep_list(self) -> None:
        last = self.room_list.rooms
        while True:
            await asyncio.sleep(KEEP_LIST_SECONDS)
            if self.room_list.rooms != last:
                last = self.room_list.rooms
                with self._around.database.transaction() as t:
                    summary_cache.keep(t, last)

    def _person_changed(self, person: Person) -> None:
        """Where somebody works may decide whether a room is shown as one with outsiders."""
        if self._rooms.outside(person.user) == self._seen_outside.get(person.user):
            return
        self._seen_outside[person.user] = self._rooms.outside(person.user)
        self.hub.publish({room: RoomNews(room, people=True) for room in self._rooms.rooms_of(person.user)})

    def _grown(self, fresh: bool) -> None:
        """Every room was asked for: look for rooms that were left elsewhere, and fill gaps behind the scenes."""
        self.room_list.set_loading(False)
        if fresh:
            self._scope.spawn(self._compare_rooms(), name="compare-rooms")
        self._scope.spawn(self._fill_gaps(), name="fill-gaps")

    async def _compare_rooms(self) -> None:
        """A room left on another device is missing from a fresh connection (matrix.md §2.2)."""
        before = {room for room in self._rooms.rooms() if self._is_joined(room)}
        try:
            answer = await self._around.http.request("GET", (*names.CLIENT_V3, "joined_rooms"), limit=16 << 20)
        except WeLinkError:
            _log.info("joined rooms not compared")
            return
        joined = set(texts_of(answer, "joined_rooms"))
        for room in before - joined:
            with self._around.database.transaction() as t:
                self.hub.publish_in(t, RoomNews(room))
                row = self._rooms.ensure(t, room)
                row.membership = "leave"
                self._rooms.save(t, row)

    def _is_joined(self, room: RoomId) -> bool:
        row = self._rooms.row(room)
        return row is not None and row.membership == "join"

    def _gap_opened(self, room: RoomId) -> None:
        if not self._scope.closed:
            self._scope.spawn(self._fill([room]), name="fill-gap")

    async def _fill_gaps(self) -> None:
        await self._fill(self._history.gaps_to_fill())

    async def _fill(self, rooms: list[RoomId]) -> None:
        for room in rooms:
            if not self._is_joined(room):
                continue
            try:
                await self._history.fill_gap(room)
            except (Offline, ServerFault):
                return
            except WeLinkError:
                _log.info("gap not filled")
