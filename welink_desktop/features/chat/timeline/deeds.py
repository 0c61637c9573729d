"""What a person does with a message: by a click on a place in it, by its menu, by its links and files."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from welink_desktop.core.ids import EventId, ItemKey, UserId
from welink_desktop.core.timeline import AttachmentContent, NoticeContent, RecalledContent, SendPhase, TimelineItem
from welink_desktop.core.trust import MessageCure
from welink_desktop.features.chat.timeline.menus import message_menu, reaction_menu
from welink_desktop.features.chat.timeline.model import (
    JumpTo,
    MakeReadable,
    OpenLink,
    OpenPerson,
    React,
    Recall,
    Retry,
    Save,
    TimelineModel,
)
from welink_desktop.features.chat.timeline.sheet import Act, Hit
from welink_desktop.features.chat.timeline.spoken import words_of
from welink_desktop.ui.strings import tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.text.tree import Run
from welink_desktop.ui.widgets.dialog import ask


class Deeds:
    """Wishes of one timeline; menus and dialogs belong to `view`. `copy` puts a message or its selection on the clipboard."""

    def __init__(self, view: QWidget, model: TimelineModel, copy: Callable[[TimelineItem], None]) -> None:
        self._view = view
        self._model = model
        self._copy = copy

    def do(self, item: TimelineItem, hit: Hit, at: QPoint) -> None:
        """What a click on a place in a row leads to."""
        model = self._model
        match hit.act:
            case Act.PERSON:
                model.act(OpenPerson(UserId(hit.payload)))
            case Act.ORIGINAL:
                model.act(JumpTo(EventId(hit.payload)))
            case Act.REACTION:
                model.act(React(item.key, hit.payload))
            case Act.ADD_REACTION:
                self.react(item, at)
            case Act.SAVE | Act.PICTURE:
                self.save(item)
            case Act.RETRY:
                model.act(Retry(item.key))
            case Act.DISCARD:
                model.act(Recall(item.key))
            case Act.COPY:
                QApplication.clipboard().setText(words_of(item))
            case Act.CURE:
                model.act(MakeReadable(MessageCure(hit.payload)))
            case Act.NOTHING:
                pass

    def react(self, item: TimelineItem, at: QPoint) -> None:
        reaction_menu(self._view, lambda emoji: self._model.act(React(item.key, emoji))).open_at(at)

    def open_menu(self, item: TimelineItem, at: QPoint) -> None:
        if isinstance(item.content, NoticeContent):
            return
        message_menu(
            self._view,
            item,
            self._model,
            copy=lambda: self._copy(item),
            save=lambda: self.save(item),
            recall=lambda: self.recall(item),
            react=lambda: self.react(item, at),
        ).open_at(at)

    def recall(self, item: TimelineItem) -> None:
        model = self._model
        if isinstance(item.content, (RecalledContent, NoticeContent)):
            return
        if item.send.phase is SendPhase.FAILED:
            model.act(Recall(item.key))
            return
        ask(
            self._view.window(),
            tr("chat-recall-title"),
            tr("chat-recall-sentence"),
            tr("chat-recall"),
            lambda: model.act(Recall(item.key)),
            "danger",
        )

    def save(self, item: TimelineItem) -> None:
        if not isinstance(item.content, AttachmentContent):
            return
        name = safe_name(item.content.name)
        dialog = QFileDialog(self._view.window(), tr("chat-save-title"), str(Path.home() / name))
        dialog.setObjectName("save-file")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.save_to(item.key, Path(path)))
        dialog.open()

    def save_to(self, key: ItemKey, target: Path) -> None:
        """Write the attachment of a row to `target`."""
        self._model.act(Save(key, target))

    def follow(self, run: Run) -> None:
        if run.mention is not None:
            self._model.act(OpenPerson(run.mention))
        else:
            self._model.act(OpenLink(run.link))


def safe_name(name: str) -> str:
    """A file name without folders, control characters and leading dots."""
    plain = one_line(name).replace("\\", "/").rpartition("/")[2]
    cleaned = "".join(char for char in plain if char not in '<>:"|?*').lstrip(". ")
    return cleaned[:180] or "file"
