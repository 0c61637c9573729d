"""One-line inputs: a label above, the input, one sentence of help or error under it."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.style_sheet import restyle
from welink_desktop.ui.design.theme import Theme, current, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.widgets.box import column
from welink_desktop.ui.widgets.label import Label


class Input(QLineEdit):
    """A line edit with an optional icon at its start."""

    def __init__(self, *, icon_name: str = "", large: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self.setProperty("large", large)
        self.setAttribute(Qt.WidgetAttribute.WA_MacShowFocusRect, False)
        on_theme(self, self._themed)

    def set_invalid(self, invalid: bool) -> None:
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            restyle(self)

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self.setFont(theme.type("body").font)
        if self._icon_name:
            room = theme.icon_size(16) + theme.space(3)
            mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            self.setTextMargins(0 if mirrored else room, 0, room if mirrored else 0, 0)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._icon_name:
            return
        theme, painter = theme_of(self), QPainter(self)
        size, edge = theme.icon_size(16), theme.space(4)
        left = self.width() - edge - size if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else edge
        draw_icon(painter, self._icon_name, QRectF(left, 0, size, self.height()), size, theme.color("text-muted"))
        painter.end()


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
