"""The column of conversations: search, filters, list."""

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.core.changes import Reset
from welink_desktop.core.rooms import Membership, RoomSummary
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.room_list.chips import Chips
from welink_desktop.features.chat.room_list.model import (
    Accept,
    Choose,
    DismissFailure,
    Leave,
    ListRow,
    MarkUnread,
    Mute,
    Pin,
    RoomListModel,
    RoomListState,
    RoomRow,
    Search,
    SectionRow,
    Show,
    Step,
    ToggleSection,
)
from welink_desktop.features.chat.room_list.painter import RoomPainter
from welink_desktop.features.chat.room_list.words import spoken
from welink_desktop.services.room_list import RoomFilter
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.lists.anchored_list import AnchoredList, Gravity
from welink_desktop.ui.lists.rows_model import RowsModel
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Plane, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.dialog import ask
from welink_desktop.ui.widgets.field import SearchField
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.menu import Menu


class RoomListWidget(AnchoredList):
    """The painted list itself."""

    def __init__(self, model: RoomListModel, pixmaps: Pixmaps, parent: QWidget | None = None) -> None:
        super().__init__(Gravity.TOP, parent)
        self.setObjectName("room-list")
        self.plane = "surface-list"
        self._model = model
        self._table: RowsModel[ListRow] = RowsModel(lambda row: spoken(self._table.items[row]), self)
        self._painter_of_rooms = RoomPainter(lambda: self._table.items, pixmaps)
        self._painter_of_rooms.ring = self.shows_ring
        self._painter_of_rooms.active = self.isActiveWindow
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.present(self._table, self._painter_of_rooms, bottom=8)
        listen(self, pixmaps.pictures.arrived, lambda _: self.viewport().update())

    def show_rows(self, rows: tuple[ListRow, ...]) -> None:
        """Bring the list to `rows`; rows of the same conversations are changed in place, so nothing jumps."""
        if [_identity(one) for one in rows] == [_identity(one) for one in self._table.items]:
            self._table.items[:] = rows
            if rows:
                self._table.dataChanged.emit(self._table.index(0), self._table.index(len(rows) - 1))
            return
        scrolled, cursor = self.verticalScrollBar().value(), self._cursor()
        self._table.apply([Reset(rows)])
        self.verticalScrollBar().setValue(scrolled)
        for number, one in enumerate(rows):
            if _identity(one) == cursor:
                self.setCurrentIndex(self._table.index(number))

    def _cursor(self) -> str:
        number = self.currentIndex().row()
        return _identity(self._table.items[number]) if 0 <= number < len(self._table.items) else ""

    def row_of(self, number: int) -> ListRow | None:
        return self._table.items[number] if 0 <= number < len(self._table.items) else None

    def reveal(self, room: str) -> None:
        for number, one in enumerate(self._table.items):
            if isinstance(one, RoomRow) and one.room.room == room:
                self.setCurrentIndex(self._table.index(number))
                self.to_row(number)

    def _open(self, number: int) -> None:
        match self.row_of(number):
            case SectionRow(kind):
                self._model.act(ToggleSection(kind))
            case RoomRow(room):
                self._model.act(Choose(room.room))

    @guarded(default=None)
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.keyboard = False
        point = event.position().toPoint()
        number = self.row_under(point)
        if number is None:
            return
        self.setCurrentIndex(self._table.index(number))
        if event.button() == Qt.MouseButton.RightButton:
            self._menu(number, event.globalPosition().toPoint())
        elif event.button() == Qt.MouseButton.LeftButton:
            self._open(number)

    @guarded(default=None)
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.row_under(event.position().toPoint()))

    @guarded(default=None)
    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, number: int | None) -> None:
        hovered = -1 if number is None else number
        if hovered != self._painter_of_rooms.hovered:
            self._painter_of_rooms.hovered = hovered
            self.viewport().update()

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        number = self.currentIndex().row()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._model.act(Step(-1 if event.key() == Qt.Key.Key_Up else 1, unread_only=shift))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open(number)
        elif event.key() == Qt.Key.Key_Menu or (event.key() == Qt.Key.Key_F10 and shift):
            self._menu(number, self.viewport().mapToGlobal(self.row_box(number).center()))
        else:
            super().keyPressEvent(event)

    def _menu(self, number: int, at: QPoint) -> None:
        one = self.row_of(number)
        if isinstance(one, RoomRow):
            room_menu(self, one.room, self._model).open_at(at)


def room_menu(parent: QWidget, room: RoomSummary, model: RoomListModel) -> Menu:
    """What can be done with a conversation."""
    menu = Menu(parent, tr("rooms-actions", name=room.name))
    menu.setObjectName("room-menu")
    key = room.room
    if room.membership is Membership.INVITED:
        menu.add(tr("rooms-accept"), lambda: model.act(Accept(key)), icon_name="check")
        menu.add(tr("rooms-decline"), lambda: model.act(Leave(key)), icon_name="close", danger=True)
        return menu
    pinned, muted, unread = room.favourite, room.muted, room.unread.any
    menu.add(tr("rooms-unpin" if pinned else "rooms-pin"), lambda: model.act(Pin(key, not pinned)), icon_name="pin")
    menu.add(tr("rooms-unmute" if muted else "rooms-mute"), lambda: model.act(Mute(key, not muted)), icon_name="bell-off")
    if room.unread.marked or not unread:
        marked = room.unread.marked
        words = tr("rooms-mark-read" if marked else "rooms-mark-unread")
        menu.add(words, lambda: model.act(MarkUnread(key, not marked)), icon_name="chat")
    menu.addSeparator()
    menu.add(tr("rooms-leave"), lambda: confirm_leave(parent, room, model), icon_name="logout", danger=True)
    return menu


