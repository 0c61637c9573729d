"""The profile's secrets: the system's key store, or the file that a person chose on purpose."""

import threading

from welink_desktop.app.profile import Profile
from welink_desktop.core.account import SecretStorage
from welink_desktop.core.ports.system import Secrets


class ProfileSecrets:
    """Implements `Secrets`. Loads the keyring library when it is first needed; called off the UI loop."""

    def __init__(self, profile: Profile, namespace: str = "") -> None:
        self._profile = profile
        self._namespace = namespace or profile_name(profile)
        self._lock = threading.Lock()
        self._chosen: Secrets | None = None

    @property
    def storage(self) -> SecretStorage:
        return SecretStorage.FILE if self._profile.secrets_file.exists() else SecretStorage.KEYRING

    def use_file(self) -> None:
        """From now on, and after a restart, secrets lie in a file with mode 0600."""
        from welink_desktop.adapters.keyring.file import FileSecrets

        with self._lock:
            chosen = FileSecrets(self._profile.secrets_file)
            chosen.set("storage", b"file")
            self._chosen = chosen

    def get(self, name: str) -> bytes | None:
        return self._secrets().get(name)

    def set(self, name: str, value: bytes) -> None:
        self._secrets().set(name, value)

    def delete(self, name: str) -> None:
        self._secrets().delete(name)

    def _secrets(self) -> Secrets:
        with self._lock:
            if self._chosen is None:
                self._chosen = self._made()
            return self._chosen

    def _made(self) -> Secrets:
        if self.storage is SecretStorage.FILE:
            from welink_desktop.adapters.keyring.file import FileSecrets

            return FileSecrets(self._profile.secrets_file)
        from welink_desktop.adapters.keyring.system import KeyringSecrets

        return KeyringSecrets(self._namespace)


def profile_name(profile: Profile) -> str:
    """Tells profiles of one computer apart in the shared key store."""
    import hashlib

    return hashlib.sha256(str(profile.root).encode()).hexdigest()[:16]
