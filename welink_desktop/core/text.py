"""Words for people, before they have a language: a message key of the Fluent catalogues and its arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

TextArgument = str | int | float | date | datetime


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence to be rendered by `welink_desktop.strings`; `key` exists in every catalogue (tested)."""

    key: str
    args: Mapping[str, TextArgument] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.key, tuple(sorted(self.args.items(), key=lambda pair: pair[0]))))


def text(key: str, **args: TextArgument) -> Text:
    """`text("send-failed", name="Lin")`: argument names use "_" here and "-" in the catalogue."""
    return Text(key, {name.replace("_", "-"): value for name, value in args.items()})


def spoken_size(size: int) -> str:
    """ "3.8 MB", with a non-breaking space; powers of 1000."""
    value = float(max(0, size))
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    shown = f"{value:.0f}" if unit == "B" or value >= 100 else f"{value:.1f}".removesuffix(".0")
    return f"{shown}\u00a0{unit}"
