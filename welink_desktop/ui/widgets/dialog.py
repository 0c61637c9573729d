"""Dialogs inside the window: a scrim, a raised panel, focus kept in it and given back. Never a nested event loop."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget

from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import column, row
from welink_desktop.ui.widgets.button import Button, ButtonKind
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.shadow import draw_shadow


class _Panel(QWidget):
    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("surface-raised"))
        radius = theme.radius("dialog")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


class Dialog(QWidget):
    """Covers `host`'s window. Put contents into `body`; `add_button` fills the foot. Escape and the cross cancel."""

    def __init__(self, host: QWidget, title: str, *, width: int = 480) -> None:
        window = host.window()
        super().__init__(window)
        self.setObjectName("dialog")
        self._window = window
        self._returns_to = QApplication.focusWidget()
        self._on_close: list[Callable[[], None]] = []
        theme = theme_of(self)
        pad = theme.space(7)
        self.panel = _Panel(self)
        self.panel.setFixedWidth(theme.padded(width))
        describe(self.panel, title)
        whole = column(self.panel, spacing=theme.space(5), margins=(pad, pad, pad, pad))
        self.title = Label(title, type_name="title", wrap=True)
        self._cross = IconButton("close", tr("close"))
        self._cross.clicked.connect(self.dismiss)
        head = row(spacing=theme.space(3))
        head.addWidget(self.title, 1)
        head.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(head)
        self.body = column(spacing=theme.space(4))
        whole.addLayout(self.body)
        self._foot = row(spacing=theme.space(3))
        self._foot.addStretch(1)
        whole.addLayout(self._foot)
        centred = row()
        centred.addStretch(1)
        centred.addWidget(self.panel)
        centred.addStretch(1)
        outer = column(self)
        outer.addStretch(1)
        outer.addLayout(centred)
        outer.addStretch(1)
        window.installEventFilter(self)

    def add_button(self, text: str, act: Callable[[], None] | None, kind: ButtonKind = "secondary") -> Button:
        """A button of the foot; it closes the dialog, then acts (None: only closes)."""
        button = Button(text, kind=kind)

        def clicked() -> None:
            self.dismiss()
            if act is not None:
                act()

        button.clicked.connect(clicked)
        self._foot.addWidget(button)
        return button

    def add_action(self, text: str, act: Callable[[], None], kind: ButtonKind = "primary") -> Button:
        """A button of the foot that leaves the dialog open; `act` dismisses it once it is done."""
        button = Button(text, kind=kind)
        button.clicked.connect(lambda *_: act())
        self._foot.addWidget(button)
        return button

    def when_closed(self, act: Callable[[], None]) -> None:
        self._on_close.append(act)

    def present(self) -> None:
        """Show over the window and take the focus."""
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        first = next(
            (child for child in self.panel.findChildren(QWidget) if _takes_focus(child, self.panel, self._cross)), self._cross
        )
        first.setFocus(Qt.FocusReason.TabFocusReason)

    def dismiss(self) -> None:
        """Close, delete, and give the focus back to where it was."""
        if not self.isVisible():
            return
        self.hide()
        back = self._returns_to
        if back is not None:
            try:
                back.setFocus(Qt.FocusReason.OtherFocusReason)
            except RuntimeError:
                back = None  # that widget is gone by now
        for act in self._on_close:
            act()
        self.deleteLater()

    @guarded(default=False)
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self.setGeometry(self._window.rect())
        return False

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        event.accept()

    @guarded(default=False)
    def focusNextPrevChild(self, forward: bool) -> bool:
        chain = [child for child in self.panel.findChildren(QWidget) if _takes_focus(child, self.panel)]
        if not chain:
            return True
        focused = QApplication.focusWidget()
        at = chain.index(focused) if focused in chain else -1
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        chain[(at + (1 if forward else -1)) % len(chain)].setFocus(reason)
        return True

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.veil())
        draw_shadow(painter, self.panel.geometry(), 3, theme.radius("dialog"), theme)


def _takes_focus(widget: QWidget, panel: QWidget, besides: QWidget | None = None) -> bool:
    return (
        widget is not besides
        and widget.isEnabled()
        and bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        and widget.isVisibleTo(panel)
    )


def ask(host: QWidget, title: str, sentence: str, action: str, act: Callable[[], None], kind: ButtonKind = "primary") -> Dialog:
    """A question with Cancel and one action."""
    dialog = Dialog(host, title)
    dialog.body.addWidget(Label(sentence, color="text-secondary", wrap=True))
    dialog.add_button(tr("cancel"), None).setObjectName("dialog-cancel")
    dialog.add_button(action, act, kind).setObjectName("dialog-confirm")
    dialog.present()
    return dialog
