"""Who stands where on the stage and who is large, calmly: no tile moves more than once in 3 s (visual.md §5)."""

from collections.abc import Iterable, Sequence

from welink_desktop.core.clock import Clock
from welink_desktop.services.call_layout import PER_PAGE

HOLD_SECONDS = 3.0


class StageOrder:
    """Ourselves first, then the others in order of joining; whoever speaks comes to page one and stays there.

    Nothing moves by itself: call `settle` when it may, at least once a second while a meeting is shown.
    """

    def __init__(self, clock: Clock, *, per_page: int = PER_PAGE) -> None:
        self._clock = clock
        self._per_page = per_page
        self._order: list[str] = []
        self._own = ""
        self._speaking: list[str] = []
        self._spoke_at: dict[str, float] = {}
        self._speaker: str | None = None
        self._moved_at = self._switched_at = float("-inf")

    @property
    def order(self) -> tuple[str, ...]:
        return tuple(self._order)

    @property
    def speaker(self) -> str | None:
        """Who is large in speaker view: the last one who spoke, never ourselves unless we are alone; None on an empty stage."""
        if self._speaker is not None:
            return self._speaker
        return next((one for one in self._order if one != self._own), self._order[0] if self._order else None)

    def present(self, identities: Sequence[str], own: str) -> None:
        """Everybody in the meeting, in order of joining. Newcomers stand last; the gaps of those who left close."""
        self._own = own
        here = set(identities)
        kept = [one for one in self._order if one in here]
        known = set(kept)
        self._order = kept + [one for one in identities if one not in known]
        if own in here and self._order[0] != own:
            self._order.remove(own)
            self._order.insert(0, own)
        self._spoke_at = {one: at for one, at in self._spoke_at.items() if one in here}
        self._speaking = [one for one in self._speaking if one in here]
        if self._speaker not in here:
            self._speaker = None

    def speaking(self, identities: Iterable[str]) -> None:
        """Who is heard just now, loudest first."""
        here = set(self._order)
        self._speaking = [one for one in identities if one in here]
        now = self._clock.monotonic()
        for one in self._speaking:
            self._spoke_at[one] = now
        self.settle()

    def settle(self) -> None:
        """Make the moves that are due."""
        now = self._clock.monotonic()
        if now - self._switched_at >= HOLD_SECONDS:
            self._choose_speaker(now)
        if now - self._moved_at >= HOLD_SECONDS:
            self._bring_forward(now)

    def _choose_speaker(self, now: float) -> None:
        others = [one for one in self._speaking if one != self._own]
        if not others or self._speaker in others[:1]:
            return
        self._speaker = others[0]
        self._switched_at = now

    def _bring_forward(self, now: float) -> None:
        """The loudest speaker of a later page changes places with whoever of page one was silent longest."""
        first, later = self._order[: self._per_page], set(self._order[self._per_page :])
        comer = next((one for one in self._speaking if one in later), None)
        if comer is None:
            return
        silent = [one for one in first if one != self._own and one not in self._speaking]
        if not silent:
            return
        goer = min(silent, key=lambda one: (self._spoke_at.get(one, float("-inf")), -first.index(one)))
        a, b = self._order.index(goer), self._order.index(comer)
        self._order[a], self._order[b] = comer, goer
        self._moved_at = now
