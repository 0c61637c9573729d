"""What can stand in a bubble besides text: reply preview, picture, file, a message that cannot be read yet."""

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from welink_desktop.core.media import MediaInfo
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    ReplyPreview,
    SendPhase,
    SendState,
    UndecryptableContent,
)
from welink_desktop.core.trust import MessageCure
from welink_desktop.features.chat.timeline.sheet import Act, Look, Sheet, even
from welink_desktop.services.security import Reading
from welink_desktop.ui.design.fonts import TextStyle
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.avatar import tone_index

PICTURE_WIDTH, PICTURE_HEIGHT = 420, 320


class Card(Protocol):
    """Something with a size that can be put on a sheet."""

    width: float
    height: float

    def put(self, sheet: Sheet, left: float, top: float, width: float) -> None:
        """Paint into `width` (≥ its own width) from the corner on."""


@dataclass
class ReplyCard:
    reply: ReplyPreview
    theme: Theme
    limit: float
    width: float = 0.0
    height: float = 0.0

    def __post_init__(self) -> None:
        theme = self.theme
        self._name = one_line(self.reply.sender_name) or tr("chat-reply-unknown")
        self._body = one_line(self.reply.body) or tr("chat-reply-not-loaded")
        words = max(theme.type("small", weight=600).width(self._name), theme.type("small").width(self._body))
        self.width = min(self.limit, words + 13)
        self.height = 2 * theme.type("small").line + theme.space(2)

    def put(self, sheet: Sheet, left: float, top: float, width: float) -> None:
        line = self.theme.type("small").line
        bar = sheet.theme.color("accent-text")
        sheet.add(lambda painter, _: painter.fillRect(QRectF(left, top, 3, 2 * line), bar))
        box = QRectF(left + 11, top, width - 11, line)
        sheet.text(self.theme.type("small", weight=600), box, self._name, "accent-text")
        sheet.text(self.theme.type("small"), box.translated(0, line), self._body, "text-secondary")
        hit = QRectF(left, top, width, 2 * line)
        sheet.hit(hit, Act.ORIGINAL, self.reply.event, tr("chat-go-to-original"))


@dataclass
class PictureCard:
    content: AttachmentContent
    theme: Theme
    limit: float
    width: float = 0.0
    height: float = 0.0

    def __post_init__(self) -> None:
        self.width, self.height = fitted(self.content.info, min(PICTURE_WIDTH, self.limit), PICTURE_HEIGHT)

    def put(self, sheet: Sheet, left: float, top: float, width: float) -> None:
        content, box = self.content, QRectF(left, top, self.width, self.height)
        path = even(box, sheet.theme.radius("row"))
        fill, ink = sheet.theme.color("surface-inset"), sheet.theme.color("text-muted")
        edge = sheet.theme.color("divider")

        def paint(painter: QPainter, look: Look) -> None:
            pixmap = look.picture(content.source, content.info, box.width(), box.height())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if pixmap is None:
                painter.setPen(edge)
                painter.setBrush(fill)
                painter.drawPath(path)
                draw_icon(painter, "image", box, 32, ink)
                return
            painter.save()
            painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
            painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
            painter.restore()

        sheet.add(paint)
        sheet.hit(box, Act.PICTURE, "", tr("chat-picture-open", name=one_line(content.name)))


@dataclass
class FileCard:
    """A file, sound or film: type tile, name, size, save. While sending: how much is on its way."""

    content: AttachmentContent
    theme: Theme
    limit: float
    send: SendState
    width: float = 0.0
    height: float = 0.0

    def __post_init__(self) -> None:
        self.width = min(self.limit, self.theme.scaled(self.theme.layout("file-card")))
        self.height = self.theme.scaled(40)

    def put(self, sheet: Sheet, left: float, top: float, width: float) -> None:
        theme, content = self.theme, self.content
        side = theme.scaled(40)
        tile = QRectF(left, top, side, side)
        tone = theme.avatar_tone(tone_index(extension(content.name) or content.kind.value))
        white = theme.avatar_text

        def paint(painter: QPainter, _: Look) -> None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tone)
            painter.drawRoundedRect(tile, 8, 8)

        sheet.add(paint)
        label = extension(content.name).upper()
        icon = {AttachmentKind.AUDIO: "headphones", AttachmentKind.VOICE: "mic", AttachmentKind.VIDEO: "video"}.get(content.kind)
        if icon is None and 0 < len(label) <= 4:
            style = theme.type("badge")
            sheet.add(lambda painter, _: _label(painter, style, tile, label, white))
        else:
            shown = icon or "file"
            sheet.add(lambda painter, _: draw_icon(painter, shown, tile, 20, white))
        button = theme.scaled(32)
        words = QRectF(left + side + 12, top, width - side - 12 - button - 8, theme.type("body").line)
        name = one_line(content.name)
        sheet.text(theme.type("body"), words, name, "text", mode=Qt.TextElideMode.ElideMiddle)
        sheet.text(theme.type("caption"), words.translated(0, theme.type("body").line), self._facts(), "text-secondary")
        if self.send.phase is SendPhase.SENT:
            save = QRectF(left + width - button, top + (side - button) / 2, button, button)
            sheet.icon("download", save, theme.icon_size(20), "text-secondary")
            sheet.hit(save, Act.SAVE, "", tr("chat-save-file", name=name))
            sheet.hit(QRectF(left, top, width - button - 8, side), Act.SAVE, "", name)

    def _facts(self) -> str:
        strings, info = current_strings(), self.content.info
        if self.send.phase is SendPhase.SENDING and self.send.total_bytes:
            return tr("chat-upload-progress", percent=min(100, round(100 * self.send.sent_bytes / self.send.total_bytes)))
        facts = [strings.size(info.size)] if info.size else []
        if info.duration_ms:
            facts.insert(0, strings.duration(info.duration_ms / 1000))
        return " · ".join(facts) or tr("chat-file")


