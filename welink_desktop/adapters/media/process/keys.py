"""Frame keys of one meeting, replayed into every room of the SDK (matrixrtc §4.6).

The SDK starts each sending cryptor at index 0: after every publish, republish and reconnect the index is set again. After a
rotation the old own slot is overwritten, so that a frame with a stale index is readable by nobody.
"""

import os
from collections.abc import Iterable

from livekit import rtc

from welink_desktop.core.calls import MediaKey
from welink_desktop.core.log import topic

RING = 255
_log = topic("media")


def encryption_options() -> rtc.E2EEOptions:
    """What Element Call understands: HKDF, no ratchet; 255 because the native ring is clamped to that."""
    provider = rtc.KeyProviderOptions(
        key_derivation_function=rtc.KeyDerivationFunction.HKDF, key_ring_size=RING, ratchet_window_size=0
    )
    return rtc.E2EEOptions(key_provider_options=provider, encryption_type=rtc.EncryptionType.GCM)


class FrameKeys:
    def __init__(self) -> None:
        self._remote: dict[tuple[str, int], bytes] = {}
        self._own: dict[int, bytes] = {}
        self._sending: int | None = None
        self._room: rtc.Room | None = None

    def add(self, keys: Iterable[MediaKey]) -> None:
        for key in keys:
            if _usable(key):
                self._remote[key.identity, key.index] = key.key
                self._put(key.identity, key.index, key.key)

    def set_own(self, key: MediaKey, *, use: bool) -> None:
        if not _usable(key):
            return
        self._own[key.index] = key.key
        if self._room is not None:
            self._put(self._room.local_participant.identity, key.index, key.key)
        if use:
            self._use(key.index)

    def attach(self, room: rtc.Room) -> None:
        """`room` is connected, with encryption."""
        self._room = room
        for (identity, index), key in self._remote.items():
            self._put(identity, index, key)
        for index, key in self._own.items():
            self._put(room.local_participant.identity, index, key)
        self.apply_index()

    def detach(self) -> None:
        self._room = None

    def forget(self) -> None:
        """Leave no key in memory."""
        self._remote.clear()
        self._own.clear()
        self._sending = None
        self._room = None

    def apply_index(self) -> None:
        """Every sending cryptor uses the current index."""
        if self._room is None or self._sending is None:
            return
        own = self._room.local_participant.identity
        for cryptor in self._room.e2ee_manager.frame_cryptors():
            if cryptor.participant_identity == own and cryptor.key_index != self._sending:
                cryptor.set_key_index(self._sending)

    def _use(self, index: int) -> None:
        before, self._sending = self._sending, index
        self.apply_index()
        if before is not None and before != index:
            self._own.pop(before, None)
            if self._room is not None:
                self._put(self._room.local_participant.identity, before, os.urandom(16))

    def _put(self, identity: str, index: int, key: bytes) -> None:
        if self._room is None:
            return
        provider = self._room.e2ee_manager.key_provider
        if provider is not None:
            provider.set_key(identity, key, index)


def _usable(key: MediaKey) -> bool:
    if 0 <= key.index < RING and key.key:
        return True
    _log.warning("a frame key with an unusable index is ignored", index=key.index)
    return False
