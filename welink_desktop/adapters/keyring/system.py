"""Secrets in the operating system's keyring: Secret Service, Windows Credential Manager, macOS Keychain."""

import base64
import binascii
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

import keyring.backend
import keyring.backends.macOS
import keyring.backends.SecretService
import keyring.backends.Windows
from keyring.errors import PasswordDeleteError

from welink_desktop.core.errors import KeyringMissing
from welink_desktop.core.log import topic

T = TypeVar("T")
SERVICE = "welink-desktop"
UNLOCK_DEADLINE = 90.0
"""Seconds that a person has to unlock the keyring when the system asks for it."""

_log = topic("secrets")
_TRUSTED: tuple[type[keyring.backend.KeyringBackend], ...] = (
    keyring.backends.SecretService.Keyring,
    keyring.backends.Windows.WinVaultKeyring,
    keyring.backends.macOS.Keyring,
)


class KeyringSecrets:
    """Implements `core.ports.system.Secrets`. Entries are named `namespace/name` under the service `welink-desktop`.

    Only the three systems' own keyrings are used, whatever a configuration file says: plain-text, null and chained
    backends are refused with `KeyringMissing`, as are a locked keyring that nobody unlocks within `deadline` seconds and a
    keyring that fails.
    """

    def __init__(self, namespace: str, *, deadline: float = UNLOCK_DEADLINE) -> None:
        self._namespace = namespace
        self._deadline = deadline
        self._lock = threading.Lock()
        self._backend: keyring.backend.KeyringBackend | None = None

    def available(self) -> bool:
        """Whether one of the trusted keyrings answers (it may still be locked)."""
        return self._find() is not None

    def get(self, name: str) -> bytes | None:
        text = self._call(lambda backend: backend.get_password(SERVICE, self._entry(name)))
        if text is None:
            return None
        try:
            return base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error) as error:
            raise KeyringMissing from error

    def set(self, name: str, value: bytes) -> None:
        text = base64.b64encode(value).decode()
        self._call(lambda backend: backend.set_password(SERVICE, self._entry(name), text))

    def delete(self, name: str) -> None:
        def remove(backend: keyring.backend.KeyringBackend) -> None:
            entry = self._entry(name)
            if backend.get_password(SERVICE, entry) is None:
                return
            try:
                backend.delete_password(SERVICE, entry)
            except PasswordDeleteError:
                if backend.get_password(SERVICE, entry) is not None:
                    raise

        self._call(remove)

    def _entry(self, name: str) -> str:
        return f"{self._namespace}/{name}"

    def _call(self, work: Callable[[keyring.backend.KeyringBackend], T]) -> T:
        with self._lock:
            if self._backend is None:
                self._backend = self._find()
            backend = self._backend
            if backend is None:
                raise KeyringMissing
            return within(self._deadline, lambda: work(backend))

    @staticmethod
    def _find() -> keyring.backend.KeyringBackend | None:
        usable = [kind for kind in _TRUSTED if kind.viable]
        if not usable:
            return None
        return max(usable, key=lambda kind: float(kind.priority))()


def within(seconds: float, work: Callable[[], T]) -> T:
    """Run `work` in a thread of its own and give it `seconds`; a prompt nobody answers must not hold the caller for ever.

    Raises `KeyringMissing` when it fails or takes longer.
    """
    outcome: queue.Queue[T | Exception] = queue.Queue()

    def run() -> None:
        try:
            outcome.put(work())
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        result = outcome.get(timeout=seconds)
    except queue.Empty:
        _log.warning("keyring did not answer in time")
        raise KeyringMissing from None
    if isinstance(result, Exception):
        _log.warning("keyring refused")
        raise KeyringMissing from result
    return result
