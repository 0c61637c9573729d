"""Lists change by changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.core.changes import Change, Insert, Move, Remove, Replace, Reset, apply


def test_each_kind_of_change() -> None:
    items = [1, 2, 3]
    apply(items, [Insert(1, (8, 9)), Remove(0, 1), Replace(0, 7), Move(0, 3)])
    assert items == [9, 2, 3, 7]
    apply(items, [Reset((5,))])
    assert items == [5]


@pytest.mark.parametrize(
    "change", [Insert(4, (1,)), Insert(-1, (1,)), Remove(2, 2), Remove(0, 0), Replace(3, 1), Move(0, 3), Move(3, 0)]
)
def test_a_change_that_does_not_fit_is_refused(change: Change[int]) -> None:
    with pytest.raises(IndexError):
        apply([1, 2, 3], [change])


@given(st.lists(st.integers()), st.data())
def test_move_keeps_every_item(items: list[int], data: st.DataObject) -> None:
    if not items:
        return
    index = st.integers(0, len(items) - 1)
    changed = list(items)
    apply(changed, [Move(data.draw(index), data.draw(index))])
    assert sorted(changed) == sorted(items)
