"""The answer with everything, in pieces of any size."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.security.backup_server import RoomsStream, sessions_of
from welink_desktop.core.errors import ServerFault

ROOMS = {"!会议": {"sessions": {'a"}{': {"session_data": {"mac": "x"}}}}, "!b": {}, "!c": {"sessions": {}}}


def parsed(text: str, size: int) -> list[tuple[str, object]]:
    stream = RoomsStream()
    found: list[tuple[str, object]] = []
    for start in range(0, len(text), size):
        found += stream.feed(text[start : start + size])
    return found + list(stream.finish())


@given(st.integers(1, 200), st.sampled_from([None, 2]), st.booleans())
def test_every_room_comes_out_whatever_the_pieces(size: int, indent: int | None, escaped: bool) -> None:
    assert dict(parsed(json.dumps({"rooms": ROOMS}, indent=indent, ensure_ascii=escaped), size)) == ROOMS


def test_no_rooms_are_no_rooms() -> None:
    assert parsed('{"rooms": {}}', 3) == []


def test_rooms_come_before_the_answer_is_complete() -> None:
    text = json.dumps({"rooms": {f"!{number}": {"sessions": {}} for number in range(100)}})
    stream = RoomsStream()
    assert len(list(stream.feed(text[: len(text) // 2]))) > 40


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"rooms": []}',
        '{"rooms": {"!a": {}',
        '{"rooms": {"!a" 5}}',
        "x" * 2000,
        '{"rooms":{"!a":' + "[" * 100_000,
    ],
)
def test_anything_else_is_a_fault_of_the_server(text: str) -> None:
    with pytest.raises(ServerFault):
        parsed(text, 50)


@pytest.mark.parametrize("answer", [None, [], {}, {"sessions": []}, {"rooms": {}}])
def test_a_room_without_sessions_has_none(answer: object) -> None:
    assert sessions_of(answer) == {}
