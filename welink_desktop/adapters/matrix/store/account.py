"""Facts of the account: sync positions, account data, the server's abilities."""

from welink_desktop.adapters.matrix.store.database import Migration, Transaction

MIGRATIONS = (
    Migration(
        "account",
        1,
        (
            "CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE account_data(type TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID",
        ),
    ),
)


def fact(t: Transaction, name: str) -> str | None:
    value: str | None = t.value("SELECT value FROM facts WHERE name = ?", (name,))
    return value


def set_fact(t: Transaction, name: str, value: str | None) -> None:
    """None forgets it."""
    if value is None:
        t.execute("DELETE FROM facts WHERE name = ?", (name,))
    else:
        t.execute(
            "INSERT INTO facts(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", (name, value)
        )


def set_account_data(t: Transaction, event_type: str, content: str) -> None:
    t.execute(
        "INSERT INTO account_data(type, content) VALUES(?, ?) ON CONFLICT(type) DO UPDATE SET content = excluded.content",
        (event_type, content),
    )


def account_data(t: Transaction) -> dict[str, str]:
    """All global account data, type → JSON text."""
    return {row[0]: row[1] for row in t.rows("SELECT type, content FROM account_data")}
