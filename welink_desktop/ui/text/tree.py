"""The tree of a message: blocks of runs. All frozen, Qt-free; every text in it is already free of bidi controls."""

import enum
from dataclasses import dataclass

from welink_desktop.core.ids import UserId


class Style(enum.Flag):
    PLAIN = 0
    BOLD = enum.auto()
    ITALIC = enum.auto()
    UNDERLINE = enum.auto()
    STRIKE = enum.auto()
    CODE = enum.auto()
    SPOILER = enum.auto()


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one style. `link` is an allowed address; `mention` the person a pill stands for."""

    text: str
    style: Style = Style.PLAIN
    link: str = ""
    mention: UserId | None = None
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text that wraps; `\\n` in a run breaks the line. `level` 1–6 makes it a heading. `emoji`: shown enlarged."""

    runs: tuple[Run, ...]
    level: int = 0
    emoji: bool = False

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """`start` is the number of the first item, None for bullets."""

    items: tuple[tuple["Block", ...], ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    pass


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; a cell is a paragraph. `head` says whether the first row is a heading."""

    rows: tuple[tuple[Paragraph, ...], ...]
    head: bool = False


Block = Paragraph | Code | Quote | Listing | Rule | Table
Tree = tuple[Block, ...]


def plain_text(tree: Tree) -> str:
    """What is read aloud and copied when a whole message is meant."""
    return "\n".join(_block_text(block) for block in tree)


def _block_text(block: Block) -> str:
    match block:
        case Paragraph():
            return block.text
        case Code(text):
            return text
        case Quote(blocks):
            return "\n".join("> " + line for line in plain_text(blocks).split("\n"))
        case Listing(items, start):
            marks = ("•" if start is None else f"{start + index}." for index in range(len(items)))
            return "\n".join(f"{mark} {plain_text(item)}" for mark, item in zip(marks, items, strict=False))
        case Rule():
            return "———"
        case Table(rows):
            return "\n".join("\t".join(cell.text for cell in row) for row in rows)
