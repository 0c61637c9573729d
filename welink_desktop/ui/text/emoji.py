"""Which texts are emoji only, to be shown larger. Qt-free."""

import unicodedata

MAX_ENLARGED = 5

_JOINER = "\u200d"
_VARIATION = "\ufe0f"
_KEYCAP = "\u20e3"


def only_emoji(text: str) -> bool:
    """Whether `text` is one to five emoji and nothing else but white space."""
    compact = "".join(text.split())
    if not compact or len(compact) > 8 * MAX_ENLARGED:
        return False
    count, joined, regional = 0, False, 0
    for char in compact:
        if char in (_VARIATION, _KEYCAP) or _is_modifier(char) or 0xE0020 <= ord(char) <= 0xE007F:
            if not count:
                return False
            continue
        if char == _JOINER:
            joined = True
            continue
        if 0x1F1E6 <= ord(char) <= 0x1F1FF:
            regional += 1
            count += regional % 2
            continue
        if not _is_pictograph(char):
            return False
        count += 0 if joined else 1
        joined = False
    return 0 < count <= MAX_ENLARGED


def _is_modifier(char: str) -> bool:
    return 0x1F3FB <= ord(char) <= 0x1F3FF


def _is_pictograph(char: str) -> bool:
    point = ord(char)
    if point < 0x2190:
        return char in "\u203c\u2049"
    if 0x1F000 <= point <= 0x1FAFF:
        return True
    return point < 0x3300 and (unicodedata.category(char) == "So" or char in "\u2934\u2935\u25fe\u25fd\u3030\u303d")
