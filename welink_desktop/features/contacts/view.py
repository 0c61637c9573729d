"""The contacts page (mockup 04): tree, people, card. Renders `ContactsState`, sends wishes."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.core.ids import UserId
from welink_desktop.core.media import Picture
from welink_desktop.core.people import Person, PersonHit
from welink_desktop.core.reactive import Signal, State
from welink_desktop.features.contacts.card import PersonCard
from welink_desktop.features.contacts.model import (
    AcceptIdentity,
    Compare,
    ContactsState,
    Failed,
    Loading,
    Meet,
    Message,
    Ready,
    Reload,
    Search,
    SelectDepartment,
    ShowPerson,
    ShowUser,
    ToggleDepartment,
    TreeRow,
    Wish,
    grouped,
)
from welink_desktop.features.contacts.rows import PeoplePainter, PeopleRow, SectionRow, TreePainter
from welink_desktop.services.pictures import PictureKey
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, current, on_theme
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.avatar import pixmap_of
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, Plane, column, row
from welink_desktop.ui.widgets.field import SearchField
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.painted_list import PaintedList
from welink_desktop.ui.widgets.placeholder import Placeholder

CARD_BESIDE_FROM = 1060
"""Page width from which the card stands beside the people; below it covers them."""

PictureOf = Callable[[Person, int], Picture | None]


class ContactsView(QWidget):
    def __init__(
        self,
        state: State[ContactsState],
        act: Callable[[Wish], None],
        picture: PictureOf = lambda person, size: None,
        arrived: Signal[PictureKey] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._act = act
        self._shown = state.value
        self._picture = picture
        self._pixmaps: dict[tuple[str, int], QPixmap] = {}
        identify(self, "contacts")
        self._tree_painter = TreePainter()
        painter = PeoplePainter(self._pixmap, lambda: self._shown.now_ms, lambda: self._shown.me or "")
        self._people_painter = painter
        self._build()
        translated(self, self._retranslate)
        on_theme(self, self._themed)
        bind(self, state, self._render)
        if arrived is not None:
            listen(self, arrived, self._picture_arrived)

    # Building

    def _build(self) -> None:
        side = Plane("surface-list")
        self._side = side
        self._side_column = column(side)
        self._title = Label(type_name="title")
        self._search = SearchField()
        identify(self._search, "contacts-search")
        self._search.textEdited.connect(lambda words: self._act(Search(words)))
        self._search.returnPressed.connect(self._open_first)
        self._heading = Label(type_name="caption", color="text-secondary", weight=600)
        self._tree: PaintedList[TreeRow] = PaintedList(self._tree_painter)
        identify(self._tree, "department-tree")
        self._tree.pressed_at.connect(self._tree_pressed)
        self._tree.chosen.connect(self._tree_chosen)
        self._tree.sideways.connect(self._tree_sideways)
        self._tree_note = Placeholder()
        self._tree_note.action.connect(lambda: self._act(Reload()))
        self._inset = column()
        for part in (self._title, self._search, self._heading):
            self._inset.addWidget(part)
        self._side_column.addLayout(self._inset)
        self._side_column.addWidget(self._tree, 1)
        self._side_column.addWidget(self._tree_note, 1)
        self._main = self._build_main()
        self._card = PersonCard()
        self._card.closed.connect(self._close_card)
        self._card.message.connect(lambda: self._with_person(Message))
        self._card.meet.connect(lambda: self._with_person(Meet))
        self._card.compare.connect(lambda: self._with_person(Compare))
        self._card.accept.connect(lambda: self._with_person(AcceptIdentity))
        self._card_line = Divider(vertical=True)
        outer = row(self)
        outer.addWidget(side)
        outer.addWidget(Divider(vertical=True))
        outer.addWidget(self._main, 1)
        outer.addWidget(self._card_line)
        outer.addWidget(self._card)

    def _build_main(self) -> QWidget:
        main = Plane("surface")
        whole = column(main)
        self._header = QWidget()
        names = column(self._header)
        self._path = Label(type_name="caption", color="text-secondary")
        self._place = Label(type_name="title")
        names.addStretch(1)
        names.addWidget(self._path)
        names.addWidget(self._place)
        names.addStretch(1)
        self._header_layout = names
        self._stale = Banner("warning", "offline")
        self._people: PaintedList[PeopleRow] = PaintedList(self._people_painter)
        identify(self._people, "people-list")
        self._people.pressed_at.connect(self._person_pressed)
        self._people.chosen.connect(self._person_chosen)
        self._note = Placeholder()
        self._note.action.connect(self._retry_people)
        whole.addWidget(self._header)
        whole.addWidget(Divider())
        whole.addWidget(self._stale)
        whole.addWidget(self._people, 1)
        whole.addWidget(self._note, 1)
        return main

    # Rendering

    def _retranslate(self) -> None:
        self._title.setText(tr("contacts"))
        self._search.set_words(tr("contacts-search"), tr("contacts-search-example"))
        self._heading.setText(tr("contacts-structure"))
        describe(self._tree, tr("contacts-structure"))
        describe(self._people, tr("contacts-people-list"))
        self._render(self._shown)
        self._people.viewport().update()

    def _render(self, state: ContactsState) -> None:
        self._shown = state
        if self._search.text() != state.search:
            self._search.setText(state.search)
        self._render_tree(state)
        self._render_header(state)
        self._render_people(state)
        self._render_card(state)

    def _render_tree(self, state: ContactsState) -> None:
        chosen = state.path[-1].space if state.path and not state.search else None
        at = next((i for i, one in enumerate(state.tree) if one.department.space == chosen), -1)
        self._tree.show_items(state.tree, at)
        self._tree.setVisible(bool(state.tree))
        self._heading.setVisible(bool(state.tree))
        self._tree_note.setVisible(not state.tree)
        if state.tree_failure is not None:
            self._tree_note.show_words("error", tr(state.tree_failure.text), action=tr("retry"))
        elif state.tree_loading:
            self._tree_note.show_words("", tr("contacts-loading"))
        else:
            self._tree_note.show_words("department", tr("contacts-no-organisation"), tr("contacts-no-organisation-hint"))

    def _render_header(self, state: ContactsState) -> None:
        if state.search:
            self._path.setText("")
            self._place.setText(tr("contacts-found-for", words=state.search))
        else:
            self._path.setText("  ›  ".join(one.name for one in state.path[:-1]))
            here = state.path[-1] if state.path else None
            self._place.setText(f"{here.name}  {tr('contacts-people', count=here.people)}" if here else tr("contacts"))
        self._path.setVisible(bool(self._path.text()))

    def _render_people(self, state: ContactsState) -> None:
        rows: list[PeopleRow] = []
        listing = state.listing
        stale = listing.stale if isinstance(listing, Ready) else None
        self._stale.show_fact(tr("contacts-old-copy") if stale is not None else "")
        if isinstance(listing, Ready):
            own, outside = grouped(listing.hits)
            rows.extend(own)
            if outside:
                rows.append(SectionRow("contacts-outside-section", external=True))
                rows.extend(outside)
        shown = state.person.user if state.person is not None else None
        at = next((i for i, one in enumerate(rows) if isinstance(one, PersonHit) and one.person.user == shown), -1)
        self._people.show_items(rows, at)
        self._people.setVisible(bool(rows))
        self._note.setVisible(not rows)
        match listing:
            case Loading():
                self._note.show_words("", tr("contacts-loading") if state.tree else "")
            case Failed(why):
                self._note.show_words("error", tr(why.text), action=tr("retry"))
            case Ready():
                if state.search:
                    self._note.show_words("search", tr("contacts-nobody-found"), tr("contacts-nobody-found-hint"))
                else:
                    self._note.show_words("contacts", tr("contacts-empty"), tr("contacts-empty-hint"))

    def _render_card(self, state: ContactsState) -> None:
        person = state.person
        self._arrange()
        if person is None:
            return
        failure = tr(state.failure.text) if state.failure is not None else ""
        busy = state.busy_with == person.user
        own = person.user == state.me
        self._card.show_person(person, now_ms=state.now_ms, own=own, busy=busy, failure=failure, trust=state.trust)
        picture = self._picture(person, self._card.picture_size())
        if picture is not None:
            self._card.set_picture(person.user, picture)

    def _arrange(self) -> None:
        """The card beside the people, or instead of them where the window is narrow."""
        shown = self._shown.person is not None
        beside = self.width() >= CARD_BESIDE_FROM
        theme = current()
        self._card.setVisible(shown)
        self._card_line.setVisible(shown and beside)
        self._main.setVisible(beside or not shown)
        limit = theme.padded(theme.layout("person-card"))
        self._card.setMaximumWidth(limit if beside else self.maximumWidth())
        self._card.setMinimumWidth(limit if beside else 0)

    def _pixmap(self, person: Person, size: int) -> QPixmap | None:
        key = (person.avatar or "", size)
        known = self._pixmaps.get(key)
        if known is not None or person.avatar is None:
            return known
        picture = self._picture(person, size)
        if picture is None:
            return None
        if len(self._pixmaps) > 400:
            self._pixmaps.clear()
        self._pixmaps[key] = pixmap_of(picture)
        return self._pixmaps[key]

    def _picture_arrived(self, key: PictureKey) -> None:
        self._people.viewport().update()
        if self._shown.person is not None and self._shown.person.avatar == key.uri:
            self._render_card(self._shown)

    # Acting

    def _tree_pressed(self, at: int, place: QPoint) -> None:
        item = self._tree.item_at(at)
        if item is None:
            return
        box = self._tree.visualRect(self._tree.rows.index(at)).translated(0, 0)
        theme = current()
        inner = box.toRectF().adjusted(theme.space(3), 0, -theme.space(3), 0).translated(-box.left(), -box.top())
        if item.expanded is not None and self._tree_painter.chevron(item, inner, theme).contains(place):
            self._act(ToggleDepartment(item.department.space, not item.expanded))
        else:
            self._act(SelectDepartment(item.department.space))

    def _tree_chosen(self, at: int) -> None:
        item = self._tree.item_at(at)
        if item is not None:
            self._act(SelectDepartment(item.department.space))
            if item.expanded is False:
                self._act(ToggleDepartment(item.department.space, True))

    def _tree_sideways(self, at: int, right: bool) -> None:
        item = self._tree.item_at(at)
        if item is not None and item.expanded is not None:
            self._act(ToggleDepartment(item.department.space, right))

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._shown.person is not None:
            self._close_card()
        elif event.key() == Qt.Key.Key_Escape and self._shown.search:
            self._act(Search(""))
        elif event.key() == Qt.Key.Key_Down and self.focusWidget() is self._search:
            self._to_people()
        else:
            super().keyPressEvent(event)

    def _open_first(self) -> None:
        """Enter in the search: the first who was found."""
        self._to_people()
        found = (at for at, one in enumerate(self._people.rows.items) if isinstance(one, PersonHit))
        first = next(found, -1)
        if self._shown.search and first >= 0:
            self._person_chosen(first)

    def _to_people(self) -> None:
        if self._people.isVisible():
            self._people.setFocus(Qt.FocusReason.TabFocusReason)

    def _person_pressed(self, at: int, place: QPoint) -> None:
        item = self._people.item_at(at)
        if not isinstance(item, PersonHit):
            return
        width = self._people.visualRect(self._people.rows.index(at)).width()
        for name, box in self._people_painter.actions(width, current()):
            if box.contains(place) and item.person.user != self._shown.me:
                self._act(Message(item.person.user) if name == "chat" else Meet(item.person.user))
                return
        self._act(ShowPerson(item.person))

    def _person_chosen(self, at: int) -> None:
        item = self._people.item_at(at)
        if isinstance(item, PersonHit):
            self._act(ShowPerson(item.person))

    def _with_person(self, wish: type[Message] | type[Meet] | type[Compare] | type[AcceptIdentity]) -> None:
        if self._shown.person is not None:
            self._act(wish(self._shown.person.user))

    def _close_card(self) -> None:
        self._act(ShowPerson(None))
        self._people.setFocus()

    def _retry_people(self) -> None:
        if self._shown.search:
            words = self._shown.search
            self._act(Search(""))
            self._act(Search(words))
        elif self._shown.path:
            self._act(SelectDepartment(self._shown.path[-1].space))
        else:
            self._act(Reload())

    def show_user(self, user: UserId) -> None:
        """Open someone's card, asked for from elsewhere."""
        self._act(ShowUser(user))

    def focus_first(self) -> None:
        """Where the keyboard starts on this page."""
        self._search.setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> tuple[QWidget, ...]:
        """For F6: search, tree, people, card."""
        return self._search, self._tree, self._people, self._card

    def _themed(self, theme: Theme) -> None:
        self._side.setFixedWidth(theme.padded(theme.layout("tree")))
        edge = theme.space(4)
        self._side_column.setSpacing(theme.space(3))
        self._side_column.setContentsMargins(0, theme.space(4), 0, 0)
        self._inset.setContentsMargins(edge, 0, edge, 0)
        self._inset.setSpacing(theme.space(4))
        self._header.setFixedHeight(theme.layout("header"))
        self._header_layout.setContentsMargins(theme.space(7), 0, theme.space(7), 0)
        self._arrange()

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