@dataclass
class LockedCard:
    """A message that cannot be read on this device (yet): what is missing, in words, and the one thing that helps."""

    content: UndecryptableContent
    theme: Theme
    limit: float
    reading: Reading | None = None
    width: float = 0.0
    height: float = 0.0

    def __post_init__(self) -> None:
        why, theme = self.content.why, self.theme
        self._title = tr("chat-unreadable-yet" if why.curable else "chat-unreadable")
        reason = tr(f"undecryptable-{why.reason.value}")
        if why.device:
            reason += (" " if reason.isascii() or reason[-1].isascii() else "") + tr(
                "chat-sent-from", device=one_line(why.device)
            )
        self._lines = _wrapped(reason, theme, self.limit - 32)
        self._cure = self.reading.cure(why) if self.reading is not None else MessageCure.NONE
        self._verb = tr(f"message-cure-{self._cure.value}") if self._cure is not MessageCure.NONE else ""
        verb = theme.type("small", weight=600).width(self._verb) + 2 * theme.space(4) if self._verb else 0.0
        words = max([theme.type("body").width(self._title), verb, *(theme.type("caption").width(line) for line in self._lines)])
        self.width = min(self.limit, words + 33)
        self._words = theme.type("body").line + len(self._lines) * theme.type("caption").line + 2
        self.height = self._words + (theme.space(3) + theme.control("height-compact") if self._verb else 0)

    def put(self, sheet: Sheet, left: float, top: float, width: float) -> None:
        theme = self.theme
        size = theme.icon_size(20)
        sheet.icon("key", QRectF(left, top, size, self._words), size, "warning")
        box = QRectF(left + 32, top, width - 32, theme.type("body").line)
        sheet.text(theme.type("body"), box, self._title, "text")
        for number, line in enumerate(self._lines):
            at = QRectF(left + 32, top + theme.type("body").line + 2 + number * theme.type("caption").line, width - 32, 0)
            at.setHeight(theme.type("caption").line)
            sheet.text(theme.type("caption"), at, line, "text-muted")
        if self._verb:
            self._put_cure(sheet, left + 32, top + self._words + theme.space(3))

    def _put_cure(self, sheet: Sheet, left: float, top: float) -> None:
        theme = self.theme
        style = theme.type("small", weight=600)
        box = QRectF(left + 0.5, top + 0.5, style.width(self._verb) + 2 * theme.space(4), theme.control("height-compact") - 1)
        sheet.shape(even(box, theme.radius("control")), "surface-raised", hover="hover", edge="border")
        sheet.text(style, box, self._verb, "text", align=Qt.AlignmentFlag.AlignHCenter)
        sheet.hit(box, Act.CURE, self._cure.value, self._verb)


def _label(painter: QPainter, style: TextStyle, box: QRectF, words: str, ink: QColor) -> None:
    style.draw(painter, box, words, ink, align=Qt.AlignmentFlag.AlignHCenter)


def fitted(info: MediaInfo, max_width: float, max_height: float) -> tuple[float, float]:
    """The size a picture is shown at; what the sender claims, kept within bounds. Unknown sizes get 4:3."""
    width, height = float(info.width or 320), float(info.height or 240)
    factor = min(max_width / width, max_height / height, 1.0)
    return max(72.0, round(width * factor)), max(48.0, round(height * factor))


def extension(name: str) -> str:
    stem, dot, end = one_line(name).rpartition(".")
    return end if dot and stem and end.isalnum() and len(end) <= 5 else ""


def _wrapped(words: str, theme: Theme, room: float) -> list[str]:
    """Break a sentence of ours into lines of at most `room` pixels; Chinese anywhere, others at spaces."""
    style, lines, line = theme.type("caption"), [], ""
    pieces = words.split(" ") if " " in words and words.isascii() else list(words)
    joint = " " if " " in words and words.isascii() else ""
    for piece in pieces:
        longer = f"{line}{joint}{piece}" if line else piece
        if line and style.width(longer) > room:
            lines.append(line)
            line = piece
        else:
            line = longer
    return [*lines, line] if line else lines