def confirm_leave(parent: QWidget, room: RoomSummary, model: RoomListModel) -> None:
    sentence = tr("rooms-leave-sentence")
    ask(
        parent.window(),
        tr("rooms-leave-title", name=room.name),
        sentence,
        tr("rooms-leave"),
        lambda: model.act(Leave(room.room)),
        "danger",
    )


class RoomListView(Plane):
    """The whole column. `new_chat` asks for people to write to."""

    new_chat = QtSignal()

    def __init__(self, model: RoomListModel, pixmaps: Pixmaps, parent: QWidget | None = None) -> None:
        super().__init__("surface-list", parent)
        self._model = model
        self._head = QWidget()
        self._title = Label("", type_name="title")
        self._new = IconButton("edit")
        self._new.setObjectName("room-list-new-chat")
        self._new.clicked.connect(self.new_chat)
        self._search = SearchField()
        self._search.setObjectName("room-search")
        self._search.textChanged.connect(lambda text: model.act(Search(text)))
        self._search.installEventFilter(self)
        self._chips = Chips(lambda shown: model.act(Show(shown)))
        self._failure = Banner("danger", "error")
        self._dismiss = self._failure.add_action("", lambda: model.act(DismissFailure()))
        self.list = RoomListWidget(model, pixmaps)
        self._empty = _Empty(model)
        self._build()
        on_theme(self, self._themed)
        translated(self, self._retranslate)
        bind(self, model.state, self._render)

    def _build(self) -> None:
        layout = column(self)
        head = row(self._head, spacing=4)
        head.addWidget(self._title, 1)
        head.addWidget(self._new)
        self._head_row = head
        layout.addWidget(self._head)
        self._search_row = row(margins=(12, 0, 12, 0))
        self._search_row.addWidget(self._search)
        layout.addLayout(self._search_row)
        layout.addWidget(self._chips)
        layout.addWidget(self._failure)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._empty, 1)

    def _themed(self, theme: Theme) -> None:
        self._head.setFixedHeight(theme.layout("header"))
        self._head_row.setContentsMargins(theme.space(5), 0, theme.space(3), 0)
        self._search_row.setContentsMargins(theme.space(4), 0, theme.space(4), theme.space(3))
        self.list.remeasure()

    def _retranslate(self) -> None:
        self._title.setText(tr("chat-title"))
        self._new.set_name(tr("rooms-new-chat"))
        self._dismiss.setText(tr("chat-dismiss"))
        self._search.set_words(tr("rooms-search"), tr("rooms-search"))
        self.list.setAccessibleName(tr("rooms-list"))
        self._render(self._model.state.value)

    def _render(self, state: RoomListState) -> None:
        self._chips.show_state(state.shown, state.totals.rooms, state.totals.mentions)
        self.list.show_rows(state.rows)
        empty = not state.rows and not state.loading
        self.list.setVisible(not empty)
        self._empty.setVisible(empty)
        self._empty.show_state(state)
        self._failure.show_fact(tr(state.failure.text) if state.failure is not None else "")

    def focus_search(self) -> None:
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    @guarded(default=False)
    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self._search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                first = next((one for one in self._model.state.value.rows if isinstance(one, RoomRow)), None)
                if first is not None:
                    self._model.act(Choose(first.room.room))
                return True
            if event.key() == Qt.Key.Key_Down:
                self.list.setFocus(Qt.FocusReason.TabFocusReason)
                return True
            if event.key() == Qt.Key.Key_Escape and self._search.text():
                self._search.clear()
                return True
        return False


class _Empty(QWidget):
    """Nothing to show: no conversations at all, or none that match."""

    def __init__(self, model: RoomListModel) -> None:
        super().__init__()
        self._title = Label("", type_name="title", wrap=True, align=Qt.AlignmentFlag.AlignHCenter)
        self._sentence = Label("", color="text-secondary", wrap=True, align=Qt.AlignmentFlag.AlignHCenter)
        self._all = Button("", kind="secondary")
        self._all.setObjectName("room-list-show-all")
        self._all.clicked.connect(lambda: model.act(Show(RoomFilter.ALL)))
        layout = column(self, spacing=8, margins=(24, 48, 24, 24))
        for widget in (self._title, self._sentence):
            layout.addWidget(widget)
        layout.addWidget(self._all, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)

    def show_state(self, state: RoomListState) -> None:
        kind = "none-found" if state.any_rooms else "empty"
        self._title.setText(tr(f"rooms-{kind}"))
        self._sentence.setText(tr(f"rooms-{kind}-sentence"))
        self._all.setText(tr("rooms-show-all"))
        self._all.setVisible(state.any_rooms and state.shown is not RoomFilter.ALL)


def _identity(one: ListRow) -> str:
    return one.room.room if isinstance(one, RoomRow) else one.kind.value
