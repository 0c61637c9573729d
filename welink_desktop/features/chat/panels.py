"""Panels of the main column when there is no timeline: nothing open, an invitation; and what an empty room says."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.features.chat.model import AcceptInvitation, ChatModel, ChatState, DeclineInvitation
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.box import column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.label import Label


class Emblem(QWidget):
    """A large icon on a tinted square."""

    def __init__(self, icon_name: str, fill: str, ink: str) -> None:
        super().__init__()
        self._look = (icon_name, fill, ink)
        self.setFixedSize(QSize(64, 64))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        icon_name, fill, ink = self._look
        theme, painter = theme_of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(QRectF(self.rect()), 16, 16)
        draw_icon(painter, icon_name, QRectF(self.rect()), 32, theme.color(ink))
        painter.end()


class Notice(QWidget):
    """Emblem, title, sentence, buttons; centred."""

    def __init__(self, icon_name: str, fill: str = "accent-subtle", ink: str = "accent-text") -> None:
        super().__init__()
        centre = Qt.AlignmentFlag.AlignHCenter
        self.title = Label("", type_name="title", wrap=True, align=centre)
        self.sentence = Label("", color="text-secondary", wrap=True, align=centre)
        self.buttons = row(spacing=8)
        outer = column(self, margins=(32, 32, 32, 32))
        outer.addStretch(2)
        inner = column(spacing=10)
        inner.addWidget(Emblem(icon_name, fill, ink), 0, centre)
        inner.addWidget(self.title)
        inner.addWidget(self.sentence)
        inner.addLayout(self.buttons)
        middle = row()
        middle.addStretch(1)
        middle.addLayout(inner, 6)
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(3)
        on_theme(self, self._themed)

    def _themed(self, theme: Theme) -> None:
        for label in (self.title, self.sentence):
            label.setMinimumWidth(theme.layout("list"))


class NoRoom(Notice):
    def __init__(self) -> None:
        super().__init__("chat")
        self.setObjectName("chat-nothing-open")

    def retranslate(self) -> None:
        self.title.setText(tr("chat-no-room"))
        self.sentence.setText(tr("chat-no-room-sentence"))


class Invitation(Notice):
    """Who invites to what; accept or decline."""

    def __init__(self, model: ChatModel) -> None:
        super().__init__("user-add")
        self.setObjectName("chat-invitation")
        self._accept = Button("", kind="primary")
        self._accept.setObjectName("invitation-accept")
        self._accept.clicked.connect(lambda *_: model.act(AcceptInvitation()))
        self._decline = Button("", kind="secondary")
        self._decline.setObjectName("invitation-decline")
        self._decline.clicked.connect(lambda *_: model.act(DeclineInvitation()))
        self.buttons.addStretch(1)
        self.buttons.addWidget(self._decline)
        self.buttons.addWidget(self._accept)
        self.buttons.addStretch(1)

    def show_state(self, state: ChatState) -> None:
        if state.summary is None:
            return
        name = one_line(state.inviter_name)
        self.title.setText(tr("chat-invited-title", name=name) if name else tr("chat-invited-title-unknown"))
        self.sentence.setText(tr("chat-invited-sentence", room=one_line(state.summary.name)))
        self._accept.setText(tr("rooms-accept"))
        self._decline.setText(tr("rooms-decline"))


class EmptyRoom(Notice):
    """The beginning of a conversation: who can read here."""

    def __init__(self) -> None:
        super().__init__("lock", "encrypted-subtle", "encrypted")
        self.setObjectName("chat-empty-room")

    def show_encrypted(self, encrypted: bool) -> None:
        self.title.setText(tr("chat-empty-room"))
        self.sentence.setText(tr("chat-empty-room-encrypted" if encrypted else "chat-empty-room-clear"))
