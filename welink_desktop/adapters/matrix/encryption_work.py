"""The requests of encryption: what is due is sent, in its own task, until the server has it."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.records import DeviceRef, KeysClaim, KeysQuery, KeysUpload, News, Request, SendToDevice
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.encryption_seams import KeyRequests
from welink_desktop.adapters.matrix.errors import MatrixError
from welink_desktop.adapters.matrix.store.database import Transaction
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Scope, State

ROUNDS = 20
"""Answers make new requests due; more rounds than this in one go mean that something does not converge."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
_REFUSALS = (400, 403, 404, 413)
_log = topic("crypto.work")


class KeyWork:
    """One task per account. `change` wraps calls of the machine in a transaction, `told` passes on what they brought."""

    def __init__(
        self,
        machine: CryptoMachine,
        store: CryptoStore,
        http: KeyRequests,
        scope: Scope,
        change: Callable[[], AbstractContextManager[Transaction]],
        told: Callable[[Transaction, News], None],
        uploaded: State[bool],
    ) -> None:
        self._machine = machine
        self._store = store
        self._http = http
        self._scope = scope
        self._change = change
        self._told = told
        self._uploaded = uploaded
        self._due = asyncio.Event()
        self._querying: asyncio.Task[WeLinkError | None] | None = None
        self._sending: set[str] = set()

    def wake(self) -> None:
        self._due.set()

    async def run(self) -> None:
        """Until cancelled. A failure is tried again after a pause that grows, or when woken."""
        pause = FIRST_PAUSE
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                done = await self._settle()
            except WeLinkError as error:
                _log.info("work interrupted", exception=literal(type(error).__name__))
                done = False
            if done:
                pause = FIRST_PAUSE
                continue
            try:
                async with asyncio.timeout(pause):
                    await self._due.wait()
            except TimeoutError:
                self._due.set()
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def _settle(self) -> bool:
        """Perform what is due until nothing is. False if it does not come to an end."""
        for _ in range(ROUNDS):
            with self._change():
                requests = self._machine.pending_requests()
            if not self._uploaded.value and not any(isinstance(one, KeysUpload) for one in requests):
                self._uploaded.set(True)
            waiting = [one for one in requests if not isinstance(one, SendToDevice) or one.txn not in self._sending]
            if not waiting:
                return True
            for request in waiting:
                if isinstance(request, KeysQuery):
                    error = await self._join_query()
                    if error is not None:
                        raise error
                else:
                    await self.perform(request)
        return False

    async def query(self, users: Collection[UserId]) -> WeLinkError | None:
        """Fetch outdated lists until those of `users` are fresh or rest because their server does not answer."""
        while self._machine.waiting_for(users) and self._machine.queries():
            error = await self._join_query()
            if error is not None:
                return error
        return None

    async def send_outgoing(self, wanted: Callable[[SendToDevice], bool]) -> set[DeviceRef]:
        """Send those of the kept to-device messages; returns the devices of the accepted ones.

        Raises `Offline` or `ServerFault`; what was not sent then stays due.
        """
        reached: set[DeviceRef] = set()
        for request in self._store.outgoing():
            if wanted(request) and await self.perform(request):
                reached.update(request.devices)
        return reached

    async def perform(self, request: Request) -> bool:
        """Send one request and hand its answer to the machine. False: refused for good, which the machine knows, too."""
        key = request.txn if isinstance(request, SendToDevice) else ""
        self._sending.add(key)
        try:
            answer = await self._sent(request)
        except MatrixError as error:
            if error.status not in _REFUSALS:
                raise
            _log.warning("request refused", kind=literal(type(request).__name__), code=literal(error.errcode))
            with self._change():
                self._machine.request_refused(request)
            if isinstance(request, KeysQuery):
                raise
            return False
        finally:
            self._sending.discard(key)
        with self._change() as transaction:
            self._told(transaction, self._machine.request_done(request, answer))
        return True

    async def _sent(self, request: Request) -> dict[str, Any]:
        match request:
            case KeysUpload():
                return await self._http.request("POST", (*CLIENT_V3, "keys", "upload"), json=request.body)
            case KeysQuery():
                return await self._http.request("POST", (*CLIENT_V3, "keys", "query"), json=request.body)
            case KeysClaim():
                return await self._http.request("POST", (*CLIENT_V3, "keys", "claim"), json=request.body)
            case SendToDevice():
                path = (*CLIENT_V3, "sendToDevice", request.type, request.txn)
                return await self._http.request("PUT", path, json=request.body)

    async def _join_query(self) -> WeLinkError | None:
        """Wait for the running query, or start one for everything that is outdated. It goes on when the waiter gives up."""
        if self._querying is None or self._querying.done():
            self._querying = self._scope.spawn(self._query_all(), name="device-lists")
        return await asyncio.shield(self._querying)

    async def _query_all(self) -> WeLinkError | None:
        try:
            for query in self._machine.queries():
                await self.perform(query)
        except WeLinkError as error:
            return error
        return None
