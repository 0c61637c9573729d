"""Typed looks into untrusted JSON: a value of the wrong type is as good as absent."""

import json
import math
import re
from typing import Any

from welink_desktop.core.errors import ServerFault
from welink_desktop.core.ids import ContentUri

Json = dict[str, Any]

_SAFE_INTEGER = 2**53 - 1
_MXC = re.compile(
    r"mxc://(?P<server>[A-Za-z0-9.\-]{1,230}|\[[0-9A-Fa-f:.]{2,45}\])(?P<port>:[0-9]{1,5})?/(?P<media>[A-Za-z0-9_\-]{1,255})"
)


def parse_json(body: bytes) -> Json:
    """A JSON object, or `ServerFault`. Deep nesting, lone surrogates in the text and NaN never raise anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServerFault("answer is not JSON") from error
    if not isinstance(value, dict):
        raise ServerFault("answer is not a JSON object")
    return value


def text_of(source: object, key: str, limit: int = 65_536) -> str:
    """The string at `key`, without lone surrogates, cut to `limit` characters; "" if there is none."""
    value = source.get(key) if isinstance(source, dict) else None
    return clean(value[:limit]) if isinstance(value, str) else ""


def clean(value: str) -> str:
    """`value` without lone surrogates and NUL, which neither UTF-8 nor SQLite can hold."""
    if value.isascii():
        return value.replace("\x00", "")
    return value.encode("utf-8", "ignore").decode().replace("\x00", "")


def object_of(source: object, key: str) -> Json:
    """The object at `key`, or an empty one."""
    value = source.get(key) if isinstance(source, dict) else None
    return value if isinstance(value, dict) else {}


def list_of(source: object, key: str) -> list[Any]:
    value = source.get(key) if isinstance(source, dict) else None
    return value if isinstance(value, list) else []


def texts_of(source: object, key: str) -> list[str]:
    """The strings of the list at `key`."""
    return [clean(value) for value in list_of(source, key) if isinstance(value, str)]


def integer_of(source: object, key: str, default: int = 0) -> int:
    """The integer at `key`, clamped to ±(2^53 - 1); floats are cut, anything else is `default`."""
    value = source.get(key) if isinstance(source, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    if math.isnan(value):
        return default
    return int(max(-_SAFE_INTEGER, min(_SAFE_INTEGER, value)))


def true_at(source: object, key: str) -> bool:
    return isinstance(source, dict) and source.get(key) is True


def content_uri(value: object) -> ContentUri | None:
    """A valid `mxc:` address (matrix.md §6), else None."""
    return ContentUri(value) if isinstance(value, str) and _MXC.fullmatch(value) else None
