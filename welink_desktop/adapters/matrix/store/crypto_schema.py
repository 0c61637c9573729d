"""Schema of the encryption core's tables."""

from welink_desktop.adapters.matrix.store.database import Migration

MIGRATIONS = (
    Migration(
        "crypto",
        1,
        (
            "CREATE TABLE crypto_account(one INTEGER PRIMARY KEY CHECK(one = 1), pickle TEXT NOT NULL, uploaded INTEGER NOT"
            " NULL, server_count INTEGER NOT NULL, fallback_at_ms INTEGER NOT NULL, fallback_used INTEGER NOT NULL, "
            "created_ms INTEGER NOT NULL)",
            "CREATE TABLE crypto_pickle_key(one INTEGER PRIMARY KEY CHECK(one = 1), key BLOB NOT NULL)",
            "CREATE TABLE crypto_tracking(user TEXT PRIMARY KEY, outdated INTEGER NOT NULL, sequence INTEGER NOT NULL, "
            "known INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE INDEX crypto_tracking_outdated ON crypto_tracking(outdated) WHERE outdated = 1",
            "CREATE TABLE crypto_devices(user TEXT NOT NULL, device TEXT NOT NULL, curve25519 TEXT NOT NULL, ed25519 TEXT "
            "NOT NULL, algorithms TEXT NOT NULL, name TEXT NOT NULL, keys_changed INTEGER NOT NULL, owner_signed INTEGER "
            "NOT NULL, dehydrated INTEGER NOT NULL, raw TEXT NOT NULL, PRIMARY KEY(user, device)) WITHOUT ROWID",
            "CREATE INDEX crypto_devices_curve ON crypto_devices(curve25519)",
            "CREATE TABLE crypto_identities(user TEXT PRIMARY KEY, master TEXT NOT NULL, self_signing TEXT NOT NULL, "
            "changed INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE crypto_olm(curve25519 TEXT NOT NULL, session TEXT NOT NULL, pickle TEXT NOT NULL, created_ms "
            "INTEGER NOT NULL, decrypted_ms INTEGER NOT NULL, PRIMARY KEY(curve25519, session)) WITHOUT ROWID",
            "CREATE TABLE crypto_unwedged(curve25519 TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE crypto_outgoing(position INTEGER PRIMARY KEY AUTOINCREMENT, txn TEXT NOT NULL UNIQUE, type TEXT "
            "NOT NULL, messages TEXT NOT NULL, room TEXT NOT NULL, session TEXT NOT NULL)",
            "CREATE TABLE crypto_held(position INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, sender_key TEXT NOT "
            "NULL, payload TEXT NOT NULL)",
            "CREATE INDEX crypto_held_user ON crypto_held(user)",
            "CREATE TABLE crypto_inbound(room TEXT NOT NULL, session TEXT NOT NULL, sender_key TEXT NOT NULL, "
            "sender_ed25519 TEXT NOT NULL, sender TEXT NOT NULL, device TEXT NOT NULL, source TEXT NOT NULL, first_index "
            "INTEGER NOT NULL, pickle TEXT NOT NULL, shared_history INTEGER NOT NULL, owner_signed INTEGER NOT NULL, "
            "PRIMARY KEY(room, session, sender_key))",
            "CREATE TABLE crypto_indexes(session TEXT NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL, "
            "at_ms INTEGER NOT NULL, PRIMARY KEY(session, number)) WITHOUT ROWID",
            "CREATE TABLE crypto_outbound(room TEXT PRIMARY KEY, session TEXT NOT NULL, pickle TEXT NOT NULL, first_key "
            "TEXT NOT NULL, created_ms INTEGER NOT NULL, messages INTEGER NOT NULL, period_ms INTEGER NOT NULL, "
            "period_messages INTEGER NOT NULL, shared_history INTEGER NOT NULL, invalid INTEGER NOT NULL)",
            "CREATE TABLE crypto_shares(room TEXT NOT NULL, session TEXT NOT NULL, user TEXT NOT NULL, device TEXT NOT "
            "NULL, curve25519 TEXT NOT NULL, number INTEGER NOT NULL, reached INTEGER NOT NULL, PRIMARY KEY(room, session, "
            "user, device)) WITHOUT ROWID",
            "CREATE INDEX crypto_shares_device ON crypto_shares(user, device)",
            "CREATE TABLE crypto_withheld(room TEXT NOT NULL, session TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY(room, "
            "session)) WITHOUT ROWID",
            "CREATE TABLE crypto_no_channel(user TEXT NOT NULL, device TEXT NOT NULL, PRIMARY KEY(user, device)) WITHOUT ROWID",
            "CREATE TABLE crypto_withheld_sent(session TEXT NOT NULL, user TEXT NOT NULL, device TEXT NOT NULL, PRIMARY "
            "KEY(session, user, device)) WITHOUT ROWID",
            "CREATE TABLE crypto_inbox(position INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL)",
        ),
    ),
    Migration(
        "healing",
        1,
        ("CREATE TABLE crypto_olm_seen(position INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE)",),
    ),
)
