"""Rows of a settings card: title, one sentence, a control at the right (mockup 11)."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.widgets.box import column, row
from welink_desktop.ui.widgets.choice import Choice
from welink_desktop.ui.widgets.label import Label

CHOICE_WIDTH = 200
"""Drop-down lists of a page are equally wide."""


class SettingRow(QWidget):
    """`control` gets the row's title as its name."""

    def __init__(self, control: QWidget | None = None) -> None:
        super().__init__()
        self.control = control
        self._title = Label(wrap=True)
        self._hint = Label(type_name="small", color="text-secondary", wrap=True)
        words = column()
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(self._hint)
        words.addStretch(1)
        self._layout = row(self)
        self._layout.addLayout(words, 1)
        if control is not None:
            self._layout.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
        on_theme(self, self._themed)

    def set_words(self, title: str, hint: str = "") -> None:
        self._title.setText(title)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        if self.control is not None:
            describe(self.control, title, hint)

    def _themed(self, theme: Theme) -> None:
        self.setMinimumHeight(theme.row("setting"))
        if isinstance(self.control, Choice):
            self.control.setMinimumWidth(theme.padded(CHOICE_WIDTH))
        self._layout.setContentsMargins(theme.space(5), theme.space(3), theme.space(5), theme.space(3))
        self._layout.setSpacing(theme.space(5))
