"""The emoji panel: search, recently used, groups. Painted grid; arrow keys move, Enter takes."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from welink_desktop.features.chat.composer.emoji_data import Emoji, emoji_groups, find_emoji
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.fonts import text_style
from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import column
from welink_desktop.ui.widgets.field import SearchField

COLUMNS, CELL = 8, 40
MAX_RECENT = 24


class EmojiGrid(QWidget):
    """All sections below each other; only what is visible is painted."""

    picked = QtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("emoji-grid")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._sections: list[tuple[str, Sequence[Emoji]]] = []
        self._cells: list[tuple[QRect, Emoji]] = []
        self._heads: list[tuple[QRect, str]] = []
        self._chosen = 0

    def show_sections(self, sections: list[tuple[str, Sequence[Emoji]]]) -> None:
        self._sections, self._chosen = sections, 0
        self._place()

    def _place(self) -> None:
        theme = theme_of(self)
        head, y = theme.scaled(28), 0
        self._cells, self._heads = [], []
        for title, emoji in self._sections:
            self._heads.append((QRect(8, y, COLUMNS * CELL - 8, head), title))
            y += head
            for number, one in enumerate(emoji):
                self._cells.append((QRect((number % COLUMNS) * CELL, y + (number // COLUMNS) * CELL, CELL, CELL), one))
            y += -(-len(emoji) // COLUMNS) * CELL
        self.setFixedSize(COLUMNS * CELL, max(y, CELL))
        self._say()
        self.update()

    def _say(self) -> None:
        chosen = self._cells[self._chosen][1].name if self._chosen < len(self._cells) else tr("emoji-none")
        describe(self, tr("emoji-panel"), chosen)

    def _move(self, to: int) -> None:
        self._chosen = max(0, min(len(self._cells) - 1, to))
        self._say()
        viewport = self.parentWidget()
        area = viewport.parentWidget() if viewport is not None else None
        if isinstance(area, QScrollArea) and self._cells:
            centre = self._cells[self._chosen][0].center()
            area.ensureVisible(centre.x(), centre.y(), CELL, CELL)
        self.update()

    def take(self) -> None:
        if self._chosen < len(self._cells):
            self.picked.emit(self._cells[self._chosen][1].char)

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -COLUMNS, Qt.Key.Key_Down: COLUMNS}
        if event.key() in steps:
            self._move(self._chosen + steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.take()
        else:
            super().keyPressEvent(event)

    @guarded(default=None)
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        number = self._at(event.position().toPoint())
        if number is not None and number != self._chosen:
            self._chosen = number
            self.setToolTip(self._cells[number][1].name)
            self.update()

    @guarded(default=None)
    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._at(event.position().toPoint())
        if number is not None:
            self._chosen = number
            self.take()

    def _at(self, point: QPoint) -> int | None:
        return next((number for number, (box, _) in enumerate(self._cells) if box.contains(point)), None)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = theme_of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(event.rect(), theme.color("surface-raised"))
        for box, title in self._heads:
            if box.intersects(event.rect()):
                theme.type("caption", weight=600).draw(painter, QRectF(box), title, theme.color("text-muted"))
        font = text_style("heading", 1.0, weight=400).font
        for number, (box, one) in enumerate(self._cells):
            if not box.intersects(event.rect()):
                continue
            if number == self._chosen:
                painter.setPen(QPen(theme.color("focus-ring"), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("hover"))
                painter.drawRoundedRect(QRectF(box).adjusted(2, 2, -2, -2), 6, 6)
            painter.setFont(font)
            painter.setPen(theme.color("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, one.char)
        painter.end()


class EmojiPanel(QFrame):
    """A pop-up. `chosen` carries the character; recents live as long as the program."""

    chosen = QtSignal(str)
    _recent: list[str] = []  # noqa: RUF012 - shared by all panels of the program on purpose

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("emoji-panel")
        self.setAccessibleName(tr("emoji-panel"))
        self._search = SearchField(tr("emoji-search"), tr("emoji-search"))
        self._search.setObjectName("emoji-search")
        self._search.installEventFilter(self)
        self._grid = EmojiGrid()
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidget(self._grid)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = column(self, spacing=8, margins=(10, 10, 10, 10))
        layout.addWidget(self._search)
        layout.addWidget(self._area, 1)
        self._search.textChanged.connect(self._fill)
        self._grid.picked.connect(self._picked)
        self.setFixedSize(QSize(COLUMNS * CELL + 34, 380))
        self._fill("")

    def open_above(self, widget: QWidget) -> None:
        """Show the panel above `widget`, left edges aligned, inside the screen."""
        corner = widget.mapToGlobal(QPoint(0, 0))
        screen = widget.screen().availableGeometry()
        left = min(corner.x(), screen.right() - self.width() - 8)
        self.move(max(screen.left() + 8, left), max(screen.top() + 8, corner.y() - self.height() - 8))
        self.show()
        self._search.setFocus(Qt.FocusReason.PopupFocusReason)

    def _fill(self, query: str) -> None:
        if query.strip():
            found = find_emoji(query)
            self._grid.show_sections([(tr("emoji-search") if found else tr("emoji-none"), found)])
            return
        groups = emoji_groups()
        by_char = {one.char: one for group in groups.values() for one in group}
        recent = [by_char[char] for char in self._recent if char in by_char]
        sections: list[tuple[str, Sequence[Emoji]]] = [(tr("emoji-recent"), recent)] if recent else []
        sections += [(tr(f"emoji-group-{name}"), group) for name, group in groups.items()]
        self._grid.show_sections(sections)

    def _picked(self, char: str) -> None:
        if char in self._recent:
            self._recent.remove(char)
        self._recent.insert(0, char)
        del self._recent[MAX_RECENT:]
        self.chosen.emit(char)
        self.close()

    @guarded(default=False)
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._grid.take()
                return True
            if event.key() == Qt.Key.Key_Down:
                self._grid.setFocus(Qt.FocusReason.TabFocusReason)
                return True
        return False

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = theme_of(self), QPainter(self)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("surface-raised"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
