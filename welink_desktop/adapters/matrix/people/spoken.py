"""How names are said: pinyin readings of each character, and matching what somebody types against them.

The dictionary (pypinyin) is loaded at the first name; readings are kept in the store, so that a start needs none.
"""

import os
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypinyin import Style

Readings = list[list[str]]
"""For each character of a name its readings in plain letters ("乐" → ["le", "yue"]); a Latin letter reads as itself."""

SURNAMES = {
    "曾": "zeng", "单": "shan", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "朴": "piao", "盖": "ge", "乐": "yue",
    "召": "shao", "翟": "zhai", "缪": "miao", "种": "chong", "秘": "bi", "繁": "po", "冼": "xian", "黑": "he", "折": "she",
    "谌": "chen", "员": "yun", "覃": "qin", "任": "ren", "华": "hua", "尉": "yu", "万": "wan", "隗": "wei", "燕": "yan",
}  # fmt: skip
"""How characters are said as surnames, where that is not their usual sound."""

MAX_CHARACTERS = 64
MAX_READINGS = 6


def readings_of(name: str) -> Readings:
    """One entry per character of `name` (at most `MAX_CHARACTERS`); empty for what has no sound, like a space."""
    pinyin, style = _dictionary()
    found: Readings = []
    for character in name[:MAX_CHARACTERS]:
        if is_han(character):
            said = pinyin(character, style=style.NORMAL, heteronym=True, errors="ignore")
            options = [one.replace("ü", "v") for one in (said[0] if said else [])]
            found.append(list(dict.fromkeys(option for option in options if option.isalpha()))[:MAX_READINGS])
        else:
            letter = fold(character)
            found.append([letter] if letter.isalnum() else [])
    surname = SURNAMES.get(name[:1])
    if surname is not None:
        found[0] = [surname, *(reading for reading in found[0] if reading != surname)]
    return found


def _dictionary() -> "tuple[Callable[..., list[list[str]]], type[Style]]":
    """The library with its single characters only: its phrases take 45 MB and 0.4 s, and a name is read sign by sign."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
    import pypinyin

    return pypinyin.pinyin, pypinyin.Style


def sort_key(name: str, readings: Readings) -> tuple[str, str]:
    """Orders names as a Chinese reader expects: by pinyin, Latin names among them by their letters."""
    sounds = [
        (f" {options[0]} " if is_han(character) else options[0]) if options else " "
        for character, options in zip(name, readings, strict=False)
    ]
    return " ".join("".join(sounds).split()), name


def fold(text: str) -> str:
    """Lower case without accents and full-width forms."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def is_han(character: str) -> bool:
    code = ord(character)
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF


def spoken_match(typed: str, readings: Sequence[Sequence[str]], han: Sequence[bool]) -> tuple[int, int, bool] | None:
    """Where `typed` (letters, spaces ignored) is said in the name: (start, length, only initials), the earliest place.

    Each character may be typed in full ("zhiyuan"), by its beginning ("zhiy") or its initial ("zy"), freely mixed. Only the last
    one may be cut at any letter, others by full reading or initial. Names without a Han character are not matched here.
    """
    query = "".join(character for character in fold(typed) if character.isalnum())
    if not query or not any(han):
        return None
    for start, options in enumerate(readings):
        if not options or not han[start]:
            continue
        end = _walk(query, readings, start, {})
        if end is not None:
            sounded = sum(1 for options in readings[start:end] if options)
            return start, end - start, sounded == len(query) and len(query) > 1
    return None


def _walk(query: str, readings: Sequence[Sequence[str]], at: int, seen: dict[tuple[int, int], int | None]) -> int | None:
    """The end of the match of `query` beginning with character `at`, None if there is none."""
    if not query:
        return at
    if at >= len(readings):
        return None
    key = (len(query), at)
    if key not in seen:
        seen[key] = None
        seen[key] = _step(query, readings, at, seen)
    return seen[key]


def _step(query: str, readings: Sequence[Sequence[str]], at: int, seen: dict[tuple[int, int], int | None]) -> int | None:
    if not readings[at]:
        return _walk(query, readings, at + 1, seen)
    for reading in readings[at]:
        if reading.startswith(query):
            return at + 1
        for length in (len(reading), 1):
            if query.startswith(reading[:length]):
                end = _walk(query[length:], readings, at + 1, seen)
                if end is not None:
                    return end
    return None
