"""How departments and people look as rows (mockup 04)."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap

from welink_desktop.core.people import Person, PersonHit, Presence
from welink_desktop.features.contacts.model import StateInWords, TreeRow, shown_presence, state_in_words
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.widgets.avatar import draw_avatar
from welink_desktop.ui.widgets.badge import draw_tag, tag_width
from welink_desktop.ui.widgets.painted_list import RowLook, paint_row_ground

INDENT = 18
STATE_WIDTH = 150


class TreePainter:
    """Rows of the department tree: chevron, name, count."""

    def height(self, item: TreeRow, theme: Theme) -> int:
        return theme.row("department")

    def selectable(self, item: TreeRow) -> bool:
        return True

    def words(self, item: TreeRow) -> str:
        state = "" if item.expanded is None else tr("contacts-expanded" if item.expanded else "contacts-collapsed")
        parts = (item.department.name, tr("contacts-people", count=item.department.people), state)
        return ", ".join(part for part in parts if part)

    def chevron(self, item: TreeRow, box: QRectF, theme: Theme) -> QRectF:
        """Where the arrow of a row stands."""
        left = box.left() + theme.space(3) + item.level * theme.padded(INDENT)
        return QRectF(left, box.top(), theme.padded(20), box.height())

    def paint(self, painter: QPainter, item: TreeRow, box: QRectF, look: RowLook) -> None:
        theme = look.theme
        inner = box.adjusted(theme.space(3), 1, -theme.space(3), -1)
        paint_row_ground(painter, inner, look)
        chevron = self.chevron(item, inner, theme)
        if item.expanded is not None:
            name = "chevron-down" if item.expanded else "chevron-right"
            draw_icon(painter, name, chevron, theme.icon_size(16), theme.color("text-muted"))
        count = current_strings().number(item.department.people)
        small = theme.type("caption", tabular=True)
        ink = theme.color("accent-text" if look.selected else "text-muted")
        right = inner.right() - theme.space(3)
        small.draw(painter, QRectF(right - 60, inner.top(), 60, inner.height()), count, ink, align=Qt.AlignmentFlag.AlignRight)
        left = chevron.right() + theme.space(1)
        width = right - small.width(count) - theme.space(3) - left
        style = theme.type("strong" if look.selected else "body")
        words = theme.color("accent-text" if look.selected else "text")
        style.draw(painter, QRectF(left, inner.top(), width, inner.height()), item.department.name, words)


@dataclass(frozen=True, slots=True)
class SectionRow:
    """A heading inside the people list."""

    key: str
    external: bool = False


PeopleRow = SectionRow | PersonHit
PictureOf = Callable[[Person, int], QPixmap | None]


class PeoplePainter:
    """Rows of the people list. `action_at` tells which action stands at a place of the row."""

    def __init__(self, picture: PictureOf, now_ms: Callable[[], int], me: Callable[[], str]) -> None:
        self._picture = picture
        self._now_ms = now_ms
        self._me = me

    def height(self, item: PeopleRow, theme: Theme) -> int:
        return theme.row("section" if isinstance(item, SectionRow) else "person")

    def selectable(self, item: PeopleRow) -> bool:
        return isinstance(item, PersonHit)

    def words(self, item: PeopleRow) -> str:
        if isinstance(item, SectionRow):
            return tr(item.key)
        person = item.person
        state = in_words(state_in_words(person, self._now_ms()))
        outside = tr("external") if person.external else ""
        return ", ".join(part for part in (person.name, outside, below_name(person), state) if part)

    def actions(self, width: float, theme: Theme) -> tuple[tuple[str, QRectF], ...]:
        """Names and boxes of the row's actions, relative to the row."""
        side, height = theme.padded(32), theme.row("person")
        right = width - theme.space(3) - theme.space(3)
        top = (height - side) / 2
        return (
            ("chat", QRectF(right - 2 * side - theme.space(2), top, side, side)),
            ("meeting", QRectF(right - side, top, side, side)),
        )

    def paint(self, painter: QPainter, item: PeopleRow, box: QRectF, look: RowLook) -> None:
        if isinstance(item, SectionRow):
            self._paint_section(painter, item, box, look.theme)
        else:
            self._paint_person(painter, item, box, look)

    def _paint_section(self, painter: QPainter, item: SectionRow, box: QRectF, theme: Theme) -> None:
        left = box.left() + theme.space(5) + theme.space(1)
        ink = theme.color("external" if item.external else "text-secondary")
        if item.external:
            size = theme.icon_size(16)
            draw_icon(painter, "external", QRectF(left, box.top(), size, box.height()), size, ink)
            left += size + theme.space(2)
        style = theme.type("caption", weight=600)
        style.draw(painter, QRectF(left, box.top(), box.width() - left, box.height()), tr(item.key), ink)

    def _paint_person(self, painter: QPainter, hit: PersonHit, box: QRectF, look: RowLook) -> None:
        theme, person = look.theme, hit.person
        inner = box.adjusted(theme.space(3), 1, -theme.space(3), -1)
        paint_row_ground(painter, inner, look)
        side = theme.padded(24 if theme.compact else 40)
        avatar = QRectF(inner.left() + theme.space(4), inner.center().y() - side / 2, side, side)
        plane = "selection" if look.selected and look.active else ("hover" if look.selected or look.hovered else "surface")
        ratio = painter.device().devicePixelRatioF()
        picture = self._picture(person, round(side * ratio))
        presence = shown_presence(person)
        draw_avatar(painter, avatar, person.user, person.name, picture=picture, presence=presence, plane=plane, theme=theme)
        left = avatar.right() + theme.space(4)
        actions = self.actions(box.width(), theme)
        open_actions = (look.selected or look.hovered) and person.user != self._me()
        words = in_words(state_in_words(person, self._now_ms()))
        state_left = box.left() + actions[0][1].left() - theme.padded(STATE_WIDTH)
        wide = box.width() > theme.padded(520)
        limit = (state_left if wide else inner.right()) - left - theme.space(3)
        if not wide and open_actions:
            limit -= inner.right() - (box.left() + actions[0][1].left())
        self._paint_names(painter, hit, QRectF(left, inner.top(), limit, inner.height()), theme)
        if wide:
            place = QRectF(state_left, inner.top(), theme.padded(STATE_WIDTH) - theme.space(3), inner.height())
            theme.type("small").draw(painter, place, words, theme.color("text-muted"))
        if open_actions:
            for name, place in actions:
                icon = "chat" if name == "chat" else "video"
                spot = place.translated(box.left(), box.top())
                draw_icon(painter, icon, spot, theme.icon_size(20), theme.color("text-secondary"))

    def _paint_names(self, painter: QPainter, hit: PersonHit, box: QRectF, theme: Theme) -> None:
        person = hit.person
        strong, small = theme.type("strong"), theme.type("small")
        lines = strong.line + (0 if theme.compact else small.line)
        top = box.center().y() - lines / 2
        tag = tag_width(tr("external"), "", theme) + theme.space(3) if person.external else 0
        name = strong.elided(person.name, box.width() - tag)
        if name == person.name:
            self._paint_marks(painter, hit, box.left(), top, theme)
        width = strong.draw(painter, QRectF(box.left(), top, box.width() - tag, strong.line), name, theme.color("text"))
        if person.external:
            draw_tag(painter, box.left() + width + theme.space(3), top + strong.line / 2, tr("external"), "external", theme=theme)
        if not theme.compact:
            second = QRectF(box.left(), top + strong.line, box.width(), small.line)
            small.draw(painter, second, below_name(person), theme.color("text-secondary"))

    def _paint_marks(self, painter: QPainter, hit: PersonHit, left: float, top: float, theme: Theme) -> None:
        style = theme.type("strong")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("mention-self" if theme.high_contrast else "search-hit"))
        for start, length in hit.marks:
            x = left + style.width(hit.person.name[:start])
            width = style.width(hit.person.name[start : start + length])
            painter.drawRoundedRect(QRectF(x - 1, top + 1, width + 2, style.line - 2), 3, 3)


def below_name(person: Person) -> str:
    """Title, and the organisation of people from outside."""
    parts = (person.title, person.organisation if person.external else "")
    return " · ".join(part for part in parts if part) or person.other_name


def in_words(state: StateInWords) -> str:
    return tr(state.text) if state.text is not None else state.own_words


def presence_words(presence: Presence) -> str:
    return "" if presence is Presence.UNKNOWN else tr(f"state-{presence.value}")
