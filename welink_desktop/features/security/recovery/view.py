"""The recovery sheet: renders `SheetState`, sends wishes."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QProgressBar, QWidget

from welink_desktop.core.reactive import State
from welink_desktop.features.security.recovery.key_box import KeyBox
from welink_desktop.features.security.recovery.model import (
    Back,
    FromDevice,
    GivePassword,
    Kept,
    Leave,
    OpenPage,
    Recover,
    SheetState,
    StartOver,
    Stay,
    Step,
    TurnOn,
    UsePassphrase,
    WantStartOver,
    Wish,
    grouped,
)
from welink_desktop.features.security.sheet import Block, Sheet
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.box import row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.field import Field
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice
from welink_desktop.ui.widgets.tick import Tick
from welink_desktop.ui.widgets.toast import show_toast

SHORTEST_PASSPHRASE = 12


class RecoverySheet(Sheet):
    """`account` names whose recovery key a saved file holds."""

    def __init__(self, state: State[SheetState], act: Callable[[Wish], None], account: str = "") -> None:
        super().__init__()
        identify(self, "recovery-sheet")
        self._act = act
        self._account = account
        self._shown = state.value
        self._copied = False
        self._build()
        translated(self, self._retranslate)
        bind(self, state, self._render)

    # Building

    def _build(self) -> None:
        self._why = Label(color="text-secondary", wrap=True)
        self._problem = Notice("danger", "error")
        self._page = Button()
        identify(self._page, "recovery-open-page")
        self._page.clicked.connect(lambda: self._act(OpenPage()))
        self._problem.add_button(self._page)
        self._password = Field(secret=True)
        identify(self._password.input, "recovery-password")
        self._password.submitted.connect(self._go)
        self.parts.addWidget(self._why)
        self._blocks: dict[Step, QWidget] = {
            Step.OFFER: self._build_offer(),
            Step.ENTER: self._build_enter(),
            Step.START_OVER: self._build_start_over(),
            Step.KEY: self._build_key(),
            Step.RESTORING: self._build_restoring(),
        }
        for block in self._blocks.values():
            self.parts.addWidget(block)
        self.parts.addWidget(self._password)
        self.parts.addWidget(self._problem)
        self._aside = Button(kind="link")
        self._cancel, self._main = Button(), Button(kind="primary")
        identify(self._aside, "recovery-aside")
        identify(self._cancel, "recovery-cancel")
        identify(self._main, "recovery-main")
        self._aside.clicked.connect(self._step_aside)
        self._cancel.clicked.connect(self._step_back)
        self._main.clicked.connect(self._go)
        self.foot.insertWidget(0, self._aside)
        self.foot.addWidget(self._cancel)
        self.foot.addWidget(self._main)
        self.parts.addLayout(self.foot)

    def _build_offer(self) -> QWidget:
        self._own = Tick()
        identify(self._own, "recovery-own-passphrase")
        self._own.clicked.connect(lambda on: self._act(UsePassphrase(on)))
        self._passphrase = Field(secret=True)
        identify(self._passphrase.input, "recovery-passphrase")
        self._passphrase.submitted.connect(self._go)
        self._passphrase.changed.connect(lambda _: self._passphrase.set_help(tr("recovery-passphrase-help")))
        return Block(self._own, self._passphrase)

    def _build_enter(self) -> QWidget:
        self._secret = Field(large=True)
        identify(self._secret.input, "recovery-secret")
        self._secret.submitted.connect(self._go)
        self._secret.changed.connect(lambda _: self._secret.set_help(""))
        self._device = Button(kind="link", icon_name="device")
        identify(self._device, "recovery-use-device")
        self._device.clicked.connect(lambda: self._act(FromDevice()))
        line = row()
        line.addWidget(self._device)
        line.addStretch(1)
        return Block(self._secret, line)

    def _build_start_over(self) -> QWidget:
        self._losses = [Label(wrap=True) for _ in range(3)]
        return Block(*self._losses)

    def _build_key(self) -> QWidget:
        self._key = KeyBox()
        self._copy, self._save = Button(icon_name="copy"), Button(icon_name="download")
        identify(self._copy, "recovery-copy")
        identify(self._save, "recovery-save")
        self._copy.clicked.connect(self._copy_key)
        self._save.clicked.connect(self._ask_file)
        self._kept = Tick()
        identify(self._kept, "recovery-kept")
        self._kept.clicked.connect(lambda on: self._act(Kept(on)))
        self._leaving = Notice("warning", "warning")
        self._stay, self._away = Button(kind="primary"), Button()
        identify(self._stay, "recovery-stay")
        identify(self._away, "recovery-leave-anyway")
        self._stay.clicked.connect(lambda: self._act(Stay()))
        self._away.clicked.connect(lambda: self._act(Leave(anyway=True)))
        self._leaving.add_button(self._stay)
        self._leaving.add_button(self._away)
        line = row(spacing=8)
        line.addWidget(self._copy)
        line.addWidget(self._save)
        line.addStretch(1)
        return Block(self._key, line, self._kept, self._leaving)

    def _build_restoring(self) -> QWidget:
        self._bar = QProgressBar()
        identify(self._bar, "recovery-progress")
        self._bar.setTextVisible(False)
        self._count = Label(type_name="small", color="text-secondary")
        on_theme(self._bar, self._bar_themed)
        return Block(self._bar, self._count)

    def _bar_themed(self, theme: Theme) -> None:
        self._bar.setFixedHeight(theme.space(2))

    # Rendering

    def _retranslate(self) -> None:
        self._own.set_words(tr("recovery-own-passphrase"))
        self._passphrase.set_label(tr("recovery-passphrase"))
        self._passphrase.set_help(tr("recovery-passphrase-help"))
        self._password.set_label(tr("security-password"))
        self._page.setText(tr("security-open-page"))
        self._device.setText(tr("recovery-use-device"))
        self._copy.setText(tr("recovery-copy"))
        self._save.setText(tr("recovery-save"))
        self._kept.set_words(tr("recovery-kept"))
        self._stay.setText(tr("recovery-stay"))
        self._away.setText(tr("recovery-leave-anyway"))
        for label, key in zip(self._losses, ("lost", "kept", "others"), strict=True):
            label.setText(f"• {tr(f'recovery-start-{key}')}")
        describe(self._bar, tr("recovery-sheet-restoring"))
        self._render(self._shown)

    def _render(self, state: SheetState) -> None:
        before, self._shown = self._shown, state
        step = state.step
        self.set_title(tr(f"recovery-sheet-{step.value}"))
        self._why.setText(self._reason(state))
        for key, block in self._blocks.items():
            block.setVisible(key is step)
        self._own.setChecked(state.own_passphrase)
        self._passphrase.setVisible(state.own_passphrase)
        self._password.setVisible(step is Step.SIGN or state.password)
        self._secret.set_label(tr("recovery-password-opens" if state.passphrase_set else "recovery-key-name"))
        self._device.setVisible(state.other_devices)
        self._key.show_key(state.key)
        self._kept.setChecked(state.kept)
        self._leaving.show_fact(tr("recovery-leaving") if state.leaving else "")
        self._render_progress(state)
        self._render_failure(state)
        self._render_foot(state)
        if (before.step, before.password) != (step, state.password) and self.isVisible():
            self.focus_step()

    def _reason(self, state: SheetState) -> str:
        match state.step:
            case Step.OFFER:
                return tr("recovery-offer-why")
            case Step.ENTER:
                return tr("recovery-enter-why-passphrase" if state.passphrase_set else "recovery-enter-why")
            case Step.START_OVER:
                return tr("recovery-start-why")
            case Step.KEY:
                return tr("recovery-key-why")
            case Step.RESTORING:
                return tr("recovery-restoring-why")
            case Step.SIGN:
                return tr("recovery-password-why")
            case Step.DONE:
                return tr("recovery-done-why")

    def _render_progress(self, state: SheetState) -> None:
        progress = state.restoring
        self._bar.setRange(0, progress.total if progress is not None else 0)
        self._bar.setValue(progress.done if progress is not None else 0)
        words = tr("security-restoring", done=progress.done, total=progress.total) if progress is not None else ""
        self._count.setText(words)

    def _render_failure(self, state: SheetState) -> None:
        words = tr(state.failure.text) if state.failure is not None else ""
        in_field = state.step is Step.ENTER and not state.page
        if words and in_field:
            self._secret.set_error(words)
        elif not words:
            self._secret.set_help("")
        asked = state.password and not state.page
        if asked and words:
            self._password.set_error(words)
        else:
            self._password.set_help(tr("security-password-why") if asked else "")
        self._problem.show_fact(words if not in_field and not asked else "")
        self._page.setVisible(bool(state.page))

    def _render_foot(self, state: SheetState) -> None:
        step, busy = state.step, state.busy
        final = step in (Step.RESTORING, Step.DONE)
        self._cancel.setVisible(not final and step is not Step.KEY)
        self._cancel.setText(tr("recovery-back" if step is Step.START_OVER else "cancel"))
        self._aside.setVisible(step is Step.ENTER)
        self._aside.setText(tr("recovery-lost"))
        self._main.setText(self._main_words(state))
        self._main.set_kind("danger" if step is Step.START_OVER else "primary")
        missing = tr("recovery-keep-first") if step is Step.KEY and not state.kept else ""
        self._main.set_unavailable(missing or (tr("security-working") if busy and not final else ""))
        for field in (self._secret, self._passphrase, self._password):
            field.input.setReadOnly(busy)

    def _main_words(self, state: SheetState) -> str:
        busy = state.busy
        match state.step:
            case Step.OFFER:
                return tr("recovery-turning-on" if busy else "recovery-turn-on")
            case Step.ENTER:
                return tr("recovery-recovering" if busy else "recovery-recover")
            case Step.START_OVER:
                return tr("recovery-starting-over" if busy else "recovery-start-over")
            case Step.SIGN:
                return tr("security-working" if busy else "security-continue")
            case Step.RESTORING:
                return tr("close")
            case _:
                return tr("recovery-finish")

    # Wishes

    def _go(self) -> None:
        state = self._shown
        match state.step:
            case _ if state.busy and state.step is not Step.RESTORING:
                return
            case Step.OFFER:
                self._turn_on(state)
            case Step.ENTER:
                self._act(Recover(self._secret.input.text()))
            case Step.START_OVER:
                self._act(StartOver(self._password.input.text()))
            case Step.SIGN:
                self._act(GivePassword(self._password.input.text()))
            case Step.KEY | Step.RESTORING | Step.DONE:
                self._act(Leave())

    def _turn_on(self, state: SheetState) -> None:
        passphrase = self._passphrase.input.text() if state.own_passphrase else ""
        if state.own_passphrase and len(passphrase.strip()) < SHORTEST_PASSPHRASE:
            self._passphrase.set_error(tr("recovery-passphrase-short"))
            self._passphrase.input.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self._act(TurnOn(passphrase))

    def _step_aside(self) -> None:
        self._act(WantStartOver())

    def _step_back(self) -> None:
        self._act(Back() if self._shown.step is Step.START_OVER else Leave())

    def _copy_key(self) -> None:
        QGuiApplication.clipboard().setText(self._shown.key)
        show_toast(self, tr("recovery-copied"))

    def _ask_file(self) -> None:
        name = str(Path.home() / tr("recovery-file-name"))
        dialog = QFileDialog(self.window(), tr("recovery-save-title"), name)
        dialog.setObjectName("save-recovery-key")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(tr("recovery-file-name"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.save_to(Path(path)))
        dialog.open()

    def save_to(self, path: Path) -> None:
        """Write the recovery key into a file that only this user can read."""
        words = f"{tr('recovery-file-text', account=self._account)}\n\n{grouped(self._shown.key)}\n"
        try:
            path.touch(mode=0o600)
            path.chmod(0o600)
            path.write_text(words, encoding="utf-8")
        except OSError:
            show_toast(self, tr("recovery-not-saved"), icon_name="error")
            return
        show_toast(self, tr("recovery-saved"))
