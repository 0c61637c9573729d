"""The account's identity at the server: made once, replaced on the person's word, signatures brought there (matrix.md §8.6)."""

import asyncio
from collections.abc import Mapping
from typing import Any

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto.records import JsonObject
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.encryption_seams import KeyRequests
from welink_desktop.adapters.matrix.errors import Limited, MatrixError
from welink_desktop.adapters.matrix.security.uia import Interactive
from welink_desktop.adapters.matrix.wire.values import object_of, text_of
from welink_desktop.core.errors import ConfirmInBrowser, Offline, PasswordNeeded, ServerFault, WeLinkError
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, State
from welink_desktop.core.security import PersonTrust

UPLOAD = (*CLIENT_V3, "keys", "device_signing", "upload")
SIGNATURES = (*CLIENT_V3, "keys", "signatures", "upload")
PATIENCE = 30.0
"""Seconds until our device's keys must be at the server."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
_REFUSALS = (400, 403, 404, 413)
_log = topic("security.identity")


class IdentityDriver:
    """One per account, on the engine loop. `start` brings signatures to the server that did not get there last time."""

    def __init__(
        self, encryption: Encryption, http: KeyRequests, interactive: Interactive, *, user: UserId, device: DeviceId, scope: Scope
    ) -> None:
        self._encryption = encryption
        self._http = http
        self._interactive = interactive
        self._user = user
        self._device = device
        self._scope = scope
        self._making = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._due = asyncio.Event()
        self._refused: set[int] = set()

    def start(self) -> None:
        self._scope.spawn(self._bring(), name="signatures")
        self._due.set()

    async def ensure(self, password: str = "") -> bool:
        """Make an identity if this account never had one; True if one was made now. Signs this device if we can.

        Whatever the server shows (or showed once) is left alone. Raises `PasswordNeeded`, `WrongPassword`, `ConfirmInBrowser`
        (call again afterwards), `Offline`, `ServerFault`.
        """
        async with self._making:
            await self._uploaded()
            await self._encryption.refresh_devices(self._user)
            if self._encryption.identities.own() is not None:
                await self._sign_this_device()
                return False
            try:
                await self._publish(password)
            except (PasswordNeeded, ConfirmInBrowser, MatrixError):
                await self._encryption.refresh_devices(self._user)
                if self._encryption.identities.own() is None:
                    raise
                with self._encryption.change():  # another device was faster
                    self._encryption.identities.forget_pending()
                return False
            _log.info("identity made")
            return True

    async def replace(self, password: str = "") -> None:
        """Start over: a new identity, whatever there was. Everybody will see that it changed. Raises as `ensure`."""
        async with self._making:
            await self._uploaded()
            await self._publish(password)
            _log.info("identity replaced")

    async def upload_signatures(self, body: JsonObject) -> None:
        """Bring signatures (`{user: {device or key: signed object}}`) to the server.

        They are kept until they are there: without a line this returns, and they go later. Raises `ServerFault` if the server
        does not take them.
        """
        with self._encryption.change():
            row = self._encryption.identities.keep_signatures(body)
        try:
            await self._bring_all()
        except (Offline, ServerFault, Limited):
            self._due.set()
        if row in self._refused:
            self._refused.discard(row)
            raise ServerFault("signature refused")

    def watch_person(self, user: UserId, listener: Listener[PersonTrust]) -> Cancel:
        """Tell what is known of `user` now and after each change. The person's identity is followed from now on."""
        state: State[PersonTrust] = State(self._encryption.identities.trust_of(user))

        def changed(users: set[UserId]) -> None:
            if user in users or self._user in users:
                state.set(self._encryption.identities.trust_of(user))

        stop = self._encryption.people_changed.listen(changed)
        cancel = state.watch(listener)
        self._encryption.follow([user])

        def end() -> None:
            stop()
            cancel()

        return end

    # Inside

    async def _publish(self, password: str) -> None:
        with self._encryption.change():
            body = self._encryption.identities.create()
        await self._interactive.send("POST", UPLOAD, body, password)
        with self._encryption.change():
            self._encryption.identities.published()
        await self._sign_this_device()

    async def _sign_this_device(self) -> None:
        with self._encryption.change():
            body = self._encryption.identities.sign_own_device(self._device)
        if body is not None:
            await self.upload_signatures(body)

    async def _bring(self) -> None:
        """Until cancelled: what is kept goes to the server, again and again until it is there."""
        pause = FIRST_PAUSE
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._bring_all()
            except WeLinkError as error:
                _log.info("signatures wait", exception=literal(type(error).__name__))
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
                self._due.set()
            else:
                pause = FIRST_PAUSE
                self._refused.clear()

    async def _bring_all(self) -> None:
        """Raises what keeps signatures from getting there; one that is refused for good is dropped and noted."""
        async with self._sending:
            for row, body in self._encryption.identities.kept_signatures():
                if not await self._taken(body):
                    self._refused.add(row)
                with self._encryption.change():
                    self._encryption.identities.drop_signatures(row)
                self._encryption.follow([UserId(user) for user in body], again=True)

    async def _taken(self, body: JsonObject) -> bool:
        """The server answers 200 even if it refuses: `failures` tells."""
        try:
            answer = await self._http.request("POST", SIGNATURES, json=body)
        except MatrixError as error:
            if error.status not in _REFUSALS:
                raise
            _log.warning("signatures refused", code=literal(error.errcode))
            return False
        failures = _codes(answer)
        for code in failures:
            _log.warning("signature refused", code=literal(code))
        return not failures

    async def _uploaded(self) -> None:
        """Wait until the server has this device's keys, or there would be nothing to sign."""
        there = asyncio.Event()

        def seen(up: bool) -> None:
            if up:
                there.set()

        cancel = self._encryption.uploaded.watch(seen)
        try:
            async with asyncio.timeout(PATIENCE):
                await there.wait()
        except TimeoutError:
            raise Offline("device keys") from None
        finally:
            cancel()


def _codes(answer: Mapping[str, Any]) -> list[str]:
    """The error codes of the signatures that were refused."""
    failures = object_of(answer, "failures")
    return [text_of(object_of(failures[user], key), "errcode", 64) or "M_UNKNOWN" for user in failures for key in failures[user]]
