"""Tables of what devices of one account ask each other, and of history bundles."""

import json

from welink_desktop.adapters.matrix.crypto.bundles import Offer
from welink_desktop.adapters.matrix.crypto.forwarding import KeyRequest
from welink_desktop.adapters.matrix.crypto.gossip import SecretRequest
from welink_desktop.adapters.matrix.store.database import Database, Migration
from welink_desktop.core.ids import DeviceId, RoomId, UserId

OFFERS = 500
KEY_REQUESTS = 5_000

MIGRATIONS = (
    Migration(
        "gossip",
        1,
        (
            "CREATE TABLE gossip_secrets(request TEXT PRIMARY KEY, name TEXT NOT NULL, asked_ms INTEGER NOT NULL, "
            "devices TEXT NOT NULL, answered TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE gossip_keys(room TEXT NOT NULL, session TEXT NOT NULL, request TEXT NOT NULL, asked_ms INTEGER NOT "
            "NULL, tries INTEGER NOT NULL, open INTEGER NOT NULL, devices TEXT NOT NULL, PRIMARY KEY(room, session)) "
            "WITHOUT ROWID",
            "CREATE TABLE gossip_offers(position INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL, sender TEXT NOT NULL, "
            "sender_key TEXT NOT NULL, arrived_ms INTEGER NOT NULL, file TEXT NOT NULL, tries INTEGER NOT NULL, "
            "UNIQUE(room, sender))",
            "CREATE TABLE gossip_accepted(room TEXT PRIMARY KEY, inviter TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID",
        ),
    ),
)


class SqlHealingStore:
    """Implements `GossipStore`, `KeyRequestStore` and `OfferStore`; writes join the running transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def secret_requests(self) -> list[SecretRequest]:
        with self._database.read() as t:
            rows = t.rows("SELECT request, name, asked_ms, devices, answered FROM gossip_secrets ORDER BY name")
        return [SecretRequest(row[0], row[1], row[2], _devices(row[3]), _devices(row[4])) for row in rows]

    def save_secret_request(self, row: SecretRequest) -> None:
        with self._database.transaction() as t:
            t.execute(
                "INSERT OR REPLACE INTO gossip_secrets(request, name, asked_ms, devices, answered) VALUES(?, ?, ?, ?, ?)",
                (row.request, row.name, row.asked_ms, json.dumps(sorted(row.devices)), json.dumps(sorted(row.answered))),
            )

    def remove_secret_request(self, request: str) -> None:
        with self._database.transaction() as t:
            t.execute("DELETE FROM gossip_secrets WHERE request = ?", (request,))

    def key_request(self, room: RoomId, session: str) -> KeyRequest | None:
        with self._database.read() as t:
            row = t.row(
                "SELECT request, asked_ms, tries, open, devices FROM gossip_keys WHERE room = ? AND session = ?", (room, session)
            )
        return None if row is None else KeyRequest(room, session, row[0], row[1], row[2], bool(row[3]), _devices(row[4]))

    def save_key_request(self, row: KeyRequest) -> None:
        with self._database.transaction() as t:
            t.execute(
                "INSERT OR REPLACE INTO gossip_keys(room, session, request, asked_ms, tries, open, devices) "
                "VALUES(?, ?, ?, ?, ?, ?, ?)",
                (row.room, row.session, row.request, row.asked_ms, row.tries, row.open, json.dumps(sorted(row.devices))),
            )
            t.execute(
                "DELETE FROM gossip_keys WHERE asked_ms < "
                "(SELECT asked_ms FROM gossip_keys ORDER BY asked_ms DESC LIMIT 1 OFFSET ?)",
                (KEY_REQUESTS - 1,),
            )

    def offer(self, room: RoomId, sender: UserId) -> Offer | None:
        with self._database.read() as t:
            row = t.row(
                "SELECT sender_key, arrived_ms, file, tries FROM gossip_offers WHERE room = ? AND sender = ?", (room, sender)
            )
        return None if row is None else Offer(room, sender, row[0], row[1], row[2], row[3])

    def save_offer(self, row: Offer) -> None:
        with self._database.transaction() as t:
            t.execute(
                "INSERT OR REPLACE INTO gossip_offers(room, sender, sender_key, arrived_ms, file, tries) "
                "VALUES(?, ?, ?, ?, ?, ?)",
                (row.room, row.sender, row.sender_key, row.arrived_ms, row.file, row.tries),
            )
            t.execute(
                "DELETE FROM gossip_offers WHERE position NOT IN "
                "(SELECT position FROM gossip_offers ORDER BY position DESC LIMIT ?)",
                (OFFERS,),
            )

    def remove_offer(self, room: RoomId, sender: UserId) -> None:
        with self._database.transaction() as t:
            t.execute("DELETE FROM gossip_offers WHERE room = ? AND sender = ?", (room, sender))

    def acceptances(self) -> dict[RoomId, tuple[UserId, int]]:
        with self._database.read() as t:
            return {
                RoomId(row[0]): (UserId(row[1]), row[2]) for row in t.rows("SELECT room, inviter, at_ms FROM gossip_accepted")
            }

    def save_acceptance(self, room: RoomId, inviter: UserId, at_ms: int) -> None:
        with self._database.transaction() as t:
            t.execute("INSERT OR REPLACE INTO gossip_accepted(room, inviter, at_ms) VALUES(?, ?, ?)", (room, inviter, at_ms))

    def remove_acceptance(self, room: RoomId) -> None:
        with self._database.transaction() as t:
            t.execute("DELETE FROM gossip_accepted WHERE room = ?", (room,))


def _devices(text: str) -> frozenset[DeviceId]:
    return frozenset(DeviceId(one) for one in json.loads(text))
