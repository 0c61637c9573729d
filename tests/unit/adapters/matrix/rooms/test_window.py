"""The changes of a timeline always lead to what it holds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.rooms.window import Window
from welink_desktop.core.changes import apply
from welink_desktop.core.ids import EventId, ItemKey, TransactionId, UserId
from welink_desktop.core.timeline import TextContent, TimelineItem


def item(ref: str, key: str, body: str = "") -> TimelineItem:
    return TimelineItem(ItemKey(key), EventId(ref), UserId("@a:b"), "A", 0, TextContent(body))


def echo(number: int, body: str = "") -> TimelineItem:
    return TimelineItem(ItemKey(f"t{number}"), TransactionId(f"t{number}"), UserId("@a:b"), "A", 0, TextContent(body))


remote = st.tuples(
    st.just("remote"),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "x", "gone"])), min_size=1, max_size=4),
)
echoes = st.tuples(st.just("echoes"), st.lists(st.integers(0, 9), unique=True, max_size=5))
decorated = st.tuples(st.just("decorate"), st.sampled_from(["", "!"]))


@given(st.lists(remote | echoes | decorated, max_size=12))
@settings(max_examples=300)
def test_changes_lead_to_the_rows(steps: list[tuple[str, object]]) -> None:
    window = Window()
    window.reset([], [], lambda row: row)
    seen: list[TimelineItem] = []
    apply(seen, window.take())
    for kind, values in steps:
        if kind == "remote":
            rows = {}
            for number, body in values:  # type: ignore[attr-defined]  # drawn above
                key = f"t{number}" if number % 2 else f"${number}"
                rows[number] = (float(number), EventId(f"${number}"), None if body == "gone" else item(f"${number}", key, body))
            window.upsert([row for number, row in rows.items() if row[2] is not None or window.has(row[1])], lambda row: row)
        elif kind == "echoes":
            window.set_echoes([echo(number) for number in values])  # type: ignore[attr-defined]  # drawn above
        else:
            window.redecorate(lambda row, mark=values: item(str(row.ref), row.key, str(mark)))  # type: ignore[misc]  # bound
        apply(seen, window.take())
        assert tuple(seen) == window.items
        remote_refs = [row.ref for row in seen if row.ref.startswith("$")]
        assert remote_refs == sorted(remote_refs)
        assert len({row.key for row in seen}) == len(seen)


def test_the_row_at_or_before_a_place() -> None:
    window = Window()
    window.reset([(1.0, item("$1", "$1")), (3.0, item("$3", "$3"))], [], lambda row: row)
    assert window.row_at_or_before(2.5) == "$1"
    assert window.row_at_or_before(0.5) is None
    assert window.has(EventId("$3"))
    window.prepend([(0.0, item("$0", "$0"))], lambda row: row)
    assert [row.ref for row in window.items] == ["$0", "$1", "$3"]
