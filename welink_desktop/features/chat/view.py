"""The chat page: list | conversation | details. `ChatPage(model)` is all the app needs."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from welink_desktop.core.ids import RoomId
from welink_desktop.features.chat.model import ChatModel, ChatState, NewChat
from welink_desktop.features.chat.panels import NoRoom
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.room_list.model import Step
from welink_desktop.features.chat.room_list.view import RoomListView
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import translated
from welink_desktop.ui.widgets.box import Plane, row

if TYPE_CHECKING:
    from welink_desktop.features.chat.composer.view import ComposerView
    from welink_desktop.features.chat.details.view import DetailsView
    from welink_desktop.features.chat.header import ChatHeader
    from welink_desktop.features.chat.talk import Talk
    from welink_desktop.features.chat.timeline.view import TimelineView

PREPARE_MS = 700
"""This long after the page was shown first, the parts of an open room are made ready."""
SIDE_BY_SIDE = 1120
"""Below this window width the details cover the conversation."""
ONE_AT_A_TIME = 700
"""Below this width of the page, list and conversation show one at a time."""


class ChatPage(QWidget):
    """The list stands first; the parts of an open room are built once, when the first is opened or soon after the start."""

    def __init__(self, model: ChatModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chat-page")
        self.setAcceptDrops(True)
        self.model = model
        self._pixmaps = Pixmaps(model.pictures)
        self.rooms = RoomListView(model.room_list, self._pixmaps)
        self.rooms.new_chat.connect(lambda: model.act(NewChat()))
        self._no_room = NoRoom()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._main = Plane("surface")
        self._body = QStackedWidget()
        self._talk: Talk | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(PREPARE_MS)
        self._later.timeout.connect(self._prepare)
        self._build()
        listen(self, model.opened, self._opened)
        on_theme(self, self._themed)
        translated(self, self._retranslate)
        bind(self, model.state, self._render)

    # Wishes from outside

    def focus_search(self) -> None:
        self.rooms.focus_search()

    def focus_composer(self) -> None:
        if self._talk is not None and self.composer.isVisible():
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
        found: list[QWidget] = [self.rooms.list]
        if self._talk is not None:
            found += [self.header, self.timeline, self.composer.input, self.details.list]
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
        self._main_row = row(self._main)
        self._main_row.addWidget(self._body, 1)
        self._body.addWidget(self._no_room)

    # The parts of an open room

    @property
    def talk(self) -> "Talk":
        """Built when it is first needed."""
        if self._talk is None:
            from welink_desktop.features.chat.talk import Talk

            talk = Talk(self.model, self._pixmaps)
            talk.details.hide()
            self._body.addWidget(talk)
            self._main_row.addWidget(talk.details)
            self._talk = talk
        return self._talk

    @property
    def header(self) -> "ChatHeader":
        return self.talk.header

    @property
    def timeline(self) -> "TimelineView":
        return self.talk.timeline

    @property
    def composer(self) -> "ComposerView":
        return self.talk.composer

    @property
    def details(self) -> "DetailsView":
        return self.talk.details

    def _prepare(self) -> None:
        self.talk.place_foot()

    def _themed(self, theme: Theme) -> None:
        self._arrange()

    def _retranslate(self) -> None:
        self._no_room.retranslate()
        self._render(self.model.state.value)

    # Model → view

    def _render(self, state: ChatState) -> None:
        summary = state.summary
        if summary is not None:
            self._body.setCurrentWidget(self.talk)
            self.talk.render_room(state, summary)
        else:
            self._body.setCurrentWidget(self._no_room)
            if self._talk is not None:
                self.details.hide()
        self._arrange()

    def _opened(self, room: RoomId | None) -> None:
        if room is None:
            self.rooms.list.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.rooms.list.reveal(room)
        QTimer.singleShot(0, self, self.focus_composer)

    # Room for everything

    def _arrange(self) -> None:
        """Details beside or over the conversation; list and conversation together or one at a time."""
        window, look = self.window().width(), theme_of(self)
        least, most = look.layout("list-min"), look.layout("list-max")
        self.rooms.setMinimumWidth(look.padded(least) if window >= SIDE_BY_SIDE else least)
        self.rooms.setMaximumWidth(look.padded(most))
        narrow = self.width() < ONE_AT_A_TIME * max(1.0, theme_of(self).text_scale / 1.5)
        open_room = self.model.state.value.summary is not None
        self.rooms.setVisible(not narrow or not open_room)
        self._main.setVisible(not narrow or open_room)
        if self._talk is None:
            return
        self.header.show_back(narrow and open_room)
        covers = window < SIDE_BY_SIDE
        shown = not self.details.isHidden()
        self.details.setFixedWidth(theme_of(self).layout("panel") if not covers else max(264, min(340, self._main.width() - 8)))
        self._place_foot()
        self._body.setVisible(not (covers and shown and self._main.width() < 720))

    def _place_foot(self) -> None:
        if self._talk is not None:
            self._talk.place_foot()

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
        if self._talk is None:
            self._later.start()

    @guarded(default=None)
    def hideEvent(self, event: QHideEvent) -> None:
        self._later.stop()
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
