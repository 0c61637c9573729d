"""Filter chips above the conversation list: one is chosen, arrow keys move."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QWidget

from welink_desktop.services.room_list import RoomFilter
from welink_desktop.ui.design.theme import on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr


class Chip(QAbstractButton):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        on_theme(self, lambda _: self.updateGeometry())

    def set_words(self, words: str) -> None:
        self.setText(words)
        self.setAccessibleName(words)
        self.updateGeometry()

    @guarded(default=QSize(28, 28))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        return QSize(round(theme.type("small", weight=600).width(self.text())) + 22, theme.scaled(28))

    @guarded(default=QSize(28, 28))
    def minimumSizeHint(self) -> QSize:
        return QSize(28, self.sizeHint().height())

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, chosen = theme_of(self), self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        edge = theme.color("accent" if chosen and theme.high_contrast else ("selection" if chosen else "border"))
        painter.setPen(QPen(edge, 1))
        fill = "selection" if chosen else ("hover" if self.underMouse() else "surface-list")
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        style = theme.type("small", weight=600 if chosen else 400)
        color = theme.color("accent-text" if chosen else "text-secondary")
        style.draw(painter, box.adjusted(6, 0, -6, 0), self.text(), color, align=Qt.AlignmentFlag.AlignHCenter)
        painter.end()


class Chips(QWidget):
    """All · Unread n · Mentions n · Direct. They wrap rather than elide."""

    def __init__(self, choose: Callable[[RoomFilter], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("room-filters")
        self._group = QButtonGroup(self)
        self._chips: dict[RoomFilter, Chip] = {}
        for shown in RoomFilter:
            chip = self._chips[shown] = Chip(self)
            chip.setObjectName(f"room-filter-{shown.value}")
            chip.clicked.connect(lambda *_, wanted=shown: choose(wanted))
            self._group.addButton(chip)
        on_theme(self, lambda _: self._place())

    def show_state(self, shown: RoomFilter, unread: int, mentions: int) -> None:
        counts = {RoomFilter.UNREAD: unread, RoomFilter.MENTIONS: mentions}
        self.setAccessibleName(tr("rooms-filters"))
        for one, chip in self._chips.items():
            chip.set_words(tr(f"rooms-filter-{one.value}", count=counts.get(one, 0) or "").strip())
            chip.setChecked(one is shown)
        self._place()

    def _place(self) -> None:
        """Left to right, then the next line; the height follows."""
        wanted = sum(chip.sizeHint().width() + 6 for chip in self._chips.values()) - 6
        spare, gap = (6, 4) if wanted > self.width() - 20 else (0, 6)
        x, y, line = 12, 0, 0
        for chip in self._chips.values():
            size = chip.sizeHint() - QSize(spare, 0)
            width = min(size.width(), max(28, self.width() - 24))
            if x > 12 and x + width > self.width() - 8:
                x, y = 12, y + line + gap
            chip.setGeometry(x, y, width, size.height())
            x, line = x + width + gap, size.height()
        height = y + line + gap
        if self.height() != height or self.minimumHeight() != height:
            self.setFixedHeight(height)

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()
