"""Links in plain text, and which addresses may be opened at all. Qt-free."""

import re
from urllib.parse import unquote, urlsplit

SCHEMES = frozenset({"http", "https", "mailto", "matrix"})

_WORD = "A-Za-z0-9_"
_STOP = "\\s<>\"'，。！？；：、（）《》「」『』“”‘’"
_HOST = f"[{_WORD}-]+(?:\\.[{_WORD}-]+)+"
_LINK = re.compile(
    f"https?://[^{_STOP}]+"
    f"|mailto:[{_WORD}.+-]+@{_HOST}"
    f"|(?<![{_WORD}@/.+-])[{_WORD}.+-]+@{_HOST}"
    f"|(?<![{_WORD}@/.-])www\\.{_HOST}(?:/[^{_STOP}]*)?"
)
_TRAILING = ".,;:!?'\"*_~"
_PAIRS = {")": "(", "]": "[", "}": "{"}


def allowed(address: str) -> str:
    """The address if it may become a link (scheme http, https, mailto, matrix; no control characters), else ""."""
    address = address.strip()
    if len(address) > 2048 or any(ord(char) < 0x20 or char.isspace() for char in address):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme.lower() not in SCHEMES:
        return ""
    if parts.scheme.lower() in {"http", "https"} and not parts.hostname:
        return ""
    return address


def find(text: str) -> list[tuple[int, int, str]]:
    """(start, end, address) of the links in `text`, without the punctuation that ends a sentence."""
    found: list[tuple[int, int, str]] = []
    for match in _LINK.finditer(text):
        start, shown = match.start(), _trim(match.group())
        address = shown
        if shown.startswith("www."):
            address = "https://" + shown
        elif "://" not in shown and not shown.startswith("mailto:"):
            address = "mailto:" + shown
        if allowed(address):
            found.append((start, start + len(shown), address))
    return found


def mentioned(address: str) -> str:
    """The user id an address names (`https://matrix.to/#/@user:server`, `matrix:u/user:server`), else ""."""
    for prefix in ("https://matrix.to/#/", "http://matrix.to/#/"):
        if address.startswith(prefix):
            target = unquote(address.removeprefix(prefix).partition("?")[0])
            return target if target.startswith("@") and ":" in target else ""
    if address.startswith("matrix:u/"):
        target = unquote(address.removeprefix("matrix:u/").partition("?")[0])
        return "@" + target if ":" in target else ""
    return ""


def _trim(shown: str) -> str:
    while shown:
        last = shown[-1]
        if last in _TRAILING or (last in _PAIRS and shown.count(last) > shown.count(_PAIRS[last])):
            shown = shown[:-1]
        else:
            break
    return shown
