"""Texts in the person's language: one Qt-free renderer of the Fluent catalogues for views, notifications and command line.

A catalogue entry is parsed when it is first needed, so that a start does not pay for texts nobody sees.
"""

import locale
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, tzinfo
from functools import cache
from typing import TYPE_CHECKING

from welink_desktop.core.log import literal, topic
from welink_desktop.core.resources import resource
from welink_desktop.core.text import Text, spoken_size

if TYPE_CHECKING:
    from fluent.runtime import FluentBundle

LANGUAGES = ("en", "zh-CN")
_LOCALES = {"en": "en-GB", "zh-CN": "zh-Hans-CN"}
_ENTRY = re.compile(r"^(-?[A-Za-z][\w-]*)[ \t]*=", re.MULTILINE)
_VARIABLE = re.compile(r"\{\s*\$([a-z][\w-]*)\s*\}")
_REFERENCE = re.compile(r"\{\s*(-?[a-z][\w-]*)(?:\.[\w-]+)?\s*[}(]")

_log = topic("strings")


class Strings:
    """The catalogues of one language. `render` never raises: a missing key shows itself in brackets and is logged."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self._sources = dict(_entries(self.language))
        self._plain: dict[str, str | None] = {}
        self._bundle: FluentBundle | None = None
        self._loaded: set[str] = set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Strings) and other.language == self.language

    def __hash__(self) -> int:
        return hash(self.language)

    @property
    def cjk(self) -> bool:
        return self.language == "zh-CN"

    def keys(self) -> frozenset[str]:
        return frozenset(self._sources)

    def has(self, key: str) -> bool:
        return key in self._sources

    def render(self, text: Text) -> str:
        """The sentence. Names and other arguments of people are isolated for bidirectional text."""
        if text.key not in self._sources:
            _log.error("text missing", key=literal(text.key), language=literal(self.language))
            return f"[{text.key}]"
        plain = self._plain_text(text)
        if plain is not None:
            return plain
        bundle = self._load(text.key)
        message = bundle.get_message(text.key)
        if message.value is None:
            return f"[{text.key}]"
        rendered, errors = bundle.format_pattern(message.value, dict(text.args))
        for error in errors:
            _log.error("text broken", key=literal(text.key), error=literal(type(error).__name__))
        return _without_needless_isolation(str(rendered))

    def __call__(self, key: str, /, **args: object) -> str:
        from welink_desktop.core.text import text

        return self.render(text(key, **args))  # type: ignore[arg-type]  # checked by Fluent at run time

    def _plain_text(self, text: Text) -> str | None:
        """Sentences without choices, rendered without Fluent (whose number and date tables cost a start 70 ms)."""
        if text.key not in self._plain:
            self._plain[text.key] = plain_value(self._sources[text.key])
        pattern = self._plain[text.key]
        if pattern is None or "{" not in pattern:
            return pattern
        shown: dict[str, str] = {}
        for name in _VARIABLE.findall(pattern):
            value = text.args.get(name)
            if isinstance(value, str):
                shown[name] = f"\u2068{value}\u2069"
            elif isinstance(value, int) and not isinstance(value, bool):
                shown[name] = f"\u2068{self.number(value)}\u2069"
            else:
                return None
        return _without_needless_isolation(_VARIABLE.sub(lambda match: shown[match.group(1)], pattern))

    def _load(self, key: str) -> "FluentBundle":
        """The bundle with `key` and whatever it refers to."""
        from fluent.runtime import FluentBundle, FluentResource

        if self._bundle is None:
            self._bundle = FluentBundle([_LOCALES[self.language]], use_isolating=True)
        if key not in self._loaded and key in self._sources:
            self._loaded.add(key)
            source = self._sources[key]
            self._bundle.add_resource(FluentResource(source))
            for reference in _REFERENCE.findall(source):
                self._load(reference)
        return self._bundle

    # Dates and numbers, in the person's time zone.

    def time(self, at: datetime) -> str:
        """ "09:58"."""
        return f"{at.hour:02d}:{at.minute:02d}"

    def date(self, day: date, today: date) -> str:
        """ "Tuesday 24 November", with the year when it is not this one."""
        if self.cjk:
            year = "" if day.year == today.year else f"{day.year} 年 "
            return f"{year}{day.month} 月 {day.day} 日 {_ZH_WEEKDAYS[day.weekday()]}"
        year = "" if day.year == today.year else f" {day.year}"
        return f"{_EN_WEEKDAYS[day.weekday()]} {day.day} {_EN_MONTHS[day.month - 1]}{year}"

    def moment(self, at: datetime, now: datetime) -> str:
        """For lists: the time today, "Yesterday", the weekday within a week, else the date."""
        days = (now.date() - at.date()).days
        if days <= 0:
            return self.time(at)
        if days == 1:
            return self("yesterday")
        if days < 7:
            return (_ZH_WEEKDAYS if self.cjk else _EN_WEEKDAYS)[at.weekday()]
        if at.year != now.year:
            return f"{at.year}/{at.month}/{at.day}" if self.cjk else f"{at.day}/{at.month}/{at.year}"
        return f"{at.month} 月 {at.day} 日" if self.cjk else f"{at.day} {_EN_MONTHS[at.month - 1][:3]}"

    def full_moment(self, at: datetime) -> str:
        """ "Tuesday 24 November 2026, 09:58:12"."""
        day = self.date(at.date(), date(1, 1, 1))
        return f"{day} {at:%H:%M:%S}" if self.cjk else f"{day}, {at:%H:%M:%S}"

    def size(self, size: int) -> str:
        """ "3.8 MB", with a non-breaking space; powers of 1000."""
        return spoken_size(size)

    def duration(self, seconds: float) -> str:
        """ "0:23", "1:02:03"."""
        whole = int(seconds)
        hours, rest = divmod(whole, 3600)
        minutes, left = divmod(rest, 60)
        return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"

    def number(self, number: int) -> str:
        return f"{number:,}"


_EN_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EN_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_ZH_WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


_held: list[datetime] = []


@contextmanager
def wall_clock_at(moment: datetime) -> Iterator[None]:
    """For pictures that are compared: what is shown is written as if it were `moment`, in its time zone."""
    _held.append(moment)
    try:
        yield
    finally:
        _held.pop()


def local_zone() -> tzinfo | None:
    """The time zone in which moments are shown; None is this computer's."""
    return _held[-1].tzinfo if _held else None


