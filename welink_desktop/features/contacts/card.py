"""One person's card (mockup 04, right): who it is, what one can do, what is known."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QScrollArea, QWidget

from welink_desktop.core.media import Picture
from welink_desktop.core.people import Person
from welink_desktop.core.security import PersonTrust
from welink_desktop.features.contacts.model import shown_presence, state_in_words
from welink_desktop.features.contacts.rows import in_words
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.strings import tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.avatar import Avatar
from welink_desktop.ui.widgets.badge import Tag
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, Plane, clear, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.icon_mark import IconMark
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice
from welink_desktop.ui.widgets.toast import show_toast

AVATAR = 72


class PersonCard(Plane):
    """`message`, `meet`, `compare`, `accept` and `closed` are what a person wishes."""

    message = Signal()
    meet = Signal()
    compare = Signal()
    accept = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface", parent)
        identify(self, "person-card")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._avatar = Avatar(AVATAR)
        self._name = Label(type_name="heading")
        self._other = Label(color="text-secondary")
        self._state = Tag(tone="neutral")
        self._close = IconButton("close")
        identify(self._close, "person-card-close")
        self._close.clicked.connect(self.closed)
        self._outside = Banner("external", "external")
        self._problem = Notice("danger", "error")
        self._chat = Button(kind="primary", icon_name="chat")
        self._meet = Button(icon_name="video")
        identify(self._chat, "person-message")
        identify(self._meet, "person-meet")
        self._chat.clicked.connect(self.message)
        self._meet.clicked.connect(self.meet)
        self._facts = column()
        self._trust = TrustBox()
        self._trust.compare.clicked.connect(self.compare)
        self._trust.accept.clicked.connect(self.accept)
        self._build()
        on_theme(self, self._themed)

    def _build(self) -> None:
        inside = Plane("surface")
        self._column = column(inside)
        names = column()
        for part in (self._name, self._other):
            names.addWidget(part)
        names.addWidget(self._state, 0, Qt.AlignmentFlag.AlignLeft)
        names.addStretch(1)
        self._head = row()
        self._head.addWidget(self._avatar, 0, Qt.AlignmentFlag.AlignTop)
        self._head.addLayout(names, 1)
        self._head.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self._actions = row()
        self._actions.addWidget(self._chat, 1)
        self._actions.addWidget(self._meet, 1)
        self._line = Divider()
        self._column.addLayout(self._head)
        self._column.addWidget(self._outside)
        self._column.addLayout(self._actions)
        self._column.addWidget(self._problem)
        self._column.addWidget(self._trust)
        self._column.addWidget(self._line)
        self._column.addLayout(self._facts)
        self._column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        column(self).addWidget(scroll)

    def show_person(
        self, person: Person, *, now_ms: int, own: bool, busy: bool, failure: str, trust: PersonTrust | None = None
    ) -> None:
        describe(self, person.name)
        describe(self._close, tr("contacts-close-card"), tooltip=True)
        self._avatar.show_of(person.user, person.name, shown_presence(person))
        self._name.setText(person.name)
        self._other.setText(person.other_name)
        self._other.setVisible(bool(person.other_name))
        state = in_words(state_in_words(person, now_ms))
        self._state.set_fact(state, "neutral", "video" if person.status.in_meeting else "")
        self._state.setVisible(bool(state))
        self._outside.show_fact(tr("contacts-outside", organisation=person.organisation) if person.external else "")
        self._problem.show_fact(failure)
        self._chat.setText(tr("contacts-opening" if busy else "contacts-message"))
        self._meet.setText(tr("contacts-meet"))
        for button in (self._chat, self._meet):
            button.setVisible(not own)
            button.setEnabled(not busy)
        self._trust.show_trust(person.name, trust if not own else None)
        self._show_facts(person)

    def set_picture(self, user: str, picture: Picture) -> None:
        self._avatar.set_picture(user, picture)

    def picture_size(self) -> int:
        """Side in device pixels."""
        return round(self._avatar.sizeHint().width() * self.devicePixelRatioF())

    def _show_facts(self, person: Person) -> None:
        path = " / ".join(person.department_path) or person.department
        facts = (
            ("id-card", "contacts-title", person.title, False),
            ("building", "contacts-organisation", person.organisation, False),
            ("department", "contacts-department", path, False),
            ("list-number", "contacts-staff-number", person.staff_number, False),
            ("phone", "contacts-phone", person.phone, True),
            ("mail", "contacts-mail", person.mail, True),
            ("location", "contacts-location", person.location, False),
            ("user", "contacts-account", person.user, True),
        )
        wanted = tuple(fact for fact in facts if fact[2])
        signature = repr((wanted, tr("contacts-title")))
        if self._facts.property("signature") == signature:
            return
        self._facts.setProperty("signature", signature)
        clear(self._facts)
        for icon, key, value, copyable in wanted:
            self._facts.addWidget(Fact(icon, tr(key), value, copyable=copyable))

    def _themed(self, theme: Theme) -> None:
        self.setMinimumWidth(theme.layout("panel-narrow"))
        edge = theme.space(7)
        self._column.setContentsMargins(edge, edge, edge, edge)
        self._column.setSpacing(theme.space(5))
        self._head.setSpacing(theme.space(5))
        self._actions.setSpacing(theme.space(3))


class TrustBox(Plane):
    """What is known about a person's identity, in one sentence, and what can be done (mockup 04, "Verified by")."""

    def __init__(self) -> None:
        super().__init__("surface-inset")
        identify(self, "person-trust")
        self.setProperty("rounded", True)
        self._icon = IconMark("shield")
        self._words = Label(type_name="small", wrap=True)
        self.compare, self.accept = Button(small=True), Button(small=True, kind="ghost")
        identify(self.compare, "person-compare")
        identify(self.accept, "person-accept")
        buttons = row()
        buttons.addWidget(self.compare)
        buttons.addWidget(self.accept)
        buttons.addStretch(1)
        self._words_column = column()
        self._words_column.addWidget(self._words)
        self._words_column.addLayout(buttons)
        self._layout = row(self)
        self._layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        self._layout.addLayout(self._words_column, 1)
        self.hide()
        on_theme(self, self._themed)

    def show_trust(self, name: str, trust: PersonTrust | None) -> None:
        self.setVisible(trust is not None)
        if trust is None:
            return
        shown = one_line(name)
        words = tr(f"trust-{trust.value}", name=shown)
        self._words.setText(words)
        describe(self, words)
        self._icon.set_icon(*_TRUST_LOOKS[trust])
        self.compare.setText(tr("trust-compare"))
        describe(self.compare, tr("trust-compare-person", name=shown))
        self.compare.setVisible(trust not in (PersonTrust.NONE, PersonTrust.VERIFIED))
        self.accept.setText(tr("trust-accept-broken" if trust is PersonTrust.BROKEN else "trust-accept"))
        self.accept.setVisible(trust in (PersonTrust.CHANGED, PersonTrust.BROKEN))

    def _themed(self, theme: Theme) -> None:
        edge = theme.space(4)
        self._layout.setContentsMargins(edge, edge, edge, edge)
        self._layout.setSpacing(theme.space(4))
        self._words_column.setSpacing(theme.space(3))


