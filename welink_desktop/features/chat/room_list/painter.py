"""Rows of the conversation list (visual.md §5, "Room list")."""

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from welink_desktop.core.people import Presence
from welink_desktop.core.rooms import Membership, PreviewState, RoomSummary
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.room_list.model import ListRow, RoomRow, SectionRow
from welink_desktop.features.chat.room_list.words import preview, time_of
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, current
from welink_desktop.ui.strings import tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.avatar import draw_avatar
from welink_desktop.ui.widgets.badge import badge_text, draw_badge

_TICKS = {
    PreviewState.SENDING: ("clock", "text-muted"),
    PreviewState.SENT: ("check", "text-muted"),
    PreviewState.READ: ("check-double", "text-muted"),
    PreviewState.FAILED: ("error", "danger"),
}


class RoomPainter:
    """A `RowPainter` over the rows of the list."""

    def __init__(self, rows: Callable[[], list[ListRow]], pixmaps: Pixmaps) -> None:
        self.hovered = -1
        self.ring: Callable[[int], bool] = lambda row: False
        self.active: Callable[[], bool] = lambda: True
        self._rows = rows
        self._pixmaps = pixmaps

    @property
    def estimate(self) -> int:
        return current().row("room")

    def measure(self, row: int, width: int) -> int:
        theme = current()
        return theme.row("section" if isinstance(self._rows()[row], SectionRow) else "room")

    def changed(self, first: int, last: int) -> None:
        return None

    def paint(self, painter: QPainter, row: int, box: QRect) -> None:
        one, theme = self._rows()[row], current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = QRectF(box).adjusted(8, 0, -8, 0)
        if isinstance(one, SectionRow):
            self._section(painter, one, inner, theme, row)
        else:
            self._room(painter, one, inner, theme, row)

    def _section(self, painter: QPainter, section: SectionRow, box: QRectF, theme: Theme, row: int) -> None:
        size = theme.icon_size(16)
        icon = "chevron-right" if section.collapsed else "chevron-down"
        draw_icon(painter, icon, QRectF(box.left() + 4, box.top(), size, box.height()), size, theme.color("text-muted"))
        style = theme.type("caption", weight=600)
        words = tr(f"rooms-section-{section.kind.value}")
        style.draw(painter, box.adjusted(size + 12, 0, -40, 0), words, theme.color("text-secondary"))
        count = theme.type("caption", tabular=True)
        right = box.adjusted(0, 0, -6, 0)
        count.draw(painter, right, str(section.count), theme.color("text-muted"), align=Qt.AlignmentFlag.AlignRight)
        self._ring(painter, box, theme, row)

    def _room(self, painter: QPainter, one: RoomRow, box: QRectF, theme: Theme, row: int) -> None:
        if one.current or row == self.hovered:
            painter.setPen(QPen(theme.color("accent"), 2) if theme.high_contrast and one.current else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selection" if one.current and self.active() else "hover"))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1) if theme.high_contrast else box, 8, 8)
        self._ring(painter, box, theme, row)
        side = theme.padded(24 if theme.compact else 40)
        face = QRectF(box.left() + 8, box.center().y() - side / 2, side, side)
        self._avatar(painter, one, face, theme)
        words = box.adjusted(side + 8 + (8 if theme.compact else 12), 0, -8, 0)
        if theme.compact:
            self._one_line(painter, one, words, theme)
        else:
            self._two_lines(painter, one, words, theme)

    def _avatar(self, painter: QPainter, one: RoomRow, face: QRectF, theme: Theme) -> None:
        room, person = one.room, one.person
        direct = room.direct_with is not None
        uri = person.avatar if direct and person is not None and person.avatar is not None else room.avatar
        draw_avatar(
            painter,
            face,
            room.direct_with or room.room,
            one_line(room.name),
            room=not direct,
            picture=self._pixmaps.avatar(uri, face.width(), painter.device().devicePixelRatioF()),
            presence=person.presence if direct and person is not None else Presence.UNKNOWN,
            plane="selection" if one.current else "surface-list",
            theme=theme,
        )

    def _two_lines(self, painter: QPainter, one: RoomRow, box: QRectF, theme: Theme) -> None:
        room = one.room
        title = theme.type("strong") if _strong(room) or one.current else theme.type("body")
        first = title.line + 2
        top = box.center().y() - (first + 20 * theme.text_scale) / 2
        line = QRectF(box.left(), top, box.width(), first)
        style = theme.type("caption", tabular=True)
        right = line.right()
        right -= style.draw(painter, line, time_of(room), theme.color("text-muted"), align=Qt.AlignmentFlag.AlignRight) + 6
        right = self._globe(painter, room, right, line, theme)
        color = "accent-text" if one.current and theme.high_contrast else "text"
        title.draw(
            painter,
            QRectF(line.left(), line.top(), right - line.left() - 2, line.height()),
            one_line(room.name),
            theme.color(color),
        )
        second = QRectF(box.left(), top + first, box.width(), round(20 * theme.text_scale))
        right = self._marks(painter, room, second.right(), second, theme)
        self._preview(painter, one, QRectF(second.left(), second.top(), right - second.left() - 4, second.height()), theme)

    def _one_line(self, painter: QPainter, one: RoomRow, box: QRectF, theme: Theme) -> None:
        right = self._marks(painter, one.room, box.right(), box, theme)
        if one.room.draft and not one.current:
            style = theme.type("caption")
            words = tr("rooms-draft")
            spot = QRectF(box.left(), box.top(), right - box.left(), box.height())
            right -= style.draw(painter, spot, words, theme.color("danger"), align=Qt.AlignmentFlag.AlignRight) + 6
        title = theme.type("strong") if _strong(one.room) or one.current else theme.type("body")
        spot = QRectF(box.left(), box.top(), right - box.left() - 4, box.height())
        title.draw(painter, spot, one_line(one.room.name), theme.color("text"))

    def _globe(self, painter: QPainter, room: RoomSummary, right: float, line: QRectF, theme: Theme) -> float:
        if not room.external_organisations:
            return right
        side = theme.scaled(20)
        box = QRectF(right - side, line.center().y() - side / 2, side, side)
        painter.setPen(QPen(theme.color("external"), 1) if theme.high_contrast else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("external-subtle"))
        painter.drawRoundedRect(box, 4, 4)
        draw_icon(painter, "external", box, theme.icon_size(16) - 2, theme.color("external"))
        return right - side - 6

    def _preview(self, painter: QPainter, one: RoomRow, box: QRectF, theme: Theme) -> None:
        style = theme.type("small")
        if one.room.draft and one.room.membership is Membership.JOINED and not one.current:
            used = style.draw(painter, box, tr("rooms-draft"), theme.color("danger")) + style.width(" ")
            box = box.adjusted(used, 0, 0, 0)
        style.draw(painter, box, preview(one), theme.color("text" if _strong(one.room) else "text-secondary"))

    def _marks(self, painter: QPainter, room: RoomSummary, right: float, box: QRectF, theme: Theme) -> float:
        """From the right: ticks, bell-off, count, @."""
        centre, size = box.center().y(), theme.icon_size(16)
        last = room.last
        tick = _TICKS.get(last.state) if last is not None and last.own and not room.draft else None
        if tick is not None and not theme.compact:
            draw_icon(painter, tick[0], QRectF(right - size, centre - size / 2, size, size), size, theme.color(tick[1]))
            right -= size + 6
        if room.muted:
            draw_icon(painter, "bell-off", QRectF(right - size, centre - size / 2, size, size), size, theme.color("text-muted"))
            right -= size + 6
        if room.call is not None:
            draw_icon(painter, "meeting", QRectF(right - size, centre - size / 2, size, size), size, theme.color("success"))
            right -= size + 6
        invited = room.membership is Membership.INVITED
        if room.unread.messages or invited:
            words = badge_text(max(1, room.unread.messages))
            right -= draw_badge(painter, right, centre, words, "badge-muted" if room.muted else "badge", theme) + 6
        elif room.unread.marked:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("badge"))
            painter.drawEllipse(QRectF(right - 14, centre - 5, 10, 10))
            right -= 20
        if room.unread.mentions:
            right -= draw_badge(painter, right, centre, "@", "badge-mention", theme) + 6
        return right

    def _ring(self, painter: QPainter, box: QRectF, theme: Theme, row: int) -> None:
        if self.ring(row):
            painter.setPen(QPen(theme.color("focus-ring"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 7, 7)


def _strong(room: RoomSummary) -> bool:
    return room.membership is Membership.INVITED or (room.unread.any and (not room.muted or room.unread.mentions > 0))
