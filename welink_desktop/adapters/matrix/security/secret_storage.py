"""Secrets of the account at the server, sealed with a key that only its owner has (matrix.md §8.7).

The server may write into the account data whatever it likes. Secrets are therefore sealed only with a key that the person
typed or that was made here, and only while the description at the server is the one of that very key.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto import recovery_key
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.crypto.secret_storage import KeyDescription, check, decrypt, encrypt, new_key
from welink_desktop.adapters.matrix.errors import Missing
from welink_desktop.adapters.matrix.wire.values import object_of, text_of
from welink_desktop.core.errors import NotFound, WrongRecoveryKey
from welink_desktop.core.ids import UserId
from welink_desktop.core.log import literal, topic

DEFAULT_KEY = "m.secret_storage.default_key"
KEY_PREFIX = "m.secret_storage.key."
LONGEST_TYPED = 10_000
_log = topic("secrets")


class AccountDataLine(Protocol):
    """The part of `Http` that the secret storage uses."""

    def request(
        self, method: str, path: Sequence[str], *, json: Mapping[str, Any] | None = None
    ) -> Awaitable[dict[str, Any]]: ...


class SecretStorage:
    """`key`: the 32 bytes of an opened storage. All methods raise the errors of the line."""

    def __init__(self, line: AccountDataLine, user: UserId) -> None:
        self._line = line
        self._user = user

    async def exists(self) -> bool:
        """A storage that we can open, given its key."""
        return await self._described() is not None

    async def holds(self, name: str) -> bool:
        """Whether a secret called `name` is kept under the account's key, as far as can be seen without the key."""
        described = await self._described()
        return described is not None and described.key_id in object_of(await self._get(name), "encrypted")

    async def takes_passphrase(self) -> bool:
        described = await self._described()
        return described is not None and described.passphrase is not None

    async def create(self, passphrase: str = "", secrets: Mapping[str, str] | None = None) -> str:
        """A new key, which becomes the account's, and `secrets` under it; returns the recovery key to be shown once.

        The old storage can be opened until everything is in the new one. With `passphrase` it opens it, too.
        """
        key, description = await asyncio.to_thread(new_key, passphrase)
        await self._put(KEY_PREFIX + description.key_id, description.content)
        sealed = {name: {description.key_id: encrypt(key, name, text)} for name, text in (secrets or {}).items()}
        older = {name: object_of(await self._get(name), "encrypted") for name in sealed}
        for name, ours in sealed.items():
            await self._put(name, {"encrypted": {**older[name], **ours}})
        await self._put(DEFAULT_KEY, {"key": description.key_id})
        for name, ours in sealed.items():
            if older[name]:
                await self._put(name, {"encrypted": ours})
        return recovery_key.encode(key)

    async def unlock(self, typed: str) -> bytes:
        """The key for a typed recovery key or passphrase. Raises `WrongRecoveryKey`; `NotFound` if there is no storage."""
        described = await self._described()
        if described is None:
            raise NotFound("no secret storage")
        if len(typed) > LONGEST_TYPED:
            raise WrongRecoveryKey
        try:
            key = recovery_key.decode(typed)
        except ValueError:
            key = b""
        if check(key, described):
            return key
        how = described.passphrase
        if how is not None:
            key = await asyncio.to_thread(recovery_key.from_passphrase, typed, how.salt, how.rounds)
            if check(key, described):
                return key
        raise WrongRecoveryKey

    async def read(self, name: str, key: bytes) -> str | None:
        """The secret called `name`; None if it is not there or not sealed with `key`. Whoever uses it checks what it is.

        Raises `WrongRecoveryKey` if `key` is not the account's.
        """
        described = await self.description(key)
        sealed = object_of(await self._get(name), "encrypted").get(described.key_id)
        if sealed is None:
            return None
        try:
            return decrypt(key, name, sealed)
        except ValueError:
            _log.warning("secret cannot be opened", name=literal(name[:64]))
            return None

    async def write(self, secrets: Mapping[str, str], key: bytes) -> None:
        """Keep `secrets`, sealed with `key`; what was kept under these names is replaced.

        Raises `WrongRecoveryKey` if the account's key is another one by now: nothing is sent then.
        """
        described = await self.description(key)
        for name, text in secrets.items():
            await self._put(name, {"encrypted": {described.key_id: encrypt(key, name, text)}})

    async def description(self, key: bytes) -> KeyDescription:
        """What the server keeps about `key`. Raises `WrongRecoveryKey` if the account's key is another one."""
        described = await self._described()
        if described is None or not check(key, described):
            raise WrongRecoveryKey("the account's key is another one")
        return described

    async def _described(self) -> KeyDescription | None:
        """The description of the account's key, None if there is none that we understand."""
        key_id = text_of(await self._get(DEFAULT_KEY), "key", 255)
        if not key_id:
            return None
        try:
            return KeyDescription.parse(key_id, await self._get(KEY_PREFIX + key_id))
        except ValueError:
            return None

    async def _get(self, kind: str) -> JsonObject:
        try:
            return await self._line.request("GET", self._path(kind))
        except Missing:
            return {}

    async def _put(self, kind: str, content: JsonObject) -> None:
        await self._line.request("PUT", self._path(kind), json=content)

    def _path(self, kind: str) -> tuple[str, ...]:
        return (*CLIENT_V3, "user", self._user, "account_data", kind)
