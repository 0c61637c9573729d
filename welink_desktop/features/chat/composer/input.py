"""The editor of the composer: grows with its text, sends by Enter, never while an input method composes."""

from collections.abc import Callable

from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent, QKeySequence, QPalette, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

from welink_desktop.core.settings import SendKey
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded

MAX_TEXT = 50_000


class ComposerInput(QPlainTextEdit):
    """`edited` carries text and cursor (code points). `offered` carries pasted or dropped data that is not text."""

    edited = QtSignal(str, int)
    send = QtSignal()
    edit_last = QtSignal()
    escape = QtSignal()
    offered = QtSignal(object)
    grown = QtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer-input")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.send_key = SendKey.ENTER
        self.intercept: Callable[[QKeyEvent], bool] = lambda event: False
        """Asked first for each key; true if it was used (completion list)."""
        self._composing = False
        self._limit = 400
        self._quiet = False
        self.textChanged.connect(self._text_changed)
        self.cursorPositionChanged.connect(self._tell)
        on_theme(self, self._themed)

    @property
    def composing(self) -> bool:
        """Whether an input method has text that is not decided yet."""
        return self._composing

    def set_limit(self, height: int) -> None:
        """The most it may grow to, in pixels."""
        self._limit = height
        self._fit()

    def put(self, text: str, cursor: int = -1) -> None:
        """Replace the text; the cursor goes to `cursor` (code points) or the end. Undo is kept."""
        self._quiet = True
        whole = QTextCursor(self.document())
        whole.select(QTextCursor.SelectionType.Document)
        whole.insertText(text)
        place = self.textCursor()
        place.setPosition(_units(text if cursor < 0 else text[:cursor]))
        self.setTextCursor(place)
        self._quiet = False
        self._text_changed()

    def insert(self, text: str) -> None:
        self.textCursor().insertText(text)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def wrap_selection(self, before: str, after: str) -> None:
        """Put marks around the selection, or at the cursor with the cursor between them."""
        cursor = self.textCursor()
        chosen = cursor.selectedText().replace("\u2029", "\n")
        cursor.insertText(f"{before}{chosen}{after}")
        if not chosen:
            cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.MoveAnchor, len(after))
            self.setTextCursor(cursor)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def prefix_lines(self, prefix: str) -> None:
        """Put `prefix` before each selected line; "1." counts."""
        cursor = self.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        first, last = self.document().findBlock(start), self.document().findBlock(end)
        cursor.beginEditBlock()
        block, number = first, 1
        while block.isValid() and block.blockNumber() <= last.blockNumber():
            line = QTextCursor(block)
            line.insertText(f"{number}. " if prefix == "1." else prefix)
            block, number = block.next(), number + 1
        cursor.endEditBlock()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _text_changed(self) -> None:
        self._fit()
        if not self._quiet:
            self._tell()

    def _tell(self) -> None:
        if self._quiet:
            return
        text = self.toPlainText()
        cursor = self.textCursor().position()
        before = text.encode("utf-16-le", "surrogatepass")[: 2 * cursor].decode("utf-16-le", "ignore")
        self.edited.emit(text, len(before))

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        font = theme.type("message").font
        self.setFont(font)
        self.viewport().setFont(font)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.PlaceholderText, theme.color("text-muted"))
        palette.setColor(QPalette.ColorRole.Text, theme.color("text"))
        self.setPalette(palette)
        self._fit()

    def _line(self) -> int:
        return max(theme_of(self).type("message").line, self.fontMetrics().lineSpacing())

    def lines(self) -> int:
        """Lines on screen, wrapped ones counted."""
        block, count = self.document().firstBlock(), 0
        while block.isValid() and count < 100:
            layout = block.layout()
            count += max(1, layout.lineCount())
            block = block.next()
        return max(1, count)

    def _fit(self) -> None:
        height = min(self._limit, max(self._line(), self.lines() * self.fontMetrics().lineSpacing()) + 4)
        if height != self.height() or height != self.minimumHeight():
            self.setFixedHeight(height)
            self.grown.emit()

    @guarded(default=QSize(200, 26))
    def sizeHint(self) -> QSize:
        return QSize(200, self._line() + 4)

    @guarded(default=None)
    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt passes its own event
        self._fit()

    @guarded(default=None)
    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    @guarded(default=None)
    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._composing = False
        super().focusOutEvent(event)

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._composing:
            super().keyPressEvent(event)
            return
        if self.intercept(event):
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter(event)
        elif event.key() == Qt.Key.Key_Up and not event.modifiers() and not self.toPlainText():
            self.edit_last.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escape.emit()
        elif not self._formats(event):
            super().keyPressEvent(event)

    def _enter(self, event: QKeyEvent) -> None:
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        control = held == Qt.KeyboardModifier.ControlModifier
        plain = held == Qt.KeyboardModifier.NoModifier
        if control or (plain and self.send_key is SendKey.ENTER):
            self.send.emit()
        else:
            self.textCursor().insertText("\n")
            self.ensureCursorVisible()

    def _formats(self, event: QKeyEvent) -> bool:
        if event.matches(QKeySequence.StandardKey.Bold):
            self.wrap_selection("**", "**")
        elif event.matches(QKeySequence.StandardKey.Italic):
            self.wrap_selection("*", "*")
        elif event.modifiers() == Qt.KeyboardModifier.ControlModifier and event.key() == Qt.Key.Key_E:
            self.wrap_selection("`", "`")
        else:
            return False
        return True

    @guarded(default=True)
    def canInsertFromMimeData(  # noqa: N802 - Qt's name
        self, source: QMimeData
    ) -> bool:
        return source.hasText() or source.hasImage() or source.hasUrls()

    @guarded(default=None)
    def insertFromMimeData(self, source: QMimeData) -> None:
        if any(url.isLocalFile() for url in source.urls()) or (source.hasImage() and not source.hasText()):
            self.offered.emit(source)
        elif source.hasText():
            self.textCursor().insertText(source.text()[:MAX_TEXT])


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
