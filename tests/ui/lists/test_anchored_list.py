"""The list keeps its anchor through every kind of change."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from welink_desktop.core.changes import Change, Insert, Move, Remove, Replace, Reset
from welink_desktop.ui.lists.anchored_list import AnchoredList, Gravity
from welink_desktop.ui.lists.rows_model import RowsModel

Row = tuple[int, int]


class Rows:
    """Rows are (name, height); heights of narrow views are doubled. Counts what is measured and painted."""

    def __init__(self) -> None:
        self.model: RowsModel[Row] = RowsModel(lambda row: f"row {self.model.items[row][0]}")
        self.measured = 0
        self.painted: list[int] = []
        self._number = 0

    @property
    def estimate(self) -> int:
        return 30

    def measure(self, row: int, width: int) -> int:
        self.measured += 1
        return self.model.items[row][1] * (2 if width < 200 else 1)

    def paint(self, painter: QPainter, row: int, box: QRect) -> None:
        self.painted.append(row)

    def changed(self, first: int, last: int) -> None:
        return None

    def make(self, count: int) -> tuple[Row, ...]:
        self._number += count
        return tuple((number, 20 + number * 7 % 60) for number in range(self._number - count, self._number))


@pytest.fixture
def stand(qtbot: QtBot, dress: Callable[..., None]) -> Iterator[tuple[AnchoredList, Rows]]:
    rows = Rows()
    view = AnchoredList(Gravity.BOTTOM)
    qtbot.addWidget(view)
    view.resize(300, 400)
    view.present(rows.model, rows)
    view.show()
    yield view, rows
    view.hide()
    view.setModel(None)


def spot(view: AnchoredList, rows: Rows, name: int) -> int:
    """Where the row with this name stands."""
    return view.row_box(next(row for row, one in enumerate(rows.model.items) if one[0] == name)).top()


def reading(view: AnchoredList, rows: Rows) -> tuple[int, int]:
    """Name and place of the first row that is wholly in view."""
    placed = next(one for one in view.placed if one.top >= 0)
    return rows.model.items[placed.row][0], placed.top


def test_a_hundred_thousand_rows_open_at_the_end_and_measure_what_is_seen(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(100_000))])
    assert view.at_end
    assert view.placed[-1].row == 99_999
    assert view.placed[-1].top + view.placed[-1].height == view.viewport().height()
    assert rows.measured < 60


def test_new_rows_are_followed_at_the_end_only(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(200))])
    rows.model.apply([Insert(200, rows.make(1))])
    assert (view.at_end, view.placed[-1].row) == (True, 200)
    view.scroll_by(-1000)
    before = reading(view, rows)
    rows.model.apply([Insert(201, rows.make(3))])
    assert reading(view, rows) == before
    assert view.beyond() > 900
    view.to_end()
    assert (view.at_end, view.beyond()) == (True, 0)


def test_rows_before_and_heights_above_do_not_move_what_is_read(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(300))])
    view.to_row(150, top=60)
    name = rows.model.items[150][0]
    rows.model.apply([Insert(0, rows.make(50))])
    assert spot(view, rows, name) == 60
    rows.model.apply([Remove(10, 20)])
    assert spot(view, rows, name) == 60
    rows.model.apply([Replace(5, (rows.model.items[5][0], 500))])
    assert spot(view, rows, name) == 60


def test_a_resize_keeps_the_row_that_is_read(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(300))])
    view.to_row(100, top=0)
    name, top = reading(view, rows)
    view.resize(180, 400)
    QApplication.processEvents()
    assert reading(view, rows) == (name, top)
    view.to_end()
    view.resize(300, 250)
    QApplication.processEvents()
    assert view.at_end


def test_a_short_list_stands_where_its_gravity_says(stand: tuple[AnchoredList, Rows], qtbot: QtBot) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(2))])
    assert view.placed[-1].top + view.placed[-1].height == view.viewport().height()
    top_list, other = AnchoredList(Gravity.TOP), Rows()
    qtbot.addWidget(top_list)
    top_list.resize(300, 400)
    top_list.present(other.model, other, top=5)
    other.model.apply([Reset(other.make(2))])
    assert top_list.placed[0].top == 5
    assert top_list.above() == 0
    top_list.setModel(None)


def test_scrolling_to_the_start_shows_the_first_row_at_the_top(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(60))])
    for _ in range(40):
        view.scroll_by(-150)
    assert view.placed[0].row == 0 and view.placed[0].top == 0
    assert view.above() == 0


def test_the_scroll_bar_reaches_any_place(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(5000))])
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    assert 2000 < view.placed[0].row < 3000
    bar.setValue(0)
    assert view.placed[0].row == 0
    bar.setValue(bar.maximum())
    assert view.at_end


def test_keys_move_the_cursor_and_bring_it_into_view(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(300))])
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert view.currentIndex().row() == 0 and view.row_box(0).top() == 0
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_PageDown)
    row = view.currentIndex().row()
    assert row > 2
    assert 0 <= view.row_box(row).top() <= view.viewport().height() - view.row_box(row).height()
    QTest.keyClick(view, Qt.Key.Key_End)
    assert view.currentIndex().row() == 299 and view.at_end


def test_points_and_boxes_agree(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(300))])
    for placed in view.placed:
        middle = QPoint(20, placed.top + placed.height // 2)
        if 0 <= middle.y() < view.viewport().height():
            assert view.row_under(middle) == placed.row
            assert view.indexAt(middle).row() == placed.row
    assert view.visualRect(view.model().index(0, 0)).top() < 0


def test_rows_are_named_for_assistive_technology(stand: tuple[AnchoredList, Rows]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(3))])
    assert view.model().index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "row 1"


Wish = tuple[str, int, int]
KINDS = st.sampled_from(["insert", "remove", "replace", "move", "scroll", "jump"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["insert", "remove", "replace", "move", "scroll", "jump"]), st.integers(0, 400), st.integers(1, 40)
        ),
        max_size=25,
    )
)
def test_whatever_happens_the_view_is_filled_without_holes(stand: tuple[AnchoredList, Rows], wishes: list[Wish]) -> None:
    view, rows = stand
    rows.model.apply([Reset(rows.make(100))])
    for kind, at, amount in wishes:
        count = len(rows.model.items)
        row = at % max(1, count)
        change: Change[Row] | None = None
        match kind:
            case "insert":
                change = Insert(row, rows.make(amount))
            case "remove" if count:
                change = Remove(row, min(amount, count - row))
            case "replace" if count:
                change = Replace(row, (rows.model.items[row][0], amount * 9))
            case "move" if count:
                change = Move(row, (row + amount) % count)
            case "scroll":
                view.scroll_by((amount - 20) * 40)
            case "jump":
                view.to_row(row, top=amount)
        if change is not None:
            rows.model.apply([change])
        placed = view.placed
        for one, following in pairwise(placed):
            assert following.row == one.row + 1 and following.top == one.top + one.height
        if placed:
            height = view.viewport().height()
            assert placed[-1].top + placed[-1].height >= height or placed[-1].row == len(rows.model.items) - 1
            assert placed[0].top <= 0 or placed[0].row == 0
            assert view.at_end == (placed[-1].row == len(rows.model.items) - 1 and placed[-1].top + placed[-1].height <= height)
