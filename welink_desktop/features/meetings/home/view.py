"""The page of meetings: one painted list with what runs on top; Enter or the button opens the lobby."""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from welink_desktop.core.changes import Reset
from welink_desktop.core.reactive import State
from welink_desktop.features.meetings.home.model import HomeState, Meet, MeetingPlace, Search, Wish
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.lists.rows_model import RowsModel
from welink_desktop.ui.stage.avatars import AvatarPictures
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.box import Divider, Plane, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.field import SearchField
from welink_desktop.ui.widgets.focus_ring import paint_row_focus
from welink_desktop.ui.widgets.label import Label

AVATAR = 40
ICON = 16


def line_about(place: MeetingPlace) -> str:
    """The second line of a row."""
    if place.here:
        return tr("meetings-here")
    if place.in_call:
        return tr("meetings-in-call", count=place.in_call)
    if place.person is not None:
        return tr("external" if place.external else "meetings-person")
    return tr("meetings-members", count=place.members)


def spoken_place(place: MeetingPlace) -> str:
    parts = [place.name, line_about(place)]
    if place.external and place.person is None:
        parts.append(tr("external"))
    return ", ".join(parts)


class MeetingsHomeView(Plane):
    """Renders a `HomeState`."""

    def __init__(
        self,
        state: State[HomeState],
        act: Callable[[Wish], None],
        avatars: AvatarPictures,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("surface", parent)
        self.setObjectName("meetings-home")
        self._state, self._act = state, act
        self._title = Label("", type_name="title")
        self._hint = Label("", type_name="small", color="text-muted")
        self._search = SearchField()
        self._search.setObjectName("meetings-search")
        self._search.textChanged.connect(lambda text: act(Search(text)))
        self._rows: RowsModel[MeetingPlace] = RowsModel(self._spoken, self)
        self._list = _PlaceList(self._rows, avatars)
        self._list.setObjectName("meetings-list")
        self._list.activated.connect(self._activated)
        self._list.selectionModel().currentChanged.connect(lambda *_: self._show_button())
        self._button = Button("", kind="primary", icon_name="video")
        self._button.setObjectName("meetings-meet")
        self._button.clicked.connect(self._meet)
        self._lay_out()
        translated(self, self._retranslate)
        on_theme(self, self._themed)
        bind(self, state, self._render)
        listen(self, avatars.changed, self._avatars_came)

    def focus_first(self) -> None:
        """Where the keyboard starts on this page."""
        self._list.setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> tuple[QWidget, ...]:
        """For F6: search, list, button."""
        return self._search, self._list, self._button

    def _lay_out(self) -> None:
        self._head = row(spacing=8)
        self._head.addWidget(self._title, 1)
        self._head.addWidget(self._button)
        self._body = column(spacing=8)
        self._body.addWidget(self._hint)
        self._body.addWidget(self._search)
        self._body.addWidget(self._list, 1)
        page = row()
        page.addStretch(1)
        page.addLayout(self._body, 4)
        page.addStretch(1)
        layout = column(self)
        layout.addLayout(self._head)
        layout.addWidget(Divider())
        layout.addLayout(page, 1)

    def _render(self, state: HomeState) -> None:
        places = (*state.running, *state.places)
        if places != tuple(self._rows.items):
            selected = self._selected()
            self._rows.apply([Reset(places)])
            self._select(selected.room if selected is not None else None)
        if not places and state.search:
            self._hint.setText(tr("meetings-nothing-found"))
        else:
            self._hint.setText(tr("meetings-start-hint" if state.running else "meetings-running-none"))
        self._show_button()

    def _selected(self) -> MeetingPlace | None:
        at = self._list.currentIndex().row()
        return self._rows.items[at] if 0 <= at < len(self._rows.items) else None

    def _select(self, room: str | None) -> None:
        at = next((index for index, place in enumerate(self._rows.items) if place.room == room), 0)
        if self._rows.items:
            self._list.setCurrentIndex(self._rows.index(at))

    def _show_button(self) -> None:
        place = self._selected()
        self._button.setEnabled(place is not None)
        word = "return" if place is not None and place.here else "join" if place is not None and place.in_call else "meet"
        self._button.setText(tr(f"meetings-{word}"))
        describe(self._button, tr(f"meetings-{word}-named", name=place.name) if place is not None else tr("meetings-meet"))

    def _activated(self, index: QModelIndex) -> None:
        self._act(Meet(self._rows.items[index.row()].room))

    def _meet(self) -> None:
        place = self._selected()
        if place is not None:
            self._act(Meet(place.room))

    def _spoken(self, index: int) -> str:
        return spoken_place(self._rows.items[index])

    def _retranslate(self) -> None:
        self._title.setText(tr("meetings-title"))
        self._search.set_words(tr("meetings-search"), tr("meetings-search"))
        describe(self._list, tr("meetings-list"))
        self._render(self._state.value)

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self._head.setContentsMargins(theme.space(7), 0, theme.space(7), 0)
        self._title.setMinimumHeight(theme.layout("header"))
        self._body.setContentsMargins(theme.space(7), theme.space(7), theme.space(7), theme.space(5))

    def _avatars_came(self, _: None) -> None:
        self._list.viewport().update()


class _PlaceList(QListView):
    def __init__(self, rows: RowsModel[MeetingPlace], avatars: AvatarPictures) -> None:
        super().__init__()
        self.setModel(rows)
        self.setUniformItemSizes(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setItemDelegate(_PlaceDelegate(rows, avatars, self))

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated.emit(self.currentIndex())
            return
        super().keyPressEvent(event)


class _PlaceDelegate(QStyledItemDelegate):
    def __init__(self, rows: RowsModel[MeetingPlace], avatars: AvatarPictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = rows
        self._avatars = avatars
        self._view = parent

    @guarded(default=QSize(100, 56))
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, theme_of(self._view).row("person"))

    @guarded(default=None)
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        theme = theme_of(self._view)
        area: QRect = getattr(option, "rect")  # noqa: B009 - the stubs do not know this member
        state: QStyle.StateFlag = getattr(option, "state")  # noqa: B009 - the stubs do not know this member
        place = self._rows.items[index.row()]
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selection"))
            painter.drawRoundedRect(QRectF(area), theme.radius("row"), theme.radius("row"))
        paint_row_focus(painter, QRectF(area), state, theme)
        side = theme.padded(AVATAR)
        avatar = QRectF(area.left() + theme.space(4), area.center().y() - side / 2, side, side)
        who = place.person or place.room
        self._avatars.paint(
            painter, avatar, who, place.name, place.avatar, plane="surface", theme=theme, room=place.person is None
        )
        left, right = avatar.right() + theme.space(4), area.right() - theme.space(4)
        size = theme.icon_size(ICON)
        if place.external:
            right -= size
            draw_icon(painter, "external", QRectF(right, area.top(), size, area.height()), size, theme.color("external"))
            right -= theme.space(3)
        strong, small = theme.type("strong"), theme.type("small")
        top = area.center().y() - (strong.line + small.line) / 2
        strong.draw(painter, QRectF(left, top, right - left, strong.line), place.name, theme.color("text"))
        token = "success" if place.in_call else "text-muted"
        small.draw(painter, QRectF(left, top + strong.line, right - left, small.line), line_about(place), theme.color(token))
