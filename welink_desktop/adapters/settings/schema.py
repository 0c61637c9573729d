"""The settings records as flat keys ("appearance.theme") and back. The records' own types and defaults are the schema."""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping

from welink_desktop.core.settings import Settings

Plain = str | int | float | bool
"""What a settings file can hold."""

_RANGES: dict[str, tuple[float, float]] = {
    "appearance.text_scale": (0.8, 2.0),
    "window.width": (320, 32767),
    "window.height": (240, 32767),
    "window.x": (-32768, 32767),
    "window.y": (-32768, 32767),
    "window.list_width": (200, 2000),
}


def flatten(settings: Settings) -> dict[str, Plain]:
    """Every value under its key; a value of None is left out (its absence is its value)."""
    flat: dict[str, Plain] = {}
    for section in dataclasses.fields(settings):
        record = getattr(settings, section.name)
        for entry in dataclasses.fields(record):
            value = getattr(record, entry.name)
            if value is not None:
                flat[f"{section.name}.{entry.name}"] = value.value if isinstance(value, enum.Enum) else value
    return flat


def build(values: Mapping[str, object]) -> Settings:
    """Settings from flat values. Unknown keys are ignored; a value of the wrong type gives the default, an excess is clamped."""
    sections: dict[str, object] = {}
    for section in dataclasses.fields(Settings):
        kind = _record_type(section)
        chosen = {}
        hints = typing.get_type_hints(kind)
        for entry in dataclasses.fields(kind):
            key = f"{section.name}.{entry.name}"
            value = _convert(values.get(key), hints[entry.name])
            if value is not None:
                chosen[entry.name] = _clamp(key, value)
        sections[section.name] = kind(**chosen)
    return Settings(**typing.cast("dict[str, typing.Any]", sections))


def known_keys() -> frozenset[str]:
    """Every key that a file or a policy may set."""
    return frozenset(
        f"{section.name}.{entry.name}"
        for section in dataclasses.fields(Settings)
        for entry in dataclasses.fields(_record_type(section))
    )


def _record_type(section: "dataclasses.Field[typing.Any]") -> type[typing.Any]:
    kind = typing.get_type_hints(Settings)[section.name]
    return typing.cast("type[typing.Any]", kind)


def _convert(value: object, hint: object) -> object:
    """`value` as the type `hint`, or None if it does not fit."""
    if value is None:
        return None
    if isinstance(hint, types.UnionType):
        return next((found for part in hint.__args__ if (found := _convert(value, part)) is not None), None)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next((member for member in hint if member.value == value), None)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return hint(value)
    return None


def _clamp(key: str, value: object) -> object:
    limits = _RANGES.get(key)
    if limits is None or not isinstance(value, (int, float)):
        return value
    if value != value:  # noqa: PLR0124 - NaN is the only value that differs from itself
        return type(value)(limits[0])
    return type(value)(min(max(value, limits[0]), limits[1]))
