"""A session that shows its kept room list before the engine behind it is loaded and built (architecture §6: starts are fast)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from welink_desktop.core.account import Account, Connection, Link
from welink_desktop.core.changes import Reset
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.calls import CallSignalling
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.ports.media import MediaStore
from welink_desktop.core.ports.people import People
from welink_desktop.core.ports.security import Security
from welink_desktop.core.reactive import Cancel, Scope, Signal
from welink_desktop.core.rooms import RoomListBatch, RoomSummary

if TYPE_CHECKING:
    from welink_desktop.adapters.matrix.client import MatrixSession

FIRST_PICTURE_SECONDS = 0.25
"""The interface has this long to paint the kept list before the engine competes for the processor."""
_log = topic("session")


class LateSession:
    """Implements `Session`. `begin` builds and starts the engine, and leaves nothing open if it fails.

    What hindered it stands in the connection: stopped, with the error.
    """

    def __init__(
        self,
        account: Account,
        kept: Sequence[RoomSummary],
        begin: Callable[[], Awaitable["MatrixSession"]],
    ) -> None:
        self.account = account
        self._begin = begin
        self._hurry = asyncio.Event()
        self._loaded: asyncio.Future[MatrixSession] = asyncio.get_running_loop().create_future()
        self._came: Signal[MatrixSession] = Signal()
        self._failed: Signal[WeLinkError] = Signal()
        self._scope = Scope("late-session")
        self.chat = cast("Chat", _LateChat(self, kept))
        self.people = cast("People", _LatePart(self, "people"))
        self.calls = cast("CallSignalling", _LatePart(self, "calls"))
        self.media = cast("MediaStore", _LatePart(self, "media"))
        self.security = cast("Security", _LatePart(self, "security"))
        self._scope.spawn(self._load(), name="load-engine")

    # Port

    def watch_connection(self, listener: Listener[Connection]) -> Cancel:
        if not self.ready:
            listener(Connection(Link.CONNECTING))
        failed = self._failed.listen(lambda error: listener(Connection(Link.STOPPED, error=error)))
        cancel = self.when_loaded(lambda session: session.watch_connection(listener))

        def end() -> None:
            failed()
            cancel()

        return end

    async def retry_now(self) -> None:
        await (await self._now()).retry_now()

    async def close(self) -> None:
        with contextlib.suppress(WeLinkError):
            await (await self._now()).close()
        await self._scope.aclose()

    async def sign_out(self) -> None:
        with contextlib.suppress(WeLinkError):
            await (await self._now()).sign_out()
        await self._scope.aclose()

    def signed_in_again(self) -> None:
        """Fresh tokens are in place: follow the server again."""
        self.when_loaded(lambda session: session.signed_in_again())

    # For the parts

    @property
    def ready(self) -> bool:
        return self._loaded.done() and self._loaded.exception() is None

    async def loaded(self) -> "MatrixSession":
        """The engine, once it is there. Raises what hindered it."""
        return await asyncio.shield(self._loaded)

    def when_loaded(self, begin: Callable[["MatrixSession"], object]) -> Cancel:
        """Call `begin` now or as soon as the engine is there; undo what it returned if that can be called."""
        undo: list[object] = []
        waiting: list[Cancel] = []

        def start(session: "MatrixSession") -> None:
            undo.append(begin(session))

        def cancel() -> None:
            for one in (*waiting, *undo):
                if callable(one):
                    one()
            waiting.clear()
            undo.clear()

        if self.ready:
            start(self._loaded.result())
        else:
            waiting.append(self._came.listen(start))
        return cancel

    # Inside

    async def _now(self) -> "MatrixSession":
        self._hurry.set()
        return await self.loaded()

    async def _load(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_PICTURE_SECONDS):
                await self._hurry.wait()
        try:
            session = await self._begin()
        except WeLinkError as error:
            _log.warning("the engine does not start", error=literal(error.key))
            self._loaded.set_exception(error)
            self._loaded.exception()
            self._failed.emit(error)
        except BaseException as error:
            self._loaded.set_exception(WeLinkError(type(error).__name__))
            self._loaded.exception()
            raise
        else:
            self._loaded.set_result(session)
            self._came.emit(session)


class _LatePart:
    """One port of the session: `watch…` begins when the engine is there, everything else waits for it."""

    def __init__(self, session: LateSession, name: str) -> None:
        self._session = session
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._watcher(name) if name.startswith("watch") else self._coroutine(name)

    def _watcher(self, name: str) -> Callable[..., Cancel]:
        def watch(*args: Any) -> Cancel:
            return self._session.when_loaded(lambda session: getattr(getattr(session, self._name), name)(*args))

        return watch

    def _coroutine(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **named: Any) -> Any:
            session = await self._session.loaded()
            return await getattr(getattr(session, self._name), name)(*args, **named)

        return call


class _LateChat(_LatePart):
    """Knows the room list as it stood last."""

    def __init__(self, session: LateSession, kept: Sequence[RoomSummary]) -> None:
        super().__init__(session, "chat")
        self._kept = tuple(kept)

    def watch_rooms(self, listener: Listener[RoomListBatch]) -> Cancel:
        if not self._session.ready:
            listener(RoomListBatch((Reset(self._kept),), loading=False))
        return self._session.when_loaded(lambda session: session.chat.watch_rooms(listener))
