"""Rows of the security page: one device, and the question before devices are signed out."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.core.security import OwnDevice
from welink_desktop.features.security.page.model import (
    AskSignOut,
    BeginRename,
    CancelSignOut,
    Confirm,
    EndRename,
    OpenPage,
    PageState,
    Rename,
    SignOutAsk,
    SignOutNow,
    Wish,
)
from welink_desktop.strings import local_moment, local_now
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import current_strings, tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.badge import Tag
from welink_desktop.ui.widgets.box import Divider, Plane, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.field import Field, Input
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.icon_mark import IconMark
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice

Act = Callable[[Wish], None]


def name_of(device: OwnDevice) -> str:
    return one_line(device.name) or tr("security-unnamed-device", device=device.device)


class _NameInput(Input):
    """Escape gives up."""

    def __init__(self, give_up: Callable[[], None]) -> None:
        super().__init__()
        self._give_up = give_up

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._give_up()
            event.accept()
            return
        super().keyPressEvent(event)


class DeviceRow(QWidget):
    """Name, whether it is confirmed, when it was used last; rename, confirm, sign out."""

    def __init__(self, device: OwnDevice, act: Act) -> None:
        super().__init__()
        self._device = device
        self._act = act
        self._icon = IconMark("device")
        self._name = Label()
        self._here = Tag(tone="neutral")
        self._input = _NameInput(lambda: act(EndRename()))
        self._input.returnPressed.connect(self._save)
        self._facts = Label(type_name="small", color="text-secondary", wrap=True)
        self._confirm = Button(small=True, icon_name="shield-check")
        self._done, self._rename, self._leave = IconButton("check"), IconButton("edit"), IconButton("logout")
        key = device.device.lower()
        for widget, name in (
            (self._input, "rename-field"),
            (self._confirm, "confirm"),
            (self._done, "rename-done"),
            (self._rename, "rename"),
            (self._leave, "sign-out"),
        ):
            identify(widget, f"device-{name}-{key}")
        self._confirm.clicked.connect(lambda: act(Confirm(device.device)))
        self._done.clicked.connect(self._save)
        self._rename.clicked.connect(lambda: act(BeginRename(device.device)))
        self._leave.clicked.connect(lambda: act(AskSignOut(device.device)))
        self._build()
        on_theme(self, self._themed)

    def _build(self) -> None:
        self._head = row()
        self._head.addWidget(self._name)
        self._head.addWidget(self._here)
        self._head.addWidget(self._input, 1)
        self._head.addStretch(1)
        words = column()
        words.addStretch(1)
        words.addLayout(self._head)
        words.addWidget(self._facts)
        words.addStretch(1)
        self.line = Divider()
        whole = column(self)
        whole.addWidget(self.line)
        self._layout = row()
        whole.addLayout(self._layout)
        self._input.hide()
        self._layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        self._layout.addLayout(words, 1)
        for button in (self._confirm, self._done, self._rename, self._leave):
            self._layout.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_device(self, device: OwnDevice, state: PageState) -> None:
        self._device = device
        name, renaming = name_of(device), state.renaming == device.device
        fresh = renaming and not self._input.isVisibleTo(self)
        self._name.setText(name)
        self._here.set_fact(tr("security-this-device"), "neutral", "")
        self._here.setVisible(device.current and not renaming)
        self._name.setVisible(not renaming)
        self._input.setVisible(renaming)
        self._done.setVisible(renaming)
        self._rename.setVisible(not renaming)
        self._leave.setVisible(not device.current and not renaming)
        self._confirm.setVisible(state.confirmed_here and not device.signed and device.encrypts and not renaming)
        self._show_facts(device, name)
        self._icon.set_icon("shield-check" if device.signed else "device", "verified" if device.signed else "text-muted")
        self._confirm.setText(tr("security-confirm"))
        describe(self._confirm, tr("security-confirm-device", name=name))
        describe(self._input, tr("security-rename-field", name=name))
        self._done.set_name(tr("security-rename-done"))
        self._rename.set_name(tr("security-rename", name=name))
        self._leave.set_name(tr("security-sign-out-device", name=name))
        if fresh:
            self._input.setText(device.name)
            self._input.selectAll()
            self._input.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_facts(self, device: OwnDevice, name: str) -> None:
        facts = [tr("security-confirmed" if device.signed else "security-unconfirmed")]
        if device.last_seen_ms and not device.current:
            when = current_strings().moment(local_moment(device.last_seen_ms), local_now())
            facts.append(tr("security-last-seen", when=when))
        self._facts.setText(" · ".join(facts))
        self._facts.set_color("text-secondary" if device.signed else "warning")
        here = [tr("security-this-device")] if device.current else []
        describe(self, name, ", ".join([*here, *facts]))

    def _save(self) -> None:
        self._act(Rename(self._device.device, self._input.text()))

    def _themed(self, theme: Theme) -> None:
        self.setMinimumHeight(theme.row("setting"))
        self._layout.setContentsMargins(theme.space(5), theme.space(3), theme.space(5), theme.space(3))
        self._layout.setSpacing(theme.space(4))
        self._head.setSpacing(theme.space(3))


class SignOutPanel(Plane):
    """The question, perhaps with the password or a page of the organisation."""

    def __init__(self, act: Act) -> None:
        super().__init__("surface-inset")
        identify(self, "sign-out-panel")
        self.setProperty("rounded", True)
        self._act = act
        self._title = Label(type_name="strong", wrap=True)
        self._why = Label(color="text-secondary", wrap=True)
        self._password = Field(secret=True)
        identify(self._password.input, "sign-out-password")
        self._password.submitted.connect(self._go)
        self._problem = Notice("danger", "error")
        self._page, self._cancel, self._main = Button(), Button(), Button(kind="danger")
        identify(self._page, "sign-out-page")
        identify(self._cancel, "sign-out-cancel")
        identify(self._main, "sign-out-confirm")
        self._page.clicked.connect(lambda: act(OpenPage()))
        self._cancel.clicked.connect(lambda: act(CancelSignOut()))
        self._main.clicked.connect(self._go)
        self._foot = row()
        self._foot.addStretch(1)
        self._column = column(self)
        for part in (self._title, self._why, self._password, self._problem):
            self._column.addWidget(part)
        for button in (self._page, self._cancel, self._main):
            self._foot.addWidget(button)
        self._column.addLayout(self._foot)
        self.hide()
        on_theme(self, self._themed)

    def show_ask(self, ask: SignOutAsk | None) -> None:
        appeared = ask is not None and self.isHidden()
        asked = ask is not None and ask.password and not self._password.isVisibleTo(self)
        self.setVisible(ask is not None)
        if ask is None:
            self._password.input.clear()
            return
        one = name_of(ask.devices[0])
        many = len(ask.devices)
        self._title.setText(tr("security-sign-out-ask", name=one) if many == 1 else tr("security-sign-out-ask-all", count=many))
        self._why.setText(tr("security-sign-out-warning"))
        self._password.set_label(tr("security-password"))
        self._password.setVisible(ask.password)
        words = tr(ask.failure.text) if ask.failure is not None else ""
        if ask.password and words and not ask.page:
            self._password.set_error(words)
        else:
            self._password.set_help(tr("security-password-why") if ask.password else "")
        self._problem.show_fact(words if not ask.password or ask.page else "")
        self._page.setText(tr("security-open-page"))
        self._page.setVisible(bool(ask.page))
        self._cancel.setText(tr("cancel"))
        self._main.setText(tr("security-working" if ask.busy else "security-sign-out-verb"))
        self._main.setEnabled(not ask.busy)
        if asked:
            self._password.input.setFocus(Qt.FocusReason.OtherFocusReason)
        elif appeared:
            self._cancel.setFocus(Qt.FocusReason.OtherFocusReason)

    def _go(self) -> None:
        self._act(SignOutNow(self._password.input.text()))

    def _themed(self, theme: Theme) -> None:
        edge = theme.space(5)
        self._column.setContentsMargins(edge, edge, edge, edge)
        self._column.setSpacing(theme.space(3))
        self._foot.setSpacing(theme.space(3))
