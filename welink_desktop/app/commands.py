"""Keyboard shortcuts of the window (product conventions), each with words for the list of shortcuts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import row
from welink_desktop.ui.widgets.dialog import Dialog
from welink_desktop.ui.widgets.label import Label


@dataclass(frozen=True, slots=True)
class Command:
    """`keys` in Qt's portable form (Ctrl is Command on macOS); `words` is a text key."""

    name: str
    keys: tuple[str, ...]
    words: str


COMMANDS = (
    Command("chat", ("Ctrl+1",), "command-chat"),
    Command("contacts", ("Ctrl+2",), "command-contacts"),
    Command("meet", ("Ctrl+3",), "command-meet"),
    Command("settings", ("Ctrl+,",), "command-settings"),
    Command("find-room", ("Ctrl+K",), "command-find-room"),
    Command("find-person", ("Ctrl+N",), "command-find-person"),
    Command("next-room", ("Alt+Down", "Ctrl+Tab"), "command-next-room"),
    Command("previous-room", ("Alt+Up", "Ctrl+Shift+Tab"), "command-previous-room"),
    Command("next-unread", ("Alt+Shift+Down",), "command-next-unread"),
    Command("previous-unread", ("Alt+Shift+Up",), "command-previous-unread"),
    Command("next-pane", ("F6",), "command-next-pane"),
    Command("previous-pane", ("Shift+F6",), "command-previous-pane"),
    Command("shortcuts", ("Ctrl+/", "F1"), "command-shortcuts"),
    Command("close-window", ("Ctrl+W",), "command-close-window"),
    Command("quit", ("Ctrl+Q",), "command-quit"),
)


def install(window: QWidget, actions: Mapping[str, Callable[[], None]]) -> tuple[Command, ...]:
    """Make the commands that have an action work in `window`; returns them."""
    offered = tuple(command for command in COMMANDS if command.name in actions)
    for command in offered:
        for keys in command.keys:
            shortcut = QShortcut(QKeySequence(keys), window)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            act = actions[command.name]
            shortcut.activated.connect(act)
    return offered


def show_list(window: QWidget, offered: tuple[Command, ...]) -> Dialog:
    """The list of shortcuts (Ctrl+/)."""
    dialog = Dialog(window, tr("command-shortcuts"))
    for command in offered:
        line = row()
        line.addWidget(Label(tr(command.words)), 1)
        keys = " / ".join(QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) for keys in command.keys)
        line.addWidget(Label(keys, type_name="small", color="text-secondary"))
        dialog.body.addLayout(line)
    dialog.add_button(tr("close"), None, "primary")
    dialog.present()
    return dialog
