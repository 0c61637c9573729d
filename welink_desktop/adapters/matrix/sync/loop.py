"""Follows the server: sliding sync, or v3 where that is missing (matrix.md §2)."""

import asyncio
from collections.abc import Awaitable, Callable

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.errors import Limited, Locked, MatrixError, TokenDead
from welink_desktop.adapters.matrix.http import SYNC_LIMIT, Http
from welink_desktop.adapters.matrix.store import account
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.sync.apply import Applier, ToDeviceInbox
from welink_desktop.adapters.matrix.wire.requests import sliding_body, v3_query
from welink_desktop.adapters.matrix.wire.sync import SyncAnswer, parse_sliding, parse_v3
from welink_desktop.adapters.matrix.wire.values import Json, true_at
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.errors import Offline, ServerFault, SignedOut, WeLinkError
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Scope, State

FIRST_WINDOW = 20
GROWTH = 100
POLL_MS = 30_000
GRACE_SECONDS = 30.0
CATCH_UP_SECONDS = 5.0
_NOTHING_TO_WAIT_FOR = (Link.LIVE, Link.STOPPED)
SLIDING_FACT = "sliding-position"
V3_FACT = "v3-position"
WINDOW_FACT = "window"
_log = topic("sync")


class SyncLoop:
    """`connection` is the truth about the line. `grown` is called once every room has been asked for."""

    def __init__(
        self,
        http: Http,
        database: Database,
        applier: Applier,
        inbox: ToDeviceInbox,
        *,
        scope: Scope,
        grown: Callable[[bool], None],
        applied: Callable[[], None],
    ) -> None:
        self.connection: State[Connection] = State(Connection(Link.CONNECTING))
        self._http = http
        self._database = database
        self._applier = applier
        self._inbox = inbox
        self._grown = grown
        self._applied = applied
        self._scope = scope
        self._polling: Callable[[], object] | None = None
        with database.read() as t:
            self._position = account.fact(t, SLIDING_FACT)
            self._v3_position = account.fact(t, V3_FACT)
            self._window = int(account.fact(t, WINDOW_FACT) or FIRST_WINDOW)
            self._sliding = {"yes": True, "no": False}.get(account.fact(t, names.SLIDING_SYNC_FLAG) or "")
        self._complete = False
        self._fresh = self._fresh_connection = self._position is None

    async def run(self) -> None:
        """Until the account's token dies. Never raises for what a server, a certificate or a full disk can do."""
        while True:
            try:
                await self._step()
            except (TokenDead, Locked, SignedOut) as error:
                self.connection.set(Connection(Link.STOPPED, error=error))
                return
            except (Offline, ServerFault, Limited) as error:
                await self._wait(error)
            except MatrixError as error:
                _log.error("sync refused", errcode=literal(error.errcode), status=error.status)
                self._http.backoff.failed()
                await self._wait(error)
            except WeLinkError as error:
                _log.warning("sync cannot go on", reason=literal(type(error).__name__))
                self._http.backoff.failed()
                await self._wait(error)
            except Exception as error:
                _log.error("sync tripped over an answer", exc=error)
                self._http.backoff.failed()
                await self._wait(WeLinkError())

    async def caught_up(self) -> None:
        """Returns once an answer came since the line was last seen broken, after `CATCH_UP_SECONDS` at the latest."""
        if self.connection.value.link in _NOTHING_TO_WAIT_FOR:
            return
        come = asyncio.Event()
        cancel = self.connection.watch(lambda now: come.set() if now.link in _NOTHING_TO_WAIT_FOR else None)
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await come.wait()
        except TimeoutError:
            _log.info("not caught up")
        finally:
            cancel()

    def retry_now(self) -> None:
        """Give up a request that may hang and try again at once."""
        self._http.backoff.wake()
        if self._polling is not None and self.connection.value.link is not Link.LIVE:
            self._polling()

    def poll_again(self) -> None:
        """The network changed under us: do not trust the running request."""
        self._http.backoff.wake()
        if self._polling is not None:
            self._polling()

    async def _wait(self, error: WeLinkError) -> None:
        retry_at = self._http.backoff.retry_at.value
        known = None if isinstance(error, (Offline, ServerFault, Limited)) else error
        self.connection.set(Connection(Link.OFFLINE, retry_at, known))
        await self._http.backoff.wait()

    async def _step(self) -> None:
        if self._sliding is None:
            await self._look()
        try:
            answer = await (self._poll_sliding() if self._sliding else self._poll_v3())
        except MatrixError as error:
            if error.errcode == "M_UNKNOWN_POS":
                self._forget_position()
                return
            if error.errcode == "M_UNRECOGNIZED" and self._sliding:
                self._use(False)
                return
            raise
        if answer is None:
            return
        if self._fresh:
            self._inbox.forget_device_lists()
        self._applier.apply(answer, SLIDING_FACT if self._sliding else V3_FACT)
        if self._sliding:
            self._position = answer.position
            self._grow(answer)
        else:
            self._v3_position = answer.position
            if not self._complete:
                self._complete = True
                self._grown(self._fresh)
        self._fresh = False
        if self.connection.value.link is not Link.LIVE:
            _log.info("live", sliding=self._sliding)
        self.connection.set(Connection(Link.LIVE))
        self._applied()

    async def _look(self) -> None:
        versions = await self._http.request("GET", ("_matrix", "client", "versions"), retry=False)
        self._use(true_at(versions.get("unstable_features"), names.SLIDING_SYNC_FLAG))

    def _use(self, sliding: bool) -> None:
        self._sliding = sliding
        self._complete = False
        self._fresh = True
        with self._database.transaction() as t:
            account.set_fact(t, names.SLIDING_SYNC_FLAG, "yes" if sliding else "no")

    async def _poll_sliding(self) -> SyncAnswer | None:
        with self._database.read() as t:
            since = account.fact(t, "since")
        timeout = POLL_MS if self._complete and self.connection.value.link is Link.LIVE else 0
        query: dict[str, str | int] = {"timeout": timeout}
        if self._position is not None:
            query["pos"] = self._position
        body = sliding_body(window=self._window, since=since)
        answer = await self._cancellable("POST", names.SLIDING_SYNC, query, body, timeout)
        return None if answer is None else parse_sliding(answer)

    async def _poll_v3(self) -> SyncAnswer | None:
        timeout = POLL_MS if self._v3_position and self.connection.value.link is Link.LIVE else 0
        query = v3_query(self._v3_position, timeout)
        answer = await self._cancellable("GET", (*names.CLIENT_V3, "sync"), query, None, timeout)
        return None if answer is None else parse_v3(answer)

    async def _cancellable(
        self, method: str, path: names.Path, query: dict[str, str | int] | dict[str, str], body: Json | None, timeout_ms: int
    ) -> Json | None:
        """None if somebody asked to poll again."""
        given_up = False

        def give_up() -> None:
            nonlocal given_up
            given_up = True
            task.cancel()

        deadline = timeout_ms / 1000 + GRACE_SECONDS

        def request() -> Awaitable[Json]:
            return self._http.request(method, path, query={**query}, json=body, deadline=deadline, retry=False, limit=SYNC_LIMIT)

        outcome = _Outcome()
        task = self._scope.spawn(outcome.of(request), name="poll")
        self._polling = give_up
        try:
            await task
        except BaseException:
            if given_up and task.cancelled():
                return None
            task.cancel()
            raise
        finally:
            self._polling = None
        return outcome.result()

    def _grow(self, answer: SyncAnswer) -> None:
        """Ask for more rooms until all are in the window, and a little beyond."""
        count = answer.room_count if answer.room_count is not None else 0
        if self._window < count:
            self._window = min(self._window + GROWTH, count + GROWTH)
            self._complete = False
        elif not self._complete:
            self._complete = True
            self._window = max(self._window, count + GROWTH)
            self._grown(self._fresh_connection)
            self._fresh_connection = False
        else:
            return
        with self._database.transaction() as t:
            account.set_fact(t, WINDOW_FACT, str(self._window))

    def _forget_position(self) -> None:
        _log.info("position unknown, starting over")
        with self._database.transaction() as t:
            account.set_fact(t, SLIDING_FACT if self._sliding else V3_FACT, None)
        if self._sliding:
            self._position = None
        else:
            self._v3_position = None
        self._window = FIRST_WINDOW
        self._complete = False
        self._fresh = self._fresh_connection = True


class _Outcome:
    """A request's answer or error, so that an error is not taken for a crashed task."""

    def __init__(self) -> None:
        self._answer: Json | None = None
        self._error: WeLinkError | None = None

    async def of(self, request: Callable[[], Awaitable[Json]]) -> None:
        try:
            self._answer = await request()
        except WeLinkError as error:
            self._error = error

    def result(self) -> Json:
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer
