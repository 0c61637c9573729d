"""Toasts: a done thing in a word, gone after five seconds. They never carry errors (visual.md §13)."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import current, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.widgets.box import row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.label import Label


class Toast(QWidget):
    def __init__(self, window: QWidget, text: str, icon_name: str, action: str, act: Callable[[], None] | None) -> None:
        super().__init__(window)
        self.setObjectName("toast")
        self.setAccessibleName(text)
        self._icon_name = icon_name
        self._window = window
        theme = theme_of(self)
        size = theme.icon_size(20)
        layout = row(
            self, spacing=theme.space(5), margins=(theme.space(5) + size, theme.space(4), theme.space(5), theme.space(4))
        )
        layout.addWidget(Label(text, color="tooltip-text", wrap=False), 1)
        if act is not None:
            button = Button(action, kind="link")
            button.clicked.connect(lambda *_: act())
            button.clicked.connect(self.vanish)
            layout.addWidget(button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.vanish)
        self._timer.start(current().duration("toast-stay"))
        window.installEventFilter(self)

    def appear(self) -> None:
        self.adjustSize()
        self._place()
        self.show()
        self.raise_()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def vanish(self) -> None:
        self._timer.stop()
        self.hide()
        self.deleteLater()

    def _place(self) -> None:
        window = self._window
        width = min(max(self.sizeHint().width(), 240), window.width() - 48)
        self.resize(width, self.sizeHint().height())
        self.move((window.width() - width) // 2, window.height() - self.height() - 32)

    @guarded(default=False)
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("tooltip"))
        painter.drawRoundedRect(QRectF(self.rect()), theme.radius("row"), theme.radius("row"))
        size = theme.icon_size(20)
        box = QRectF(theme.space(4), 0, size, self.height())
        draw_icon(painter, self._icon_name, box, size, theme.color("tooltip-text"))


def show_toast(
    host: QWidget, text: str, *, icon_name: str = "check", action: str = "", act: Callable[[], None] | None = None
) -> Toast:
    """Show at the bottom of `host`'s window, in place of an older one."""
    window = host.window()
    old = window.findChild(Toast, "toast", Qt.FindChildOption.FindDirectChildrenOnly)
    if isinstance(old, Toast):
        old.setObjectName("toast-old")
        old.vanish()
    toast = Toast(window, text, icon_name, action, act)
    toast.appear()
    return toast
