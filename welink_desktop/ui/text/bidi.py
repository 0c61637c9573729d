"""Direction: text of others never changes the order of text around it (Unicode UAX #9). Qt-free."""

import unicodedata

_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_FIRST_STRONG_ISOLATE = "\u2068"
_POP_ISOLATE = "\u2069"
MAX_MARKS = 8
"""Combining marks kept per character; more is a stack that paints over other rows."""


def without_controls(text: str) -> str:
    """`text` without bidi controls and control characters (line breaks and tabs stay), with at most 8 marks per character."""
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category == "Mn":
            marks += 1
            if marks > MAX_MARKS:
                continue
        else:
            marks = 0
        if char in _CONTROLS or (category == "Cc" and char not in "\n\t"):
            continue
        kept.append(char)
    return "".join(kept)


def one_line(text: str) -> str:
    """`text` for a place with a single line: no controls, white space collapsed."""
    return " ".join(without_controls(text).split())


def isolated(name: str) -> str:
    """A name to be put into a sentence of ours: cleaned and inside a first-strong isolate."""
    return f"{_FIRST_STRONG_ISOLATE}{one_line(name)}{_POP_ISOLATE}"


def reads_right_to_left(text: str) -> bool:
    """Whether the first strong character of `text` is Hebrew, Arabic and the like."""
    for char in text[:200]:
        direction = unicodedata.bidirectional(char)
        if direction == "L":
            return False
        if direction in {"R", "AL"}:
            return True
    return False
