"""The main column of an open room: header, banners, timeline or what stands for it, typing, composer; and the details."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QWidget

from welink_desktop.core.reactive import Cancel
from welink_desktop.core.rooms import Membership, RoomSummary
from welink_desktop.core.security import PersonTrust
from welink_desktop.features.chat.composer.view import ComposerView
from welink_desktop.features.chat.conversation import Conversation
from welink_desktop.features.chat.details.view import DetailsView
from welink_desktop.features.chat.header import ChatHeader
from welink_desktop.features.chat.model import (
    AcceptIdentity,
    ChatModel,
    ChatState,
    CloseRoom,
    Compare,
    Meet,
    ToggleDetails,
)
from welink_desktop.features.chat.model import DismissFailure as DismissTrouble
from welink_desktop.features.chat.panels import EmptyRoom, Invitation
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.timeline.model import DismissFailure, Saved, TimelineState
from welink_desktop.features.chat.timeline.view import TimelineView
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, column
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.toast import show_toast


class Talk(QWidget):
    """Built when the first room is opened; rooms are changed inside it. `details` is placed by the page."""

    def __init__(self, model: ChatModel, pixmaps: Pixmaps) -> None:
        super().__init__()
        self.model = model
        self._pixmaps = pixmaps
        self._watches: list[Cancel] = []
        self.header = ChatHeader(pixmaps, model.known_people)
        self.timeline = TimelineView()
        self.composer = ComposerView()
        self.details = DetailsView(model.details, pixmaps)
        self._invitation = Invitation(model)
        self._empty = EmptyRoom()
        self._failure = Banner("danger", "error")
        self._call = Banner("success", "meeting")
        self._fetching = False
        self._identity = Banner("warning", "shield-alert")
        self._trouble = Banner("danger", "error")
        self._typing = Label("", type_name="caption", color="text-muted")
        self._typing.setObjectName("chat-typing")
        self._older = Label("", type_name="caption", color="text-muted", align=Qt.AlignmentFlag.AlignHCenter)
        self._stack = QStackedWidget()
        self._side = QWidget()
        self._build()
        self._connect()
        on_theme(self, self._themed)
        translated(self, self._retranslate)
        bind(self, model.conversation, self._show_conversation)

    def _build(self) -> None:
        talk = column(self)
        talk.addWidget(self.header)
        talk.addWidget(Divider())
        banners = column(spacing=6, margins=(16, 8, 16, 8))
        banners.addWidget(self._identity)
        banners.addWidget(self._failure)
        banners.addWidget(self._trouble)
        banners.addWidget(self._call)
        talk.addLayout(banners)
        talk.addWidget(self._older)
        self._stack.addWidget(self.timeline)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._invitation)
        talk.addWidget(self._stack, 1)
        self._foot = column(self._side, spacing=2)
        self._foot.addWidget(self._typing)
        self._foot.addWidget(self.composer)
        talk.addWidget(self._side)
        self._older.hide()
        self._retry = self._failure.add_action("", self._dismiss)
        self._accept = self._identity.add_action("", lambda: self.model.act(AcceptIdentity()))
        self._compare = self._identity.add_action("", lambda: self.model.act(Compare()))
        self._compare.set_kind("primary")
        self._accept.setObjectName("chat-accept-identity")
        self._compare.setObjectName("chat-compare")
        self._understood = self._trouble.add_action("", lambda: self.model.act(DismissTrouble()))
        self._join = self._call.add_action("", lambda: self.model.act(Meet()))
        self._join.setObjectName("chat-join-meeting")

    def _connect(self) -> None:
        self.header.meet.connect(lambda: self.model.act(Meet()))
        self.header.details.connect(lambda: self.model.act(ToggleDetails()))
        self.header.back.connect(lambda: self.model.act(CloseRoom()))
        self.composer.escaped.connect(self.timeline.to_end)

    def _themed(self, theme: Theme) -> None:
        self.timeline.setMinimumHeight(theme.space(11) * 2)

    def _retranslate(self) -> None:
        self._retry.setText(tr("chat-dismiss"))
        self._join.setText(tr("chat-join"))
        self._compare.setText(tr("trust-compare"))
        self._understood.setText(tr("chat-dismiss"))
        self._older.setText(tr("chat-loading-older"))

    # Model → view

    def _show_conversation(self, conversation: Conversation | None) -> None:
        for cancel in self._watches:
            cancel()
        self._watches = []
        if conversation is None:
            return
        self.timeline.show_room(conversation.timeline, self._pixmaps)
        self.composer.show_composer(conversation.composer, self._pixmaps)
        self._watches = [
            bind(self, conversation.timeline.state, self._timeline_changed),
            listen(self, conversation.timeline.saved, self._saved),
            listen(self, conversation.composer.sent, lambda _: self.timeline.to_end()),
        ]

    def render_room(self, state: ChatState, summary: RoomSummary) -> None:
        """Everything but the timeline, which follows its own model."""
        joined = summary.membership is Membership.JOINED
        self.details.setVisible(state.details and joined)
        conversation = self.model.conversation.value
        members = conversation.members.state.value if conversation is not None else self.model.details.state.value.members
        self.header.show_room(summary, members, state.details)
        self.header.set_joined(joined)
        self._side.setVisible(joined)
        self._invitation.show_state(state)
        if not joined:
            self._stack.setCurrentWidget(self._invitation)
        call = summary.call
        running = call is not None and not call.joined_here and joined
        self._call.show_fact(tr("chat-meeting-running", count=len(call.members)) if running and call is not None else "")
        self._typing.setText(_typing_words(state.typing))
        self._render_alarm(state, joined=joined)

    def _render_alarm(self, state: ChatState, *, joined: bool) -> None:
        if state.busy and not self._fetching:
            show_toast(self, tr("chat-fetching"), icon_name="download")
        self._fetching = state.busy
        alarm = state.alarm if joined else None
        self._trouble.show_fact(tr(state.failure.text) if state.failure is not None else "")
        if alarm is None:
            self._identity.show_fact("")
            return
        broken = alarm.trust is PersonTrust.BROKEN
        name = one_line(state.alarm_name)
        words = tr("trust-broken" if broken else "trust-changed", name=name)
        if state.alarms > 1:
            words = f"{words} {tr('trust-others', count=state.alarms - 1)}"
        self._identity.show_fact(words, "danger" if broken else "warning")
        self._accept.setText(tr("trust-accept-broken" if broken else "trust-accept"))
        describe(self._compare, tr("trust-compare-person", name=name))

    def _timeline_changed(self, state: TimelineState) -> None:
        summary = state.summary
        empty = state.empty and not state.status.loading
        self._stack.setCurrentWidget(self._empty if empty else self.timeline)
        if summary is not None:
            self._empty.show_encrypted(summary.encrypted)
            self.header.show_room(summary, state.members, self.model.state.value.details)
        failure = state.status.failure
        self._failure.show_fact(tr(failure.text) if failure is not None else "")
        self._older.setVisible(state.status.loading_older and self.timeline.above() < 40)

    def _dismiss(self) -> None:
        conversation = self.model.conversation.value
        if conversation is not None:
            conversation.timeline.act(DismissFailure())

    def _saved(self, saved: Saved) -> None:
        words = tr("chat-saved", name=one_line(saved.name)) if saved.error is None else tr(saved.error.text)
        show_toast(self, words, icon_name="check" if saved.error is None else "error")

    def place_foot(self) -> None:
        """The composer stands under the column of the timeline."""
        look = theme_of(self)
        pad = look.layout("timeline-pad") if not look.compact else look.space(5)
        bar = self.timeline.verticalScrollBar().sizeHint().width()
        spare = self.width() - bar - look.layout("timeline-max")
        side = max(pad, spare // 2) if not look.compact else pad
        self._foot.setContentsMargins(side, 0, side + bar, 20 if not look.compact else 12)


def _typing_words(names: tuple[str, ...]) -> str:
    shown = [one_line(name) for name in names]
    if not shown:
        return ""
    if len(shown) == 1:
        return tr("chat-typing-one", name=shown[0])
    return tr("chat-typing-two", name=shown[0], other=shown[1]) if len(shown) == 2 else tr("chat-typing-many")
