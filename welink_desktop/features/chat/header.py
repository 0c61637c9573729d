"""The header of a conversation: avatar, name, trust line, actions."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.core.rooms import RoomSummary
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.services.known_people import KnownPeople
from welink_desktop.services.members import MemberList
from welink_desktop.ui.bind import listen
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.avatar import draw_avatar
from welink_desktop.ui.widgets.badge import draw_tag, tag_width
from welink_desktop.ui.widgets.box import row
from welink_desktop.ui.widgets.icon_button import IconButton


class RoomTitle(QWidget):
    """Avatar, name with external tag, and below it the trust line. Painted; one accessible name."""

    def __init__(self, pixmaps: Pixmaps, people: KnownPeople) -> None:
        super().__init__()
        self.setObjectName("chat-title")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._pixmaps = pixmaps
        self._people = people
        self._summary: RoomSummary | None = None
        self._members = MemberList()
        listen(self, pixmaps.pictures.arrived, lambda _: self.update())

    def show_room(self, summary: RoomSummary, members: MemberList) -> None:
        self._summary, self._members = summary, members
        self.setAccessibleName(", ".join([one_line(summary.name), *self._facts()]))
        self.update()

    def _facts(self) -> list[str]:
        summary = self._summary
        if summary is None:
            return []
        facts = [tr("chat-encrypted" if summary.encrypted else "chat-not-encrypted")]
        count = len(self._members.people) or summary.joined
        external = sum(1 for member in self._members.people if member.external)
        names = ", ".join(one_line(name) for name in summary.external_organisations)
        if names and external:
            facts.append(tr("chat-people-external", count=count, external=external, organisations=names))
        elif names:
            facts.append(tr("chat-with-external", count=count, organisations=names))
        elif count:
            facts.append(tr("chat-people-count", count=count))
        return facts

    @guarded(default=QSize(120, 48))
    def minimumSizeHint(self) -> QSize:
        return QSize(120, 40)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        summary, theme = self._summary, theme_of(self)
        if summary is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = theme.padded(36)
        face = QRectF(0, (self.height() - side) / 2, side, side)
        direct = summary.direct_with
        person = self._people.get(direct) if direct is not None else None
        uri = person.avatar if person is not None and person.avatar is not None else summary.avatar
        draw_avatar(
            painter,
            face,
            direct or summary.room,
            one_line(summary.name),
            room=direct is None,
            picture=self._pixmaps.avatar(uri, side, self.devicePixelRatioF()),
            theme=theme,
        )
        title, caption = theme.type("title"), theme.type("caption")
        left = side + 12
        top = (self.height() - title.line - caption.line + 4) / 2
        tag = tr("external") if summary.external_organisations else ""
        room = self.width() - left - (tag_width(tag, "", theme) + 12 if tag else 0)
        line = QRectF(left, top - 2, room, title.line)
        used = title.draw(painter, line, one_line(summary.name), theme.color("text"))
        if tag:
            draw_tag(painter, left + used + 8, line.center().y(), tag, "external", "", theme)
        self._trust_line(painter, QRectF(left, line.bottom() - 2, self.width() - left, caption.line))
        painter.end()

    def _trust_line(self, painter: QPainter, box: QRectF) -> None:
        theme, facts = theme_of(self), self._facts()
        encrypted = self._summary is not None and self._summary.encrypted
        color = theme.color("encrypted" if encrypted else "warning")
        size = theme.icon_size(16) - 2
        draw_icon(painter, "lock" if encrypted else "unlock", QRectF(box.left(), box.top(), size, box.height()), size, color)
        style = theme.type("caption")
        spot = box.adjusted(size + 5, 0, 0, 0)
        used = style.draw(painter, spot, facts[0], color)
        if len(facts) > 1 and spot.width() - used > 40:
            style.draw(painter, spot.adjusted(used, 0, 0, 0), f"  ·  {facts[1]}", theme.color("text-secondary"))


class ChatHeader(QWidget):
    """Title and actions; only actions that exist."""

    meet = QtSignal()
    details = QtSignal()
    back = QtSignal()

    def __init__(self, pixmaps: Pixmaps, people: KnownPeople, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("chat-header")
        self._title = RoomTitle(pixmaps, people)
        self._back = IconButton("arrow-left")
        self._back.setObjectName("chat-back")
        self._meet = IconButton("meeting")
        self._meet.setObjectName("chat-meeting")
        self._details = IconButton("info")
        self._details.setObjectName("chat-details")
        self._details.setCheckable(True)
        layout = row(self, spacing=8, margins=(24, 0, 16, 0))
        layout.addWidget(self._back)
        layout.addWidget(self._title, 1)
        layout.addWidget(self._meet)
        layout.addWidget(self._details)
        self._back.clicked.connect(lambda *_: self.back.emit())
        self._meet.clicked.connect(lambda *_: self.meet.emit())
        self._details.clicked.connect(lambda *_: self.details.emit())
        self._back.hide()
        on_theme(self, self._themed)
        translated(self, self._retranslate)

    def show_room(self, summary: RoomSummary, members: MemberList, details: bool) -> None:
        self._title.show_room(summary, members)
        self._details.setChecked(details)
        self._meet.set_icon("meeting", "success" if summary.call is not None else "text-secondary")
        self._meet.set_name(tr("chat-join-meeting" if summary.call is not None else "chat-start-meeting"))

    def set_joined(self, joined: bool) -> None:
        self._meet.setVisible(joined)
        self._details.setVisible(joined)

    def show_back(self, shown: bool) -> None:
        self._back.setVisible(shown)

    def _themed(self, _: Theme) -> None:
        self.setFixedHeight(theme_of(self).layout("header") - 1)

    def _retranslate(self) -> None:
        self._back.set_name(tr("chat-back"))
        self._details.set_name(tr("chat-details"))
        self._meet.set_name(tr("chat-start-meeting"))
