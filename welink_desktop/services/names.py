"""Order of people's names: Chinese by pinyin, others by letters, both in one list (pure)."""

from functools import lru_cache


@lru_cache(maxsize=8192)
def name_order(name: str) -> tuple[str, str]:
    """Sort key: pinyin or letters without regard to case, then the name itself."""
    from pypinyin import lazy_pinyin  # its dictionaries take 30 MB: only when names are sorted

    return " ".join(lazy_pinyin(name)).casefold(), name
