"""Our microphone, camera and screen as `Switch`es: the wish goes to the media engine, the truth comes back as `SelfChanged`."""

import asyncio
from collections.abc import Callable

from welink_desktop.core.calls import SelfChanged, TrackSource
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError
from welink_desktop.core.reactive import Scope, Switch

DRIVEN = (TrackSource.MICROPHONE, TrackSource.CAMERA, TrackSource.SCREEN)
ANSWER_SECONDS = 10.0
Wish = Callable[[TrackSource, bool], None]


class Sources:
    """Before the meeting and while its connection is gone (`hold`) wishes are passed on but no answer is waited for; `resume`
    repeats what is wanted and waits again.

    `refused` hears why a source went off by itself.
    """

    def __init__(
        self, scope: Scope, wish: Wish, refused: Callable[[WeLinkError], None], *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._wish = wish
        self._refused = refused
        self._answer_seconds = answer_seconds
        self._held = True
        self._waiting: dict[TrackSource, asyncio.Future[SelfChanged]] = {}
        self.switches = {
            source: Switch(scope, source.value, lambda on, source=source: self._drive(source, on))  # type: ignore[misc]  # binds now
            for source in DRIVEN
        }

    def is_on(self, source: TrackSource) -> bool:
        return self.switches[source].state.value.actual

    def hold(self) -> None:
        """The connection is gone: what is on stays wanted, and what the engine says meanwhile is no news."""
        self._held = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.cancel()

    def resume(self) -> None:
        """The engine is there (again): ask it for everything that is wanted."""
        self._held = False
        for source, switch in self.switches.items():
            self._wish(source, switch.state.value.wanted)

    def rest(self) -> None:
        """No meeting: everything is off again."""
        self.hold()
        for switch in self.switches.values():
            switch.observed(False)

    def changed(self, event: SelfChanged) -> None:
        """The engine's word about one of our sources."""
        switch = self.switches.get(event.source)
        if switch is None:
            return
        waiting = self._waiting.get(event.source)
        if waiting is not None and not waiting.done():
            waiting.set_result(event)
            return
        if self._held:
            return
        if event.reason is not None and not event.on:
            self._refused(event.reason)
        switch.observed(event.on, None if event.on else event.reason)

    async def _drive(self, source: TrackSource, on: bool) -> bool:
        if self._held:
            self._wish(source, on)
            return on
        waiting: asyncio.Future[SelfChanged] = asyncio.get_running_loop().create_future()
        self._waiting[source] = waiting
        self._wish(source, on)
        try:
            async with asyncio.timeout(self._answer_seconds):
                event = await waiting
        except TimeoutError as error:
            raise DeviceUnavailable(device=source.value) from error
        except asyncio.CancelledError:
            if waiting.cancelled() and not _cancelling():
                return on
            raise
        finally:
            del self._waiting[source]
        if event.on != on and event.reason is not None:
            self._refused(event.reason)
            raise event.reason
        return event.on


def _cancelling() -> bool:
    """Whether the running task itself is being cancelled, not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
