"""How names are said: pinyin readings of each character, and matching what somebody types against them.

The dictionary (pypinyin) is loaded at the first name; readings are kept in the store, so that a start needs none.
"""

import unicodedata
from collections.abc import Sequence

Readings = list[list[str]]
"""For each character of a name its readings in plain letters ("乐" → ["le", "yue"]); a Latin letter reads as itself."""

MAX_CHARACTERS = 64
MAX_READINGS = 6


def readings_of(name: str) -> Readings:
    """One entry per character of `name` (at most `MAX_CHARACTERS`); empty for what has no sound, like a space."""
    from pypinyin import Style, pinyin

    found: Readings = []
    for character in name[:MAX_CHARACTERS]:
        if is_han(character):
            said = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
            options = [one.replace("ü", "v") for one in (said[0] if said else [])]
            found.append(list(dict.fromkeys(option for option in options if option.isalpha()))[:MAX_READINGS])
        else:
            letter = fold(character)
            found.append([letter] if letter.isalnum() else [])
    return found


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
