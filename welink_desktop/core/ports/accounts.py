"""Signing in, and the accounts of this profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from welink_desktop.core.account import Account, Connection, Homeserver
    from welink_desktop.core.ids import AccountKey
    from welink_desktop.core.ports.calls import CallSignalling
    from welink_desktop.core.ports.chat import Chat
    from welink_desktop.core.ports.listener import Listener
    from welink_desktop.core.ports.media import MediaStore
    from welink_desktop.core.ports.people import People
    from welink_desktop.core.ports.security import Security
    from welink_desktop.core.reactive import Cancel


class Session(Protocol):
    """One signed-in account, running. Parts are valid until `close`."""

    @property
    def account(self) -> Account: ...

    @property
    def chat(self) -> Chat: ...

    @property
    def people(self) -> People: ...

    @property
    def calls(self) -> CallSignalling: ...

    @property
    def media(self) -> MediaStore: ...

    @property
    def security(self) -> Security: ...

    def watch_connection(self, listener: Listener[Connection]) -> Cancel: ...

    async def retry_now(self) -> None:
        """Try to reach the server at once instead of waiting for the back-off."""

    async def close(self) -> None:
        """Stop syncing and close the store. Queued messages stay on disk."""

    async def sign_out(self) -> None:
        """Delete the device at the server (tried for 10 s), then its store and keys here. Raises nothing: what could not be
        reached is logged; the local data is gone afterwards."""


class Accounts(Protocol):
    """The accounts of one profile."""

    async def discover(self, address: str) -> Homeserver:
        """Find the homeserver of what a person typed: "@user:name", "user@name", a server name or an http(s) URL.

        Uses `.well-known/matrix/client`, then the name itself; checks `/versions` and `/login`.
        Raises `ServerNotFound`, `NotAHomeserver`, `CertificateRefused`, `Offline`, `ServerFault`.
        """

    async def sign_in(self, server: Homeserver, user: str, password: str, device_name: str) -> Account:
        """Password sign-in (`user` may be a full id or a localpart). Token and store key are in secret storage on return.

        Raises `WrongPassword`, `TooManyAttempts`, `AccountLocked`, `SignInUnsupported`, `KeyringMissing`,
        `Offline`, `ServerFault`.
        """

    async def accounts(self) -> tuple[Account, ...]:
        """Accounts that can be opened, the last used first."""

    async def open(self, key: AccountKey) -> Session:
        """Open the store and start syncing; returns before the server was reached (cached data shows at once).

        Raises `KeyringMissing`, `StoreKeyMissing`, `StoreDamaged`, `StoreTooNew`, `NotFound`.
        """

    async def sign_in_again(self, key: AccountKey, password: str) -> None:
        """After a soft logout: new token for the same device; the store is kept. Raises as `sign_in`."""

    async def recover_store(self, key: AccountKey, secret: str) -> None:
        """After `StoreKeyMissing`: get the store's key back with the recovery key or passphrase; `open` works then.

        The account opens signed out if its tokens were lost, too (`sign_in_again`). Raises `WrongRecoveryKey`, `KeyringMissing`,
        `NotFound` (nothing was kept for this account on this computer).
        """

    async def forget(self, key: AccountKey) -> None:
        """Delete an account's local data without the server."""
