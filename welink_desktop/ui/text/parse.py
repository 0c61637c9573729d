"""Hostile message HTML → our tree (client-server API, "m.room.message msgtypes": allowed tags). Qt-free.

Limits: 32 KB, depth 20, 2,000 nodes, tables of depth 1. Whatever exceeds them is shown as its plain `body` instead.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3

from welink_desktop.core.ids import UserId
from welink_desktop.ui.text import links
from welink_desktop.ui.text.bidi import without_controls
from welink_desktop.ui.text.emoji import only_emoji
from welink_desktop.ui.text.tree import Block, Code, Listing, Paragraph, Quote, Rule, Run, Style, Table, Tree

MAX_BYTES = 32 * 1024
MAX_DEPTH = 20
MAX_NODES = 2000
MAX_BODY = 64 * 1024

_INLINE = {
    "b": Style.BOLD,
    "strong": Style.BOLD,
    "i": Style.ITALIC,
    "em": Style.ITALIC,
    "u": Style.UNDERLINE,
    "ins": Style.UNDERLINE,
    "s": Style.STRIKE,
    "del": Style.STRIKE,
    "strike": Style.STRIKE,
    "code": Style.CODE,
}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = {
    "p",
    "div",
    "blockquote",
    "ul",
    "ol",
    "li",
    "pre",
    "hr",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
}
_TAGS = {"a", "br", "span", "sup", "sub", "font", "img", "caption"} | set(_INLINE) | set(_HEADINGS) | _BLOCKS
_ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"data-mx-spoiler"},
    "img": {"alt", "title"},
}
_REPLY_FALLBACK = re.compile(r"<mx-reply>.*?</mx-reply>", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")


class _TooMuch(Exception):
    """The message exceeds a limit."""


def parse(body: str, html: str = "", *, mention_room: bool = False) -> Tree:
    """The tree of a message: of its HTML if that is usable and within the limits, else of its plain text. Never raises."""
    if html:
        tree = parse_html(html)
        if tree is not None:
            return tree
    return parse_plain(body, mention_room=mention_room)


def parse_html(html: str) -> Tree | None:
    """None when the HTML is too large, too deep, has too many nodes, or says nothing."""
    if len(html.encode("utf-8", "replace")) > MAX_BYTES or html.count("<") > 2 * MAX_NODES:
        return None
    clean = nh3.clean(
        _REPLY_FALLBACK.sub("", html),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=set(links.SCHEMES),
        link_rel=None,
        strip_comments=True,
    )
    builder = _Builder()
    try:
        builder.feed(clean)
        builder.close()
        tree = builder.finish()
    except _TooMuch:
        return None
    return tree or None


def parse_plain(body: str, *, mention_room: bool = False) -> Tree:
    """Lines with links; a text of a few emoji is marked to be enlarged."""
    text = without_controls(body[:MAX_BODY]).rstrip("\n")
    if only_emoji(text):
        return (Paragraph((Run(text.strip()),), emoji=True),)
    runs = _linked(text, Style.PLAIN)
    if mention_room and "@room" in text:
        runs = [part for run in runs for part in _everyone(run)]
    return (Paragraph(tuple(runs)),)


def _linked(text: str, style: Style) -> list[Run]:
    runs, done = [], 0
    if "://" in text or "@" in text or "www." in text or "mailto:" in text:
        for start, end, address in links.find(text):
            if start > done:
                runs.append(Run(text[done:start], style))
            mention = links.mentioned(address)
            runs.append(Run(text[start:end], style, link=address, mention=UserId(mention) if mention else None))
            done = end
    if done < len(text) or not runs:
        runs.append(Run(text[done:], style))
    return runs


def _everyone(run: Run) -> list[Run]:
    if run.link or "@room" not in run.text:
        return [run]
    parts: list[Run] = []
    for index, piece in enumerate(run.text.split("@room")):
        if index:
            parts.append(Run("@room", run.style, everyone=True))
        if piece:
            parts.append(Run(piece, run.style))
    return parts


@dataclass
class _Frame:
    """An open block: what it holds so far."""

    tag: str
    blocks: list[Block] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    items: list[tuple[Block, ...]] = field(default_factory=list)
    rows: list[tuple[Paragraph, ...]] = field(default_factory=list)
    cells: list[Paragraph] = field(default_factory=list)
    start: int | None = None
    head: bool = False
    language: str = ""

    def flush(self, level: int = 0) -> None:
        runs = _trimmed(self.runs)
        self.runs = []
        if runs:
            emoji = not level and only_emoji("".join(run.text for run in runs))
            self.blocks.append(Paragraph(runs, level, emoji and self.tag == ""))


class _Builder(HTMLParser):
    """Builds blocks from sanitised HTML. Raises `_TooMuch` beyond a limit."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._frames = [_Frame("")]
        self._styles: list[tuple[str, Style]] = []
        self._links: list[str] = []
        self._depth = 0
        self._nodes = 0

    def finish(self) -> Tree:
        while len(self._frames) > 1:
            self._close(self._frames[-1].tag)
        root = self._frames[0]
        root.flush()
        if len(root.blocks) > 1:
            root.blocks = [
                Paragraph(block.runs, block.level) if isinstance(block, Paragraph) and block.emoji else block
                for block in root.blocks
            ]
        return tuple(root.blocks)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._count()
        values = {name: value or "" for name, value in attrs}
        frame = self._frames[-1]
        if tag == "br":
            frame.runs.append(Run("\n"))
        elif tag == "hr":
            frame.flush()
            frame.blocks.append(Rule())
        elif tag == "img":
            self._text(values.get("alt") or values.get("title") or "")
        elif tag == "code" and frame.tag == "pre":
            frame.language = (
                values.get("class", "").removeprefix("language-")[:40] if "language-" in values.get("class", "") else ""
            )
        elif tag in _INLINE or tag == "span":
            self._deeper()
            self._styles.append((tag, Style.SPOILER if "data-mx-spoiler" in values else _INLINE.get(tag, Style.PLAIN)))
        elif tag == "a":
            self._deeper()
            self._links.append(links.allowed(values.get("href", "")))
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._open(tag, values)

    def handle_endtag(self, tag: str) -> None:
        frame = self._frames[-1]
        if tag == "a" and self._links:
            self._links.pop()
            self._depth -= 1
        elif tag == "code" and frame.tag == "pre":
            return
        elif tag in _INLINE or tag == "span":
            for index in range(len(self._styles) - 1, -1, -1):
                if self._styles[index][0] == tag:
                    del self._styles[index]
                    self._depth -= 1
                    break
        elif (tag in _BLOCKS or tag in _HEADINGS) and any(open_frame.tag == tag for open_frame in self._frames[1:]):
            while self._frames[-1].tag != tag:
                self._close(self._frames[-1].tag)
            self._close(tag)

    def handle_data(self, data: str) -> None:
        self._count()
        self._text(data)

    def _text(self, data: str) -> None:
        frame = self._frames[-1]
        text = without_controls(data)
        if frame.tag == "pre":
            frame.runs.append(Run(text))
            return
        text = _SPACE.sub(" ", text)
        if not text or (text == " " and not frame.runs):
            return
        style = Style.PLAIN
        for _, one in self._styles:
            style |= one
        link = self._links[-1] if self._links else ""
        if link:
            mention = links.mentioned(link)
            frame.runs.append(Run(text, style, link=link, mention=UserId(mention) if mention else None))
        elif Style.CODE in style:
            frame.runs.append(Run(text, style))
        else:
            frame.runs.extend(_linked(text, style))

    def _open(self, tag: str, values: dict[str, str]) -> None:
        self._deeper()
        if tag == "table" and any(frame.tag == "table" for frame in self._frames):
            raise _TooMuch
        parent = self._frames[-1]
        if tag not in {"tr", "th", "td", "thead", "tbody", "li"} or parent.runs:
            parent.flush()
        frame = _Frame(tag)
        if tag == "ol":
            start = values.get("start", "1")
            frame.start = min(int(start), 99_999) if start.isascii() and start.isdigit() and len(start) < 9 else 1
        if tag in {"thead", "th"}:
            self._mark_head()
        self._frames.append(frame)

    def _mark_head(self) -> None:
        for frame in reversed(self._frames):
            if frame.tag == "table":
                frame.head = frame.head or not frame.rows
                return

    def _close(self, tag: str) -> None:
        frame = self._frames.pop()
        self._depth -= 1
        parent = self._frames[-1]
        if tag == "pre":
            text = "".join(run.text for run in frame.runs).strip("\n")
            if text:
                parent.blocks.append(Code(text, frame.language))
            return
        frame.flush(_HEADINGS.get(tag, 0))
        self._attach(tag, frame, parent)

    def _attach(self, tag: str, frame: _Frame, parent: _Frame) -> None:
        """Give what a closed block holds to the block around it."""
        match tag:
            case "blockquote":
                if frame.blocks:
                    parent.blocks.append(Quote(tuple(frame.blocks)))
            case "li":
                parent.items.append(tuple(frame.blocks) or (Paragraph((Run(""),)),))
            case "ul" | "ol":
                items = tuple(frame.items) + (((tuple(frame.blocks)),) if frame.blocks else ())
                if items:
                    parent.blocks.append(Listing(items, frame.start if tag == "ol" else None))
            case "td" | "th":
                parent.cells.append(Paragraph(tuple(run for block in frame.blocks for run in _cell_runs(block))))
            case "tr":
                if frame.cells:
                    parent.rows.append(tuple(frame.cells))
            case "thead" | "tbody":
                parent.rows.extend(frame.rows)
            case "table":
                if frame.rows:
                    parent.blocks.append(Table(tuple(frame.rows), frame.head))
            case _:
                parent.blocks.extend(frame.blocks)

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooMuch

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooMuch


def _cell_runs(block: Block) -> tuple[Run, ...]:
    return block.runs if isinstance(block, Paragraph) else ()


def _trimmed(runs: list[Run]) -> tuple[Run, ...]:
    """Runs without white space at the ends, neighbours of one kind joined."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        same = last is not None and (last.style, last.link, last.mention, last.everyone) == (
            run.style,
            run.link,
            run.mention,
            run.everyone,
        )
        if last is not None and same:
            joined[-1] = Run(last.text + run.text, run.style, run.link, run.mention, run.everyone)
        else:
            joined.append(run)
    while joined and not joined[-1].text.strip():
        joined.pop()
    while joined and not joined[0].text.strip():
        joined.pop(0)
    if joined:
        joined[0] = _with_text(joined[0], joined[0].text.lstrip())
        joined[-1] = _with_text(joined[-1], joined[-1].text.rstrip())
    return tuple(joined)


def _with_text(run: Run, text: str) -> Run:
    return Run(text, run.style, run.link, run.mention, run.everyone)
