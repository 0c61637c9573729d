"""One open room: its rows, kept up to date by changes, and what a person does with a message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from welink_desktop.core.changes import Change, Reset, apply
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import EventId, MessageRef, RoomId, TransactionId
from welink_desktop.core.ports.chat import Chat, Timeline
from welink_desktop.core.ports.media import MediaStore
from welink_desktop.core.reactive import Cancel, Scope, Signal, State
from welink_desktop.core.timeline import AttachmentContent, TimelineBatch, TimelineItem


@dataclass(frozen=True, slots=True)
class TimelineStatus:
    """How the open timeline stands. `failure` is the last thing that went wrong and was not dismissed."""

    loading: bool = True
    loading_older: bool = False
    at_start: bool = False
    read_up_to: EventId | None = None
    failure: WeLinkError | None = None


class RoomTimeline:
    """Rows of one room, oldest first.

    `rows` is changed in place; `changed` tells what changed after the fact. Nobody compares lists again. Actions return at
    once; what goes wrong becomes `status.failure`. `close` stops everything.
    """

    def __init__(self, chat: Chat, media: MediaStore, room: RoomId, scope: Scope) -> None:
        self.room = room
        self.rows: list[TimelineItem] = []
        self.changed: Signal[tuple[Change[TimelineItem], ...]] = Signal()
        self.status = State(TimelineStatus())
        self._chat = chat
        self._media = media
        self._scope = scope
        self._timeline: Timeline | None = None
        self._cancel: Cancel | None = None
        self._closed = False
        self._older_wanted = False
        scope.spawn(self._open(), name="open-timeline")

    def load_older(self) -> None:
        """Extend at the old end; does nothing while that is under way or at the start."""
        timeline, status = self._timeline, self.status.value
        if timeline is None or self._older_wanted or status.at_start or self._scope.closed:
            return
        self._older_wanted = True
        self._scope.spawn(self._load_older(timeline), name="load-older")

    async def load_until(self, event: EventId) -> bool:
        """Whether `event` is among the rows after extending at the old end as far as needed."""
        if self.index_of(event) is not None:
            return True
        if self._timeline is None:
            return False
        try:
            return await self._timeline.load_until(event)
        except WeLinkError as error:
            self._fail(error)
            return False

    def index_of(self, ref: str) -> int | None:
        """The row with this key or reference; looked for from the newest on."""
        for index in range(len(self.rows) - 1, -1, -1):
            row = self.rows[index]
            if ref in (row.ref, row.key):
                return index
        return None

    def react(self, item: TimelineItem, key: str) -> None:
        """Add our reaction, or take it back if it is there."""
        mine = next((reaction.mine for reaction in item.reactions if reaction.key == key and reaction.mine), None)
        if mine is not None:
            self._do(lambda: self._chat.recall(self.room, mine), "undo-reaction")
        else:
            self._do(lambda: self._chat.react(self.room, item.ref, key), "react")

    def recall(self, ref: MessageRef) -> None:
        self._do(lambda: self._chat.recall(self.room, ref), "recall")

    def retry(self, ref: MessageRef) -> None:
        self._do(lambda: self._chat.retry(self.room, TransactionId(ref)), "retry")

    def mark_read(self, event: EventId) -> None:
        self._do(lambda: self._chat.mark_read(self.room, event), "mark-read")

    def save(self, content: AttachmentContent, target: Path, done: Callable[[WeLinkError | None], None]) -> None:
        """Write an attachment to `target`; `done` gets None or what went wrong."""
        self._scope.spawn(self._save(content, target, done), name="save-attachment")

    def dismiss_failure(self) -> None:
        self.status.set(replace(self.status.value, failure=None))

    async def close(self) -> None:
        self._closed = True
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        if self._timeline is not None:
            await self._timeline.close()
            self._timeline = None

    async def _open(self) -> None:
        try:
            timeline = await self._chat.open_timeline(self.room)
        except WeLinkError as error:
            self.status.set(TimelineStatus(loading=False, failure=error))
            return
        if self._closed:
            await timeline.close()
            return
        self._timeline = timeline
        self._cancel = timeline.watch(self._receive)

    def _receive(self, batch: TimelineBatch) -> None:
        if self._closed:
            return
        apply(self.rows, batch.changes)
        before = self.status.value
        after = TimelineStatus(
            loading=before.loading and not any(isinstance(change, Reset) for change in batch.changes),
            loading_older=batch.loading_older or self._older_wanted,
            at_start=batch.at_start,
            read_up_to=batch.read_up_to,
            failure=batch.failure or before.failure,
        )
        if batch.changes and before.loading:
            self.status.set(after)
            self.changed.emit(batch.changes)
            return
        if batch.changes:
            self.changed.emit(batch.changes)
        self.status.set(after)

    async def _load_older(self, timeline: Timeline) -> None:
        self.status.set(replace(self.status.value, loading_older=True))
        failure: WeLinkError | None = None
        try:
            await timeline.load_older()
        except WeLinkError as error:
            failure = error
        finally:
            self._older_wanted = False
            status = self.status.value
            self.status.set(replace(status, loading_older=False, failure=failure or status.failure))

    async def _save(self, content: AttachmentContent, target: Path, done: Callable[[WeLinkError | None], None]) -> None:
        try:
            await self._media.save(content.source, target)
        except WeLinkError as error:
            done(error)
        else:
            done(None)

    def _do(self, action: Callable[[], Awaitable[None]], name: str) -> None:
        if not self._scope.closed:
            self._scope.spawn(self._attempt(action), name=name)

    async def _attempt(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except WeLinkError as error:
            self._fail(error)

    def _fail(self, error: WeLinkError) -> None:
        self.status.set(replace(self.status.value, failure=error))
