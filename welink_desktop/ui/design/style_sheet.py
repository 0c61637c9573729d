"""The one generated style sheet. Widgets choose their look by the dynamic properties `kind`, `tone`, `plane`, `invalid`."""

import re

from PySide6.QtWidgets import QWidget

from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.design.tokens import tokens


def style_sheet(theme: Theme) -> str:
    """Style sheet text of a theme; rules under `[stage="true"]` repeat buttons and menus for the meeting window."""
    parts = [_planes(theme), _buttons(theme), _inputs(theme), _menus(theme), _scroll_bars(theme), _others(theme)]
    if not theme.dark:
        parts.append(_on_stage(theme.stage()))
    return "\n".join(parts)


def restyle(widget: QWidget) -> None:
    """Ask Qt to look at the dynamic properties of `widget` again after they changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def _planes(t: Theme) -> str:
    names = ("surface", "surface-list", "surface-rail", "surface-raised", "surface-inset", "stage", "stage-bar")
    planes = [f'*[plane="{name}"] {{ background: {t.hex(name)}; }}' for name in names]
    rounded = f'*[rounded="true"] {{ border-radius: {t.radius("row")}px; }}'
    hairline = f'QWidget[line="divider"] {{ background: {t.hex("divider")}; }}'
    return "\n".join([*planes, rounded, hairline])


def _button(t: Theme, kind: str, fill: str, ink: str, hover: str, pressed: str, border: str) -> str:
    edge = f"1px solid {t.hex(border)}" if border else "1px solid transparent"
    background = t.hex(fill) if fill else "transparent"
    select = f'QPushButton[kind="{kind}"]'
    return f"""
{select} {{ background: {background}; color: {t.hex(ink)}; border: {edge}; }}
{select}:hover {{ background: {t.hex(hover)}; }}
{select}:pressed {{ background: {t.hex(pressed)}; }}
{select}:disabled {{ background: {t.hex("surface-inset")}; color: {t.hex("text-disabled")};
  border: 1px solid {t.hex("divider")}; }}"""


def _buttons(t: Theme) -> str:
    pad, radius = t.padded(tokens().control("padding-x")), t.radius("control")
    base = f"""
QPushButton[kind] {{ border-radius: {radius}px; padding: 0 {pad}px; min-height: {t.control("height") - 2}px;
  font-weight: 600; outline: none; }}
QPushButton[kind][small="true"] {{ min-height: {t.control("height-compact") - 2}px; padding: 0 {t.space(4)}px;
  font-size: {t.type("small").font.pixelSize()}px; }}
QPushButton[kind][large="true"] {{ min-height: {t.control("height-large") - 2}px; padding: 0 {t.space(6)}px; }}
QPushButton[kind="link"] {{ background: transparent; border: none; color: {t.hex("accent-text")}; padding: 0 {t.space(2)}px; }}
QPushButton[kind="link"]:hover {{ text-decoration: underline; }}
QToolButton[kind="icon"] {{ background: transparent; border: none; border-radius: {radius}px; outline: none; padding: 0; }}
QToolButton[kind="icon"]:hover {{ background: {t.hex("hover")}; }}
QToolButton[kind="icon"]:pressed, QToolButton[kind="icon"]:checked {{ background: {t.hex("pressed")}; }}
QToolButton[kind="icon"]::menu-indicator {{ image: none; }}"""
    kinds = [
        _button(t, "primary", "accent", "accent-contrast", "accent-hover", "accent-pressed", ""),
        _button(t, "secondary", "surface-raised", "text", "hover", "pressed", "border"),
        _button(t, "danger", "danger-fill", "danger-contrast", "danger-fill", "danger-fill", ""),
        _button(t, "success", "success-fill", "success-contrast", "success-fill", "success-fill", ""),
        _button(t, "ghost", "", "text-secondary", "hover", "pressed", ""),
    ]
    return base + "".join(kinds)


def _inputs(t: Theme) -> str:
    edge = t.hex("border-control")
    return f"""
