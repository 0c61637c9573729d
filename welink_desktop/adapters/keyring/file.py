"""Secrets in a file with mode 0600, where there is no keyring and the person chose so."""

import base64
import binascii
import json
import threading
from pathlib import Path

from welink_desktop.adapters.durable import replace_file
from welink_desktop.core.errors import DiskFull, KeyringMissing
from welink_desktop.core.log import topic

_log = topic("secrets")
_MODE = 0o600
_FOLDER_MODE = 0o700


class FileSecrets:
    """Implements `core.ports.system.Secrets` over one JSON file; thread-safe; one process at a time.

    Anyone who can read the file has the secrets: never chosen silently. Raises `KeyringMissing` when the file cannot be
    read as what it should be (it is left untouched), `DiskFull` when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes | None:
        with self._lock:
            return self._read().get(name)

    def set(self, name: str, value: bytes) -> None:
        with self._lock:
            values = self._read()
            values[name] = bytes(value)
            self._write(values)

    def delete(self, name: str) -> None:
        with self._lock:
            values = self._read()
            if values.pop(name, None) is not None:
                self._write(values)

    def _read(self) -> dict[str, bytes]:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyringMissing from error
        self._tighten()
        try:
            document = json.loads(raw)
            return {str(name): base64.b64decode(value, validate=True) for name, value in document.items()}
        except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
            raise KeyringMissing from error

    def _tighten(self) -> None:
        if self._path.stat().st_mode & 0o077:
            _log.warning("secrets file was readable by others, closed now")
            self._path.chmod(_MODE)

    def _write(self, values: dict[str, bytes]) -> None:
        document = {name: base64.b64encode(value).decode() for name, value in values.items()}
        try:
            self._path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            replace_file(self._path, json.dumps(document).encode(), _MODE)
        except OSError as error:
            raise DiskFull from error
