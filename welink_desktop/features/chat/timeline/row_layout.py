"""One timeline row laid out for a width and a theme: bubbles (comfortable) or flat rows (compact) from the same record."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from welink_desktop.core.ids import UserId
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    NoticeContent,
    RecalledContent,
    SendPhase,
    TextContent,
    TimelineItem,
    UndecryptableContent,
    UnreadableContent,
    UnsupportedContent,
)
from welink_desktop.core.trust import Shield
from welink_desktop.features.chat.timeline import marks
from welink_desktop.features.chat.timeline.cards import Card, FileCard, LockedCard, PictureCard, ReplyCard
from welink_desktop.features.chat.timeline.rows import Shape
from welink_desktop.features.chat.timeline.sheet import Act, Look, Sheet, even, rounded
from welink_desktop.services.members import MemberList
from welink_desktop.services.security import Reading
from welink_desktop.strings import local_moment
from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.text.layout import Ink, MessageLayout
from welink_desktop.ui.text.parse import parse, parse_plain
from welink_desktop.ui.text.tree import Tree
from welink_desktop.ui.widgets.avatar import draw_avatar
from welink_desktop.ui.widgets.badge import draw_tag, tag_width


@dataclass(frozen=True, slots=True)
class Setting:
    """What all rows of a timeline share. `readers` answers how many have read up to a row (0: nothing is shown)."""

    theme: Theme
    width: int
    me: UserId
    members: MemberList
    reading: Reading | None = None


class RowLayout:
    """`height` of the whole row; `bubble` is where the message is; `text` (at `text_at`) can be selected."""

    def __init__(self, item: TimelineItem, shape: Shape, setting: Setting, *, read_by: int = 0) -> None:
        self.item = item
        self.sheet = Sheet(setting.theme)
        self.text: MessageLayout | None = None
        self.text_at = QPointF()
        self.bubble = QRectF()
        self._shape = shape
        self._setting = setting
        self._theme = theme = setting.theme
        self._read_by = read_by
        self._flat = theme.compact
        pad = theme.layout("timeline-pad") if not self._flat else theme.space(5)
        room = max(200, setting.width - 2 * pad)
        column = min(theme.layout("timeline-max"), room) if not self._flat else room
        self._left = (setting.width - column) / 2
        self._right = self._left + column
        self.height = round(self._build()) + 1

    def paint(self, painter: QPainter, look: Look) -> None:
        """With the painter's origin at the row's corner."""
        for op in self.sheet.ops:
            op(painter, look)

    def _build(self) -> float:
        y = marks.put_dividers(self.sheet, self._shape, self._left, self._right)
        item = self.item
        if isinstance(item.content, NoticeContent):
            return self._notice(y, tr(item.content.text))
        if isinstance(item.content, UnreadableContent):
            return self._notice(y, tr("chat-malformed"))
        y += self._theme.space(3) + 2 if self._shape.first else (2 if self._flat else 3)
        mine = item.own and not self._flat
        avatar = 28 if self._flat else 36
        indent = self._theme.padded(avatar) + (self._theme.space(3) + 2 if self._flat else self._theme.space(4))
        if self._shape.first and not mine:
            self._avatar(y, self._theme.padded(avatar))
            y = self._name_line(y, self._left + indent)
        left = self._left + indent
        y = self._flat_message(y, left) if self._flat else self._bubble_message(y, left, mine)
        y = marks.put_reactions(self.sheet, item, self._setting, left, self._right, y, mine)
        if item.own and item.send.phase is SendPhase.FAILED:
            y = marks.put_failure(self.sheet, item, left, self._right, y, mine)
        if item.readers or self._read_by:
            y = marks.put_readers(self.sheet, item, self._setting, self._read_by, self._right, y, self.bubble)
        return y

    def _avatar(self, y: float, side: float) -> None:
        item, theme = self.item, self._theme
        box = QRectF(self._left, y, side, side)

        def paint(painter: QPainter, look: Look) -> None:
            draw_avatar(painter, box, item.sender, item.sender_name, picture=look.avatar(item.sender_avatar, side), theme=theme)

        self.sheet.add(paint)
        self.sheet.hit(box, Act.PERSON, item.sender, one_line(item.sender_name))

    def _name_line(self, y: float, left: float) -> float:
        item, theme = self.item, self._theme
        style = theme.type("small", weight=600)
        time = self._time()
        caption = theme.type("caption", tabular=True)
        word = tr("external")
        taken = caption.width(time) + 24 + (tag_width(word, "", theme) if item.external else 0)
        box = QRectF(left, y, self._right - left - taken, style.line)
        width = self.sheet.text(style, box, one_line(item.sender_name) or item.sender, "text-secondary")
        self.sheet.hit(QRectF(left, y, width, style.line), Act.PERSON, item.sender)
        x = left + width + 6
        if item.external:
            tag_left, centre = x, y + style.line / 2
            self.sheet.add(lambda painter, _: _tag(painter, tag_left, centre, word, theme))
            x += tag_width(word, "", theme) + 6
        self.sheet.text(caption, QRectF(x, y, caption.width(time) + 2, style.line), time, "text-muted")
        return y + style.line + (2 if self._flat else theme.space(2))

    def _time(self) -> str:
        return current_strings().time(local_moment(self.item.timestamp_ms))

    def _bubble_message(self, y: float, left: float, mine: bool) -> float:
        theme, item = self._theme, self.item
        column = self._right - left
        limit = min(theme.scaled(theme.layout("bubble-max")), column - (0 if column < 420 else theme.space(9))) - 24
        bare = isinstance(item.content, RecalledContent)
        ink = _ink(theme, "own" if mine else "other")
        cards, body = self._contents(limit, ink)
        trailer = marks.Trailer(
            item, theme, time="" if bare or (self._shape.first and not mine) else self._time(), read=self._read_by > 0
        )
        width, height, inline = _fit(cards, body, trailer, limit)
        box_width = width + 24
        box_left = self._right - box_width if mine else left
        box = QRectF(round(box_left), round(y), round(box_width), round(height + 16))
        self.bubble = box
        self._bubble_shape(box, mine, bare)
        self._put(cards, body, trailer, QPointF(box.left() + 12, box.top() + 8), width, inline)
        return float(box.bottom())

    def _bubble_shape(self, box: QRectF, mine: bool, bare: bool) -> None:
        theme, shape = self._theme, self._shape
        joined, radius = theme.radius("bubble-joined"), theme.radius("bubble")
        if mine:
            path = rounded(box, radius, radius if shape.first else joined, radius if shape.last else joined, radius)
        else:
            path = rounded(box, joined, radius, radius, radius if shape.last else joined)
        failed = self.item.own and self.item.send.phase is SendPhase.FAILED
        edge = "danger" if failed else ("border" if theme.high_contrast else "")
        if isinstance(self.item.content, UndecryptableContent):
            self.sheet.shape(path, None, edge="border-control", dashed=True)
        elif bare:
            self.sheet.shape(path, None, edge="divider")
        else:
            kind = "own" if mine else "other"
            self.sheet.shape(path, f"{kind}-bubble", hover=f"{kind}-bubble-hover", edge=edge)

    def _flat_message(self, y: float, left: float) -> float:
        theme, item = self._theme, self.item
        limit = self._right - left - 32
        cards, body = self._contents(limit, _ink(theme, "flat"))
        locked = isinstance(item.content, UndecryptableContent)
        framed = locked or any(isinstance(card, FileCard) for card in cards)
        trailer = marks.Trailer(
            item,
            theme,
            time="" if self._shape.first or isinstance(item.content, RecalledContent) else self._time(),
            read=self._read_by > 0,
        )
        width, height, inline = _fit(cards, body, trailer, limit)
        pad = 12 if framed else 0
        self.bubble = QRectF(left, y, width + 2 * pad, height + (16 if framed else 0))
        wash = QRectF(0, y - 1, self._setting.width, self.bubble.height() + 2)
        hover = theme.color("hover")
        self.sheet.add(lambda painter, look: painter.fillRect(wash, hover) if look.hovered else None)
        if framed:
            self.sheet.shape(even(self.bubble, 8), None, edge="border-control" if locked else "border", dashed=locked)
        self._put(cards, body, trailer, QPointF(left + pad, y + (8 if framed else 0)), width, inline)
        return float(self.bubble.bottom())

    def _contents(self, limit: float, ink: Ink) -> tuple[list[Card], MessageLayout | None]:
        item, theme = self.item, self._theme
        cards: list[Card] = []
        if item.reply is not None and not isinstance(item.content, RecalledContent):
            cards.append(ReplyCard(item.reply, theme, limit))
        tree: Tree | None = None
        match item.content:
            case TextContent(body, html):
                tree = parse(body, html, mention_room=item.mentions_me or item.own)
            case AttachmentContent(kind=AttachmentKind.IMAGE, caption=caption) as content:
                cards.append(PictureCard(content, theme, limit))
                tree = parse_plain(caption) if caption else None
            case AttachmentContent(caption=caption) as content:
                cards.append(FileCard(content, theme, limit, item.send))
                tree = parse_plain(caption) if caption else None
            case UndecryptableContent() as locked:
                cards.append(LockedCard(locked, theme, limit, self._setting.reading))
            case RecalledContent() as gone:
                ink = _ink(theme, "muted")
                tree = parse_plain(marks.recalled_words(gone, item))
            case UnsupportedContent(body=body):
                tree = parse_plain(body or tr("chat-unsupported"))
            case _:
                tree = None
        if tree is None:
            return cards, None
        return cards, MessageLayout(tree, limit, ink, scale=theme.text_scale, me=self._setting.me)

    def _put(
        self, cards: list[Card], body: MessageLayout | None, trailer: marks.Trailer, at: QPointF, width: float, inline: bool
    ) -> None:
        y = at.y()
        for card in cards:
            card.put(self.sheet, at.x(), y, width)
            y += card.height + 6
        if body is not None:
            self.text, self.text_at = body, QPointF(at.x(), y)
            origin = QPointF(at.x(), y)
            self.sheet.add(lambda painter, look: body.paint(painter, origin, look.selection))
            y += body.height
        elif cards:
            y -= 6
        if trailer.width:
            line = self._theme.type("message").line
            top = y - line if inline else y + 2
            height = line if inline else self._theme.type("caption").line
            muted = "own-bubble-muted" if self.item.own and not self._flat else "other-bubble-muted"
            left = at.x() + (body.last_line + 8 if self._flat and inline and body is not None else width - trailer.width)
            if self._flat and not inline:
                left = at.x()
            trailer.put(self.sheet, left, top, height, muted)

    def _notice(self, y: float, words: str) -> float:
        theme = self._theme
        room = min(560, self._right - self._left - 40)
        ink = _ink(theme, "muted")
        layout = MessageLayout(parse_plain(words), room, ink, scale=theme.text_scale * 12 / 14)
        y += 4
        origin = QPointF(round((self._left + self._right - layout.width) / 2), y)
        self.bubble = QRectF(origin.x(), y, layout.width, layout.height)
        self.text, self.text_at = layout, origin
        self.sheet.add(lambda painter, look: layout.paint(painter, origin, look.selection))
        return y + layout.height + 4


_CODE_FILL = {False: {"own": "pressed", "other": "hover"}, True: {"own": "surface", "other": "surface"}}


def _fit(cards: list[Card], body: MessageLayout | None, trailer: marks.Trailer, limit: float) -> tuple[float, float, bool]:
    """Width and height of a message's content, and whether time and state fit into the last line of the text."""
    width = max([card.width for card in cards] + ([body.width] if body is not None else []) + [0.0])
    height = sum(card.height for card in cards) + 6 * max(0, len(cards) - (0 if body is not None else 1))
    height += body.height if body is not None else 0
    inline = False
    if trailer.width:
        inline = body is not None and body.last_line > 0 and body.last_line + 8 + trailer.width <= limit
        if inline and body is not None:
            width = max(width, body.last_line + 8 + trailer.width)
        else:
            height += 2 + trailer.height
            width = max(width, trailer.width)
    return width, height, inline


def _ink(theme: Theme, kind: str) -> Ink:
    color = theme.color
    words = {"own": "own-bubble-text", "other": "other-bubble-text", "flat": "text", "muted": "text-muted"}[kind]
    return Ink(
        text=color(words),
        muted=color("text-muted"),
        link=color("accent-text"),
        code_fill=color(_CODE_FILL[theme.dark].get(kind, "surface-inset")),
        hairline=color("border-control"),
        mention_fill=color("mention-self"),
        mention_text=color("mention-self-text"),
        selection=color("accent"),
        selection_text=color("accent-contrast"),
    )


def _tag(painter: QPainter, left: float, centre: float, word: str, theme: Theme) -> None:
    draw_tag(painter, left, centre, word, "external", "", theme)


def shield_words(shield: Shield) -> str:
    """The sentence of a trust mark, "" for none."""
    return tr(f"shield-{shield.value}") if shield in marks.MARKED else ""
