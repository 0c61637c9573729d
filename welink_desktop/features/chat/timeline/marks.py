"""What stands around a message: dividers, time and state, reactions, failure, readers."""

from datetime import timedelta
from typing import Protocol

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from welink_desktop.core.timeline import RecalledContent, SendPhase, TimelineItem
from welink_desktop.core.trust import Shield
from welink_desktop.features.chat.timeline.rows import Shape, can_answer
from welink_desktop.features.chat.timeline.sheet import Act, Look, Sheet, even
from welink_desktop.services.members import MemberList
from welink_desktop.strings import local_moment, local_now
from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.avatar import draw_avatar

MARKED = {
    Shield.UNPROVEN: ("shield", "text-muted"),
    Shield.UNSIGNED: ("shield-alert", "warning"),
    Shield.CLEAR_IN_ENCRYPTED: ("unlock", "danger"),
}
MAX_READER_FACES = 4
MAX_NAMED_READERS = 50


class HasMembers(Protocol):
    """What reactions and readers need to know of a timeline."""

    @property
    def members(self) -> MemberList: ...


def put_dividers(sheet: Sheet, shape: Shape, left: float, right: float) -> float:
    """Day divider and unread line above a row; returns where the row goes on."""
    theme, y = sheet.theme, 0.0
    if shape.day is not None:
        height = theme.scaled(36)
        words = day_words(shape)
        style = theme.type("caption")
        half = style.width(words) / 2 + 12
        centre = (left + right) / 2
        sheet.line(left, centre - half, y + height / 2, "divider")
        sheet.line(centre + half, right, y + height / 2, "divider")
        box = QRectF(left, y, right - left, height)
        sheet.text(style, box, words, "text-muted", align=Qt.AlignmentFlag.AlignHCenter)
        y += height
    if shape.unread:
        height = theme.scaled(32)
        style = theme.type("caption", weight=600)
        words = tr("chat-new-messages", count=shape.unread)
        sheet.line(left, left + 48, y + height / 2, "unread-line")
        width = sheet.text(style, QRectF(left + 58, y, right - left - 60, height), words, "unread-line")
        sheet.line(left + 68 + width, right, y + height / 2, "unread-line")
        y += height
    return y


def day_words(shape: Shape) -> str:
    day, today = shape.day, local_now().date()
    if day is None:
        return ""
    words = current_strings().date(day, today)
    if day == today:
        return tr("chat-day-today", date=words)
    return tr("chat-day-yesterday", date=words) if day == today - timedelta(days=1) else words


class Trailer:
    """Trust mark, "edited", time and how far an own message is, in the last line."""

    def __init__(self, item: TimelineItem, theme: Theme, *, time: str, read: bool) -> None:
        self._item = item
        self._theme = theme
        words = [tr("chat-edited")] if item.edited and not isinstance(item.content, RecalledContent) else []
        if time:
            words.append(time)
        self._words = " ".join(words)
        self._mark = MARKED.get(item.shield)
        self._state = _state_icon(item, read) if item.own else ""
        self._side = theme.icon_size(16)
        style = theme.type("caption", tabular=True)
        parts = (1 if self._mark else 0) + (1 if self._state else 0)
        self.width = style.width(self._words) + parts * (self._side + 4) if self._words or parts else 0.0
        self.height = style.line

    def put(self, sheet: Sheet, left: float, top: float, height: float, color: str) -> None:
        if self._mark is not None:
            box = QRectF(left, top, self._side, height)
            sheet.icon(self._mark[0], box, self._side, self._mark[1])
            sheet.hit(box, Act.NOTHING, "", tr(f"shield-{self._item.shield.value}"))
            left += self._side + 4
        style = self._theme.type("caption", tabular=True)
        width = style.width(self._words)
        sheet.text(style, QRectF(left, top, width + 2, height), self._words, color)
        if self._state:
            box = QRectF(left + width + 4, top, self._side, height)
            sheet.icon(self._state, box, self._side, "danger" if self._state == "error" else color)


def _state_icon(item: TimelineItem, read: bool) -> str:
    match item.send.phase:
        case SendPhase.QUEUED | SendPhase.SENDING:
            return "clock"
        case SendPhase.FAILED:
            return "error"
        case SendPhase.SENT:
            return "check-double" if read or item.readers else "check"


def recalled_words(gone: RecalledContent, item: TimelineItem) -> str:
    time = current_strings().time(local_moment(gone.at_ms)) if gone.at_ms else ""
    if item.own and gone.by == item.sender:
        words = tr("chat-recalled-own", time=time)
    else:
        words = tr("chat-recalled", name=one_line(gone.by_name) or gone.by, time=time)
    return f"{words} {one_line(gone.reason)}".strip()


