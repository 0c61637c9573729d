"""The stage stays calm."""

import itertools
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.services.active_speaker import HOLD_SECONDS, StageOrder


@dataclass
class StillClock:
    seconds: float = 100.0

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


PEOPLE = [f"p{number}" for number in range(12)]


def order_of(clock: StillClock, per_page: int = 4) -> StageOrder:
    order = StageOrder(clock, per_page=per_page)
    order.present(PEOPLE, "p3")
    return order


def test_ourselves_first_then_by_joining() -> None:
    assert order_of(StillClock()).order[:4] == ("p3", "p0", "p1", "p2")


def test_a_speaker_of_a_later_page_changes_places_with_the_one_silent_longest() -> None:
    clock = StillClock()
    order = order_of(clock)
    order.speaking(["p0", "p2"])
    clock.seconds += 1
    order.speaking(["p9"])
    assert order.order[:4] == ("p3", "p0", "p9", "p2")
    assert order.order.index("p1") == 9


def test_tiles_change_places_at_most_once_in_three_seconds() -> None:
    clock = StillClock()
    order = order_of(clock)
    order.speaking(["p9"])
    after_first = order.order
    clock.seconds += HOLD_SECONDS - 0.1
    order.speaking(["p10"])
    assert order.order == after_first
    clock.seconds += 0.2
    order.settle()
    assert "p10" in order.order[:4]


def test_who_speaks_on_page_one_does_not_move() -> None:
    clock = StillClock()
    order = order_of(clock)
    before = order.order
    for _ in range(10):
        clock.seconds += 5
        order.speaking(["p2", "p0"])
    assert order.order == before


def test_the_large_speaker_is_held_and_never_ourselves() -> None:
    clock = StillClock()
    order = order_of(clock)
    assert order.speaker == "p0"
    order.speaking(["p5"])
    clock.seconds += 1
    order.speaking(["p6", "p5"])
    assert order.speaker == "p5"
    clock.seconds += 3
    order.settle()
    assert order.speaker == "p6"
    clock.seconds += 4
    order.speaking(["p3"])
    assert order.speaker == "p6"
    order.present(["p3"], "p3")
    assert order.speaker == "p3"
    order.present([], "")
    assert order.speaker is None


def test_newcomers_stand_last_and_gaps_close() -> None:
    order = order_of(StillClock())
    order.present([*PEOPLE[2:], "new"], "p3")
    assert order.order == ("p3", "p2", *PEOPLE[4:], "new")


@given(st.lists(st.tuples(st.sampled_from(PEOPLE), st.floats(0, 2)), max_size=40))
def test_nobody_is_lost_and_moves_are_at_least_three_seconds_apart(talk: list[tuple[str, float]]) -> None:
    clock = StillClock()
    order = order_of(clock)
    moves = []
    for speaker, pause in talk:
        clock.seconds += pause
        before = order.order
        order.speaking([speaker])
        if order.order != before:
            moves.append(clock.seconds)
            assert sum(a != b for a, b in zip(before, order.order, strict=True)) == 2
        assert sorted(order.order) == sorted(PEOPLE)
        assert order.order[0] == "p3"
    assert all(later - earlier >= HOLD_SECONDS for earlier, later in itertools.pairwise(moves))
