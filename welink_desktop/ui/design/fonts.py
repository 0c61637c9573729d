"""Font families, and text styles with fixed line heights (visual.md §4)."""

import sys
from dataclasses import dataclass
from functools import cache, lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QPainter

from welink_desktop.core.resources import resource
from welink_desktop.ui.design.tokens import TypeName, tokens


@cache
def load_bundled_fonts() -> tuple[str, ...]:
    """Register Inter Regular and SemiBold once per process. Needs a QGuiApplication."""
    loaded: list[str] = []
    for name in ("Inter-Regular.otf", "Inter-SemiBold.otf"):
        number = QFontDatabase.addApplicationFont(str(resource("fonts", name)))
        loaded += QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
    return tuple(loaded)


def families(mono: bool = False) -> list[str]:
    """Families in order of preference on this system."""
    if mono:
        return list(tokens().families("mono"))
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    return list(tokens().families(system))


@dataclass(frozen=True, slots=True, eq=False)
class TextStyle:
    """A font with its fixed line height in pixels. `ascent` places the baseline so that no script moves it."""

    font: QFont
    line: int
    metrics: QFontMetricsF
    ascent: float

    def baseline(self, top: float) -> float:
        return top + self.ascent

    def width(self, text: str) -> float:
        return self.metrics.horizontalAdvance(text)

    def elided(self, text: str, width: float, mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> str:
        return self.metrics.elidedText(text, mode, width)

    def draw(
        self,
        painter: QPainter,
        box: QRectF,
        text: str,
        color: QColor,
        *,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> float:
        """Draw one elided line, vertically centred in `box`; returns its width."""
        shown = self.elided(text, box.width(), mode)
        width = self.width(shown)
        left = box.left()
        if align & Qt.AlignmentFlag.AlignRight:
            left = box.right() - width
        elif align & Qt.AlignmentFlag.AlignHCenter:
            left = box.center().x() - width / 2
        painter.setFont(self.font)
        painter.setPen(color)
        painter.drawText(round(left), round(self.baseline(box.top() + (box.height() - self.line) / 2)), shown)
        return width


@lru_cache(maxsize=256)
def text_style(name: TypeName, scale: float = 1.0, *, weight: int = 0, cjk: bool = False, tabular: bool = False) -> TextStyle:
    """The style of a type token at a text scale. `weight` 0 keeps the token's; `tabular` is for times and counters."""
    token = tokens().type(name)
    font = QFont()
    font.setFamilies(families(mono=name == "code"))
    font.setPixelSize(max(8, round((token.size_cjk if cjk else token.size) * scale)))
    font.setWeight(QFont.Weight(weight or token.weight))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if tabular:
        font.setFeature(QFont.Tag("tnum"), 1)
    metrics = QFontMetricsF(font)
    line = round(token.line * scale)
    natural = metrics.ascent() + metrics.descent()
    return TextStyle(font, line, metrics, (line - natural) / 2 + metrics.ascent())


def forget_styles() -> None:
    """Drop cached fonts (the application object changed, as in tests)."""
    text_style.cache_clear()
