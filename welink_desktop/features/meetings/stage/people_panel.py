"""The people panel: one painted line per person, ourselves and speakers first."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from welink_desktop.core.changes import Reset
from welink_desktop.features.meetings.stage.state import PersonRow
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.bind import listen
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, mark_stage, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.lists.rows_model import RowsModel
from welink_desktop.ui.stage.avatars import AvatarPictures
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import Plane, column, row
from welink_desktop.ui.widgets.focus_ring import paint_row_focus
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label

AVATAR = 32
ICON = 16


def spoken_person(person: PersonRow) -> str:
    """What a screen reader says of a line."""
    parts = [person.name]
    if person.own:
        parts.append(tr("meeting-you"))
    if person.external:
        parts.append(tr("external"))
    parts.append(tr("meeting-microphone-on" if person.microphone else "meeting-microphone-off"))
    parts.append(tr("meeting-camera-on" if person.camera else "meeting-camera-off"))
    if person.note is not None:
        parts.append(tr(person.note))
    return ", ".join(parts)


class PeoplePanel(Plane):
    """Head with the number of people and a close button, then the list."""

    def __init__(self, avatars: AvatarPictures, parent: QWidget | None = None) -> None:
        super().__init__("surface-list", parent)
        self.setObjectName("meeting-people-panel")
        mark_stage(self)
        self.title = Label("", type_name="title")
        self.close_button = IconButton("close", "")
        self.close_button.setObjectName("meeting-people-close")
        self._model: RowsModel[PersonRow] = RowsModel(self._spoken, self)
        self.list = QListView()
        self.list.setObjectName("meeting-people")
        self.list.setModel(self._model)
        self.list.setUniformItemSizes(True)
        self.list.setFrameShape(QListView.Shape.NoFrame)
        self.list.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.list.setItemDelegate(_PersonDelegate(self._model, avatars, self.list))
        head = row(spacing=8, margins=(16, 8, 8, 8))
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        layout = column(self)
        layout.addLayout(head)
        layout.addWidget(self.list, 1)
        listen(self, avatars.changed, lambda _: self.list.viewport().update())

    def show_people(self, people: tuple[PersonRow, ...]) -> None:
        self.title.setText(tr("meeting-people-title", count=len(people)))
        if people != tuple(self._model.items):
            self._model.apply([Reset(people)])

    def retranslate(self) -> None:
        describe(self.list, tr("meeting-people"))
        self.close_button.set_name(tr("meeting-people-close"))

    def _spoken(self, index: int) -> str:
        return spoken_person(self._model.items[index])


class _PersonDelegate(QStyledItemDelegate):
    def __init__(self, model: RowsModel[PersonRow], avatars: AvatarPictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._avatars = avatars
        self._view = parent

    @guarded(default=QSize(100, 48))
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, theme_of(self._view).row("participant"))

    @guarded(default=None)
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        theme = theme_of(self._view)
        person = self._model.items[index.row()]
        area: QRect = getattr(option, "rect")  # noqa: B009 - the stubs do not know this member
        state: QStyle.StateFlag = getattr(option, "state")  # noqa: B009 - the stubs do not know this member
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover"))
            painter.drawRoundedRect(QRectF(area).adjusted(8, 0, -8, 0), theme.radius("row"), theme.radius("row"))
        paint_row_focus(painter, QRectF(area).adjusted(8, 0, -8, 0), state, theme)
        self._paint_person(painter, theme, QRectF(area), person)

    def _paint_person(self, painter: QPainter, theme: Theme, area: QRectF, person: PersonRow) -> None:
        side = theme.padded(AVATAR)
        avatar = QRectF(area.left() + theme.space(5), area.center().y() - side / 2, side, side)
        self._avatars.paint(painter, avatar, person.user, person.name, person.avatar, plane="surface-list", theme=theme)
        right = area.right() - theme.space(5)
        size = theme.icon_size(ICON)
        for icon, token in _marks(person):
            right -= size
            draw_icon(painter, icon, QRectF(right, area.top(), size, area.height()), size, theme.color(token))
            right -= theme.space(3)
        left = avatar.right() + theme.space(4)
        second = _second_line(person)
        strong, small = theme.type("body"), theme.type("caption")
        height = strong.line + (small.line if second else 0)
        top = area.center().y() - height / 2
        strong.draw(painter, QRectF(left, top, right - left, strong.line), person.name, theme.color("text"))
        if second:
            token = "external" if person.external and person.note is None else "text-muted"
            small.draw(painter, QRectF(left, top + strong.line, right - left, small.line), second, theme.color(token))


def _marks(person: PersonRow) -> list[tuple[str, str]]:
    microphone = ("mic", "stage-speaking" if person.speaking else "text-muted") if person.microphone else ("mic-off", "danger")
    camera = ("video" if person.camera else "video-off", "text-muted")
    return [camera, microphone]


def _second_line(person: PersonRow) -> str:
    if person.note is not None:
        return tr(person.note)
    if person.own:
        return tr("meeting-you")
    return tr("external") if person.external else ""
