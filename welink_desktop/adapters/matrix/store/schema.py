"""All migrations, each family's in order. A new module of tables is added at the end."""

from welink_desktop.adapters.matrix.store import (
    account,
    backup,
    crypto_schema,
    healing,
    identity,
    media,
    outbox,
    people,
    rooms,
    timeline,
)
from welink_desktop.adapters.matrix.store.database import Migration

MIGRATIONS: tuple[Migration, ...] = (
    *account.MIGRATIONS,
    *rooms.MIGRATIONS,
    *timeline.MIGRATIONS,
    *outbox.MIGRATIONS,
    *crypto_schema.MIGRATIONS,
    *identity.MIGRATIONS,
    *media.MIGRATIONS,
    *people.MIGRATIONS,
    *backup.MIGRATIONS,
    *healing.MIGRATIONS,
)
