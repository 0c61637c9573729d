"""The security part of the settings: renders `PageState`, sends wishes."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.core.ids import DeviceId
from welink_desktop.core.reactive import State
from welink_desktop.features.security.page.model import (
    AskSignOut,
    NewRecoveryKey,
    OnlyConfirmed,
    PageState,
    Refresh,
    RestoreAll,
    TakeCure,
    Wish,
    is_healthy,
)
from welink_desktop.features.security.page.rows import DeviceRow, SignOutPanel
from welink_desktop.features.security.page.status import StatusLine
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.box import Card, Divider, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.icon_mark import IconMark
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice
from welink_desktop.ui.widgets.switch import SwitchButton


class LineRow(QWidget):
    """Title and one sentence, an optional lock before the title, controls at the right."""

    def __init__(self, *controls: QWidget) -> None:
        super().__init__()
        self._lock = IconMark("lock")
        self._title = Label(wrap=True)
        self._hint = Label(type_name="small", color="text-secondary", wrap=True)
        self._head = row()
        self._head.addWidget(self._lock)
        self._head.addWidget(self._title, 1)
        words = column()
        words.addStretch(1)
        words.addLayout(self._head)
        words.addWidget(self._hint)
        words.addStretch(1)
        self._layout = row(self)
        self._layout.addLayout(words, 1)
        for control in controls:
            self._layout.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
        self._lock.hide()
        on_theme(self, self._themed)

    def set_words(self, title: str, hint: str, *, locked: bool = False) -> None:
        self._title.setText(title)
        self._hint.setText(hint)
        self._lock.setVisible(locked)

    def _themed(self, theme: Theme) -> None:
        self.setMinimumHeight(theme.row("setting"))
        self._layout.setContentsMargins(theme.space(5), theme.space(3), theme.space(5), theme.space(3))
        self._layout.setSpacing(theme.space(5))
        self._head.setSpacing(theme.space(3))


class SecurityPage(QWidget):
    def __init__(self, state: State[PageState], act: Callable[[Wish], None]) -> None:
        super().__init__()
        identify(self, "security-page")
        self._act = act
        self._shown = state.value
        self._rows: dict[DeviceId, DeviceRow] = {}
        self._order: tuple[DeviceId, ...] = ()
        self._column = column(self)
        self._build_recovery()
        self._build_devices()
        self._build_rules()
        self._column.addStretch(1)
        on_theme(self, self._themed)
        translated(self, self._retranslate)
        bind(self, state, self._render)

    # Building

    def _build_recovery(self) -> None:
        self._status = StatusLine(lambda cure: self._act(TakeCure(cure)))
        self._problem = Notice("danger", "error")
        self._fetch, self._renew = Button(), Button()
        identify(self._fetch, "security-restore")
        identify(self._renew, "security-new-key")
        self._fetch.clicked.connect(lambda: self._act(RestoreAll()))
        self._renew.clicked.connect(lambda: self._act(NewRecoveryKey()))
        self._fetch_row, self._renew_row = LineRow(self._fetch), LineRow(self._renew)
        self._kept = Card()
        self._kept.add_row(self._fetch_row)
        self._kept.add_row(self._renew_row)
        self._column.addWidget(self._status)
        self._column.addWidget(self._problem)
        self._column.addWidget(self._kept)

    def _build_devices(self) -> None:
        self._devices_heading = Label(type_name="strong")
        self._ask = SignOutPanel(self._act)
        self._devices = Card()
        self._loading = LineRow()
        self._devices.add_row(self._loading)
        self._others_line = Divider()
        self._all = Button(icon_name="logout")
        identify(self._all, "security-sign-out-all")
        self._all.clicked.connect(lambda: self._act(AskSignOut()))
        self._others = LineRow(self._all)
        self._devices.rows.addWidget(self._others_line)
        self._devices.rows.addWidget(self._others)
        self._column.addWidget(self._devices_heading)
        self._column.addWidget(self._ask)
        self._column.addWidget(self._devices)

    def _build_rules(self) -> None:
        self._rules_heading = Label(type_name="strong")
        self._only = SwitchButton()
        identify(self._only, "security-only-confirmed")
        self._only.clicked.connect(self._switch)
        self._only_row = LineRow(self._only)
        card = Card()
        card.add_row(self._only_row)
        self._column.addWidget(self._rules_heading)
        self._column.addWidget(card)

    # Rendering

    def _retranslate(self) -> None:
        self._devices_heading.setText(tr("security-devices-heading"))
        self._rules_heading.setText(tr("security-rules-heading"))
        self._fetch_row.set_words(tr("security-restore"), tr("security-restore-hint"))
        self._fetch.setText(tr("security-restore-verb"))
        self._renew_row.set_words(tr("security-new-key"), tr("security-new-key-hint"))
        self._renew.setText(tr("security-new-key-verb"))
        self._loading.set_words(tr("security-devices-loading"), "")
        self._others.set_words(tr("security-sign-out-others"), tr("security-sign-out-others-hint"))
        self._all.setText(tr("security-sign-out-all"))
        describe(self._all, tr("security-sign-out-others"))
        self._render(self._shown)

    def _render(self, state: PageState) -> None:
        self._shown = state
        self._status.show_status(state.recovery, busy=state.curing)
        self._problem.show_fact(tr(state.failure.text) if state.failure is not None else "")
        restoring = state.recovery.restoring is not None
        self._kept.setVisible(is_healthy(state.recovery))
        self._fetch.setEnabled(not restoring and not state.curing)
        self._renew.setEnabled(not state.curing)
        self._ask.show_ask(state.asking)
        self._render_devices(state)
        self._only.setChecked(state.only_confirmed)
        self._only.setProperty("locked", state.locked)
        hint = tr("security-locked" if state.locked else "security-only-confirmed-hint")
        self._only_row.set_words(tr("security-only-confirmed"), hint, locked=state.locked)
        describe(self._only, tr("security-only-confirmed"), hint)

    def _render_devices(self, state: PageState) -> None:
        devices = state.devices or ()
        self._loading.setVisible(state.devices is None)
        order = tuple(one.device for one in devices)
        if order != self._order:
            self._place(state, order)
        for one in devices:
            self._rows[one.device].show_device(one, state)
        several = len(state.others) > 1
        self._others.setVisible(several)
        self._others_line.setVisible(several)

    def _place(self, state: PageState, order: tuple[DeviceId, ...]) -> None:
        for gone in set(self._rows) - set(order):
            widget = self._rows.pop(gone)
            widget.setParent(None)
            widget.deleteLater()
        known = {one.device: one for one in state.devices or ()}
        for at, device in enumerate(order):
            if device not in self._rows:
                self._rows[device] = DeviceRow(known[device], self._act)
            self._rows[device].line.setVisible(at > 0)
            self._devices.rows.insertWidget(at, self._rows[device])
        self._order = order

    def _switch(self, on: bool) -> None:
        """A locked switch goes back; its row says who decides."""
        if self._shown.locked:
            self._only.setChecked(self._shown.only_confirmed)
        else:
            self._act(OnlyConfirmed(on))

    @guarded(default=None)
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._act(Refresh())

    def _themed(self, theme: Theme) -> None:
        self._column.setSpacing(theme.space(4))
        self._column.setContentsMargins(0, 0, 0, theme.space(7))
