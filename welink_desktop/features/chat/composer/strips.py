"""Strips above the editor: what is answered or edited, and files that wait to be sent."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImageReader, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from welink_desktop.features.chat.composer.model import LARGE_FILE, ComposerState, PendingFile
from welink_desktop.features.chat.timeline.cards import extension
from welink_desktop.features.chat.timeline.spoken import words_of
from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.avatar import tone_index
from welink_desktop.ui.widgets.box import clear, column, row
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label


class ModeStrip(QWidget):
    """ "Reply to …" or "Edit message", with a button to leave it."""

    def __init__(self, cancel: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer-mode")
        self._title = Label("", type_name="small", weight=600, color="accent-text")
        self._words = Label("", type_name="small", color="text-secondary")
        self._close = IconButton("close", icon_size=16, side=28)
        self._close.setObjectName("composer-cancel")
        self._close.clicked.connect(lambda *_: cancel())
        layout = row(self, spacing=8, margins=(15, 6, 4, 4))
        words = column(spacing=0)
        words.addWidget(self._title)
        words.addWidget(self._words)
        layout.addLayout(words, 1)
        layout.addWidget(self._close)

    def show_mode(self, state: ComposerState) -> None:
        item = state.editing or state.reply
        self.setVisible(item is not None)
        if item is None:
            return
        editing = state.editing is not None
        title = tr("composer-editing") if editing else tr("composer-replying", name=one_line(item.sender_name))
        self._title.setText(title)
        self._words.setText(one_line(words_of(item))[:300])
        self._close.set_name(tr("composer-cancel-edit" if editing else "composer-cancel-reply"), "Esc")
        self.setAccessibleName(title)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(QRectF(4, 8, 3, self.height() - 14), theme_of(self).color("accent-text"))
        painter.end()


class FileTile(QWidget):
    """One waiting file: small picture or type, name, size, remove."""

    def __init__(self, file: PendingFile, remove: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer-file")
        self._file = file
        self._picture = small_picture(file)
        size = current_strings().size(file.size)
        layout = row(self, spacing=8, margins=(52, 6, 4, 6))
        words = column(spacing=0)
        words.addWidget(Label(one_line(file.name), type_name="small"))
        note = tr("composer-large", name=one_line(file.name), size=size) if file.size > LARGE_FILE else size
        words.addWidget(Label(size, type_name="caption", color="text-muted"))
        layout.addLayout(words, 1)
        close = IconButton("close", tr("composer-remove-file", name=one_line(file.name)), icon_size=16, side=28)
        close.setObjectName("composer-remove-file")
        close.clicked.connect(lambda *_: remove())
        layout.addWidget(close)
        self.setToolTip(note.replace("<", "‹"))
        self.setAccessibleName(f"{one_line(file.name)}, {size}")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(QSize(220, theme_of(self).scaled(52)))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = theme_of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("divider"))
        painter.setBrush(theme.color("surface-inset"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        box = QRectF(8, (self.height() - 36) / 2, 36, 36)
        if self._picture is not None:
            painter.drawPixmap(box, self._picture, QRectF(self._picture.rect()))
        else:
            label = extension(self._file.name).upper()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.avatar_tone(tone_index(extension(self._file.name) or "file")))
            painter.drawRoundedRect(box, 6, 6)
            theme.type("badge").draw(painter, box, label[:4], theme.avatar_text, align=Qt.AlignmentFlag.AlignHCenter)
        painter.end()


class FileStrip(QScrollArea):
    """Waiting files side by side."""

    def __init__(self, remove: Callable[[int], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer-files")
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._remove = remove
        self._shown: tuple[PendingFile, ...] = ()
        self._inside = QWidget()
        self._row = row(self._inside, spacing=8, margins=(8, 8, 8, 4))
        self.setWidget(self._inside)
        self.hide()

    def show_files(self, files: tuple[PendingFile, ...]) -> None:
        self.setVisible(bool(files))
        if files == self._shown:
            return
        self._shown = files
        clear(self._row)
        for number, file in enumerate(files):
            self._row.addWidget(FileTile(file, partial(self._remove, number)))
        self._row.addStretch(1)
        self.setAccessibleName(tr("composer-files", count=len(files)))
        self.setFixedHeight(theme_of(self).scaled(52) + 24)


def picture_size(path: str) -> tuple[int, int]:
    """Width and height of an own picture file, (0, 0) for anything else."""
    reader = QImageReader(path)
    reader.setAutoTransform(True)
    if bytes(reader.format().data()).lower() not in {b"png", b"jpeg", b"jpg", b"gif", b"webp"}:
        return (0, 0)
    size = reader.size()
    return (size.width(), size.height()) if size.isValid() else (0, 0)


def small_picture(file: PendingFile) -> QPixmap | None:
    """A 72-pixel preview of an own picture; None for other files and pictures too large to preview."""
    if not file.width or file.width * file.height > 60_000_000:
        return None
    reader = QImageReader(file.path)
    reader.setAutoTransform(True)
    side = 72
    factor = side / max(1, min(file.width, file.height))
    reader.setScaledSize(QSize(max(side, round(file.width * factor)), max(side, round(file.height * factor))))
    image = reader.read()
    if image.isNull():
        return None
    image = image.copy((image.width() - side) // 2, (image.height() - side) // 2, side, side)
    return QPixmap.fromImage(image)
