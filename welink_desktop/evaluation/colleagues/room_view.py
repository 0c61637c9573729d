"""One room as one colleague sees it: an open timeline, kept as a plain list."""

import asyncio
from collections.abc import Callable

from welink_desktop.core.changes import apply
from welink_desktop.core.ids import EventId, RoomId, TransactionId
from welink_desktop.core.ports.chat import Chat, Timeline
from welink_desktop.core.timeline import SendPhase, TimelineBatch, TimelineItem


class RoomView:
    """Open it with `open_view`; `close` it. Loop-confined."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._items: list[TimelineItem] = []
        self._changed = asyncio.Event()
        self._unwatch = timeline.watch(self._batch)

    @property
    def items(self) -> tuple[TimelineItem, ...]:
        return tuple(self._items)

    async def until(self, find: Callable[[TimelineItem], bool], seconds: float = 60.0) -> TimelineItem:
        """The newest item that `find` accepts, waited for. Raises `TimeoutError`."""
        async with asyncio.timeout(seconds):
            while True:
                found = next((item for item in reversed(self._items) if find(item)), None)
                if found is not None:
                    return found
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        self._unwatch()
        await self.timeline.close()

    def _batch(self, batch: TimelineBatch) -> None:
        apply(self._items, batch.changes)
        self._changed.set()


async def open_view(chat: Chat, room: RoomId) -> RoomView:
    return RoomView(await chat.open_timeline(room))


async def event_of(view: RoomView, transaction: TransactionId) -> EventId:
    """The event id that a queued message of ours got. Raises `TimeoutError`, or `RuntimeError` if sending failed."""
    echo = await view.until(lambda item: item.ref == transaction or item.key.endswith(transaction))
    key = echo.key
    done = await view.until(
        lambda item: item.key == key and (item.send.phase is SendPhase.FAILED or str(item.ref).startswith("$"))
    )
    if done.send.phase is SendPhase.FAILED:
        raise RuntimeError("a colleague's message was refused") from done.send.error
    return EventId(str(done.ref))
