"""Tables of the encryption core, and the inbox of to-device events that are not processed yet."""

import json
from collections.abc import Collection, Iterable

from welink_desktop.adapters.matrix.crypto.records import (
    AccountRow,
    Device,
    Inbound,
    JsonObject,
    OlmSession,
    Outbound,
    SendToDevice,
    Share,
    Source,
    Tracking,
    Withheld,
)
from welink_desktop.adapters.matrix.store.database import Database, Row, Transaction
from welink_desktop.adapters.matrix.store.identity import SqlIdentityStore
from welink_desktop.core.ids import DeviceId, RoomId, UserId

HELD_PER_USER = 100
OLM_SEEN = 20_000
_DEVICE = "user, device, curve25519, ed25519, algorithms, name, keys_changed, owner_signed, dehydrated, raw, shown_signed"
_INBOUND = "room, session, sender_key, sender_ed25519, sender, device, source, first_index, pickle, shared_history, owner_signed"
_OUTBOUND = "room, session, pickle, first_key, created_ms, messages, period_ms, period_messages, shared_history, invalid"


class SqlCryptoStore(SqlIdentityStore):
    """`CryptoStore` over the account's database; writes join the running transaction."""

    def account(self) -> AccountRow | None:
        row = self._row("SELECT pickle, uploaded, server_count, fallback_at_ms, fallback_used, created_ms FROM crypto_account")
        return None if row is None else AccountRow(row[0], bool(row[1]), row[2], row[3], bool(row[4]), row[5])

    def save_account(self, row: AccountRow) -> None:
        self._write(
            "INSERT OR REPLACE INTO crypto_account"
            "(one, pickle, uploaded, server_count, fallback_at_ms, fallback_used, created_ms) VALUES(1, ?, ?, ?, ?, ?, ?)",
            (row.pickle, row.uploaded, row.server_count, row.fallback_at_ms, row.fallback_used, row.created_ms),
        )

    def tracking(self, user: UserId) -> Tracking | None:
        row = self._row("SELECT outdated, sequence, known FROM crypto_tracking WHERE user = ?", (user,))
        return None if row is None else Tracking(bool(row[0]), row[1], bool(row[2]))

    def save_tracking(self, user: UserId, state: Tracking) -> None:
        self._write(
            "INSERT OR REPLACE INTO crypto_tracking(user, outdated, sequence, known) VALUES(?, ?, ?, ?)",
            (user, state.outdated, state.sequence, state.known),
        )

    def untrack(self, user: UserId) -> None:
        self._write("DELETE FROM crypto_tracking WHERE user = ?", (user,))

    def outdated(self) -> dict[UserId, Tracking]:
        rows = self._rows("SELECT user, sequence, known FROM crypto_tracking WHERE outdated = 1")
        return {UserId(row[0]): Tracking(True, row[1], bool(row[2])) for row in rows}

    def outdate_all(self) -> None:
        self._write("UPDATE crypto_tracking SET outdated = 1, sequence = sequence + 1")

    def devices(self, user: UserId) -> dict[DeviceId, Device]:
        rows = self._rows(f"SELECT {_DEVICE} FROM crypto_devices WHERE user = ?", (user,))  # noqa: S608  # a literal list of columns
        return {DeviceId(row[1]): _device(row) for row in rows}

    def devices_of(self, users: Collection[UserId]) -> list[Device]:
        query = f"SELECT {_DEVICE} FROM crypto_devices WHERE user IN (SELECT value FROM json_each(?))"  # noqa: S608  # literal columns
        return [_device(row) for row in self._rows(query, (json.dumps(list(users)),))]

    def devices_with_key(self, curve25519: str) -> list[Device]:
        query = f"SELECT {_DEVICE} FROM crypto_devices WHERE curve25519 = ?"  # noqa: S608  # a literal list of columns
        return [_device(row) for row in self._rows(query, (curve25519,))]

    def replace_devices(self, user: UserId, devices: Iterable[Device]) -> None:
        with self._database.transaction() as t:
            t.execute("DELETE FROM crypto_devices WHERE user = ?", (user,))
            t.executemany(
                f"INSERT INTO crypto_devices({_DEVICE}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.user,
                        one.device,
                        one.curve25519,
                        one.ed25519,
                        json.dumps(one.algorithms),
                        one.name,
                        one.keys_changed,
                        one.owner_signed,
                        one.dehydrated,
                        one.raw,
                        one.shown_signed,
                    )
                    for one in devices
                ],
            )

    def olm_sessions(self, curve25519: str) -> list[OlmSession]:
        rows = self._rows("SELECT session, pickle, created_ms, decrypted_ms FROM crypto_olm WHERE curve25519 = ?", (curve25519,))
        return [OlmSession(curve25519, *row) for row in rows]

    def keys_with_session(self, keys: Collection[str]) -> set[str]:
        query = "SELECT DISTINCT curve25519 FROM crypto_olm WHERE curve25519 IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._rows(query, (json.dumps(list(keys)),))}

    def save_olm_session(self, row: OlmSession) -> None:
        self._write(
            "INSERT OR REPLACE INTO crypto_olm(curve25519, session, pickle, created_ms, decrypted_ms) VALUES(?, ?, ?, ?, ?)",
            (row.curve25519, row.session, row.pickle, row.created_ms, row.decrypted_ms),
        )

    def delete_olm_session(self, curve25519: str, session: str) -> None:
        self._write("DELETE FROM crypto_olm WHERE curve25519 = ? AND session = ?", (curve25519, session))

    def unwedged_at_ms(self, curve25519: str) -> int:
        row = self._row("SELECT at_ms FROM crypto_unwedged WHERE curve25519 = ?", (curve25519,))
        return 0 if row is None else int(row[0])

    def save_unwedged(self, curve25519: str, at_ms: int) -> None:
        self._write("INSERT OR REPLACE INTO crypto_unwedged(curve25519, at_ms) VALUES(?, ?)", (curve25519, at_ms))

    def outgoing(self) -> list[SendToDevice]:
        rows = self._rows("SELECT txn, type, messages, room, session FROM crypto_outgoing ORDER BY position")
        return [SendToDevice(row[0], row[1], json.loads(row[2]), RoomId(row[3]), row[4]) for row in rows]

    def add_outgoing(self, request: SendToDevice) -> None:
        self._write(
            "INSERT INTO crypto_outgoing(txn, type, messages, room, session) VALUES(?, ?, ?, ?, ?)",
            (request.txn, request.type, json.dumps(request.body["messages"]), request.room, request.session),
        )

    def remove_outgoing(self, txn: str) -> None:
        self._write("DELETE FROM crypto_outgoing WHERE txn = ?", (txn,))

    def held(self, user: UserId) -> list[tuple[int, str, JsonObject]]:
        rows = self._rows("SELECT position, sender_key, payload FROM crypto_held WHERE user = ? ORDER BY position", (user,))
        return [(row[0], row[1], json.loads(row[2])) for row in rows]

    def hold(self, user: UserId, sender_key: str, payload: JsonObject) -> None:
        with self._database.transaction() as t:
            t.execute(
                "INSERT INTO crypto_held(user, sender_key, payload) VALUES(?, ?, ?)", (user, sender_key, json.dumps(payload))
            )
            t.execute(
                "DELETE FROM crypto_held WHERE user = ? AND position NOT IN "
                "(SELECT position FROM crypto_held WHERE user = ? ORDER BY position DESC LIMIT ?)",
                (user, user, HELD_PER_USER),
            )

    def release(self, row: int) -> None:
        self._write("DELETE FROM crypto_held WHERE position = ?", (row,))

    def olm_seen(self, digest: str) -> bool:
        return self._row("SELECT 1 FROM crypto_olm_seen WHERE digest = ?", (digest,)) is not None

    def save_olm_seen(self, digest: str) -> None:
        self._write("INSERT OR IGNORE INTO crypto_olm_seen(digest) VALUES(?)", (digest,))
        self._write("DELETE FROM crypto_olm_seen WHERE position <= (SELECT max(position) FROM crypto_olm_seen) - ?", (OLM_SEEN,))

    def inbound(self, room: RoomId, session: str) -> list[Inbound]:
        query = f"SELECT {_INBOUND} FROM crypto_inbound WHERE room = ? AND session = ?"  # noqa: S608  # a literal list of columns
        return [_inbound(row) for row in self._rows(query, (room, session))]

    def save_inbound(self, row: Inbound) -> None:
        self._write(
            f"INSERT OR REPLACE INTO crypto_inbound({_INBOUND}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.room,
                row.session,
                row.sender_key,
                row.sender_ed25519,
                row.sender,
                row.device,
                row.source.value,
                row.first_index,
                row.pickle,
                row.shared_history,
                row.owner_signed,
            ),
        )

    def inbound_of(self, room: RoomId) -> list[Inbound]:
        query = f"SELECT {_INBOUND} FROM crypto_inbound WHERE room = ?"  # noqa: S608  # a literal list of columns
        return [_inbound(row) for row in self._rows(query, (room,))]

    def remember_index(self, session: str, index: int, event: str, at_ms: int) -> tuple[str, int] | None:
        query = "INSERT OR IGNORE INTO crypto_indexes(session, number, event, at_ms) VALUES(?, ?, ?, ?)"
        if self._write(query, (session, index, event, at_ms)):
            return None
        row = self._row("SELECT event, at_ms FROM crypto_indexes WHERE session = ? AND number = ?", (session, index))
        return None if row is None else (row[0], row[1])

    def outbound(self, room: RoomId) -> Outbound | None:
        row = self._row(f"SELECT {_OUTBOUND} FROM crypto_outbound WHERE room = ?", (room,))  # noqa: S608  # a literal list of columns
        return None if row is None else _outbound(row)

    def outbounds_shared_with(self, user: UserId, device: DeviceId) -> list[Outbound]:
        query = (
            f"SELECT {_OUTBOUND} FROM crypto_outbound o WHERE EXISTS (SELECT 1 FROM crypto_shares s "  # noqa: S608  # literal columns
            "WHERE s.user = ? AND s.device = ? AND s.room = o.room AND s.session = o.session)"
        )
        return [_outbound(row) for row in self._rows(query, (user, device))]

    def save_outbound(self, row: Outbound) -> None:
        self._write(
            f"INSERT OR REPLACE INTO crypto_outbound({_OUTBOUND}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.room,
                row.session,
                row.pickle,
                row.first_key,
                row.created_ms,
                row.messages,
                row.period_ms,
                row.period_messages,
                row.shared_history,
                row.invalid,
            ),
        )

    def shares(self, room: RoomId, session: str) -> list[Share]:
        query = "SELECT user, device, curve25519, number, reached FROM crypto_shares WHERE room = ? AND session = ?"
        return [
            Share(UserId(u), DeviceId(d), key, index, bool(reached))
            for u, d, key, index, reached in self._rows(query, (room, session))
        ]

    def save_shares(self, room: RoomId, session: str, shares: Iterable[Share]) -> None:
        with self._database.transaction() as t:
            t.executemany(
                "INSERT OR REPLACE INTO crypto_shares(room, session, user, device, curve25519, number, reached) "
                "VALUES(?, ?, ?, ?, ?, ?, ?)",
                [(room, session, one.user, one.device, one.curve25519, one.index, one.reached) for one in shares],
            )

    def mark_reached(self, room: RoomId, session: str, devices: Collection[tuple[UserId, DeviceId]]) -> None:
        with self._database.transaction() as t:
            t.executemany(
                "UPDATE crypto_shares SET reached = 1 WHERE room = ? AND session = ? AND user = ? AND device = ?",
                [(room, session, user, device) for user, device in devices],
            )

    def withheld(self, room: RoomId, session: str) -> Withheld | None:
        row = self._row("SELECT code FROM crypto_withheld WHERE room = ? AND session = ?", (room, session))
        return None if row is None else Withheld(row[0])

    def save_withheld(self, room: RoomId, session: str, code: Withheld) -> None:
        self._write("INSERT OR REPLACE INTO crypto_withheld(room, session, code) VALUES(?, ?, ?)", (room, session, code.value))

    def no_channel_from(self, sender: UserId, device: DeviceId) -> bool:
        return self._row("SELECT 1 FROM crypto_no_channel WHERE user = ? AND device = ?", (sender, device)) is not None

    def save_no_channel(self, sender: UserId, device: DeviceId) -> None:
        self._write("INSERT OR IGNORE INTO crypto_no_channel(user, device) VALUES(?, ?)", (sender, device))

    def clear_no_channel(self, sender: UserId, device: DeviceId) -> None:
        self._write("DELETE FROM crypto_no_channel WHERE user = ? AND device = ?", (sender, device))

    def withheld_sent(self, session: str, user: UserId, device: DeviceId) -> bool:
        query = "SELECT 1 FROM crypto_withheld_sent WHERE session = ? AND user = ? AND device = ?"
        return self._row(query, (session, user, device)) is not None

    def save_withheld_sent(self, session: str, user: UserId, device: DeviceId) -> None:
        self._write("INSERT OR IGNORE INTO crypto_withheld_sent(session, user, device) VALUES(?, ?, ?)", (session, user, device))


