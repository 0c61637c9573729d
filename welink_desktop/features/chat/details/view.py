"""The side panel with details of a conversation."""

from PySide6.QtCore import QEvent, QRect, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from welink_desktop.core.changes import Reset
from welink_desktop.features.chat.details.model import Close, DetailsModel, DetailsState, LeaveRoom, MemberRow, OpenMember, Search
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, current, on_theme
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.lists.anchored_list import AnchoredList, Gravity
from welink_desktop.ui.lists.rows_model import RowsModel
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.text.bidi import one_line, without_controls
from welink_desktop.ui.widgets.avatar import draw_avatar
from welink_desktop.ui.widgets.badge import draw_tag
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, Plane, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.dialog import ask
from welink_desktop.ui.widgets.field import SearchField
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label


class MemberPainter:
    """A `RowPainter` of people in a room."""

    def __init__(self, owner: "MemberList", pixmaps: Pixmaps) -> None:
        self._owner = owner
        self._pixmaps = pixmaps
        self.hovered = -1

    @property
    def estimate(self) -> int:
        return current().row("participant")

    def measure(self, row: int, width: int) -> int:
        return current().row("participant")

    def changed(self, first: int, last: int) -> None:
        return None

    def paint(self, painter: QPainter, row: int, box: QRect) -> None:
        one, theme = self._owner.rows[row], current()
        member = one.member
        inner = QRectF(box).adjusted(8, 0, -8, 0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row == self.hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover"))
            painter.drawRoundedRect(inner, 8, 8)
        if self._owner.shows_ring(row):
            painter.setPen(QPen(theme.color("focus-ring"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(inner.adjusted(2, 2, -2, -2), 7, 7)
        side = theme.padded(24 if theme.compact else 32)
        face = QRectF(inner.left() + 8, inner.center().y() - side / 2, side, side)
        ratio = painter.device().devicePixelRatioF()
        picture = self._pixmaps.avatar(member.avatar, side, ratio)
        draw_avatar(painter, face, member.user, one_line(member.name), picture=picture, theme=theme)
        words = inner.adjusted(side + 20, 0, -8, 0)
        if one.role is not None:
            role = tr(one.role)
            used = theme.type("caption").draw(painter, words, role, theme.color("text-muted"), align=Qt.AlignmentFlag.AlignRight)
            words = words.adjusted(0, 0, -used - 8, 0)
        name = one_line(member.name) or member.user
        tag = tr("external")
        room = words.width() - (90 if member.external else 0)
        width = theme.type("body").draw(
            painter, QRectF(words.left(), words.top(), room, words.height()), name, theme.color("text")
        )
        if member.external:
            draw_tag(painter, words.left() + width + 8, words.center().y(), tag, "external", "", theme)


class MemberList(AnchoredList):
    def __init__(self, model: DetailsModel, pixmaps: Pixmaps) -> None:
        super().__init__(Gravity.TOP)
        self.setObjectName("member-list")
        self._model = model
        self._table: RowsModel[MemberRow] = RowsModel(self._describe, self)
        self._rows_painter = MemberPainter(self, pixmaps)
        self.present(self._table, self._rows_painter)
        listen(self, pixmaps.pictures.arrived, lambda _: self.viewport().update())

    @property
    def rows(self) -> list[MemberRow]:
        return self._table.items

    def show_rows(self, rows: tuple[MemberRow, ...]) -> None:
        if tuple(self._table.items) != rows:
            self._table.apply([Reset(rows)])

    def _describe(self, number: int) -> str:
        one = self._table.items[number]
        parts = [one_line(one.member.name) or one.member.user]
        if one.member.external:
            parts.append(tr("external"))
        if one.role is not None:
            parts.append(tr(one.role))
        return ", ".join(parts)

    def _open(self, number: int | None) -> None:
        if number is not None and 0 <= number < len(self._table.items):
            self._model.act(OpenMember(self._table.items[number].member.user))

    @guarded(default=None)
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._open(self.row_under(event.position().toPoint()))

    @guarded(default=None)
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        number = self.row_under(event.position().toPoint())
        self._rows_painter.hovered = -1 if number is None else number
        self.viewport().update()

    @guarded(default=None)
    def leaveEvent(self, event: QEvent) -> None:
        self._rows_painter.hovered = -1
        self.viewport().update()

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex().row())
        else:
            super().keyPressEvent(event)


class DetailsView(Plane):
    """The whole panel."""

    def __init__(self, model: DetailsModel, pixmaps: Pixmaps, parent: QWidget | None = None) -> None:
        super().__init__("surface", parent)
        self.setObjectName("details")
        self._model = model
        self._head = QWidget()
        self._title = Label("", type_name="title")
        self._close = IconButton("close")
        self._close.setObjectName("details-close")
        self._close.clicked.connect(lambda *_: model.act(Close()))
        self._topic = Label("", wrap=True, color="text-secondary")
        self._lock = Banner("encrypted", "lock")
        self._external = Banner("external", "external")
        self._count = Label("", type_name="caption", weight=600, color="text-secondary")
        self._search = SearchField()
        self._search.setObjectName("member-search")
        self._search.textChanged.connect(lambda words: model.act(Search(words)))
        self._failure = Banner("danger", "error")
        self.list = MemberList(model, pixmaps)
        self._leave = Button("", kind="ghost", icon_name="logout")
        self._leave.setObjectName("details-leave")
        self._leave.clicked.connect(lambda *_: self._confirm())
        self._build()
        on_theme(self, self._themed)
        translated(self, self._retranslate)
        bind(self, model.state, self._render)

    def _build(self) -> None:
        whole = row(self)
        whole.addWidget(Divider(vertical=True))
        layout = column()
        whole.addLayout(layout, 1)
        head = row(self._head, spacing=8, margins=(20, 0, 12, 0))
        head.addWidget(self._title, 1)
        head.addWidget(self._close)
        layout.addWidget(self._head)
        layout.addWidget(Divider())
        inner = column(spacing=10, margins=(16, 16, 16, 8))
        for widget in (self._topic, self._lock, self._external, self._failure, self._count, self._search):
            inner.addWidget(widget)
        layout.addLayout(inner)
        layout.addWidget(self.list, 1)
        layout.addWidget(Divider())
        foot = row(margins=(12, 8, 12, 8))
        foot.addWidget(self._leave)
        foot.addStretch(1)
        layout.addLayout(foot)

    def _themed(self, theme: Theme) -> None:
        self._head.setFixedHeight(theme.layout("header") - 1)
        self.list.remeasure()

    def _retranslate(self) -> None:
        self._title.setText(tr("details-title"))
        self._close.set_name(tr("chat-close-details"))
        self._search.set_words(tr("details-search"), tr("details-search"))
        self._leave.setText(tr("details-leave"))
        self._render(self._model.state.value)

    def _render(self, state: DetailsState) -> None:
        summary = state.summary
        if summary is None:
            return
        self._topic.setText(without_controls(summary.topic) or tr("details-no-topic"))
        if summary.encrypted:
            self._lock.show_fact(tr("details-encrypted-sentence"), "encrypted", "lock")
        else:
            self._lock.show_fact(tr("details-clear-sentence"), "warning", "unlock")
        names = ", ".join(one_line(name) for name in summary.external_organisations)
        self._external.show_fact(tr("details-external-sentence", organisations=names) if names else "")
        members = state.members
        words = tr("details-members", count=len(members.people) or summary.joined)
        if members.invited:
            words = f"{words} · {tr('details-invited', count=len(members.invited))}"
        self._count.setText(tr("details-loading") if members.loading and not members.people else words)
        self._failure.show_fact(tr(members.failure.text) if members.failure is not None else "")
        self.list.setAccessibleName(words)
        self.list.show_rows(state.rows)

    def _confirm(self) -> None:
        summary = self._model.state.value.summary
        if summary is not None:
            title = tr("rooms-leave-title", name=one_line(summary.name))
            ask(
                self.window(),
                title,
                tr("rooms-leave-sentence"),
                tr("rooms-leave"),
                lambda: self._model.act(LeaveRoom(summary.room)),
                "danger",
            )