def put_reactions(
    sheet: Sheet, item: TimelineItem, setting: HasMembers, left: float, right: float, y: float, mine: bool
) -> float:
    """Chips below the bubble; they wrap. Returns the bottom."""
    if not item.reactions:
        return y
    theme = sheet.theme
    height, gap = theme.scaled(26), theme.space(2)
    style, strong = theme.type("small", tabular=True), theme.type("small", weight=600, tabular=True)
    sign = theme.type("title", weight=400)
    widths = []
    for reaction in item.reactions:
        used = strong if reaction.mine else style
        widths.append(min(180.0, sign.width(one_line(reaction.key)) + 6 + used.width(str(len(reaction.people))) + 26))
    add = height + 4 if can_answer(item) else 0
    y += theme.space(2) + 2
    total = sum(widths) + gap * len(widths) + add
    x = max(left, right - total) if mine else left
    start = x
    for reaction, width in zip(item.reactions, widths, strict=True):
        if x + width > right and x > start:
            x, y = start, y + height + gap
        box = QRectF(round(x) + 0.5, round(y) + 0.5, round(width) - 1, height - 1)
        own = reaction.mine is not None
        sheet.shape(even(box, height / 2), "accent-subtle" if own else None, edge="accent" if own else "border")
        color = "accent-text" if own else "text-secondary"
        used, count = strong if own else style, str(len(reaction.people))
        inner = box.adjusted(10, 0, -10, 0)
        sheet.text(sign, inner.adjusted(0, 0, -used.width(count) - 6, 0), one_line(reaction.key), color)
        sheet.text(used, inner, count, color, align=Qt.AlignmentFlag.AlignRight)
        names = ", ".join(one_line(setting.members.name_of(user)) for user in reaction.people[:20])
        sheet.hit(box, Act.REACTION, reaction.key, f"{one_line(reaction.key)} {names}")
        x += width + gap
    if add:
        if x + add > right and x > start:
            x, y = start, y + height + gap
        box = QRectF(round(x) + 0.5, round(y) + 0.5, add - 1, height - 1)
        sheet.shape(even(box, height / 2), None, edge="border")
        sheet.icon("emoji-add", box, theme.icon_size(16), "text-secondary")
        sheet.hit(box, Act.ADD_REACTION, "", tr("chat-react"))
    return y + height + 1


def put_failure(sheet: Sheet, item: TimelineItem, left: float, right: float, y: float, mine: bool) -> float:
    """ "Not sent at 10:52 · Try again · Copy text · Delete", and why."""
    theme = sheet.theme
    style, link = theme.type("caption"), theme.type("caption", weight=600)
    time = current_strings().time(local_moment(item.timestamp_ms))
    words = tr("chat-not-sent", time=time)
    actions = [(Act.RETRY, tr("chat-try-again")), (Act.COPY, tr("chat-copy-text")), (Act.DISCARD, tr("chat-delete"))]
    size = theme.icon_size(16)
    height = max(28, style.line)
    total = size + 4 + style.width(words) + sum(link.width(label) + 16 for _, label in actions)
    x = max(left, right - total) if mine else left
    y += 2
    sheet.icon("error", QRectF(x, y, size, height), size, "danger")
    x += size + 4
    x += sheet.text(style, QRectF(x, y, right - x, height), words, "danger")
    for act, label in actions:
        x += 16
        width = sheet.text(link, QRectF(x, y, max(1.0, right - x), height), label, "accent-text")
        sheet.hit(QRectF(x - 6, y, width + 12, height), act, "", label)
        x += width
    y += height
    if item.send.error is not None:
        why = tr(item.send.error.text)
        align = Qt.AlignmentFlag.AlignRight if mine else Qt.AlignmentFlag.AlignLeft
        sheet.text(style, QRectF(left, y, right - left, style.line), why, "text-muted", align=align)
        y += style.line
    return y


def put_readers(
    sheet: Sheet, item: TimelineItem, setting: HasMembers, read_by: int, right: float, y: float, bubble: QRectF
) -> float:
    """Faces at the right edge; with "Read by 19 of 22" on a line of its own below an own message. Others cost no height."""
    theme = sheet.theme
    side = theme.padded(18)
    others = max(0, len(setting.members.people) - 1)
    large = others > MAX_NAMED_READERS
    faces = [] if large else list(item.readers[:MAX_READER_FACES])
    style = theme.type("caption")
    words = tr("chat-read-by", count=read_by, total=max(others, read_by)) if read_by else ""
    width = len(faces) * (side - 5) + (5 if faces else 0)
    below = bool(words)
    top = y + 4 if below else bubble.bottom() - side
    x = right - width - (style.width(words) + 8 if words else 0)
    if not below and (item.own or bubble.right() + width > right):
        top, below = y + 2, True
    for user in reversed(list(enumerate(faces))):
        number, person = user
        _face(sheet, setting, person, QRectF(x + number * (side - 5), top, side, side))
    if words:
        sheet.text(style, QRectF(right - style.width(words) - 1, top, style.width(words) + 2, side), words, "text-muted")
    names = ", ".join(one_line(setting.members.name_of(user)) for user in item.readers[:20])
    if width or words:
        sheet.hit(QRectF(x, top, right - x, side), Act.NOTHING, "", tr("chat-read-names", names=names) if names else words)
    return top + side if below else y


def _face(sheet: Sheet, setting: HasMembers, user: str, box: QRectF) -> None:
    member = next((one for key, one in setting.members.by_user.items() if key == user), None)
    name, avatar = (member.name, member.avatar) if member is not None else (user, None)
    theme = sheet.theme
    ring = theme.color("surface")

    def paint(painter: QPainter, look: Look) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ring)
        painter.drawEllipse(box.adjusted(-1.5, -1.5, 1.5, 1.5))
        draw_avatar(painter, box, user, name, picture=look.avatar(avatar, box.width()), theme=theme)

    sheet.add(paint)
