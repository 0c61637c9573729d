"""One-line inputs: a label above, the input, one sentence of help or error under it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import icon
from welink_desktop.ui.design.style_sheet import restyle
from welink_desktop.ui.design.theme import Theme, current, on_theme, theme_of
from welink_desktop.ui.widgets.box import column
from welink_desktop.ui.widgets.label import Label


class Input(QLineEdit):
    """A line edit with an optional icon at its start."""

    def __init__(self, *, icon_name: str = "", large: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._lead: QAction | None = None
        self.setProperty("large", large)
        self.setAttribute(Qt.WidgetAttribute.WA_MacShowFocusRect, False)
        if icon_name:
            self._lead = QAction(self)
            self.addAction(self._lead, QLineEdit.ActionPosition.LeadingPosition)
        on_theme(self, self._themed)

    def set_invalid(self, invalid: bool) -> None:
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            restyle(self)

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self.setFont(theme.type("body").font)
        if self._lead is not None:
            self._lead.setIcon(icon(self._icon_name, theme.icon_size(16), theme.color("text-muted")))


class SearchField(Input):
    """Filters while typing; Escape clears."""

    def __init__(self, name: str = "", placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(icon_name="search", parent=parent)
        self.set_words(name, placeholder)

    def set_words(self, name: str, placeholder: str) -> None:
        self.setPlaceholderText(placeholder)
        describe(self, name or placeholder)


class Field(QWidget):
    """Label, input, message. `changed` carries the text; `submitted` comes with Enter."""

    changed = Signal(str)
    submitted = Signal()

    def __init__(self, label: str = "", *, large: bool = False, secret: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = Label(label, type_name="strong")
        self.input = Input(large=large)
        self.message = Label("", type_name="small", color="text-muted", wrap=True)
        self.message.hide()
        if secret:
            self.input.setEchoMode(QLineEdit.EchoMode.Password)
        box = column(self, spacing=current().space(2))
        for part in (self.label, self.input, self.message):
            box.addWidget(part)
        self.label.setBuddy(self.input)
        self.input.textChanged.connect(self.changed)
        self.input.returnPressed.connect(self.submitted)
        self.set_label(label)

    def set_label(self, label: str, placeholder: str = "") -> None:
        self.label.setText(label)
        self.input.setPlaceholderText(placeholder)
        describe(self.input, label, self.message.text())

    def set_text(self, text: str) -> None:
        """Bring the input up to date without moving the caret of someone who types."""
        if self.input.text() != text:
            self.input.setText(text)

    def set_error(self, error: str) -> None:
        self.input.set_invalid(bool(error))
        self._say(error, "danger")

    def set_help(self, sentence: str) -> None:
        self.input.set_invalid(False)
        self._say(sentence, "text-muted")

    def _say(self, sentence: str, color: str) -> None:
        self.message.set_color(color)
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))
        describe(self.input, self.label.text(), sentence)
