"""What stands where content will be: empty, loading or failed (visual.md §13), with one action at most."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.widgets.box import column
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.icon_mark import IconMark
from welink_desktop.ui.widgets.label import Label

PATIENCE_MS = 300


class Placeholder(QWidget):
    """Words without an icon mean loading and appear after 300 ms only."""

    action = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = IconMark("info", size=32, color="text-muted")
        centre = Qt.AlignmentFlag.AlignHCenter
        self._title = Label(type_name="strong", wrap=True, align=centre)
        self._hint = Label(type_name="small", color="text-secondary", wrap=True, align=centre)
        self._button = Button()
        self._button.clicked.connect(self.action)
        self._layout = column(self)
        self._layout.addStretch(2)
        self._layout.addWidget(self._icon, 0, centre)
        self._layout.addWidget(self._title)
        self._layout.addWidget(self._hint)
        self._layout.addWidget(self._button, 0, centre)
        self._layout.addStretch(3)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._title.show)
        on_theme(self, self._themed)

    def show_words(self, icon_name: str, title: str, hint: str = "", *, action: str = "") -> None:
        self._icon.setVisible(bool(icon_name))
        if icon_name:
            self._icon.set_icon(icon_name)
        loading = not icon_name and title != self._title.text()
        self._title.setText(title)
        if loading:
            self._title.hide()
            self._patience.start(PATIENCE_MS)
        elif icon_name:
            self._patience.stop()
            self._title.show()
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._button.setText(action)
        self._button.setVisible(bool(action))
        self.setAccessibleName(title)

    def _themed(self, theme: Theme) -> None:
        edge = theme.space(8)
        self._layout.setContentsMargins(edge, edge, edge, edge)
        self._layout.setSpacing(theme.space(3))
