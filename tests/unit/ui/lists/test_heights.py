"""Sums of row heights against a plain list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.ui.lists.heights import CHUNK, HeightMap

Step = tuple[str, int, int]


@given(
    st.lists(
        st.tuples(st.sampled_from(["insert", "remove", "set", "forget"]), st.integers(0, 3000), st.integers(1, 1200)), max_size=40
    )
)
def test_sums_and_places_agree_with_a_plain_list(steps: list[Step]) -> None:
    heights, plain = HeightMap(), [40] * 700
    heights.reset(plain)
    for kind, at, amount in steps:
        row = at % (len(plain) + 1)
        match kind:
            case "insert":
                heights.insert(row, [amount] * (amount % 700))
                plain[row:row] = [amount] * (amount % 700)
            case "remove" if row < len(plain):
                count = min(amount, len(plain) - row)
                heights.remove(row, count)
                del plain[row : row + count]
            case "set" if row < len(plain):
                assert heights.set(row, amount) == amount - plain[row]
                plain[row] = amount
            case "forget" if row < len(plain):
                heights.forget(row)
                assert not heights.measured(row)
        assert len(heights) == len(plain)
        assert heights.total == sum(plain)
    for row in range(0, len(plain), 97):
        assert heights.height(row) == plain[row]
        assert heights.offset(row) == sum(plain[:row])
        if plain[row]:
            assert heights.row_at(sum(plain[:row])) == row


def test_a_resize_keeps_heights_as_estimates() -> None:
    heights = HeightMap()
    heights.reset([10] * 3)
    heights.set(1, 50)
    assert heights.measured(1) and not heights.measured(0)
    heights.forget_all()
    assert not heights.measured(1)
    assert heights.height(1) == 50


def test_rows_outside_are_refused() -> None:
    heights = HeightMap()
    heights.reset([10] * (CHUNK + 1))
    for row in (-1, CHUNK + 1):
        with pytest.raises(IndexError):
            heights.height(row)
    with pytest.raises(IndexError):
        heights.remove(0, CHUNK + 2)
    with pytest.raises(IndexError):
        heights.insert(CHUNK + 3, [1])
    heights.reset([])
    with pytest.raises(IndexError):
        heights.row_at(0)
