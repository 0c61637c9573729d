"""Whether a remote track is received, changed so that the SFU ends where we want it."""

import asyncio
from collections.abc import Callable

GAP = 0.5
"""Seconds between two changes of one track: the SDK sends each from a task of its own, so two at once may arrive reversed."""


class Subscription:
    """Of one publication, off at first. `apply` sends a change; `changed` is called after each."""

    def __init__(self, apply: Callable[[bool], None], changed: Callable[[], None] = lambda: None, *, gap: float = GAP) -> None:
        self._apply, self._changed, self._gap = apply, changed, gap
        self._sent: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.on = False

    def want(self, on: bool, *, linger: float = 0.0) -> None:
        """Switch as soon as the gap allows; off only after `linger` seconds in which nobody wanted it on again."""
        if on == self.on:
            self.close()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            pause = 0.0 if self._sent is None else self._sent + self._gap - loop.time()
            wait = max(pause, 0.0 if on else linger)
            if wait > 0:
                self._timer = loop.call_later(wait, self._switch, on)
            else:
                self._switch(on)

    def insist(self) -> None:
        """Say it again: what is said while the connection is being made anew does not arrive. Nothing if never said."""
        if self._sent is not None:
            self._sent = asyncio.get_running_loop().time()
            self._apply(self.on)

    def close(self) -> None:
        """Forget a change that is still to come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _switch(self, on: bool) -> None:
        self._timer = None
        self.on = on
        self._sent = asyncio.get_running_loop().time()
        self._apply(on)
        self._changed()
