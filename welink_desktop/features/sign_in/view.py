"""The sign-in page (mockup 01): renders `SignInState`, sends wishes."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QScrollArea, QWidget

from welink_desktop import __version__
from welink_desktop.core.account import Homeserver
from welink_desktop.core.errors import KeyringMissing
from welink_desktop.core.reactive import State
from welink_desktop.features.sign_in.art import Art
from welink_desktop.features.sign_in.model import (
    ChangeAddress,
    ChooseWay,
    Found,
    KeepSecretsInFile,
    Looking,
    LookUp,
    NotFound,
    OpenWithRecoveryKey,
    SignIn,
    SignInState,
    StartAfresh,
    TryAgain,
    TryHere,
    Way,
    Wish,
)
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.design.theme import Theme, current, on_theme
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import current_strings, tr, translated
from welink_desktop.ui.widgets.avatar import Avatar
from welink_desktop.ui.widgets.box import Plane, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.choice import Choice
from welink_desktop.ui.widgets.choice_card import ChoiceCard
from welink_desktop.ui.widgets.dialog import ask
from welink_desktop.ui.widgets.field import Field
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice

ART_FROM = 1120
"""Window width from which the picture is shown."""


class SignInView(QWidget):
    """`language_chosen` carries "en" or "zh-CN"."""

    language_chosen = Signal(str)

    def __init__(self, state: State[SignInState], act: Callable[[Wish], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._act = act
        self._shown = state.value
        self._user_known = ""
        identify(self, "sign-in")
        self._build()
        translated(self, self._retranslate)
        on_theme(self, self._themed)
        bind(self, state, self._render)

    # Building

    def _build(self) -> None:
        self._art = Art()
        self._language = Choice()
        identify(self._language, "sign-in-language")
        self._language.chosen.connect(self.language_chosen)
        page = Plane("surface")
        whole = column(page)
        self._top = row()
        self._top.addStretch(1)
        self._top.addWidget(self._language)
        whole.addLayout(self._top)
        scroll = self._scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._build_form())
        whole.addWidget(scroll, 1)
        self._version = Label(type_name="caption", color="text-muted")
        self._bottom = row()
        self._bottom.addWidget(self._version)
        whole.addLayout(self._bottom)
        outer = row(self)
        outer.addWidget(self._art)
        outer.addWidget(page, 1)

    def _build_form(self) -> QWidget:
        holder = Plane("surface")
        self._form = QWidget()
        self._column = column(self._form)
        self._title = Label(type_name="display")
        self._hint = Label(color="text-secondary", wrap=True)
        self._join = ChoiceCard("building")
        self._here = ChoiceCard("device")
        identify(self._join, "sign-in-organisation")
        identify(self._here, "sign-in-evaluation")
        ways = QButtonGroup(self)
        ways.addButton(self._join)
        ways.addButton(self._here)
        self._join.clicked.connect(lambda: self._act(ChooseWay(Way.ORGANISATION)))
        self._here.clicked.connect(lambda: self._act(ChooseWay(Way.EVALUATION)))
        for widget in (self._title, self._hint, self._join, self._here, *self._build_steps()):
            self._column.addWidget(widget)
        self._column.addStretch(1)
        outer = row(holder)
        outer.addStretch(1)
        outer.addWidget(self._form)
        outer.addStretch(1)
        return holder

    def _build_steps(self) -> tuple[QWidget, ...]:
        self._address = Field(large=True)
        identify(self._address.input, "sign-in-server")
        self._address.changed.connect(lambda text: self._act(ChangeAddress(text)))
        self._address.submitted.connect(lambda: self._act(LookUp()))
        self._found = FoundServer()
        self._user = Field(large=True)
        self._password = Field(large=True, secret=True)
        identify(self._user.input, "sign-in-user")
        identify(self._password.input, "sign-in-password")
        self._user.submitted.connect(self._password.input.setFocus)
        self._password.submitted.connect(self._go)
        self._recovery = Field(large=True)
        identify(self._recovery.input, "sign-in-recovery-key")
        self._recovery.submitted.connect(self._recover)
        self._unlock = Button(kind="primary", large=True)
        identify(self._unlock, "sign-in-recover")
        self._unlock.clicked.connect(self._recover)
        self._problem = Notice("danger", "error")
        identify(self._problem, "sign-in-problem")
        self._afresh = Button(kind="secondary")
        self._keep_in_file = Button(kind="secondary")
        self._again = Button(kind="secondary")
        identify(self._afresh, "sign-in-afresh")
        identify(self._keep_in_file, "sign-in-keep-in-file")
        identify(self._again, "sign-in-again")
        self._afresh.clicked.connect(self._confirm_afresh)
        self._keep_in_file.clicked.connect(lambda: self._act(KeepSecretsInFile()))
        self._again.clicked.connect(lambda: self._act(TryAgain()))
        for button in (self._again, self._keep_in_file, self._afresh):
            self._problem.add_button(button)
        self._submit = Button(kind="primary", large=True)
        identify(self._submit, "sign-in-submit")
        self._submit.clicked.connect(self._go)
        fields = (self._address, self._found, self._user, self._password)
        return *fields, self._problem, self._recovery, self._unlock, self._submit

    # Rendering

    def _retranslate(self) -> None:
        self._language.set_options((("en", "English"), ("zh-CN", "简体中文")), current_strings().language)
        describe(self._language, tr("settings-language"))
        self._title.setText(tr("sign-in-title"))
        self._hint.setText(tr("sign-in-hint"))
        self._join.set_words(tr("sign-in-way-organisation"), tr("sign-in-way-organisation-hint"))
        self._here.set_words(tr("sign-in-way-evaluation"), tr("sign-in-way-evaluation-hint"))
        self._address.set_label(tr("sign-in-address"), tr("sign-in-address-example"))
        self._user.set_label(tr("sign-in-user"))
        self._password.set_label(tr("sign-in-password"))
        self._recovery.set_label(tr("sign-in-recovery-key"))
        self._afresh.setText(tr("sign-in-afresh"))
        self._keep_in_file.setText(tr("sign-in-keep-in-file"))
        self._again.setText(tr("retry"))
        self._version.setText(tr("version", version=__version__))
        self._render(self._shown)

    def _render(self, state: SignInState) -> None:
        before, self._shown = self._shown, state
        here = state.way is Way.EVALUATION
        blocked = state.blocked is not None
        for card in (self._join, self._here):
            card.setVisible(state.can_try_here and not blocked)
            card.setEnabled(state.busy is None)
        (self._here if here else self._join).setChecked(True)
        self._hint.setText(tr("sign-in-blocked", user=state.blocked.user) if state.blocked else tr("sign-in-hint"))
        found = state.lookup.server if isinstance(state.lookup, Found) and not here and not blocked else None
        self._render_address(state, shown=not here and not blocked)
        self._found.show_server(found)
        if state.user != self._user_known:
            self._user_known = state.user
            self._user.set_text(state.user)
        for field in (self._user, self._password):
            field.setVisible(found is not None)
            field.setEnabled(state.busy is None)
        self._render_problem(state)
        self._render_submit(state)
        if isinstance(state.lookup, Found) and not isinstance(before.lookup, Found) and self.isVisible():
            (self._password if self._user.input.text() else self._user).input.setFocus()
            self._reveal(self._submit)
        if state.failure is not None and state.failure is not before.failure:
            self._reveal(self._problem)

    def _reveal(self, widget: QWidget) -> None:
        """Scroll to what just appeared, once it has its place."""
        QTimer.singleShot(0, self, lambda: self._scroll.ensureWidgetVisible(widget))

    def _render_address(self, state: SignInState, *, shown: bool) -> None:
        self._address.setVisible(shown)
        self._address.setEnabled(state.busy is None)
        self._address.set_text(state.address)
        if isinstance(state.lookup, NotFound):
            self._address.set_error(tr(state.lookup.why.text))
        else:
            self._address.set_help("")

    def _render_problem(self, state: SignInState) -> None:
        failure = state.failure
        self._problem.show_fact(tr(failure.text) if failure else "", _advice(state))
        self._keep_in_file.setVisible(state.choose_storage)
        self._again.setVisible(state.choose_storage or state.blocked is not None)
        self._afresh.setVisible(state.blocked is not None)

    def _render_submit(self, state: SignInState) -> None:
        if state.busy is not None:
            words = tr(state.busy)
        elif state.way is Way.EVALUATION:
            words = tr("sign-in-start-here")
        elif isinstance(state.lookup, Looking):
            words = tr("sign-in-looking")
        else:
            words = tr("sign-in-submit") if isinstance(state.lookup, Found) else tr("sign-in-continue")
        self._submit.setText(words)
        self._submit.setEnabled(state.busy is None and not isinstance(state.lookup, Looking))
        self._submit.setVisible(state.blocked is None)
        for widget in (self._recovery, self._unlock):
            widget.setVisible(state.recoverable)
            widget.setEnabled(state.busy is None)
        self._unlock.setText(tr(state.busy) if state.busy is not None else tr("sign-in-recover"))

    # Acting

    def _go(self) -> None:
        if self._shown.way is Way.EVALUATION:
            self._act(TryHere())
        elif not isinstance(self._shown.lookup, Found):
            self._look_up()
        elif not self._user.input.text().strip():
            self._user.input.setFocus()
        elif not self._password.input.text():
            self._password.input.setFocus()
        else:
            self._act(SignIn(self._user.input.text(), self._password.input.text()))

    def _look_up(self) -> None:
        if self._address.input.text().strip():
            self._act(LookUp())
        else:
            self._address.set_error(tr("sign-in-address-missing"))
            self._address.input.setFocus()

    def _recover(self) -> None:
        if self._recovery.input.text().strip():
            self._act(OpenWithRecoveryKey(self._recovery.input.text()))
        else:
            self._recovery.input.setFocus()

    def _confirm_afresh(self) -> None:
        ask(
            self,
            tr("sign-in-afresh-title"),
            tr("sign-in-afresh-warning"),
            tr("sign-in-afresh"),
            lambda: self._act(StartAfresh()),
            kind="danger",
        )

    def forget_password(self) -> None:
        """Empty the secret inputs once they have served."""
        self._password.input.clear()
        self._recovery.input.clear()

    def _themed(self, theme: Theme) -> None:
        self._form.setFixedWidth(theme.padded(theme.layout("signin-form")))
        self._column.setSpacing(theme.space(4))
        self._column.setContentsMargins(0, theme.space(6), 0, theme.space(6))
        edge = theme.space(8)
        self._top.setContentsMargins(edge, theme.space(4), edge, 0)
        self._bottom.setContentsMargins(edge, 0, edge, theme.space(6))

    @guarded(default=None)
    def showEvent(self, event: QShowEvent) -> None:
        if self._address.isVisible():
            self._address.input.setFocus()
        elif self._submit.isVisible():
            self._submit.setFocus()

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._art.setVisible(self.width() >= ART_FROM)


def _advice(state: SignInState) -> str:
    """What to do about a key store that is missing or locked."""
    if state.choose_storage:
        return tr("sign-in-storage-why")
    return tr("sign-in-unlock") if state.blocked is not None and isinstance(state.failure, KeyringMissing) else ""


class FoundServer(Plane):
    """The organisation that was found, before anyone types a password."""

    def __init__(self) -> None:
        super().__init__("surface-inset")
        self.setProperty("rounded", True)
        identify(self, "sign-in-found")
        theme = current()
        layout = row(self, spacing=theme.space(4), margins=(theme.space(4),) * 4)
        self._avatar = Avatar(36, room=True, plane="surface-inset")
        words = column()
        self._name = Label(type_name="strong")
        self._details = Label(type_name="small", color="text-secondary")
        words.addWidget(self._name)
        words.addWidget(self._details)
        layout.addWidget(self._avatar)
        layout.addLayout(words, 1)

    def show_server(self, server: Homeserver | None) -> None:
        self.setVisible(server is not None)
        if server is None:
            return
        name = server.organisation or server.name
        host = server.base_url.partition("://")[2]
        self._avatar.show_of(server.name, name)
        self._name.setText(name)
        self._details.setText(" · ".join((host, tr("sign-in-certificate-valid" if server.secure else "sign-in-this-computer"))))
        describe(self, name, self._details.text())
