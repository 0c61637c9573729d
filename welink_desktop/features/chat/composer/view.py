"""The composer as a widget: strips, format row, editor, tool row."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QRectF, Qt, QTimer
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QImage, QKeyEvent, QMoveEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from welink_desktop.core.reactive import Cancel
from welink_desktop.core.settings import SendKey
from welink_desktop.features.chat.composer.completion_list import CompletionList
from welink_desktop.features.chat.composer.emoji_panel import EmojiPanel
from welink_desktop.features.chat.composer.input import ComposerInput
from welink_desktop.features.chat.composer.model import (
    Attach,
    CancelMode,
    CloseCompletion,
    Complete,
    ComposerModel,
    ComposerState,
    EditLast,
    MoveChoice,
    RemoveFile,
    Send,
    Typed,
)
from welink_desktop.features.chat.composer.strips import FileStrip, ModeStrip, picture_size
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.bind import bind
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.box import Divider, column, row
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label

_FORMATS = (
    ("bold", "composer-bold", "Ctrl+B"),
    ("italic", "composer-italic", "Ctrl+I"),
    ("strike", "composer-strike", ""),
    ("list-bullet", "composer-list", ""),
    ("list-number", "composer-numbers", ""),
    ("quote", "composer-quote", ""),
    ("code", "composer-code", "Ctrl+E"),
    ("link", "composer-link", ""),
)

RULE_HEIGHT = 18


class SendButton(IconButton):
    """The only filled button of the composer."""

    def __init__(self) -> None:
        super().__init__("send", color="accent-contrast")

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = theme_of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = "accent-pressed" if self.isDown() else ("accent-hover" if self.underMouse() else "accent")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(fill if self.isEnabled() else "surface-inset"))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        ink = theme.color("accent-contrast" if self.isEnabled() else "text-disabled")
        draw_icon(painter, "send", QRectF(self.rect()), theme.icon_size(20), ink)
        painter.end()


class ComposerView(QWidget):
    """Call `show_composer` with the model of the room in front. `escaped`: Escape had nothing to cancel."""

    escaped = QtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self._model: ComposerModel | None = None
        self._revision = -1
        self._watches: list[Cancel] = []
        self._names: CompletionList | None = None
        self.input = ComposerInput()
        self.input.intercept = self._intercept
        self._mode = ModeStrip(lambda: self._act(CancelMode()))
        self._files = FileStrip(lambda index: self._act(RemoveFile(index)))
        self._problem = Label("", type_name="small", color="danger", wrap=True)
        self._problem.setObjectName("composer-problem")
        self._hint = Label("", type_name="caption", color="text-muted")
        self._formats = [IconButton(icon_name, icon_size=16, side=28) for icon_name, _, _ in _FORMATS]
        self._format_row = QWidget()
        self._emoji = IconButton("emoji")
        self._at = IconButton("mention")
        self._attach = IconButton("attach")
        self._send = SendButton()
        self._build()
        self._connect()
        on_theme(self, self._themed)
        translated(self, self._retranslate)

    def show_composer(self, model: ComposerModel, pixmaps: Pixmaps) -> None:
        for cancel in self._watches:
            cancel()
        self._model, self._revision = model, -1
        window = self.window()
        if self._names is None or self._names.parentWidget() is not window:
            self._names = CompletionList(pixmaps, window)
            self._names.picked.connect(lambda index: self._act(Complete(index)))
        self._watches = [bind(self, model.state, self._render)]

    def offer(self, data: QMimeData) -> bool:
        """Take dropped or pasted files or a picture; whether there was anything."""
        paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
        if paths:
            self._add(paths)
            return True
        image = data.imageData()
        if isinstance(image, QImage) and not image.isNull():
            place = Path(tempfile.mkdtemp(prefix="welink-")) / f"{tr('composer-pasted')}.png"
            if image.save(str(place)):
                self._act(Attach((str(place),), ((image.width(), image.height()),), temporary=True))
                return True
        return False

    def add_files(self, paths: list[str]) -> None:
        self._add(paths)

    def _add(self, paths: list[str]) -> None:
        self._act(Attach(tuple(paths), tuple(picture_size(path) for path in paths)))
        self.input.setFocus(Qt.FocusReason.OtherFocusReason)

    def _act(self, wish: object) -> None:
        if self._model is not None:
            self._model.act(wish)  # type: ignore[arg-type]  # callers pass wishes of the model only

    def _build(self) -> None:
        self._frame = column(self, margins=(2, 2, 2, 2))
        self._frame.addWidget(self._mode)
        self._frame.addWidget(self._files)
        formats = row(self._format_row, spacing=2, margins=(4, 2, 8, 0))
        for number, button in enumerate(self._formats):
            if number == 3:
                line = Divider(vertical=True)
                line.setFixedHeight(RULE_HEIGHT)
                formats.addWidget(line, 0, Qt.AlignmentFlag.AlignVCenter)
            formats.addWidget(button)
        formats.addStretch(1)
        formats.addWidget(self._hint)
        self._frame.addWidget(self._format_row)
        self._editor_row = row(spacing=4, margins=(12, 4, 12, 2))
        self._editor_row.addWidget(self.input, 1)
        self._frame.addLayout(self._editor_row)
        problem = row(margins=(12, 0, 12, 0))
        problem.addWidget(self._problem)
        self._frame.addLayout(problem)
        self._tools = row(spacing=2, margins=(6, 2, 8, 6))
        for button in (self._emoji, self._at, self._attach):
            self._tools.addWidget(button)
        self._tools.addStretch(1)
        self._tools.addWidget(self._send)
        self._frame.addLayout(self._tools)
        names = {
            self._emoji: "composer-emoji",
            self._at: "composer-mention",
            self._attach: "composer-attach",
            self._send: "composer-send",
        }
        for button, name in names.items():
            button.setObjectName(name)
        for button, (icon_name, _, _) in zip(self._formats, _FORMATS, strict=True):
            button.setObjectName(f"composer-{icon_name}")

    def _connect(self) -> None:
        self.input.edited.connect(lambda words, cursor: self._act(Typed(words, cursor)))
        self.input.send.connect(lambda: self._act(Send()))
        self.input.edit_last.connect(lambda: self._act(EditLast()))
        self.input.escape.connect(self._escape)
        self.input.offered.connect(self.offer)
        self._send.clicked.connect(lambda *_: self._act(Send()))
        self._emoji.clicked.connect(lambda *_: self._open_emoji())
        self._at.clicked.connect(lambda *_: self._insert_at())
        self._attach.clicked.connect(lambda *_: self._choose_files())
        actions: list[Callable[[], None]] = [
            lambda: self.input.wrap_selection("**", "**"),
            lambda: self.input.wrap_selection("*", "*"),
            lambda: self.input.wrap_selection("~~", "~~"),
            lambda: self.input.prefix_lines("- "),
            lambda: self.input.prefix_lines("1."),
            lambda: self.input.prefix_lines("> "),
            lambda: self.input.wrap_selection("`", "`"),
            lambda: self.input.wrap_selection("[", "](https://)"),
        ]
        for button, action in zip(self._formats, actions, strict=True):
            button.clicked.connect(lambda *_, act=action: act())

    def _themed(self, theme: Theme) -> None:
        self._format_row.setVisible(not theme_of(self).compact)
        self.update()

    def _retranslate(self) -> None:
        self._emoji.set_name(tr("composer-emoji"))
        self._at.set_name(tr("composer-mention"))
        self._attach.set_name(tr("composer-attach"))
        self._send.set_name(tr("composer-send"))
        for button, (_, key, shortcut) in zip(self._formats, _FORMATS, strict=True):
            button.set_name(tr(key), shortcut)
        if self._model is not None:
            self._render(self._model.state.value)

    def _render(self, state: ComposerState) -> None:
        self.input.send_key = state.send_key
        self._hint.setText(tr("composer-hint-enter" if state.send_key is SendKey.ENTER else "composer-hint-ctrl-enter"))
        self.input.setPlaceholderText(tr("composer-placeholder", room=one_line(state.room_name)))
        describe(self.input, tr("composer-name", room=one_line(state.room_name)))
        if state.revision != self._revision:
            self._revision = state.revision
            if self.input.toPlainText() != state.text or state.cursor >= 0:
                self.input.put(state.text, state.cursor)
        self._mode.show_mode(state)
        self._files.show_files(state.files)
        self._problem.setText(tr(state.problem) if state.problem is not None else "")
        self._problem.setVisible(state.problem is not None)
        self._send.setEnabled(state.can_send)
        self._send.set_name(tr("composer-save-edit" if state.editing is not None else "composer-send"))
        if state.editing is not None or state.reply is not None:
            QTimer.singleShot(0, self, self._focus_editor)
        self._show_names(state)

    def _focus_editor(self) -> None:
        if not self.input.hasFocus():
            self.input.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_names(self, state: ComposerState) -> None:
        place = self._names.parentWidget() if self._names is not None else None
        if self._names is None or place is None:
            return
        corner = self.mapTo(place, QPoint(0, 0))
        caret = self.input.cursorRect().left() + self.input.mapTo(place, QPoint(0, 0)).x()
        self._names.show_names(state.completion, corner.y(), caret - 30)

    @guarded(default=None)
    def moveEvent(self, event: QMoveEvent) -> None:
        self._follow()

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._follow()

    def _follow(self) -> None:
        """The names stay above the composer when it moves or grows."""
        if self._model is not None and self._model.state.value.completion is not None:
            self._show_names(self._model.state.value)

    def _intercept(self, event: QKeyEvent) -> bool:
        if self._model is None or self._model.state.value.completion is None:
            return False
        wishes = {
            Qt.Key.Key_Up: MoveChoice(-1),
            Qt.Key.Key_Down: MoveChoice(1),
            Qt.Key.Key_Return: Complete(),
            Qt.Key.Key_Enter: Complete(),
            Qt.Key.Key_Tab: Complete(),
            Qt.Key.Key_Escape: CloseCompletion(),
        }
        wish = wishes.get(Qt.Key(event.key()))
        if wish is None or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return False
        self._act(wish)
        return True

    def _escape(self) -> None:
        if self._model is None:
            return
        state = self._model.state.value
        if state.editing is not None or state.reply is not None:
            self._act(CancelMode())
        else:
            self.escaped.emit()

    def _open_emoji(self) -> None:
        panel = EmojiPanel(self)
        panel.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        panel.chosen.connect(self.input.insert)
        panel.open_above(self)

    def _insert_at(self) -> None:
        before = self.input.toPlainText()[: self.input.textCursor().position()]
        self.input.insert("@" if not before or before[-1].isspace() else " @")

    def _choose_files(self) -> None:
        dialog = QFileDialog(self.window(), tr("composer-choose-files"), str(Path.home()))
        dialog.setObjectName("choose-files")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda paths: self._add(list(paths)))
        dialog.open()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = theme_of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("border-control"), 1))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
        painter.end()
