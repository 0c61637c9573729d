"""The store's key, sealed for the day the key ring is lost."""

import os
import sys
from pathlib import Path

import pytest

from welink_desktop.adapters.matrix.crypto import recovery_key
from welink_desktop.adapters.matrix.crypto.secret_storage import new_key
from welink_desktop.adapters.matrix.security import key_safe
from welink_desktop.core.errors import NotFound, WrongRecoveryKey

STORE_KEY = bytes(range(32))


def test_the_recovery_key_opens_what_was_kept(tmp_path: Path) -> None:
    key, description = new_key()
    key_safe.keep(tmp_path, STORE_KEY, key, description)
    assert key_safe.opened(tmp_path, recovery_key.encode(key)) == STORE_KEY


def test_a_passphrase_opens_it_as_well_as_the_recovery_key(tmp_path: Path) -> None:
    key, description = new_key("correct horse 电池")
    key_safe.keep(tmp_path, STORE_KEY, key, description)
    assert key_safe.opened(tmp_path, "correct horse 电池") == STORE_KEY
    assert key_safe.opened(tmp_path, recovery_key.encode(key)) == STORE_KEY


def test_a_wrong_key_opens_nothing(tmp_path: Path) -> None:
    key, description = new_key()
    key_safe.keep(tmp_path, STORE_KEY, key, description)
    for typed in (recovery_key.encode(new_key()[0]), "no key at all", ""):
        with pytest.raises(WrongRecoveryKey):
            key_safe.opened(tmp_path, typed)


def test_a_new_recovery_key_replaces_the_old_one(tmp_path: Path) -> None:
    old, before = new_key()
    new, after = new_key()
    key_safe.keep(tmp_path, STORE_KEY, old, before)
    key_safe.keep(tmp_path, STORE_KEY, new, after)
    with pytest.raises(WrongRecoveryKey):
        key_safe.opened(tmp_path, recovery_key.encode(old))
    assert key_safe.opened(tmp_path, recovery_key.encode(new)) == STORE_KEY


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"key_id": "a", "key": {}}', "\x00"])
def test_what_is_missing_or_damaged_is_not_found(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "store.recovery").write_text(content, encoding="utf-8")
    with pytest.raises(NotFound):
        key_safe.opened(tmp_path, "anything")


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are those of POSIX; Windows profiles are private by their ACL")
def test_only_its_owner_may_read_the_file_and_it_holds_no_key_in_clear(tmp_path: Path) -> None:
    key, description = new_key()
    key_safe.keep(tmp_path, STORE_KEY, key, description)
    (file,) = tmp_path.iterdir()
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert STORE_KEY.hex() not in file.read_bytes().hex()
