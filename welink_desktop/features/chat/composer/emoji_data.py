"""Our emoji list: characters, English names, Chinese words. Qt-free."""

import json
from dataclasses import dataclass
from functools import cache

from welink_desktop.core.resources import resource

GROUPS = ("faces", "people", "nature", "food", "travel", "things", "symbols")


@dataclass(frozen=True, slots=True)
class Emoji:
    char: str
    name: str
    words: str = ""


@cache
def emoji_groups() -> dict[str, tuple[Emoji, ...]]:
    raw = json.loads(resource("emoji", "emoji.json").read_text(encoding="utf-8"))
    return {group: tuple(Emoji(*entry) for entry in raw[group]) for group in GROUPS}


def find_emoji(query: str, limit: int = 120) -> tuple[Emoji, ...]:
    """Emoji whose names hold every word of `query`; those that begin with it first."""
    words = query.casefold().split()
    if not words:
        return ()
    found = [
        (not (one.name.startswith(words[0]) or words[0] in one.words.split()), number, one)
        for number, one in enumerate(one for group in emoji_groups().values() for one in group)
        if all(word in one.name or word in one.words for word in words)
    ]
    return tuple(one for _, _, one in sorted(found, key=lambda entry: entry[:2])[:limit])
