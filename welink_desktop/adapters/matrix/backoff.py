"""One back-off per homeserver (matrix.md §1.1): whoever fails slows everybody down, whoever succeeds frees everybody."""

import asyncio
import random

from welink_desktop.core.clock import Clock
from welink_desktop.core.reactive import State

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0


class Backoff:
    """`retry_at` is None while the line is good, else the monotonic second of the next try."""

    def __init__(self, clock: Clock) -> None:
        self.retry_at: State[float | None] = State(None)
        self._clock = clock
        self._failures = 0
        self._woken = asyncio.Event()

    def succeeded(self) -> None:
        self._failures = 0
        self.retry_at.set(None)
        self._woken.set()

    def failed(self, at_least: float = 0.0) -> None:
        """A transient failure. Failures of requests that ran side by side count once."""
        now = self._clock.monotonic()
        planned = self.retry_at.value
        if planned is not None and planned > now and at_least <= planned - now:
            return
        delay = min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._woken.clear()
        self.retry_at.set(now + max(at_least, delay * random.uniform(0.75, 1.25)))  # noqa: S311 - jitter, not a secret

    def wake(self) -> None:
        """The person asks, or the network came back: try now."""
        self._failures = 0
        if self.retry_at.value is not None:
            self.retry_at.set(self._clock.monotonic())
        self._woken.set()

    async def wait(self) -> None:
        """Returns at once while the line is good, else at the time of the next try or when woken."""
        while (at := self.retry_at.value) is not None:
            delay = at - self._clock.monotonic()
            if delay <= 0:
                return
            self._woken.clear()
            try:
                async with asyncio.timeout(delay):
                    await self._woken.wait()
            except TimeoutError:
                return