QLineEdit, QComboBox, QSpinBox {{ background: {t.hex("surface")}; color: {t.hex("text")}; border: 1px solid {edge};
  border-radius: {t.radius("control")}px; padding: 0 {t.space(4)}px; min-height: {t.control("height") - 2}px;
  selection-background-color: {t.hex("accent")}; selection-color: {t.hex("accent-contrast")}; outline: none; }}
QLineEdit[large="true"] {{ min-height: {t.control("height-large") - 2}px; }}
QLineEdit[invalid="true"] {{ border: 1px solid {t.hex("danger")}; }}
QLineEdit:disabled, QComboBox:disabled {{ background: {t.hex("surface-inset")}; color: {t.hex("text-disabled")}; }}
QLineEdit:read-only {{ background: {t.hex("surface-inset")}; }}
QComboBox::drop-down {{ border: none; width: {t.scaled(32)}px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ background: {t.hex("surface-raised")}; color: {t.hex("text")}; border: 1px solid {t.hex("border")};
  selection-background-color: {t.hex("selection")}; selection-color: {t.hex("accent-text")}; outline: none; }}
QPlainTextEdit, QTextEdit {{ background: transparent; color: {t.hex("text")}; border: none;
  selection-background-color: {t.hex("accent")}; selection-color: {t.hex("accent-contrast")}; }}"""


def _menus(t: Theme) -> str:
    return f"""
QMenu {{ background: {t.hex("surface-raised")}; color: {t.hex("text")}; border: 1px solid {t.hex("border")};
  border-radius: {t.radius("row")}px; padding: {t.space(2)}px; }}
QMenu::item {{ min-height: {t.row("menu")}px; padding: 0 {t.space(7)}px 0 {t.space(4)}px;
  border-radius: {t.radius("control")}px; }}
QMenu::item:selected {{ background: {t.hex("hover")}; }}
QMenu::item:disabled {{ color: {t.hex("text-disabled")}; }}
QMenu::icon {{ padding-left: {t.space(4)}px; }}
QMenu::separator {{ height: 1px; background: {t.hex("divider")}; margin: {t.space(2)}px 0; }}
QToolTip {{ background: {t.hex("tooltip")}; color: {t.hex("tooltip-text")}; border: 1px solid {t.hex("tooltip")};
  padding: {t.space(2)}px {t.space(3)}px; }}"""


def _scroll_bars(t: Theme) -> str:
    handle = t.hex("border-control") if t.high_contrast else t.hex("border")
    return f"""
QAbstractScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {handle}; border-radius: 3px; min-height: 32px; margin: 2px; }}
QScrollBar::handle:vertical:hover {{ background: {t.hex("border-control")}; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {handle}; border-radius: 3px; min-width: 32px; margin: 2px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}"""


def _others(t: Theme) -> str:
    return f"""
QSplitter::handle {{ background: {t.hex("divider")}; }}
QFrame[card="true"] {{ background: {t.hex("surface-raised" if t.dark else "surface")}; border: 1px solid {t.hex("divider")};
  border-radius: {t.radius("card")}px; }}
QProgressBar {{ background: {t.hex("divider")}; border: none; border-radius: 3px; max-height: 6px; color: transparent; }}
QProgressBar::chunk {{ background: {t.hex("accent")}; border-radius: 3px; }}
QSlider::groove:horizontal {{ background: {t.hex("divider")}; height: 4px; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.hex("accent")}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {t.hex("surface")}; border: 2px solid {t.hex("accent")}; width: 14px; height: 14px;
  margin: -7px 0; border-radius: 9px; }}
QLabel {{ background: transparent; color: {t.hex("text")}; }}"""


_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")


def _on_stage(t: Theme) -> str:
    """The same rules in the colours of the stage, for what stands inside a widget marked by `mark_stage`."""
    sheet = "\n".join([_planes(t), _buttons(t), _inputs(t), _scroll_bars(t)])
    rules = []
    for selectors, body in _RULE.findall(sheet):
        inside = ", ".join(f'*[stage="true"] {selector.strip()}' for selector in selectors.split(","))
        rules.append(f"{inside} {{{body}}}")
    return "\n".join(rules)
