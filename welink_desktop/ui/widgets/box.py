"""Plain building blocks: columns and rows without margins, dividers, planes, cards."""

from collections.abc import Iterable

from PySide6.QtCore import QMargins, Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayoutItem, QSizePolicy, QVBoxLayout, QWidget


def column(parent: QWidget | None = None, *, spacing: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QVBoxLayout:
    layout = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    return layout


def row(parent: QWidget | None = None, *, spacing: int = 0, margins: tuple[int, int, int, int] = (0, 0, 0, 0)) -> QHBoxLayout:
    layout = QHBoxLayout(parent) if parent is not None else QHBoxLayout()
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    return layout


def add_all(layout: QBoxLayout, widgets: Iterable[QWidget]) -> None:
    for widget in widgets:
        layout.addWidget(widget)


def clear(layout: QBoxLayout) -> None:
    """Take everything out and delete it."""
    while layout.count():
        item: QLayoutItem | None = layout.takeAt(0)
        if item is None:
            return
        widget = item.widget()
        if widget is not None:
            widget.setParent(None)
            widget.deleteLater()


class Plane(QWidget):
    """A flat area in the colour of a token (`surface`, `surface-list`, `surface-rail` …)."""

    def __init__(self, plane: str = "surface", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("plane", plane)


class Divider(QWidget):
    """A hairline."""

    def __init__(self, *, vertical: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("line", "divider")
        if vertical:
            self.setFixedWidth(1)
            self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        else:
            self.setFixedHeight(1)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


class Card(QFrame):
    """A framed group of rows on a page; `rows` is its column, dividers come between what `add_row` adds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.rows = column(self)
        self.rows.setContentsMargins(QMargins(1, 1, 1, 1))

    def add_row(self, widget: QWidget) -> None:
        if self.rows.count():
            self.rows.addWidget(Divider())
        self.rows.addWidget(widget)
