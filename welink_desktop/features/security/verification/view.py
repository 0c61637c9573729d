"""The sheet of a comparison: renders `CompareState`, sends wishes."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QImageReader
from PySide6.QtWidgets import QBoxLayout, QFileDialog, QWidget

from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.reactive import State
from welink_desktop.core.security import Verification, VerificationEnd, VerificationPhase
from welink_desktop.features.security.sheet import Sheet
from welink_desktop.features.security.verification.model import (
    BeginScan,
    ComparePictures,
    CompareState,
    Decide,
    EndScan,
    Leave,
    Scanned,
    ShowNumbers,
    TryAgain,
    UseCamera,
    UseCodes,
    UseRecoveryKey,
    Wish,
)
from welink_desktop.features.security.verification.pictures import CameraScan, CodeView, EmojiGrid, Numbers, codes_in
from welink_desktop.ui.a11y import identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.box import row
from welink_desktop.ui.widgets.button import Button, ButtonKind
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice

Phase = VerificationPhase
LARGEST_SIDE = 12_000
"""Pixels of a picture file's side beyond which it is not opened."""
_NO_RETRY = (VerificationEnd.ELSEWHERE,)


class CompareSheet(Sheet):
    def __init__(
        self,
        state: State[CompareState],
        act: Callable[[Wish], None],
        frames: Callable[[], FrameSource | None] = lambda: None,
    ) -> None:
        super().__init__()
        identify(self, "verify-sheet")
        self._act = act
        self._shown = state.value
        self._camera = CameraScan(frames)
        self._camera.found.connect(lambda codes: self._act(Scanned(tuple(codes))))
        self._build()
        translated(self, self._retranslate)
        bind(self, state, self._render)

    def _build(self) -> None:
        self._why = Label(wrap=True)
        self._hint = Label(color="text-secondary", wrap=True)
        self._result = Notice("success", "shield-check")
        self._emoji, self._numbers, self._code = EmojiGrid(), Numbers(), CodeView()
        self._problem = Notice("danger", "error")
        for part in (self._why, self._hint, self._result, self._emoji, self._numbers, self._code, self._camera):
            self.parts.addWidget(part)
        self._scan_tools = self._build_scan()
        self.parts.addWidget(self._scan_tools)
        self.parts.addWidget(self._problem)
        self._links = row()
        self._other_form = self._button("verify-other-form", "link", self._switch_form, self._links)
        self._codes = self._button("verify-use-codes", "link", lambda: self._act(UseCodes()), self._links)
        self._scan = self._button("verify-scan", "link", lambda: self._act(BeginScan()), self._links)
        self._recovery = self._button("verify-recovery-key", "link", lambda: self._act(UseRecoveryKey()), self._links)
        self._links.addStretch(1)
        self.parts.addLayout(self._links)
        self._no = self._button("verify-no-match", "secondary", lambda: self._act(Decide(same=False)), self.foot)
        self._yes = self._button("verify-match", "primary", lambda: self._act(Decide(same=True)), self.foot)
        self._pictures = self._button("verify-compare", "primary", lambda: self._act(ComparePictures()), self.foot)
        self._close = self._button("verify-close", "secondary", lambda: self._act(Leave()), self.foot)
        self._again = self._button("verify-again", "primary", lambda: self._act(TryAgain()), self.foot)
        self.foot.removeWidget(self._close)
        self.foot.insertWidget(1, self._close)
        self.parts.addLayout(self.foot)

    def _build_scan(self) -> QWidget:
        tools = QWidget()
        line = row(tools, spacing=8)
        self._file = self._button("verify-scan-picture", "secondary", self._ask_picture, line)
        self._use_camera = self._button("verify-scan-camera", "secondary", self._toggle_camera, line)
        self._end_scan = self._button("verify-scan-back", "link", lambda: self._act(EndScan()), line)
        line.addStretch(1)
        return tools

    def _button(self, name: str, kind: ButtonKind, act: Callable[[], None], line: QBoxLayout) -> Button:
        button = Button(kind=kind)
        identify(button, name)
        button.clicked.connect(lambda *_: act())
        line.addWidget(button)
        return button

    # Rendering

    def _retranslate(self) -> None:
        self._codes.setText(tr("verify-use-codes"))
        self._scan.setText(tr("verify-scan"))
        self._recovery.setText(tr("verify-recovery-key"))
        self._pictures.setText(tr("verify-compare-pictures"))
        self._again.setText(tr("verify-again"))
        self._file.setText(tr("verify-scan-picture"))
        self._end_scan.setText(tr("verify-scan-back"))
        self._render(self._shown)

    def _render(self, state: CompareState) -> None:
        before, self._shown = self._shown, state
        flow = state.verification
        self.set_title(tr("verify-title-person", name=_who(state)) if _is_person(state) else tr("verify-title-device"))
        self._why.setText(_reason(state))
        self._why.setVisible(bool(self._why.text()))
        scanning = state.scanning and flow is not None and flow.phase is Phase.READY
        self._hint.setText(tr("verify-scan-looking") if scanning and state.camera else "")
        self._hint.setVisible(bool(self._hint.text()))
        self._render_result(state)
        comparing = flow is not None and flow.phase is Phase.COMPARING and bool(flow.emoji)
        code = flow.code if flow is not None and flow.phase is Phase.READY and flow.may_scan and not scanning else b""
        self._emoji.setVisible(comparing and not state.numbers)
        self._numbers.setVisible(comparing and state.numbers)
        self._code.setVisible(bool(code) and self._offers_code(state))
        self._camera.setVisible(scanning and state.camera)
        if flow is not None and comparing:
            self._emoji.show_emoji(flow.emoji)
            self._numbers.show_numbers(flow.decimals)
        if self._code.isVisibleTo(self):
            self._code.show_code(code)
        self._camera.run(scanning and state.camera)
        self._scan_tools.setVisible(scanning)
        self._use_camera.setText(tr("verify-scan-camera-off" if state.camera else "verify-scan-camera"))
        self._problem.show_fact(tr(state.failure.text) if state.failure is not None else "")
        self._render_links(state, comparing)
        self._render_foot(state, comparing)
        if _moment(before) != _moment(state) and self.isVisible():
            self.focus_step()

    def _offers_code(self, state: CompareState) -> bool:
        flow = state.verification
        return flow is not None and (flow.incoming or state.codes)

    def _render_result(self, state: CompareState) -> None:
        flow = state.verification
        if flow is not None and flow.phase is Phase.DONE:
            done = tr("verify-done-person", name=_who(state)) if not flow.own else tr("verify-done-device")
            self._result.show_fact(done, tone="success", icon_name="shield-check")
        elif flow is not None and flow.phase is Phase.ENDED:
            end = (flow.end or VerificationEnd.FAILED).value
            serious = flow.end in (VerificationEnd.MISMATCH, VerificationEnd.KEYS_CHANGED)
            words, following = tr(f"verification-ended-{end}"), tr(f"verification-ended-{end}-next")
            tone, icon = ("danger", "shield-alert") if serious else ("warning", "info")
            self._result.show_fact(words, following, tone="danger" if tone == "danger" else "warning", icon_name=icon)
        else:
            self._result.show_fact("")

    def _render_links(self, state: CompareState, comparing: bool) -> None:
        flow = state.verification
        phase = flow.phase if flow is not None else Phase.REQUESTED
        waiting = phase is Phase.REQUESTED and flow is not None and not flow.incoming
        choosing = phase is Phase.READY and not state.scanning and flow is not None and self._offers_code(state)
        self._other_form.setVisible(comparing)
        self._other_form.setText(tr("verify-show-pictures" if state.numbers else "verify-show-numbers"))
        self._codes.setVisible(waiting and not state.codes)
        self._scan.setVisible(choosing)
        over = phase is Phase.ENDED or state.nobody
        self._recovery.setVisible(state.recovery_helps and (waiting or over))

    def _render_foot(self, state: CompareState, comparing: bool) -> None:
        flow = state.verification
        phase = flow.phase if flow is not None else Phase.REQUESTED
        deciding = comparing or phase is Phase.SCANNED
        self._no.setText(tr("verify-no-match" if comparing else "verify-scanned-no"))
        self._yes.setText(tr("verify-match" if comparing else "verify-scanned-yes"))
        self._no.setVisible(deciding)
        self._yes.setVisible(deciding)
        ready = phase is Phase.READY and flow is not None and flow.may_compare
        self._pictures.setVisible(ready and self._offers_code(state))
        ended = phase is Phase.ENDED or (flow is None and state.failure is not None) or state.nobody
        self._again.setVisible(ended and (flow is None or flow.end not in _NO_RETRY))
        self._close.setVisible(not deciding)
        self._close.set_kind("primary" if phase is Phase.DONE else "secondary")
        words = "verify-done" if phase is Phase.DONE else ("verify-close" if ended else "verify-cancel")
        self._close.setText(tr(words))

    # Wishes

    def _switch_form(self) -> None:
        self._act(ShowNumbers(not self._shown.numbers))

    def _toggle_camera(self) -> None:
        self._act(UseCamera(not self._shown.camera))

    def _ask_picture(self) -> None:
        dialog = QFileDialog(self.window(), tr("verify-scan-title"))
        dialog.setObjectName("scan-picture")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(f"{tr('verify-scan-title')} (*.png *.jpg *.jpeg *.webp *.bmp)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.scan_file)
        dialog.open()

    def scan_file(self, path: str) -> None:
        """Look for codes in a picture file."""
        reader = QImageReader(path)
        reader.setAutoTransform(True)
        size = reader.size()
        if size.isValid() and max(size.width(), size.height()) <= LARGEST_SIDE:
            self._act(Scanned(codes_in(reader.read())))
        else:
            self._act(Scanned(()))


def _moment(state: CompareState) -> tuple[object, ...]:
    """What decides where the keyboard stands."""
    flow = state.verification
    return (flow.phase if flow is not None else None, bool(flow and flow.emoji), state.scanning, state.codes, state.nobody)


def _is_person(state: CompareState) -> bool:
    return not state.verification.own if state.verification is not None else bool(state.name)


def _who(state: CompareState) -> str:
    flow = state.verification
    return one_line(state.name or (flow.user if flow is not None else ""))


def _reason(state: CompareState) -> str:
    """The one sentence of the present moment."""
    flow, person = state.verification, _is_person(state)
    if state.nobody:
        return tr("verify-nobody")
    if flow is None:
        return tr("verify-asking") if state.busy else ""
    match flow.phase:
        case Phase.REQUESTED:
            if flow.incoming:
                return tr("verify-asking")
            return tr("verify-waiting-person", name=_who(state)) if person else tr("verify-waiting-device")
        case Phase.READY:
            return _ready(state, flow, person)
        case Phase.COMPARING:
            return _comparing(state, flow, person)
        case Phase.SCANNED:
            return tr("verify-scanned")
        case Phase.WAITING:
            return tr("verify-waiting-other")
        case Phase.DONE | Phase.ENDED:
            return ""


def _ready(state: CompareState, flow: Verification, person: bool) -> str:
    if state.scanning:
        return tr("verify-scan-why")
    if not (flow.incoming or state.codes):
        return tr("verify-preparing")
    if flow.code and flow.may_scan:
        return tr("verify-code-why")
    return tr("verify-ready-person", name=_who(state)) if person else tr("verify-ready-device")


def _comparing(state: CompareState, flow: Verification, person: bool) -> str:
    if not flow.emoji:
        return tr("verify-preparing")
    if state.numbers:
        return tr("verify-comparing-numbers")
    return tr("verify-comparing-person", name=_who(state)) if person else tr("verify-comparing")