def local_now() -> datetime:
    """Now, in the time zone in which moments are shown."""
    return _held[-1] if _held else datetime.now().astimezone()


def local_moment(timestamp_ms: int) -> datetime:
    """A server's or sender's milliseconds in the time zone of this computer; absurd values become the epoch's edge."""
    clamped = min(max(timestamp_ms, 0), 253_370_764_800_000)
    return datetime.fromtimestamp(clamped / 1000).astimezone(local_zone())


def system_language() -> str:
    """The language of this computer's settings, one of `LANGUAGES`."""
    candidates = [os.environ.get(name, "") for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    candidates.append(locale.getlocale()[0] or "")
    for candidate in candidates:
        if candidate and candidate not in {"C", "POSIX", "C.UTF-8"}:
            return "zh-CN" if candidate.lower().startswith(("zh", "chinese")) else "en"
    return "en"


@cache
def strings(language: str) -> Strings:
    """The shared renderer of a language; "" is the system's."""
    return Strings(language or system_language())


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min).astimezone()


def _entries(language: str) -> Iterable[tuple[str, str]]:
    for path in sorted(resource("i18n", language).glob("*.ftl")):
        source = path.read_text(encoding="utf-8")
        starts = [(match.start(), match.group(1)) for match in _ENTRY.finditer(source)]
        for index, (start, key) in enumerate(starts):
            end = starts[index + 1][0] if index + 1 < len(starts) else len(source)
            yield key, source[start:end]


def plain_value(source: str) -> str | None:
    """The value of a catalogue entry that has nothing but text and `{ $name }`; None for everything else."""
    lines = [line for line in source.splitlines() if not line.startswith("#")]
    first = lines[0].partition("=")[2].strip(" ")
    rest = lines[1:]
    while rest and not rest[-1].strip():
        rest.pop()
    remaining = _VARIABLE.sub("", "\n".join([first, *rest]))
    if "{" in remaining or "}" in remaining or any(line.strip()[:1] in {".", "[", "*"} for line in rest):
        return None
    indents = [len(line) - len(line.lstrip(" ")) for line in rest if line.strip()]
    common = min(indents, default=0)
    value = [first] if first else []
    return "\n".join([*value, *(line[common:].rstrip(" ") for line in rest)])


def _without_needless_isolation(rendered: str) -> str:
    """Isolation marks only matter where right-to-left characters can occur."""
    if any("\u0590" <= character <= "\u08ff" or "\ufb1d" <= character <= "\ufefc" for character in rendered):
        return rendered
    return rendered.replace("\u2068", "").replace("\u2069", "")
