"""Colleagues answer what they are asked, and the right one does."""

import pytest

from welink_desktop.evaluation.colleagues.answers import choose
from welink_desktop.evaluation.sample import sample

SITE = ["chen", "dan", "maya", "su"]


@pytest.mark.parametrize(
    ("question", "by", "words"),
    [
        ("你好,周三的会议几点?", "maya", "下午 3 点"),
        ("When is the Wednesday meeting?", "maya", "15:00"),
        ("Daniel, when is the meeting on Wednesday?", "dan", "15:00"),
        ("苏婉宁，点位好了吗", "su", "点位"),
        ("点位好了吗", "chen", "点位"),
        ("谢谢", "chen", "不客气"),
        ("ok then", "chen", "收到"),
    ],
)
def test_answers(question: str, by: str, words: str) -> None:
    answer = choose(question, SITE, sample())
    assert answer is not None
    assert answer.by == by
    assert words in answer.text
    assert answer.reaction


def test_nobody_answers_where_nobody_is() -> None:
    assert choose("你好", [], sample()) is None
