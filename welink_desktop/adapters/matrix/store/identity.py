"""Tables of identities: everybody's pins, our own secrets, signatures on their way."""

import json
from collections.abc import Mapping

from welink_desktop.adapters.matrix.crypto.records import Identity, JsonObject, OwnTrust
from welink_desktop.adapters.matrix.store.database import Migration, Row
from welink_desktop.adapters.matrix.store.statements import Statements
from welink_desktop.core.ids import UserId

MIGRATIONS = (
    Migration(
        "identity",
        1,
        (
            """CREATE TABLE identity_people(
                user TEXT PRIMARY KEY, master TEXT NOT NULL, self_signing TEXT NOT NULL, changed INTEGER NOT NULL,
                shown TEXT NOT NULL, user_signing TEXT NOT NULL, was_verified INTEGER NOT NULL, signed_with TEXT NOT NULL,
                withdrawn INTEGER NOT NULL, raw TEXT NOT NULL) WITHOUT ROWID""",
            "CREATE INDEX identity_people_changed ON identity_people(changed) WHERE changed = 1",
            """INSERT INTO identity_people
                SELECT user, master, self_signing, changed, CASE changed WHEN 0 THEN master ELSE '' END, '', 0, '', 0, ''
                FROM crypto_identities""",
            "DROP TABLE crypto_identities",
            "ALTER TABLE crypto_devices ADD COLUMN shown_signed INTEGER NOT NULL DEFAULT 0",
            "UPDATE crypto_tracking SET outdated = 1, sequence = sequence + 1",
            """CREATE TABLE identity_own(
                one INTEGER PRIMARY KEY CHECK(one = 1), trusted TEXT NOT NULL, only_signed INTEGER NOT NULL)""",
            """CREATE TABLE identity_secrets(
                pending INTEGER NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, PRIMARY KEY(pending, name)) WITHOUT ROWID""",
            "CREATE TABLE identity_signatures(position INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)",
        ),
    ),
)

_COLUMNS = "user, master, self_signing, changed, shown, user_signing, was_verified, signed_with, withdrawn, raw"


class SqlIdentityStore(Statements):
    """`IdentityStore` over the account's database."""

    def identity(self, user: UserId) -> Identity | None:
        row = self._row(f"SELECT {_COLUMNS} FROM identity_people WHERE user = ?", (user,))  # noqa: S608  # a literal list of columns
        return None if row is None else _identity(row)

    def save_identity(self, identity: Identity) -> None:
        self._write(
            f"INSERT OR REPLACE INTO identity_people({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                identity.user,
                identity.master,
                identity.self_signing,
                identity.changed,
                identity.shown,
                identity.user_signing,
                identity.was_verified,
                identity.signed_with,
                identity.withdrawn,
                identity.raw,
            ),
        )

    def identities(self) -> list[Identity]:
        return [_identity(row) for row in self._rows(f"SELECT {_COLUMNS} FROM identity_people")]  # noqa: S608  # literal columns

    def changed_identities(self) -> list[Identity]:
        query = f"SELECT {_COLUMNS} FROM identity_people WHERE changed = 1"  # noqa: S608  # a literal list of columns
        return [_identity(row) for row in self._rows(query)]

    def own_trust(self) -> OwnTrust:
        row = self._row("SELECT trusted, only_signed FROM identity_own")
        return OwnTrust() if row is None else OwnTrust(row[0], bool(row[1]))

    def save_own_trust(self, trust: OwnTrust) -> None:
        self._write(
            "INSERT OR REPLACE INTO identity_own(one, trusted, only_signed) VALUES(1, ?, ?)", (trust.trusted, trust.only_signed)
        )

    def identity_secrets(self, *, pending: bool = False) -> dict[str, str]:
        return dict(self._rows("SELECT name, secret FROM identity_secrets WHERE pending = ?", (pending,)))

    def save_identity_secrets(self, secrets: Mapping[str, str], *, pending: bool = False) -> None:
        with self._database.transaction() as t:
            t.execute("DELETE FROM identity_secrets WHERE pending = ?", (pending,))
            t.executemany(
                "INSERT INTO identity_secrets(pending, name, secret) VALUES(?, ?, ?)",
                [(pending, name, secret) for name, secret in secrets.items()],
            )

    def signature_uploads(self) -> list[tuple[int, JsonObject]]:
        rows = self._rows("SELECT position, body FROM identity_signatures ORDER BY position")
        return [(row[0], json.loads(row[1])) for row in rows]

    def add_signature_upload(self, body: JsonObject) -> int:
        with self._database.transaction() as t:
            return t.insert("INSERT INTO identity_signatures(body) VALUES(?)", (json.dumps(body),))

    def remove_signature_upload(self, row: int) -> None:
        self._write("DELETE FROM identity_signatures WHERE position = ?", (row,))


def _identity(row: Row) -> Identity:
    return Identity(
        user=UserId(row[0]),
        master=row[1],
        self_signing=row[2],
        changed=bool(row[3]),
        shown=row[4],
        user_signing=row[5],
        was_verified=bool(row[6]),
        signed_with=row[7],
        withdrawn=bool(row[8]),
        raw=row[9],
    )
