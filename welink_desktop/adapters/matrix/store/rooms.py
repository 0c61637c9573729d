"""Tables of rooms: summary facts, state, members, receipts, room account data, drafts."""

from welink_desktop.adapters.matrix.store.database import Migration

MIGRATIONS = (
    Migration(
        "rooms",
        1,
        (
            """CREATE TABLE rooms(
                room TEXT PRIMARY KEY, membership TEXT NOT NULL, bump INTEGER NOT NULL DEFAULT 0,
                joined INTEGER NOT NULL DEFAULT 0, invited INTEGER NOT NULL DEFAULT 0,
                heroes TEXT NOT NULL DEFAULT '[]', encrypted INTEGER NOT NULL DEFAULT 0,
                members_complete INTEGER NOT NULL DEFAULT 0, inviter TEXT
            ) WITHOUT ROWID""",
            """CREATE TABLE room_state(
                room TEXT NOT NULL, type TEXT NOT NULL, state_key TEXT NOT NULL, event TEXT NOT NULL,
                sender TEXT NOT NULL, ts INTEGER NOT NULL, content TEXT NOT NULL,
                PRIMARY KEY(room, type, state_key)) WITHOUT ROWID""",
            """CREATE TABLE members(
                room TEXT NOT NULL, user TEXT NOT NULL, membership TEXT NOT NULL, name TEXT NOT NULL DEFAULT '',
                avatar TEXT NOT NULL DEFAULT '', ts INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(room, user)) WITHOUT ROWID""",
            "CREATE INDEX members_by_user ON members(user, room)",
            """CREATE TABLE receipts(
                room TEXT NOT NULL, user TEXT NOT NULL, event TEXT NOT NULL, ts INTEGER NOT NULL,
                PRIMARY KEY(room, user)) WITHOUT ROWID""",
            "CREATE INDEX receipts_by_event ON receipts(room, event)",
            """CREATE TABLE room_account_data(
                room TEXT NOT NULL, type TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY(room, type)) WITHOUT ROWID""",
            "CREATE TABLE drafts(room TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
        ),
    ),
)
