"""Topic loggers that cannot print secrets or message text.

`topic("sync").info("answer", rooms=3, pos=short(pos))`: the message is a fixed literal, values are named fields. Fields may
be numbers, booleans, None, enum members, or `Loggable`. A bare `str` is refused (`TypeError` in tests, redacted
otherwise): wrap ids in `short(…)`.
"""

import enum
import hashlib
import logging
from dataclasses import dataclass

ROOT = "welink"


@dataclass(frozen=True, slots=True)
class Loggable:
    """A text that its author declares free of secrets and of anything a person wrote."""

    value: str

    def __str__(self) -> str:
        return self.value


Field = int | float | bool | None | enum.Enum | Loggable


class _Mode:
    strict = False


def refuse_bare_text(strict: bool) -> None:
    """In tests a bare `str` field raises; in the field it is written as `<text>`."""
    _Mode.strict = strict


def short(identifier: str) -> Loggable:
    """A stable 8-digit fingerprint of an id: tells two rooms apart in a log without naming them."""
    return Loggable(hashlib.sha256(identifier.encode()).hexdigest()[:8])


def literal(word: str) -> Loggable:
    """For constants: event types, error codes, state names."""
    return Loggable(word)


class Topic:
    """One subject of the log ("sync", "outbox", "media" …)."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{ROOT}.{name}")

    def debug(self, message: str, **fields: Field) -> None:
        self._write(logging.DEBUG, message, fields, None)

    def info(self, message: str, **fields: Field) -> None:
        self._write(logging.INFO, message, fields, None)

    def warning(self, message: str, **fields: Field) -> None:
        self._write(logging.WARNING, message, fields, None)

    def error(self, message: str, *, exc: BaseException | None = None, **fields: Field) -> None:
        """`exc`: its type and stack are written, never its message (it may quote content)."""
        self._write(logging.ERROR, message, fields, exc)

    def _write(self, level: int, message: str, fields: dict[str, Field], exc: BaseException | None) -> None:
        if not self._logger.isEnabledFor(level):
            return
        parts = [message, *(f"{name}={_shown(value)}" for name, value in fields.items())]
        if exc is not None:
            parts.append(f"exception={type(exc).__name__} at {_where(exc)}")
        self._logger.log(level, " ".join(parts))


def topic(name: str) -> Topic:
    return Topic(name)


def _shown(value: object) -> str:
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, (bool, int, float, Loggable)):
        return str(value)
    if _Mode.strict:
        raise TypeError(f"a log field must not be a bare {type(value).__name__}")
    return "<text>"


def _where(exc: BaseException) -> str:
    places = []
    trace = exc.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}:{code.co_name}")
        trace = trace.tb_next
    return " > ".join(places[-6:]) or "unknown"
