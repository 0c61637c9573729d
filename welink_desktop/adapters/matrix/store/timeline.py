"""Tables of the timeline: events in the server's order, gaps, relations, undecryptable ones.

`position` orders the events of a room: live events grow upwards from 0 in steps, older ones downwards, events of a gap
lie between its two sides. It is a REAL so that there is always room between two neighbours.
"""

from welink_desktop.adapters.matrix.store.database import Migration

MIGRATIONS = (
    Migration(
        "timeline",
        1,
        (
            """CREATE TABLE events(
                room TEXT NOT NULL, event TEXT NOT NULL, position REAL NOT NULL, sender TEXT NOT NULL, type TEXT NOT NULL,
                state_key TEXT, ts INTEGER NOT NULL, raw TEXT NOT NULL, clear TEXT, shield TEXT NOT NULL DEFAULT 'none',
                session TEXT, failure TEXT, transaction_id TEXT, relates_to TEXT, relation TEXT, redaction TEXT,
                notify INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(room, event)) WITHOUT ROWID""",
            "CREATE INDEX events_in_order ON events(room, position)",
            "CREATE INDEX events_by_relation ON events(room, relates_to) WHERE relates_to IS NOT NULL",
            "CREATE INDEX events_by_session ON events(room, session) WHERE failure IS NOT NULL",
            """CREATE INDEX events_counting ON events(room, position) WHERE notify > 0""",
            """CREATE TABLE gaps(
                room TEXT NOT NULL, position REAL NOT NULL, token TEXT NOT NULL, PRIMARY KEY(room, position)) WITHOUT ROWID""",
        ),
    ),
    Migration(
        "timeline",
        2,
        (
            "DROP INDEX events_counting",
            "CREATE INDEX events_unread ON events(room, position, notify) WHERE notify > 0",
        ),
    ),
    Migration(
        "timeline",
        3,
        ("CREATE INDEX events_unsigned ON events(sender, room, session) WHERE shield = 'unsigned'",),
    ),
)
