"""The chat page: list | conversation | details. `ChatPage(model)` is all the app needs."""

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Cancel
from welink_desktop.core.rooms import Membership
from welink_desktop.features.chat.composer.view import ComposerView
from welink_desktop.features.chat.details.view import DetailsView
from welink_desktop.features.chat.header import ChatHeader
from welink_desktop.features.chat.model import ChatModel, ChatState, CloseRoom, Conversation, Meet, NewChat, ToggleDetails
from welink_desktop.features.chat.panels import EmptyRoom, Invitation, NoRoom
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.room_list.model import Step
from welink_desktop.features.chat.room_list.view import RoomListView
from welink_desktop.features.chat.timeline.model import DismissFailure, Saved, TimelineState
from welink_desktop.features.chat.timeline.view import TimelineView
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, Plane, column, row
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.toast import show_toast

SIDE_BY_SIDE = 1120
"""Below this window width the details cover the conversation."""
ONE_AT_A_TIME = 700
"""Below this width of the page, list and conversation show one at a time."""


class ChatPage(QWidget):
    """Builds all parts once; rooms are changed inside them."""

    def __init__(self, model: ChatModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chat-page")
        self.setAcceptDrops(True)
        self.model = model
        self._pixmaps = Pixmaps(model.pictures)
        self._watches: list[Cancel] = []
        self.rooms = RoomListView(model.room_list, self._pixmaps)
        self.rooms.new_chat.connect(lambda: model.act(NewChat()))
        self.header = ChatHeader(self._pixmaps, model.known_people)
        self.timeline = TimelineView()
        self.composer = ComposerView()
        self.details = DetailsView(model.details, self._pixmaps)
        self._no_room = NoRoom()
        self._invitation = Invitation(model)
        self._empty = EmptyRoom()
        self._failure = Banner("danger", "error")
        self._call = Banner("success", "meeting")
        self._typing = Label("", type_name="caption", color="text-muted")
        self._typing.setObjectName("chat-typing")
        self._older = Label("", type_name="caption", color="text-muted", align=Qt.AlignmentFlag.AlignHCenter)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._main = Plane("surface")
        self._body = QStackedWidget()
        self._talk = QWidget()
        self._stack = QStackedWidget()
        self._side = QWidget()
        self._build()
        self._connect()
        on_theme(self, self._themed)
        translated(self, self._retranslate)
        bind(self, model.conversation, self._show_conversation)
        bind(self, model.state, self._render)

    # Wishes from outside

    def focus_search(self) -> None:
        self.rooms.focus_search()

    def focus_composer(self) -> None:
        if self.composer.isVisible():
            self.composer.input.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_first(self) -> None:
        """Where the keyboard starts on this page: the composer, or the list while no conversation is open."""
        if self.model.conversation.value is not None:
            self.focus_composer()
        else:
            self.rooms.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def step(self, by: int, *, unread_only: bool = False) -> None:
        """Open the conversation above or below."""
        self.model.room_list.act(Step(by, unread_only))

    def panes(self) -> list[QWidget]:
        """Widgets that F6 goes round, in order."""
        found = [self.rooms.list, self.header, self.timeline, self.composer.input, self.details.list]
        return [pane for pane in found if pane.isVisible()]

    def _build(self) -> None:
        whole = row(self)
        whole.addWidget(self._splitter)
        self._splitter.setObjectName("chat-splitter")
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.rooms)
        self._splitter.addWidget(self._main)
        self._splitter.setStretchFactor(1, 1)
        main = row(self._main)
        main.addWidget(self._body, 1)
        main.addWidget(self.details)
        self._body.addWidget(self._no_room)
        talk = column(self._talk)
        talk.addWidget(self.header)
        talk.addWidget(Divider())
        banners = column(spacing=6, margins=(16, 8, 16, 8))
        banners.addWidget(self._failure)
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
        self._body.addWidget(self._talk)
        self._older.hide()
        self._retry = self._failure.add_action("", self._dismiss)
        self._join = self._call.add_action("", lambda: self.model.act(Meet()))
        self._join.setObjectName("chat-join-meeting")

    def _connect(self) -> None:
        self.header.meet.connect(lambda: self.model.act(Meet()))
        self.header.details.connect(lambda: self.model.act(ToggleDetails()))
        self.header.back.connect(lambda: self.model.act(CloseRoom()))
        self.composer.escaped.connect(self.timeline.to_end)
        listen(self, self.model.opened, self._opened)

    def _themed(self, theme: Theme) -> None:
        look = theme_of(self)
        self.rooms.setMinimumWidth(look.layout("list-min"))
        self.rooms.setMaximumWidth(look.layout("list-max"))
        self.timeline.setMinimumHeight(theme.space(11) * 2)
        self._arrange()

    def _retranslate(self) -> None:
        self._no_room.retranslate()
        self._retry.setText(tr("chat-dismiss"))
        self._join.setText(tr("chat-join"))
        self._older.setText(tr("chat-loading-older"))
        self._render(self.model.state.value)

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

    def _render(self, state: ChatState) -> None:
        summary = state.summary
        self._body.setCurrentWidget(self._talk if summary is not None else self._no_room)
        self.details.setVisible(summary is not None and state.details and summary.membership is Membership.JOINED)
        if summary is None:
            self._arrange()
            return
        joined = summary.membership is Membership.JOINED
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
        self._arrange()

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

    def _opened(self, room: RoomId | None) -> None:
        if room is None:
            self.rooms.list.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.rooms.list.reveal(room)
        QTimer.singleShot(0, self, self.focus_composer)

    # Room for everything

    def _arrange(self) -> None:
        """Details beside or over the conversation; list and conversation together or one at a time."""
        window = self.window().width()
        narrow = self.width() < ONE_AT_A_TIME * max(1.0, theme_of(self).text_scale / 1.5)
        open_room = self.model.state.value.summary is not None
        self.rooms.setVisible(not narrow or not open_room)
        self._main.setVisible(not narrow or open_room)
        self.header.show_back(narrow and open_room)
        covers = window < SIDE_BY_SIDE
        shown = not self.details.isHidden()
        self.details.setFixedWidth(theme_of(self).layout("panel") if not covers else max(264, min(340, self._main.width() - 8)))
        self._place_foot()
        self._body.setVisible(not (covers and shown and self._main.width() < 720))

    def _place_foot(self) -> None:
        """The composer stands under the column of the timeline."""
        look = theme_of(self)
        pad = look.layout("timeline-pad") if not look.compact else look.space(5)
        bar = self.timeline.verticalScrollBar().sizeHint().width()
        spare = self._talk.width() - bar - look.layout("timeline-max")
        side = max(pad, spare // 2) if not look.compact else pad
        self._foot.setContentsMargins(side, 0, side + bar, 20 if not look.compact else 12)

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
        QTimer.singleShot(0, self, self._place_foot)

    @guarded(default=None)
    def showEvent(self, event: QShowEvent) -> None:
        if self._splitter.sizes()[0] == 0 or not event.spontaneous():
            width = theme_of(self).layout("list") if self.width() > 1100 else theme_of(self).layout("list-min")
            self._splitter.setSizes([width, max(1, self.width() - width)])
        self._arrange()
        self._look()

    @guarded(default=None)
    def hideEvent(self, event: QHideEvent) -> None:
        self.model.set_looking(False)

    @guarded(default=None)
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            self._look()

    def _look(self) -> None:
        self.model.set_looking(self.isVisible() and self.isActiveWindow())

    # Files dropped anywhere on the page

    @guarded(default=None)
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.model.conversation.value is not None and (event.mimeData().hasUrls() or event.mimeData().hasImage()):
            event.acceptProposedAction()

    @guarded(default=None)
    def dropEvent(self, event: QDropEvent) -> None:
        if self.composer.offer(event.mimeData()):
            event.acceptProposedAction()


def _typing_words(names: tuple[str, ...]) -> str:
    shown = [one_line(name) for name in names]
    if not shown:
        return ""
    if len(shown) == 1:
        return tr("chat-typing-one", name=shown[0])
    return tr("chat-typing-two", name=shown[0], other=shown[1]) if len(shown) == 2 else tr("chat-typing-many")
