"""Sheets: what stands in a dialog and changes from step to step, and the dialog that asks it before it closes."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QBoxLayout, QLayout, QWidget

from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.widgets.box import column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.dialog import Dialog
from welink_desktop.ui.widgets.field import Field

WIDTH = 520


class Sheet(QWidget):
    """A column of parts over a row of buttons. `titled` carries the title of the present step."""

    titled = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.parts = column(self)
        self.foot = row()
        self.foot.addStretch(1)
        on_theme(self, self._dress)

    def set_title(self, title: str) -> None:
        if title != self.title:
            self.title = title
            self.titled.emit(title)

    def focus_step(self) -> None:
        """Where the keyboard starts in the present step: its first field, else its main button."""
        fields = [one.input for one in self.findChildren(Field) if one.isVisibleTo(self) and one.input.isEnabled()]
        buttons = [one for one in self.findChildren(Button) if one.isVisibleTo(self) and one.isEnabled()]
        main = [one for one in buttons if one.property("kind") == "primary"]
        for widget in (*fields, *main, *buttons):
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            return

    def _dress(self, theme: Theme) -> None:
        self.parts.setSpacing(theme.space(4))
        self.foot.setSpacing(theme.space(3))


class Block(QWidget):
    """Parts of one step that show and hide together."""

    def __init__(self, *parts: QWidget | QLayout) -> None:
        super().__init__()
        self._column = column(self)
        for part in parts:
            if isinstance(part, QWidget):
                self._column.addWidget(part)
            else:
                self._column.addLayout(part)
        on_theme(self, lambda theme: self._column.setSpacing(theme.space(4)))


def add_buttons(layout: QBoxLayout, *buttons: Button) -> None:
    for button in buttons:
        layout.addWidget(button)


class SheetDialog(Dialog):
    """Escape and the cross call `leave`, which decides; `finish` closes."""

    def __init__(self, host: QWidget, sheet: Sheet, leave: Callable[[], None]) -> None:
        super().__init__(host, sheet.title, width=WIDTH)
        self._leave = leave
        self._sheet = sheet
        self.body.addWidget(sheet)
        sheet.titled.connect(self._retitle)

    def present(self) -> None:
        super().present()
        self._sheet.focus_step()

    def dismiss(self) -> None:
        self._leave()

    def finish(self) -> None:
        super().dismiss()

    def _retitle(self, title: str) -> None:
        self.title.setText(title)
        self.panel.setAccessibleName(title)

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        focused = QApplication.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focused, QAbstractButton):
            focused.click()
            event.accept()
            return
        super().keyPressEvent(event)
