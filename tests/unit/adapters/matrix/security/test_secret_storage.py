"""The secret storage against a server that may lie (matrix.md §8.7)."""

from typing import Any

import pytest

from tests.support.backup_home import BackupHome
from welink_desktop.adapters.matrix.crypto import recovery_key
from welink_desktop.adapters.matrix.crypto.secret_storage import new_key
from welink_desktop.adapters.matrix.security.secret_storage import DEFAULT_KEY, KEY_PREFIX, SecretStorage
from welink_desktop.core.errors import NotFound, Offline, WrongRecoveryKey
from welink_desktop.core.ids import UserId

MASTER, BACKUP = "m.cross_signing.master", "m.megolm_backup.v1"


@pytest.fixture
def home() -> BackupHome:
    return BackupHome()


@pytest.fixture
def storage(home: BackupHome) -> SecretStorage:
    return SecretStorage(home, UserId("@lin:x"))


def puts(home: BackupHome) -> list[str]:
    return [call for call in home.calls if call.startswith("PUT")]


async def test_secrets_come_back_with_the_recovery_key_on_another_device(home: BackupHome, storage: SecretStorage) -> None:
    assert not await storage.exists()
    typed = await storage.create(secrets={MASTER: "seed"})
    assert await storage.exists()
    assert not await storage.takes_passphrase()
    other = SecretStorage(home, UserId("@lin:x"))
    assert await other.holds(MASTER)
    assert not await other.holds(BACKUP)
    key = await other.unlock(f" {typed.replace(' ', '')}\n")
    assert await other.read(MASTER, key) == "seed"
    assert await other.read(BACKUP, key) is None
    await other.write({BACKUP: "key"}, key)
    assert await storage.read(BACKUP, recovery_key.decode(typed)) == "key"
    assert "seed" not in str(home.account_data)


async def test_a_passphrase_opens_it_as_well_as_the_key(home: BackupHome, storage: SecretStorage) -> None:
    typed = await storage.create("correct horse 电池", {MASTER: "seed"})
    assert await storage.takes_passphrase()
    key = await storage.unlock("correct horse 电池")
    assert key == await storage.unlock(typed)
    assert await storage.read(MASTER, key) == "seed"
    with pytest.raises(WrongRecoveryKey):
        await storage.unlock("correct horse")


async def test_nothing_is_opened_with_a_wrong_key(home: BackupHome, storage: SecretStorage) -> None:
    with pytest.raises(NotFound):
        await storage.unlock("anything")
    await storage.create(secrets={MASTER: "seed"})
    for typed in ("", "nonsense", recovery_key.encode(bytes(32)), "x" * 100_000):
        with pytest.raises(WrongRecoveryKey):
            await storage.unlock(typed)
    with pytest.raises(WrongRecoveryKey):
        await storage.read(MASTER, bytes(32))
    with pytest.raises(WrongRecoveryKey):
        await storage.description(bytes(32))


async def test_no_secret_is_uploaded_after_the_server_changed_the_key(home: BackupHome, storage: SecretStorage) -> None:
    typed = await storage.create(secrets={MASTER: "seed"})
    key = await storage.unlock(typed)
    _, foreign = new_key()
    kind = KEY_PREFIX + home.account_data[DEFAULT_KEY]["key"]
    home.account_data[kind] = foreign.content
    home.calls.clear()
    with pytest.raises(WrongRecoveryKey):
        await storage.write({BACKUP: "key"}, key)
    with pytest.raises(WrongRecoveryKey):
        await storage.unlock(typed)
    assert puts(home) == []


async def test_no_secret_is_uploaded_after_the_server_named_another_key(home: BackupHome, storage: SecretStorage) -> None:
    key = recovery_key.decode(await storage.create())
    _, foreign = new_key()
    home.account_data[KEY_PREFIX + foreign.key_id] = foreign.content
    home.account_data[DEFAULT_KEY] = {"key": foreign.key_id}
    home.calls.clear()
    with pytest.raises(WrongRecoveryKey):
        await storage.write({BACKUP: "key"}, key)
    assert puts(home) == []


async def test_a_servers_weak_passphrase_rule_is_not_followed(home: BackupHome, storage: SecretStorage) -> None:
    await storage.create("pass phrase", {MASTER: "seed"})
    kind = KEY_PREFIX + home.account_data[DEFAULT_KEY]["key"]
    home.account_data[kind]["passphrase"]["iterations"] = 1
    assert not await storage.takes_passphrase()
    with pytest.raises(WrongRecoveryKey):
        await storage.unlock("pass phrase")


@pytest.mark.parametrize("described", [{}, {"algorithm": "m.other"}, {"algorithm": "m.secret_storage.v1.aes-hmac-sha2"}])
async def test_a_storage_that_we_do_not_understand_is_none(
    home: BackupHome, storage: SecretStorage, described: dict[str, Any]
) -> None:
    home.account_data[DEFAULT_KEY] = {"key": "id"}
    home.account_data[KEY_PREFIX + "id"] = described
    assert not await storage.exists()
    with pytest.raises(NotFound):
        await storage.unlock(recovery_key.encode(bytes(32)))


@pytest.mark.parametrize("default", [{}, {"key": ""}, {"key": 5}, {"key": "missing"}])
async def test_no_default_key_is_no_storage(home: BackupHome, storage: SecretStorage, default: dict[str, Any]) -> None:
    home.account_data[DEFAULT_KEY] = default
    assert not await storage.exists()


async def test_a_tampered_secret_is_none(home: BackupHome, storage: SecretStorage) -> None:
    key = recovery_key.decode(await storage.create(secrets={MASTER: "seed", BACKUP: "key"}))
    sealed = home.account_data[BACKUP]["encrypted"]
    home.account_data[MASTER]["encrypted"] = sealed
    assert await storage.read(MASTER, key) is None
    home.account_data[MASTER] = {"encrypted": "nothing"}
    assert await storage.read(MASTER, key) is None


async def test_a_new_storage_replaces_the_old_one_and_an_old_key_opens_nothing(home: BackupHome, storage: SecretStorage) -> None:
    old = await storage.create(secrets={MASTER: "seed"})
    new = await storage.create(secrets={MASTER: "seed"})
    with pytest.raises(WrongRecoveryKey):
        await storage.unlock(old)
    assert await storage.read(MASTER, await storage.unlock(new)) == "seed"
    assert list(home.account_data[MASTER]["encrypted"]) == [home.account_data[DEFAULT_KEY]["key"]]


async def test_the_old_storage_opens_until_the_new_one_is_complete(home: BackupHome, storage: SecretStorage) -> None:
    old = await storage.create(secrets={MASTER: "seed"})
    before = home.account_data[DEFAULT_KEY]
    await storage.create(secrets={MASTER: "seed"})
    order = [call for call in puts(home) if call in (f"PUT {MASTER}", f"PUT {DEFAULT_KEY}")]
    assert order[2:] == [f"PUT {MASTER}", f"PUT {DEFAULT_KEY}", f"PUT {MASTER}"]
    home.account_data[DEFAULT_KEY] = before
    assert await storage.unlock(old)


async def test_the_line_failing_is_told(home: BackupHome, storage: SecretStorage) -> None:
    home.fail = Offline()
    with pytest.raises(Offline):
        await storage.exists()
