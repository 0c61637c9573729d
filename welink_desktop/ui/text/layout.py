"""A message tree laid out for one width: fixed line heights, links, selection, painting. Never Qt rich text.

Lengths are device-independent pixels. A layout is immutable after construction; it belongs to one width, scale and theme.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPen, QTextCharFormat, QTextLayout, QTextLine, QTextOption

from welink_desktop.core.ids import UserId
from welink_desktop.ui.design.fonts import TextStyle, text_style
from welink_desktop.ui.text.tree import Block, Code, Listing, Paragraph, Quote, Rule, Run, Style, Table, Tree

_SEPARATOR = "\u2028"


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """Colours of a message; the same tree on another bubble has another ink."""

    text: QColor
    muted: QColor
    link: QColor
    code_fill: QColor
    hairline: QColor
    mention_fill: QColor
    mention_text: QColor
    selection: QColor
    selection_text: QColor


@dataclass(slots=True)
class _Piece:
    """A laid-out text at its place. `start` counts UTF-16 units of the whole message before it, `length` those in it."""

    layout: QTextLayout
    left: float
    top: float
    style: TextStyle
    start: int
    text: str
    length: int
    spans: list[tuple[int, int, Run]] = field(default_factory=list)
    lines: int = 0
    pills: list[QRectF] = field(default_factory=list)

    @property
    def height(self) -> float:
        return self.lines * self.style.line

    @property
    def used(self) -> float:
        return max((self.layout.lineAt(index).naturalTextWidth() for index in range(self.lines)), default=0.0)

    @property
    def last_used(self) -> float:
        return self.layout.lineAt(self.lines - 1).naturalTextWidth() if self.lines else 0.0


@dataclass(slots=True)
class _Mark:
    """A bullet or number of a list."""

    left: float
    top: float
    text: str
    style: TextStyle


class MessageLayout:
    """`width` and `height` are what the message takes; `last_line` is how far its last text line reaches (0: no text last)."""

    def __init__(self, tree: Tree, width: float, ink: Ink, *, scale: float = 1.0, me: UserId | None = None) -> None:
        self._ink = ink
        self._scale = scale
        self._me = me
        self._pieces: list[_Piece] = []
        self._marks: list[_Mark] = []
        self._fills: list[QRectF] = []
        self._bars: list[QRectF] = []
        self._lines: list[QRectF] = []
        self._length = 0
        self.width = 0.0
        bottom = self._place(tree, 0.0, 0.0, max(40.0, width))
        self.height = bottom
        last = self._pieces[-1] if self._pieces else None
        closes = last is not None and not last.left and isinstance(tree[-1], Paragraph) if tree else False
        self.last_line = last.last_used if last is not None and closes else 0.0

    @property
    def length(self) -> int:
        """Positions run from 0 to this number: UTF-16 units of all texts, with one between them."""
        return max(0, self._length - 1)

    def copied(self, start: int, end: int) -> str:
        """The text between two positions."""
        whole = "\n".join(piece.text for piece in self._pieces).encode("utf-16-le", "surrogatepass")
        return whole[2 * start : 2 * end].decode("utf-16-le", "replace")

    def paint(self, painter: QPainter, origin: QPointF, selection: tuple[int, int] | None = None) -> None:
        """Paint with the top left corner at `origin`; `selection` is (start, end) in positions."""
        ink = self._ink
        painter.setPen(Qt.PenStyle.NoPen)
        if self._fills or self._bars:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(ink.code_fill)
            for fill in self._fills:
                painter.drawRoundedRect(fill.translated(origin), 6, 6)
            painter.setBrush(ink.hairline)
            for bar in self._bars:
                painter.drawRect(bar.translated(origin))
        for piece in self._pieces:
            self._paint_pills(painter, piece, origin)
            piece.layout.draw(painter, origin + QPointF(piece.left, piece.top), self._selected(piece, selection))
        for mark in self._marks:
            painter.setFont(mark.style.font)
            painter.setPen(ink.muted)
            painter.drawText(origin + QPointF(mark.left, mark.style.baseline(mark.top)), mark.text)
        if self._lines:
            painter.setPen(QPen(ink.hairline, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for line in self._lines:
                painter.drawRect(line.translated(origin))

    def run_at(self, point: QPointF) -> Run | None:
        """The link or mention under `point` (relative to the layout's corner)."""
        for piece in self._pieces:
            found = self._line_at(piece, point)
            if found is None:
                continue
            line, x = found
            if not 0 <= x <= line.naturalTextWidth():
                return None
            at = line.xToCursor(x, QTextLine.CursorPosition.CursorOnCharacter)
            for start, end, run in piece.spans:
                if start <= at < end:
                    return run
            return None
        return None

    def position_at(self, point: QPointF) -> int:
        """The position nearest to `point`."""
        best = 0
        for piece in self._pieces:
            if point.y() < piece.top:
                break
            best = piece.start + piece.length
            found = self._line_at(piece, point)
            if found is not None:
                line, x = found
                return piece.start + int(line.xToCursor(x))
        return best

    def covers(self, point: QPointF) -> bool:
        """Whether `point` is on text that can be selected."""
        return any(self._line_at(piece, point) is not None for piece in self._pieces)

    def word_at(self, position: int) -> tuple[int, int]:
        for piece in self._pieces:
            if piece.start <= position <= piece.start + piece.length:
                inner = position - piece.start
                mode = QTextLayout.CursorMode.SkipWords
                start = piece.layout.previousCursorPosition(min(inner + 1, piece.length), mode)
                end = piece.layout.nextCursorPosition(start, mode)
                word = self.copied(piece.start + start, piece.start + end)
                return piece.start + start, piece.start + start + units(word.rstrip())
        return position, position

    def links(self) -> list[Run]:
        """Every link and mention, in reading order."""
        return [run for piece in self._pieces for _, _, run in piece.spans]

    def _paint_pills(self, painter: QPainter, piece: _Piece, origin: QPointF) -> None:
        if not piece.pills:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._ink.mention_fill)
        for pill in piece.pills:
            painter.drawRoundedRect(pill.translated(origin + QPointF(piece.left, piece.top)), 4, 4)

    def _selected(self, piece: _Piece, selection: tuple[int, int] | None) -> list[QTextLayout.FormatRange]:
        if selection is None:
            return []
        start = max(selection[0], piece.start) - piece.start
        end = min(selection[1], piece.start + piece.length) - piece.start
        if end <= start:
            return []
        shown = QTextCharFormat()
        shown.setBackground(QBrush(self._ink.selection))
        shown.setForeground(QBrush(self._ink.selection_text))
        return [_range(start, end - start, shown)]

    def _line_at(self, piece: _Piece, point: QPointF) -> tuple[QTextLine, float] | None:
        if not piece.top <= point.y() < piece.top + piece.height:
            return None
        index = min(piece.lines - 1, int((point.y() - piece.top) / piece.style.line))
        return piece.layout.lineAt(index), point.x() - piece.left

    def _place(self, tree: Tree, left: float, top: float, right: float) -> float:
        """Place blocks below each other from `top`; returns the bottom."""
        gap = round(6 * self._scale)
        for index, block in enumerate(tree):
            if index:
                top += gap
            top = self._block(block, left, top, right)
        return top

    def _block(self, block: Block, left: float, top: float, right: float) -> float:
        match block:
            case Paragraph():
                return self._text(block.runs, left, top, right, self._paragraph_style(block))
            case Code(text):
                return self._code(text, left, top, right)
            case Quote(blocks):
                bottom = self._place(blocks, left + 12, top, right)
                self._bars.append(QRectF(left, top, 3, bottom - top))
                return bottom
            case Listing():
                return self._listing(block, left, top, right)
            case Rule():
                self._bars.append(QRectF(left, top + 4, right - left, 1))
                self.width = max(self.width, min(right, left + 120))
                return top + 9
            case Table():
                return self._table(block, left, top, right)

    def _paragraph_style(self, block: Paragraph) -> TextStyle:
        if block.emoji:
            return text_style("display", self._scale, weight=400)
        if block.level:
            return text_style("title" if block.level <= 2 else "message", self._scale, weight=600)
        return text_style("message", self._scale)

    def _code(self, text: str, left: float, top: float, right: float) -> float:
        style = text_style("code", self._scale)
        bottom = self._text((Run(text),), left + 10, top + 8, right - 10, style) + 8
        used = self._pieces[-1].used
        self._fills.append(QRectF(left, top, min(right - left, max(used + 20, 60)), bottom - top))
        self.width = max(self.width, min(right, left + used + 20))
        return bottom

    def _listing(self, block: Listing, left: float, top: float, right: float) -> float:
        style = text_style("message", self._scale)
        numbers = [f"{block.start + index}." if block.start is not None else "•" for index in range(len(block.items))]
        indent = max(round(18 * self._scale), max(style.width(number) for number in numbers) + 8)
        for number, item in zip(numbers, block.items, strict=True):
            self._marks.append(_Mark(left + indent - 8 - style.width(number), top, number, style))
            top = self._place(item, left + indent, top, right)
        return top

    def _table(self, block: Table, left: float, top: float, right: float) -> float:
        columns = max(len(row) for row in block.rows)
        widths = self._column_widths(block, columns, right - left)
        for number, row in enumerate(block.rows):
            style = text_style("message", self._scale, weight=600 if block.head and not number else 0)
            bottom, x = top + style.line + 8, left
            for column, cell in enumerate(row):
                inner = self._text(cell.runs or (Run(""),), x + 8, top + 4, x + widths[column] - 8, style)
                bottom = max(bottom, inner + 4)
                x += widths[column]
            x = left
            for column_width in widths:
                self._lines.append(QRectF(x, top, column_width, bottom - top))
                x += column_width
            top = bottom
        self.width = max(self.width, left + sum(widths) + 1)
        return top

    def _column_widths(self, block: Table, columns: int, room: float) -> list[float]:
        style = text_style("message", self._scale, weight=600)
        wanted = [
            max((style.width(row[column].text) for row in block.rows if column < len(row)), default=0.0) + 17
            for column in range(columns)
        ]
        share = room / columns
        if sum(wanted) <= room:
            return wanted
        narrow = sum(want for want in wanted if want <= share)
        wide = sum(1 for want in wanted if want > share)
        rest = max(share, (room - narrow) / wide) if wide else share
        fitted = [want if want <= share else rest for want in wanted]
        factor = min(1.0, room / sum(fitted))
        return [width * factor for width in fitted]

    def _text(self, runs: tuple[Run, ...], left: float, top: float, right: float, style: TextStyle) -> float:
        text = "".join(run.text for run in runs)
        layout = QTextLayout(text.replace("\n", _SEPARATOR), style.font)
        layout.setCacheEnabled(True)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        piece = _Piece(layout, left, top, style, self._length, text, units(text))
        formats = list(self._formats(runs, piece, style))
        if formats:
            layout.setFormats(formats)
        layout.beginLayout()
        while True:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(max(1.0, right - left))
            line.setPosition(QPointF(0, piece.lines * style.line + style.ascent - line.ascent()))
            piece.lines += 1
        layout.endLayout()
        self._length += piece.length + 1
        self._pieces.append(piece)
        piece.pills = [pill for start, end, run in piece.spans if self._highlighted(run) for pill in _boxes(piece, start, end)]
        self.width = max(self.width, left + piece.used)
        return top + piece.height

    def _highlighted(self, run: Run) -> bool:
        return run.everyone or (run.mention is not None and run.mention == self._me)

    def _formats(self, runs: tuple[Run, ...], piece: _Piece, style: TextStyle) -> Iterator[QTextLayout.FormatRange]:
        at = 0
        base = QTextCharFormat()
        base.setForeground(QBrush(self._ink.text))
        yield _range(0, piece.length, base)
        for run in runs:
            end = at + units(run.text)
            if run.link or run.mention or run.everyone:
                piece.spans.append((at, end, run))
            if run != Run(run.text):
                yield _range(at, end - at, self._format(run, style))
            at = end

    def _format(self, run: Run, style: TextStyle) -> QTextCharFormat:
        ink, shown = self._ink, QTextCharFormat()
        font = QFont(style.font)
        if Style.CODE in run.style:
            font = QFont(text_style("code", self._scale).font)
            shown.setBackground(QBrush(ink.code_fill))
        if Style.BOLD in run.style or run.mention or run.everyone:
            font.setWeight(QFont.Weight.DemiBold)
        font.setItalic(Style.ITALIC in run.style and run.text.isascii())
        if Style.ITALIC in run.style and not run.text.isascii():
            font.setWeight(QFont.Weight.DemiBold)
        font.setUnderline(Style.UNDERLINE in run.style or bool(run.link and not run.mention))
        font.setStrikeOut(Style.STRIKE in run.style)
        shown.setFont(font)
        color = ink.text
        if self._highlighted(run):
            color = ink.mention_text
        elif run.link or run.mention:
            color = ink.link
        shown.setForeground(QBrush(color))
        return shown


def units(text: str) -> int:
    """Length of a text in UTF-16 units, in which Qt counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _range(start: int, length: int, shown: QTextCharFormat) -> QTextLayout.FormatRange:
    result = QTextLayout.FormatRange()
    result.start = start  # type: ignore[attr-defined]  # missing in the stubs
    result.length = length  # type: ignore[attr-defined]  # missing in the stubs
    result.format = shown  # type: ignore[attr-defined]  # missing in the stubs
    return result


def _boxes(piece: _Piece, start: int, end: int) -> Iterator[QRectF]:
    for index in range(piece.lines):
        line = piece.layout.lineAt(index)
        first, last = max(start, line.textStart()), min(end, line.textStart() + line.textLength())
        if first < last:
            left, right = _x(line, first), _x(line, last)
            height = piece.style.line
            yield QRectF(min(left, right) - 3, index * height + 1, abs(right - left) + 6, height - 2)


def _x(line: QTextLine, position: int) -> float:
    answer: Any = line.cursorToX(position)
    return float(answer[0] if isinstance(answer, tuple) else answer)
