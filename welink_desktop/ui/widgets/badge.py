"""Badges (counts) and tags (a fact with icon and word): painters for delegates and a tag widget."""

from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, current, on_theme, theme_of
from welink_desktop.ui.guard import guarded

BadgeTone = Literal["badge", "badge-mention", "badge-muted", "success"]
TagTone = Literal["external", "verified", "encrypted", "warning", "success", "danger", "neutral", "accent"]

_TAG = {
    "external": ("external-subtle", "external"),
    "verified": ("encrypted-subtle", "verified"),
    "encrypted": ("encrypted-subtle", "encrypted"),
    "warning": ("warning-subtle", "warning"),
    "success": ("success-subtle", "success"),
    "danger": ("danger-subtle", "danger"),
    "neutral": ("surface-inset", "text-secondary"),
    "accent": ("accent-subtle", "accent-text"),
}


def badge_text(count: int) -> str:
    return "99+" if count > 99 else str(count)


def badge_width(text: str, theme: Theme) -> float:
    return max(theme.scaled(20), theme.type("badge", tabular=True).width(text) + theme.scaled(12))


def draw_badge(
    painter: QPainter,
    right: float,
    center_y: float,
    text: str,
    tone: BadgeTone = "badge",
    theme: Theme | None = None,
    ring: str = "",
) -> float:
    """Paint a count whose right edge is at `right`; returns its width. `ring` is a plane token for a 1.5 outline."""
    look = theme or current()
    fill, ink = ("success-fill", "success-contrast") if tone == "success" else (tone, f"{tone}-text")
    width, height = badge_width(text, look), look.scaled(20)
    box = QRectF(right - width, center_y - height / 2, width, height)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(look.color(ring), 1.5) if ring else QPen(Qt.PenStyle.NoPen))
    painter.setBrush(look.color(fill))
    painter.drawRoundedRect(box, height / 2, height / 2)
    style = look.type("badge", tabular=True)
    painter.setFont(style.font)
    painter.setPen(look.color(ink))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return width


def tag_width(text: str, icon_name: str, theme: Theme) -> float:
    icon = theme.icon_size(16) + 4 if icon_name else 0
    words = theme.type("caption").width(text) if text else -4
    return icon + words + theme.space(3) * 2 - (4 if icon_name else 0)


def draw_tag(
    painter: QPainter, left: float, center_y: float, text: str, tone: TagTone, icon_name: str = "", theme: Theme | None = None
) -> float:
    """Paint a tag from `left` on; returns its width."""
    look = theme or current()
    fill, ink = _TAG[tone]
    width, height = tag_width(text, icon_name, look), look.scaled(20)
    box = QRectF(round(left), round(center_y - height / 2), round(width), height)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(look.color(ink), 1) if look.high_contrast else QPen(Qt.PenStyle.NoPen))
    painter.setBrush(look.color(fill))
    painter.drawRoundedRect(box, 4, 4)
    x = box.left() + look.space(3) - (2 if icon_name else 0)
    if icon_name:
        size = look.icon_size(16)
        draw_icon(painter, icon_name, QRectF(x, box.top(), size, height), size - 2, look.color(ink))
        x += size + 4
    style = look.type("caption")
    style.draw(painter, QRectF(x, box.top(), box.right() - x, height), text, look.color(ink), mode=Qt.TextElideMode.ElideNone)
    painter.restore()
    return width


class Tag(QLabel):
    """A fact in a word: External, Verified, Host."""

    def __init__(self, text: str = "", tone: TagTone = "neutral", icon_name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._tone: TagTone = tone
        self._icon_name = icon_name
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        on_theme(self, self._themed)

    def set_fact(self, text: str, tone: TagTone, icon_name: str = "") -> None:
        self._tone, self._icon_name = tone, icon_name
        self.setText(text)
        self.updateGeometry()

    @guarded(default=QSize(20, 20))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(round(tag_width(self.text(), self._icon_name, theme)) + 1, theme.scaled(20))

    @guarded(default=QSize(20, 20))
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        draw_tag(QPainter(self), 0, self.height() / 2, self.text(), self._tone, self._icon_name, theme_of(self))

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()
