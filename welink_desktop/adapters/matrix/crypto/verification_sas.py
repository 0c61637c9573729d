"""The exchange of keys behind emoji and decimals, for either side (matrix.md §8.8)."""

from collections.abc import Callable, Mapping
from typing import Any

from welink_desktop.adapters.matrix.crypto import sas
from welink_desktop.adapters.matrix.crypto.canonical import unpadded
from welink_desktop.adapters.matrix.crypto.records import DeviceRef, JsonObject


class BrokenPromise(ValueError):
    """The accepter's key is not the one it had committed to."""


class SasExchange:
    """`start` is the content of the start that counts, exactly as it was sent."""

    def __init__(
        self,
        me: DeviceRef,
        other: DeviceRef,
        transaction: str,
        start: JsonObject,
        *,
        started_by_us: bool,
        make_key: Callable[[], sas.Secret],
    ) -> None:
        self.emoji: tuple[int, ...] = ()
        self.decimals: tuple[int, ...] = ()
        self._me = me
        self._other = other
        self._transaction = transaction
        self._start = start
        self._started_by_us = started_by_us
        self._secret = make_key()
        self._promise = ""
        self._shared: sas.Established | None = None

    @property
    def key(self) -> JsonObject:
        """The content of our `key` message. The starter sends it first."""
        return {"key": self._secret.public}

    def accept(self) -> JsonObject | None:
        """The accepter's answer to the start; None if it offers nothing that we do."""
        choice = sas.chosen(self._start)
        return None if choice is None else {**choice, "commitment": sas.commitment(self._secret.public, self._start)}

    def accepted(self, content: Mapping[str, Any]) -> bool:
        """The starter gets the answer. False: not what we offered."""
        if not sas.is_acceptable(content):
            return False
        self._promise = content["commitment"]
        return True

    def agree(self, content: Mapping[str, Any]) -> None:
        """The other side's key. Raises `BrokenPromise`, or another `ValueError` for a malformed key."""
        text = content.get("key")
        theirs = unpadded(text)
        if theirs == self._secret.public:
            raise ValueError("our own key")
        if self._started_by_us and not sas.keeps_commitment(self._promise, str(text), self._start):
            raise BrokenPromise
        self._shared = self._secret.agree(theirs)
        mine, other = sas.Side(*self._me, self._secret.public), sas.Side(*self._other, theirs)
        starter, accepter = (mine, other) if self._started_by_us else (other, mine)
        shown = self._shared.bytes(sas.code_info(starter, accepter, self._transaction))
        self.emoji, self.decimals = tuple(shown.emoji_indices), tuple(shown.decimals)

    def macs(self, keys: Mapping[str, str]) -> JsonObject:
        """The content of our `mac` message for `keys` (key id → public key)."""
        assert self._shared is not None
        return sas.mac_content(self._shared, keys, sas.Side(*self._me), sas.Side(*self._other), self._transaction)

    def check(self, content: Mapping[str, Any], known: Mapping[str, str]) -> set[str]:
        """The ids of `known` keys that the other side vouches for. Raises `WrongMac`."""
        assert self._shared is not None
        return sas.check_macs(self._shared, content, known, sas.Side(*self._other), sas.Side(*self._me), self._transaction)
