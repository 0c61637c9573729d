"""Secrets that end with the process: for the sample world and for accounts that are made anew each time."""

import threading


class MemorySecrets:
    """Implements `core.ports.system.Secrets`; thread-safe; nothing is durable."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        with self._lock:
            return self._values.get(name)

    def set(self, name: str, value: bytes) -> None:
        with self._lock:
            self._values[name] = bytes(value)

    def delete(self, name: str) -> None:
        with self._lock:
            self._values.pop(name, None)
