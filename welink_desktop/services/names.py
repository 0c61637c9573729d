"""Names by their sound: order and search, Chinese by pinyin, others by letters (pure).

The dictionary loads at the first Chinese name, single signs only: its phrases would take 45 MB and seconds of a slow computer.
"""

import os
from functools import lru_cache


@lru_cache(maxsize=8192)
def sounds(name: str) -> tuple[str, ...]:
    """One lower-case syllable per Chinese sign; the rest of the name in pieces as it is written."""
    if name.isascii():
        return (name.casefold(),)
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
    from pypinyin import lazy_pinyin

    return tuple(piece.casefold() for piece in lazy_pinyin(name))


def name_order(name: str) -> tuple[str, str]:
    """Sort key: pinyin or letters without regard to case, then the name itself."""
    return " ".join(sounds(name)), name


def spelled(name: str) -> tuple[str, str]:
    """Pinyin without tones and the initials of a name, lower case, without spaces."""
    pieces = [word for piece in sounds(name) for word in piece.split()]
    return "".join(pieces), "".join(word[0] for word in pieces if word)
