"""The store's key a second time, sealed with the account's recovery key: for the day the key ring is lost."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

from welink_desktop.adapters.matrix.constants import SEALED_KEY_FILE
from welink_desktop.adapters.matrix.crypto import recovery_key
from welink_desktop.adapters.matrix.crypto.canonical import decode, encode
from welink_desktop.adapters.matrix.crypto.secret_storage import KeyDescription, check, decrypt, encrypt
from welink_desktop.adapters.matrix.wire.values import object_of, text_of
from welink_desktop.core.errors import DiskFull, NotFound, WrongRecoveryKey

NAME = "io.welinkdesktop.store_key"


def keep(folder: Path, store_key: bytes, key: bytes, description: KeyDescription) -> None:
    """Seal `store_key` with the recovery secret's `key` in the account's folder, replacing what was there. Raises `DiskFull`."""
    sealed = encrypt(key, NAME, encode(store_key))
    content = {"key_id": description.key_id, "key": description.content, "sealed": sealed}
    try:
        handle, place = tempfile.mkstemp(dir=folder, prefix=SEALED_KEY_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        Path(place).replace(folder / SEALED_KEY_FILE)
    except OSError as error:
        raise DiskFull(type(error).__name__) from error


def opened(folder: Path, typed: str) -> bytes:
    """The store's key, with a typed recovery key or passphrase. Blocking (about a second for a passphrase).

    Raises `NotFound` if nothing (readable) was kept, `WrongRecoveryKey`.
    """
    try:
        content = json.loads((folder / SEALED_KEY_FILE).read_text(encoding="utf-8"))
        description = KeyDescription.parse(text_of(content, "key_id", 255), object_of(content, "key"))
    except (OSError, ValueError, AttributeError):
        raise NotFound("no sealed store key") from None
    for key in _candidates(typed, description):
        if check(key, description):
            try:
                return decode(decrypt(key, NAME, object_of(content, "sealed")))
            except ValueError:
                raise NotFound("the sealed store key is damaged") from None
    raise WrongRecoveryKey


def _candidates(typed: str, description: KeyDescription) -> list[bytes]:
    found = []
    with contextlib.suppress(ValueError):
        found.append(recovery_key.decode(typed))
    if description.passphrase is not None:
        found.append(recovery_key.from_passphrase(typed, description.passphrase.salt, description.passphrase.rounds))
    return found
