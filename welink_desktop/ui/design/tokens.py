"""`resources/tokens/tokens.json`, read once, with typed access. Lengths are device-independent pixels at 100 % text size."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from welink_desktop.core.resources import resource

ThemeName = Literal["light", "dark", "high-contrast"]
TypeName = Literal["badge", "rail", "caption", "small", "body", "message", "strong", "title", "heading", "display", "code"]
THEME_NAMES: tuple[ThemeName, ...] = ("light", "dark", "high-contrast")


@dataclass(frozen=True, slots=True)
class TypeToken:
    """One step of the type scale, in pixels at 100 %."""

    size: int
    line: int
    weight: int
    size_cjk: int


@dataclass(frozen=True, slots=True)
class Shadow:
    y: int
    blur: int
    alpha_light: float
    alpha_dark: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """All values; an unknown name is a `KeyError`."""

    data: dict[str, Any]

    def colors(self, theme: ThemeName) -> dict[str, str]:
        colors: dict[str, str] = dict(self.data["color"][theme])
        for name, value in self.data["code"][theme].items():
            colors[f"code-{name}"] = value
        return colors

    def stage(self) -> dict[str, str]:
        return {name: value for name, value in self.data["stage"].items() if not name.startswith("$")}

    def avatar_tones(self) -> tuple[str, ...]:
        return tuple(self.data["avatar-tones"]["fill"])

    def avatar_text(self) -> str:
        return str(self.data["avatar-tones"]["text"])

    def space(self, step: int) -> int:
        return int(self.data["space"][str(step)])

    def radius(self, name: str) -> int:
        return int(self.data["radius"][name])

    def type(self, name: TypeName) -> TypeToken:
        entry = self.data["type"]["scale"][name]
        return TypeToken(entry["size"], entry["line"], entry["weight"], entry.get("size-cjk", entry["size"]))

    def families(self, system: str) -> tuple[str, ...]:
        return tuple(self.data["type"]["family"][system])

    def control(self, name: str) -> int:
        return int(self.data["control"][name])

    def layout(self, name: str) -> float:
        return float(self.data["layout"][name])

    def layout_size(self, name: str) -> tuple[int, int]:
        width, height = self.data["layout"][name]
        return int(width), int(height)

    def row(self, name: str, density: str) -> int:
        return int(self.data["row"][name][density])

    def motion(self, name: str) -> int:
        return int(self.data["motion"][name])

    def scrim_alpha(self, theme: ThemeName) -> float:
        return float(self.data["scrim-alpha"][theme])

    def shadow(self, level: int) -> Shadow | None:
        entry = self.data["elevation"][str(level)]["shadow"]
        if entry is None:
            return None
        return Shadow(entry["y"], entry["blur"], entry["alpha-light"], entry["alpha-dark"])


@cache
def tokens() -> Tokens:
    return Tokens(json.loads(resource("tokens", "tokens.json").read_text(encoding="utf-8")))
