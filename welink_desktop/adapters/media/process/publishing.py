"""Our own tracks: each source is driven to what is wanted, one change at a time, and the truth is told."""

import asyncio
from collections.abc import Callable

from livekit import rtc

from welink_desktop.adapters.media.process.feeds import Feed
from welink_desktop.adapters.media.process.keys import FrameKeys
from welink_desktop.core.calls import MediaEvent, SelfChanged, TrackSource
from welink_desktop.core.errors import MeetingServerUnreachable, WeLinkError
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Scope

_log = topic("media")
_PUBLISH_SECONDS = 15.0
Deliver = Callable[[MediaEvent], None]


class Outgoing:
    """One source. Nothing is published before it is wanted for the first time and a room is there.

    Off means muted and the device free; with `unpublish` (screen) it means gone. What is wanted outlives a lost room: the
    next `attach` publishes again.
    """

    def __init__(
        self,
        source: TrackSource,
        scope: Scope,
        make: Callable[[], Feed],
        keys: FrameKeys,
        deliver: Deliver,
        *,
        unpublish: bool = False,
    ) -> None:
        self.source = source
        self.wanted = False
        self._make = make
        self._keys = keys
        self._deliver = deliver
        self._unpublish = unpublish
        self._room: rtc.Room | None = None
        self._feed: Feed | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._on = False
        self._renew = False
        self._told: SelfChanged | None = None
        self._reason: WeLinkError | None = None
        self._news = asyncio.Event()
        scope.spawn(self._run(), name=source.value)

    @property
    def sid(self) -> str:
        return self._publication.sid if self._publication is not None else ""

    def want(self, on: bool) -> None:
        self.wanted = on
        self._told = self._reason = None
        self._news.set()

    def renew(self) -> None:
        """The source's device changed: publish it anew if it is published."""
        self._renew = self._publication is not None
        self._news.set()

    def lost(self, error: WeLinkError) -> None:
        """The device failed while it was on."""
        self.wanted = False
        self._reason = error
        self._news.set()

    def muted_by_server(self) -> None:
        """A host muted us: that is what is wanted now, until the person says otherwise."""
        if self._on:
            self.want(False)

    def attach(self, room: rtc.Room) -> None:
        self._room = room
        self._news.set()

    def detach(self) -> None:
        """The room is gone."""
        self._room = None
        self._news.set()

    async def close(self) -> None:
        self.wanted = False
        await self._drop()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._settle()
            except WeLinkError as error:
                self.wanted = False
                self._reason = error
                await self._withdraw()
                self._tell(False)
            except (rtc.participant.PublishTrackError, rtc.participant.UnpublishTrackError, TimeoutError) as error:
                _log.warning("publishing failed", source=self.source, error=literal(type(error).__name__))
                await self._drop()
                self._reason = MeetingServerUnreachable(type(error).__name__)
                self._tell(False)

    async def _settle(self) -> None:
        if self._room is None:
            await self._drop()
            self._tell(False)
            return
        if self._renew:
            self._renew = False
            await self._withdraw()
        if self.wanted and self._publication is None:
            await self._publish(self._room)
        elif self.wanted and not self._on:
            await self._resume()
        elif not self.wanted and self._on:
            await self._pause()
        if not self._news.is_set():  # else a newer wish is waiting, whose answer this is not
            self._tell(self._on)

    async def _publish(self, room: rtc.Room) -> None:
        feed = self._feed = self._make()
        track, options = await feed.open()
        self._publication = await asyncio.wait_for(room.local_participant.publish_track(track, options), _PUBLISH_SECONDS)
        self._keys.apply_index()
        await feed.flow(True)
        self._on = True

    async def _resume(self) -> None:
        assert self._feed is not None and self._publication is not None
        self._keys.apply_index()
        await self._feed.flow(True)
        if self._publication.track is not None:
            self._publication.track.unmute()
        self._on = True

    async def _pause(self) -> None:
        assert self._feed is not None and self._publication is not None
        self._on = False
        clean = await self._feed.flow(False)
        if self._unpublish or not clean:
            await self._withdraw()
        elif self._publication.track is not None:
            self._publication.track.mute()

    async def _withdraw(self) -> None:
        """Unpublish, if there is still a room to unpublish from."""
        publication, self._publication = self._publication, None
        try:
            if publication is not None and self._room is not None and self._room.isconnected():
                await asyncio.wait_for(self._room.local_participant.unpublish_track(publication.sid), _PUBLISH_SECONDS)
        finally:
            await self._drop()

    async def _drop(self) -> None:
        self._on = False
        self._publication = None
        feed, self._feed = self._feed, None
        if feed is not None:
            await feed.close()

    def _tell(self, on: bool) -> None:
        device = self._feed.device if self._feed is not None else ""
        truth = SelfChanged(self.source, on, device, None if on else self._reason)
        if truth != self._told:
            self._told = truth
            self._deliver(truth)
