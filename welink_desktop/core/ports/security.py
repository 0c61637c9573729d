"""The account's identity, its devices, recovery, and proving who is who."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from welink_desktop.core.ids import DeviceId, RoomId, UserId
    from welink_desktop.core.ports.listener import Listener
    from welink_desktop.core.reactive import Cancel
    from welink_desktop.core.security import HistoryArrival, OwnDevice, PersonTrust, RecoveryStatus, Verification


class Security(Protocol):
    """Part of a session. What a person did is on its way or done when a coroutine returns; facts come by `watch_…`.

    Coroutines that ask the server raise `Offline`, `ServerFault`, `TooManyAttempts`. Those with `password` raise
    `PasswordNeeded` if the server asks for one and none was given, `WrongPassword`, or `ConfirmInBrowser` (call again once
    the person confirmed there).
    """

    def watch_recovery(self, listener: Listener[RecoveryStatus]) -> Cancel: ...

    def watch_devices(self, listener: Listener[tuple[OwnDevice, ...]]) -> Cancel:
        """This device first, then the last seen ones first. Nothing is delivered before the first answer."""

    def watch_person(self, user: UserId, listener: Listener[PersonTrust]) -> Cancel: ...

    def watch_verifications(self, listener: Listener[tuple[Verification, ...]]) -> Cancel:
        """All that run, and finished ones until `dismiss`."""

    def watch_history(self, room: RoomId, listener: Listener[HistoryArrival]) -> Cancel:
        """What becomes of the older messages that the inviter gave along. A failure that nobody heard of yet is told at once."""

    async def create_identity(self, password: str = "") -> None:
        """For `NO_IDENTITY`. Does nothing if the account has one meanwhile."""

    async def turn_on_recovery(self, passphrase: str = "") -> str:
        """Keep keys and secrets at the server under a new recovery key, which is returned to be shown once.

        With `passphrase` that opens it, too.
        """

    async def recover(self, secret: str) -> None:
        """Fetch the secrets with a recovery key or passphrase, sign this device, open the backup.

        Raises `WrongRecoveryKey`; `NotFound` if nothing is kept at the server.
        """

    async def start_over(self, password: str = "") -> str:
        """Make a new identity, delete the old backup, keep the keys that are here in a new one; returns the new recovery key."""

    async def turn_on_backup(self) -> None:
        """For `BACKUP_GONE`: keep the keys that are here in a new backup."""

    async def restore_all(self) -> None:
        """Fetch every key of the backup; progress shows in `RecoveryStatus.restoring`. Returns when done."""

    async def restore_room(self, room: RoomId) -> None:
        """Fetch one room's keys, those of older messages included."""

    async def refresh_devices(self) -> None: ...

    async def rename_device(self, device: DeviceId, name: str) -> None: ...

    async def sign_out_devices(self, devices: Collection[DeviceId], password: str = "") -> None:
        """Other devices only."""

    async def accept_person(self, user: UserId) -> None:
        """Take a changed identity as the person's own; a verification of the old one is withdrawn by this."""

    async def verify_device(self, device: DeviceId | None = None) -> str:
        """Ask one or all other devices of this account; returns the flow. Raises `NotFound` if there is none."""

    async def verify_person(self, user: UserId) -> str:
        """Ask a person, in the direct chat with them (made if there is none); returns the flow."""

    async def accept(self, flow: str) -> None:
        """Answer a request: this side is willing. Flows that are over are ignored, here and below."""

    async def compare(self, flow: str) -> None:
        """Begin with emoji."""

    async def decide(self, flow: str, same: bool) -> None:
        """The person says whether the emoji are the same, or whether the other device confirms the scan."""

    async def scan(self, flow: str, code: bytes) -> None:
        """The bytes of the other side's code. Raises `WrongCode`."""

    async def cancel(self, flow: str) -> None:
        """Decline or end it, telling the other side."""

    async def dismiss(self, flow: str) -> None:
        """Forget a finished one."""

    async def require_signed_devices(self, on: bool) -> None:
        """Only devices signed by their owner get keys and count as senders (MSC4153)."""
