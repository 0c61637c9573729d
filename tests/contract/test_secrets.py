"""The contract of `Secrets`, kept by the memory, the file and the real keyring daemon alike."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.keyring_daemon import keyring_session, missing_programs
from welink_desktop.adapters.keyring.file import FileSecrets
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.keyring.system import KeyringSecrets, within
from welink_desktop.core.errors import DiskFull, KeyringMissing
from welink_desktop.core.ports.system import Secrets


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if missing_programs():
        pytest.skip("not installed: " + ", ".join(missing_programs()))
    with keyring_session(tmp_path_factory.mktemp("keyring")) as environment:
        yield environment


@pytest.fixture(params=["memory", "file", pytest.param("keyring", marks=pytest.mark.integration)])
def secrets(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    if request.param == "memory":
        return MemorySecrets()
    if request.param == "file":
        return FileSecrets(tmp_path / "secrets.json")
    environment = request.getfixturevalue("daemon")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", environment["DBUS_SESSION_BUS_ADDRESS"])
    return KeyringSecrets(f"test-{tmp_path.name}", deadline=20)


def test_what_was_never_set_is_none(secrets: Secrets) -> None:
    assert secrets.get("token") is None


def test_any_bytes_come_back(secrets: Secrets) -> None:
    value = bytes(range(256)) + "密钥".encode()
    secrets.set("key", value)
    assert secrets.get("key") == value


def test_a_later_value_replaces_the_earlier(secrets: Secrets) -> None:
    secrets.set("token", b"one")
    secrets.set("token", b"two")
    assert secrets.get("token") == b"two"


def test_names_do_not_touch_each_other(secrets: Secrets) -> None:
    secrets.set("a/b", b"1")
    secrets.set("a", b"2")
    secrets.delete("a")
    assert (secrets.get("a/b"), secrets.get("a")) == (b"1", None)


def test_deleting_what_is_not_there_is_fine(secrets: Secrets) -> None:
    secrets.delete("nothing")
    secrets.set("x", b"1")
    secrets.delete("x")
    secrets.delete("x")
    assert secrets.get("x") is None


def test_the_empty_value_is_a_value(secrets: Secrets) -> None:
    secrets.set("empty", b"")
    assert secrets.get("empty") == b""


def test_the_file_is_for_its_owner_only_and_survives(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secrets.json"
    FileSecrets(path).set("token", b"t")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert FileSecrets(path).get("token") == b"t"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 3}', b'{"a": "*"}'])
def test_a_damaged_secrets_file_is_left_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secrets.json"
    path.write_bytes(content)
    store = FileSecrets(path)
    with pytest.raises(KeyringMissing):
        store.get("a")
    with pytest.raises(KeyringMissing):
        store.set("a", b"1")
    with pytest.raises(KeyringMissing):
        store.delete("a")
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((DiskFull, KeyringMissing)):
        FileSecrets(tmp_path / "file" / "secrets.json").set("a", b"1")


@pytest.mark.skipif(os.name == "nt", reason="Windows has its own keyring always")
def test_without_any_trusted_keyring_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    store = KeyringSecrets("test")
    assert not store.available()
    with pytest.raises(KeyringMissing):
        store.get("a")
    with pytest.raises(KeyringMissing):
        store.set("a", b"1")


def test_an_unanswered_prompt_does_not_hold_the_caller() -> None:
    import threading

    never = threading.Event()
    with pytest.raises(KeyringMissing):
        within(0.05, never.wait)
    never.set()


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_locked_keyring_is_missing_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing_programs():
        pytest.skip("not installed: " + ", ".join(missing_programs()))
    import secretstorage

    with keyring_session(tmp_path / "session") as environment:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", environment["DBUS_SESSION_BUS_ADDRESS"])
        store = KeyringSecrets("test", deadline=10)
        assert store.available()
        store.set("token", b"kept")
        connection = secretstorage.dbus_init()
        secretstorage.get_default_collection(connection).lock()
        connection.close()
        with pytest.raises(KeyringMissing):
            store.get("token")
        with pytest.raises(KeyringMissing):
            store.set("token", b"other")
    gc.collect()  # the library leaves its socket open when the keyring is locked