class Inbox:
    """To-device events that a sync answer brought and that are not processed yet, in order."""

    @staticmethod
    def add(transaction: Transaction, events: Iterable[object]) -> None:
        transaction.executemany("INSERT INTO crypto_inbox(event) VALUES(?)", [(json.dumps(event),) for event in events])

    @staticmethod
    def next(transaction: Transaction, limit: int) -> list[tuple[int, object]]:
        """The oldest events with their row."""
        rows = transaction.rows("SELECT position, event FROM crypto_inbox ORDER BY position LIMIT ?", (limit,))
        return [(row[0], json.loads(row[1])) for row in rows]

    @staticmethod
    def remove(transaction: Transaction, positions: Iterable[int]) -> None:
        transaction.executemany("DELETE FROM crypto_inbox WHERE position = ?", [(position,) for position in positions])


def pickle_key(database: Database, fresh: bytes) -> bytes:
    """The key of this account's pickles; `fresh` becomes it if there is none."""
    with database.transaction() as t:
        t.execute("INSERT OR IGNORE INTO crypto_pickle_key(one, key) VALUES(1, ?)", (fresh,))
        return bytes(t.value("SELECT key FROM crypto_pickle_key"))


def _device(row: Row) -> Device:
    return Device(
        UserId(row[0]),
        DeviceId(row[1]),
        row[2],
        row[3],
        tuple(json.loads(row[4])),
        row[5],
        bool(row[6]),
        bool(row[7]),
        bool(row[8]),
        row[9],
        bool(row[10]),
    )


def _inbound(row: Row) -> Inbound:
    return Inbound(
        RoomId(row[0]),
        row[1],
        row[2],
        row[3],
        UserId(row[4]),
        DeviceId(row[5]),
        Source(row[6]),
        row[7],
        row[8],
        bool(row[9]),
        bool(row[10]),
    )


def _outbound(row: Row) -> Outbound:
    return Outbound(RoomId(row[0]), row[1], row[2], row[3], row[4], row[5], row[6], row[7], bool(row[8]), bool(row[9]))