_TRUST_LOOKS = {
    PersonTrust.NONE: ("shield", "text-muted"),
    PersonTrust.SEEN: ("shield", "text-muted"),
    PersonTrust.VERIFIED: ("shield-check", "verified"),
    PersonTrust.CHANGED: ("shield-alert", "warning"),
    PersonTrust.BROKEN: ("shield-alert", "danger"),
}


class Fact(QWidget):
    """One known thing: icon, label, value, perhaps a button to copy it."""

    def __init__(self, icon: str, label: str, value: str, *, copyable: bool) -> None:
        super().__init__()
        words = column()
        words.addWidget(Label(label, type_name="caption", color="text-secondary"))
        words.addWidget(Label(value, wrap=True))
        self._layout = row(self)
        picture = IconMark(icon)
        self._layout.addWidget(picture, 0, Qt.AlignmentFlag.AlignVCenter)
        self._layout.addLayout(words, 1)
        describe(self, label, value)
        if copyable:
            button = IconButton("copy", tr("contacts-copy", what=label))
            button.clicked.connect(lambda: self._copy(value))
            self._layout.addWidget(button)
        on_theme(self, self._themed)

    def _copy(self, value: str) -> None:
        QGuiApplication.clipboard().setText(value)
        show_toast(self, tr("copied"))

    def _themed(self, theme: Theme) -> None:
        self._layout.setSpacing(theme.space(4))
        self._layout.setContentsMargins(0, theme.space(2), 0, theme.space(2))
