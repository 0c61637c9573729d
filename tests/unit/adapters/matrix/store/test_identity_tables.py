"""Pins of an older store are taken over when it is brought up to date."""

from pathlib import Path

from welink_desktop.adapters.matrix.crypto.records import Identity
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.crypto_schema import MIGRATIONS as OLD
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import UserId

KEY = b"d" * 32
BOB, EVE = UserId("@bob:x"), UserId("@eve:x")


def test_old_pins_stay_and_every_list_is_fetched_again(tmp_path: Path) -> None:
    old = Database.open(tmp_path / "store.db", KEY, OLD[:1])
    with old.transaction() as t:
        t.execute("INSERT INTO crypto_identities(user, master, self_signing, changed) VALUES(?, 'M', 'S', 0)", (BOB,))
        t.execute("INSERT INTO crypto_identities(user, master, self_signing, changed) VALUES(?, 'N', '', 1)", (EVE,))
        t.execute("INSERT INTO crypto_tracking(user, outdated, sequence, known) VALUES(?, 0, 3, 1)", (BOB,))
    old.close()
    database = Database.open(tmp_path / "store.db", KEY, MIGRATIONS)
    store = SqlCryptoStore(database)
    assert store.identity(BOB) == Identity(BOB, "M", "S", shown="M")
    assert store.identity(EVE) == Identity(EVE, "N", "", changed=True)
    assert [one.user for one in store.changed_identities()] == [EVE]
    assert {user: state.sequence for user, state in store.outdated().items()} == {BOB: 4}
    database.close()


def test_secrets_are_nowhere_in_the_file(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db", KEY, MIGRATIONS)
    store = SqlCryptoStore(database)
    store.save_identity_secrets({"m.cross_signing.master": "canary-of-a-seed"})
    store.save_identity_secrets({"m.cross_signing.master": "canary-of-another"}, pending=True)
    assert store.identity_secrets() == {"m.cross_signing.master": "canary-of-a-seed"}
    store.save_identity_secrets({}, pending=True)
    assert store.identity_secrets(pending=True) == {}
    database.close()
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"canary" in file.read_bytes()]
