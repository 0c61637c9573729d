"""Menus of a message."""

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QWidget

from welink_desktop.core.timeline import (
    AttachmentContent,
    RecalledContent,
    SendPhase,
    TextContent,
    TimelineItem,
    UndecryptableContent,
)
from welink_desktop.core.trust import MessageCure
from welink_desktop.features.chat.timeline.model import Edit, MakeReadable, Recall, Reply, Retry, TimelineModel
from welink_desktop.features.chat.timeline.rows import can_answer
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.menu import Menu

QUICK_REACTIONS = ("👍", "✅", "❤️", "😄", "🎉", "🙏", "👀", "💪")


def message_menu(
    parent: QWidget,
    item: TimelineItem,
    model: TimelineModel,
    *,
    copy: Callable[[], None],
    save: Callable[[], None],
    recall: Callable[[], None],
    react: Callable[[], None],
) -> Menu:
    """Only what works for this message just now."""
    menu = Menu(parent, tr("chat-message-actions"))
    menu.setObjectName("message-menu")
    if item.own and item.send.phase is SendPhase.FAILED:
        menu.add(tr("chat-try-again"), lambda: model.act(Retry(item.key)), icon_name="refresh")
    reading = model.state.value.reading
    if isinstance(item.content, UndecryptableContent) and reading is not None:
        cure = reading.cure(item.content.why)
        if cure is not MessageCure.NONE:
            menu.add(tr(f"message-cure-{cure.value}"), lambda: model.act(MakeReadable(cure)), icon_name="wrench")
    if can_answer(item):
        menu.add(tr("chat-action-reply"), lambda: model.act(Reply(item.key)), icon_name="reply", shortcut="R")
        menu.add(tr("chat-action-react"), react, icon_name="emoji-add")
        if item.own and isinstance(item.content, TextContent):
            menu.add(tr("chat-action-edit"), lambda: model.act(Edit(item.key)), icon_name="edit")
    if not isinstance(item.content, RecalledContent):
        menu.add(tr("chat-copy-text"), copy, icon_name="copy", shortcut="Ctrl+C")
    if isinstance(item.content, AttachmentContent) and item.send.phase is SendPhase.SENT:
        menu.add(tr("chat-save"), save, icon_name="download")
    if item.own and not isinstance(item.content, RecalledContent):
        menu.addSeparator()
        if item.send.phase is SendPhase.SENT:
            menu.add(tr("chat-recall"), recall, icon_name="trash", shortcut="Del", danger=True)
        else:
            menu.add(tr("chat-delete"), lambda: model.act(Recall(item.key)), icon_name="trash", shortcut="Del", danger=True)
    return menu


def reaction_menu(parent: QWidget, choose: Callable[[str], None]) -> Menu:
    menu = Menu(parent, tr("chat-action-react"))
    menu.setObjectName("reaction-menu")
    for emoji in QUICK_REACTIONS:
        menu.add(emoji, partial(choose, emoji))
    return menu
