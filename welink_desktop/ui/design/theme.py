"""The current theme: colours, lengths and text styles for one look. Everything on screen asks it when it paints.

`current()` is the theme of this process (Qt itself has one style sheet per application); `look` is its `State`.
`apply(app, appearance)` makes an `Appearance` current without restart.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QWidget

from welink_desktop.core.reactive import Cancel, State
from welink_desktop.core.settings import Appearance, Density
from welink_desktop.core.settings import Theme as ThemeChoice
from welink_desktop.ui.bind import bind
from welink_desktop.ui.design.fonts import TextStyle, load_bundled_fonts, text_style
from welink_desktop.ui.design.tokens import ThemeName, TypeName, tokens

RowKind = Literal["room", "person", "department", "menu", "section", "participant", "setting"]

_STAGE_IN_HIGH_CONTRAST = {
    "stage": "surface",
    "stage-tile": "surface-inset",
    "stage-bar": "surface",
    "stage-control": "pressed",
    "stage-control-hover": "hover",
    "stage-control-off": "text",
    "stage-control-off-icon": "accent-contrast",
    "stage-text": "text",
    "stage-muted": "text-muted",
    "stage-label": "surface",
    "stage-label-text": "text",
    "stage-leave": "danger-fill",
    "stage-leave-text": "danger-contrast",
    "stage-speaking": "speaking-ring",
    "stage-hand": "hand-raised",
    "stage-share-frame": "danger",
}


@dataclass(frozen=True)
class Theme:
    """One look. Equal themes look the same; lengths come scaled (visual.md §9)."""

    name: ThemeName = "light"
    density: Density = Density.COMFORTABLE
    text_scale: float = 1.0
    reduced_motion: bool = False
    cjk: bool = False
    on_stage: bool = field(default=False)

    @cached_property
    def _colors(self) -> dict[str, QColor]:
        values = tokens().colors(self.name)
        if self.high_contrast:
            values |= {name: values[source] for name, source in _STAGE_IN_HIGH_CONTRAST.items()}
        else:
            values |= tokens().stage()
        return {name: QColor(value) for name, value in values.items()}

    def color(self, token: str) -> QColor:
        """Colour of a token; `stage-…`, `code-…` included. Raises `KeyError`."""
        return self._colors[token]

    def hex(self, token: str) -> str:
        return self._colors[token].name()

    def veil(self) -> QColor:
        """The scrim behind dialogs: the one colour with alpha."""
        color = QColor(self.color("scrim"))
        color.setAlphaF(tokens().scrim_alpha(self.name))
        return color

    def avatar_tone(self, index: int) -> QColor:
        return QColor(tokens().avatar_tones()[index])

    @property
    def avatar_text(self) -> QColor:
        return QColor(tokens().avatar_text())

    @property
    def high_contrast(self) -> bool:
        return self.name == "high-contrast"

    @property
    def dark(self) -> bool:
        return self.name != "light"

    @property
    def compact(self) -> bool:
        return self.density is Density.COMPACT

    def stage(self) -> "Theme":
        """The look of the meeting window: dark, except in high contrast."""
        return self if self.high_contrast else replace(self, name="dark", on_stage=True)

    # Lengths

    def scaled(self, length: float) -> int:
        """A length that grows like text (rows, controls)."""
        return round(length * self.text_scale)

    def padded(self, length: float) -> int:
        """A length that grows by half the factor (gaps, margins)."""
        return round(length * (1 + (self.text_scale - 1) / 2))

    def space(self, step: int) -> int:
        """Spacing step 0–11: 0 2 4 8 12 16 20 24 32 40 48 64 at 100 %."""
        return self.padded(tokens().space(step))

    def radius(self, name: str) -> int:
        return tokens().radius(name)

    def control(self, name: str) -> int:
        """`height` follows the density; others as named."""
        if name == "height" and self.compact:
            name = "height-compact"
        return self.scaled(tokens().control(name))

    def layout(self, name: str) -> int:
        """A column or area of the layout, not scaled with text except the header."""
        if name == "header" and self.compact:
            name = "header-compact"
        value = tokens().layout(name)
        return self.padded(value) if name.startswith(("header", "rail")) else round(value)

    def row(self, kind: RowKind) -> int:
        return self.scaled(tokens().row(kind, self.density.value))

    def icon_size(self, size: int) -> int:
        """16, 20, 24 or 32 at 100 %; at least 24 from 125 % and 32 from 175 % (inline 16: 20 and 24)."""
        if self.text_scale >= 1.75:
            return max(size, 24 if size < 20 else 32)
        if self.text_scale >= 1.25:
            return max(size, 20 if size < 20 else 24)
        return size

    def duration(self, name: str) -> int:
        """Milliseconds; 0 under reduced motion."""
        return 0 if self.reduced_motion and name not in {"toast-stay", "tooltip-delay"} else tokens().motion(name)

    # Text

    def type(self, name: TypeName, *, weight: int = 0, tabular: bool = False) -> TextStyle:
        cjk = self.cjk and name == "rail"
        return text_style(name, self.text_scale, weight=weight, cjk=cjk, tabular=tabular)


look: State[Theme] = State(Theme())
"""The current theme; watch it with `on_theme`."""


_stages: "weakref.WeakSet[QWidget]" = weakref.WeakSet()


def current() -> Theme:
    return look.value


def on_theme(owner: QObject, render: Callable[[Theme], None]) -> Cancel:
    """Call `render` now and whenever the look changes, as long as `owner` lives."""
    return bind(owner, look, render)


def theme_of(widget: QWidget) -> Theme:
    """The theme to paint `widget` with: the stage's inside a window or panel marked by `mark_stage`."""
    if not _stages:
        return current()
    place: QWidget | None = widget
    while place is not None:
        if place.property("stage"):
            return current().stage()
        place = place.parentWidget()
    return current()


def mark_stage(widget: QWidget) -> None:
    """`widget` and all inside belong to the meeting stage."""
    widget.setProperty("stage", True)
    _stages.add(widget)


def resolve(choice: ThemeChoice) -> ThemeName:
    """Which theme a choice means just now (SYSTEM asks the desktop)."""
    match choice:
        case ThemeChoice.LIGHT:
            return "light"
        case ThemeChoice.DARK:
            return "dark"
        case ThemeChoice.HIGH_CONTRAST:
            return "high-contrast"
        case ThemeChoice.SYSTEM:
            app = QApplication.instance()
            dark = isinstance(app, QApplication) and app.styleHints().colorScheme() is Qt.ColorScheme.Dark
            return "dark" if dark else "light"


def prepare(app: QApplication) -> None:
    """Once per application object, before the first widget: style and fonts."""
    from welink_desktop.ui.design.fonts import forget_styles

    app.setStyle("Fusion")
    load_bundled_fonts()
    forget_styles()


def apply(app: QApplication, appearance: Appearance, *, cjk: bool = False) -> Theme:
    """Make `appearance` the look of `app`: palette, style sheet, font, and every watcher of `look`."""
    from welink_desktop.ui.design.palette import palette_of
    from welink_desktop.ui.design.style_sheet import style_sheet

    theme = Theme(
        name=resolve(appearance.theme),
        density=appearance.density,
        text_scale=min(2.0, max(0.8, appearance.text_scale)),
        reduced_motion=appearance.reduced_motion,
        cjk=cjk,
    )
    app.setPalette(palette_of(theme))
    app.setFont(theme.type("body").font)
    sheet = style_sheet(theme)
    if app.styleSheet() != sheet:
        app.setStyleSheet(sheet)
    look.set(theme)
    return theme
