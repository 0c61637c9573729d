"""The small bar over a message: react, reply, edit, more. By pointer, or by keyboard with Shift+F10 and the menu key."""

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from welink_desktop.core.ids import ItemKey
from welink_desktop.core.timeline import TextContent, TimelineItem
from welink_desktop.features.chat.timeline.rows import can_answer
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import row
from welink_desktop.ui.widgets.icon_button import IconButton

OVERLAP = 16
"""How far the bar reaches over its message from the side, in pixels."""


class HoverBar(QWidget):
    """`act(name)` gets "react", "reply", "edit" or "more" for the message in `key`."""

    def __init__(self, parent: QWidget, act: Callable[[str, ItemKey], None]) -> None:
        super().__init__(parent)
        self.setObjectName("message-actions")
        self.key: ItemKey | None = None
        self._act = act
        layout = row(self, spacing=2, margins=(3, 3, 3, 3))
        self._buttons = {
            "react": IconButton("emoji-add", side=30),
            "reply": IconButton("reply", side=30),
            "edit": IconButton("edit", side=30),
            "more": IconButton("more", side=30),
        }
        for name, button in self._buttons.items():
            button.setObjectName(f"message-{name}")
            button.clicked.connect(lambda *_, chosen=name: self._clicked(chosen))
            layout.addWidget(button)
        self.hide()

    def button(self, name: str) -> IconButton:
        return self._buttons[name]

    def show_for(self, item: TimelineItem, bubble: QRect, area: QRect) -> None:
        """Over an upper corner of `bubble`, where it covers little of the text; all in the coordinates of the parent."""
        self.key = item.key
        answer = can_answer(item)
        self._buttons["react"].setVisible(answer)
        self._buttons["reply"].setVisible(answer)
        self._buttons["edit"].setVisible(answer and item.own and isinstance(item.content, TextContent))
        for name, button in self._buttons.items():
            button.set_name(tr(f"chat-action-{name}"))
        describe(self, tr("chat-message-actions"))
        self.adjustSize()
        after, before = bubble.right() - OVERLAP, bubble.left() + OVERLAP - self.width()
        most = area.right() - self.width() - 8
        left = after if after <= most else before if before >= area.left() + 8 else max(most, area.left() + 8)
        top = max(area.top() + 2, bubble.top() - 20)
        self.move(left, top)
        self.show()
        self.raise_()

    def focus_first(self) -> None:
        for button in self._buttons.values():
            if not button.isHidden():
                button.setFocus(Qt.FocusReason.TabFocusReason)
                return

    def _clicked(self, name: str) -> None:
        if self.key is not None:
            self._act(name, self.key)

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        shown = [button for button in self._buttons.values() if not button.isHidden()]
        index = next((number for number, button in enumerate(shown) if button.hasFocus()), 0)
        match event.key():
            case Qt.Key.Key_Escape:
                self.hide()
                parent = self.parentWidget()
                list_view = parent.parentWidget() if parent is not None else None
                if list_view is not None:
                    list_view.setFocus(Qt.FocusReason.TabFocusReason)
            case Qt.Key.Key_Right:
                shown[(index + 1) % len(shown)].setFocus(Qt.FocusReason.TabFocusReason)
            case Qt.Key.Key_Left:
                shown[(index - 1) % len(shown)].setFocus(Qt.FocusReason.TabFocusReason)
            case _:
                super().keyPressEvent(event)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("surface-raised"))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1).toRectF(), 8, 8)
        painter.end()
