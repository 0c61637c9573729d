"""The lobby (mockup 05): preview on the left; who is in, encryption, devices and Join on the right."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.core.calls import DeviceKind
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.reactive import State
from welink_desktop.features.meetings.lobby.encryption_card import EncryptionCard
from welink_desktop.features.meetings.lobby.state import (
    Cancel,
    ChooseDevice,
    DeviceOptions,
    Join,
    LobbyState,
    PlayTestSound,
    ToggleCamera,
    ToggleMicrophone,
    Wish,
)
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.design.tokens import tokens
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.stage.avatars import AvatarPictures
from welink_desktop.ui.stage.control import Look, StageControl
from welink_desktop.ui.stage.level_meter import LevelMeter
from welink_desktop.ui.stage.preview import CameraPreview
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, Plane, column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.choice import Choice
from welink_desktop.ui.widgets.fitting_scroll import FittingScroll
from welink_desktop.ui.widgets.label import Label

KINDS = {"microphone": DeviceKind.MICROPHONE, "speaker": DeviceKind.SPEAKER, "camera": DeviceKind.CAMERA}


class LobbyView(Plane):
    """Renders a `LobbyState`; Join is the default button. `frames` answers where the preview comes from just now."""

    def __init__(
        self,
        state: State[LobbyState],
        act: Callable[[Wish], None],
        frames: Callable[[], FrameSource | None],
        avatars: AvatarPictures,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("surface", parent)
        self.setObjectName("meeting-lobby")
        self._state, self._act, self._frames = state, act, frames
        self._avatars = avatars
        self._build_left()
        self._build_right()
        self._lay_out()
        translated(self, self._retranslate)
        on_theme(self, self._themed)
        bind(self, state, self._render)
        listen(self, avatars.changed, self._avatars_came)

    def _build_left(self) -> None:
        self._preview = CameraPreview(self._avatars)
        self._preview.setObjectName("meeting-preview")
        self._microphone = StageControl("mic")
        self._microphone.setObjectName("lobby-microphone")
        self._microphone.clicked.connect(lambda: self._act(ToggleMicrophone()))
        self._camera = StageControl("video")
        self._camera.setObjectName("lobby-camera")
        self._camera.clicked.connect(lambda: self._act(ToggleCamera()))
        self._hint = Banner("accent", "info")
        self._external = Banner("external", "external")
        self._error = Banner("danger", "error")

    def _build_right(self) -> None:
        self._page_title = Label("", type_name="title")
        self._title = Label("", type_name="heading", wrap=True)
        self._who = Label("", type_name="small", color="text-secondary", wrap=True)
        self._card = EncryptionCard()
        self._meter = LevelMeter()
        self._meter.setObjectName("meeting-level")
        self._choices: dict[str, tuple[Label, Choice]] = {}
        for name, kind in KINDS.items():
            choice = Choice()
            choice.setObjectName(f"lobby-choose-{name}")
            choice.chosen.connect(lambda value, kind=kind: self._act(ChooseDevice(kind, value)))
            self._choices[name] = (Label("", type_name="strong"), choice)
        self._test = Button("", kind="link", icon_name="play", small=True)
        self._test.setObjectName("lobby-test-sound")
        self._test.clicked.connect(lambda: self._act(PlayTestSound()))
        self._join = Button("", kind="primary", large=True)
        self._join.setObjectName("meeting-join")
        self._join.clicked.connect(lambda: self._act(Join()))
        self._sound = Button("", icon_name="headphones", large=True)
        self._sound.setObjectName("meeting-join-sound")
        self._sound.clicked.connect(lambda: self._act(Join(sound_only=True)))
        self._cancel = Button("", kind="ghost")
        self._cancel.setObjectName("meeting-cancel")
        self._cancel.clicked.connect(lambda: self._act(Cancel()))

    def _lay_out(self) -> None:
        self._left = column(spacing=12)
        self._left.addWidget(self._preview)
        switches = row(spacing=8)
        switches.addStretch(1)
        switches.addWidget(self._microphone)
        switches.addWidget(self._camera)
        switches.addStretch(1)
        self._left.addLayout(switches)
        for banner in (self._error, self._hint, self._external):
            self._left.addWidget(banner)
        self._left.addStretch(1)
        content = QWidget()
        self._form = column(content, spacing=8)
        for widget in (self._title, self._who, self._card):
            self._form.addWidget(widget)
        for name in KINDS:
            label, choice = self._choices[name]
            self._form.addSpacing(4)
            self._form.addWidget(label)
            self._form.addWidget(choice)
            if name == "microphone":
                self._form.addWidget(self._meter)
            elif name == "speaker":
                self._form.addWidget(self._test, 0, Qt.AlignmentFlag.AlignLeft)
        buttons = row(spacing=8)
        buttons.addWidget(self._join, 1)
        buttons.addWidget(self._sound)
        right = column(spacing=12)
        right.addWidget(FittingScroll(content), 1)
        right.addLayout(buttons)
        right.addWidget(self._cancel)
        right.addStretch(0)
        self._columns = row()
        self._columns.addStretch(1)
        self._columns.addLayout(self._left, 6)
        self._columns.addLayout(right, 4)
        self._columns.addStretch(1)
        self._head = row()
        self._head.addWidget(self._page_title, 1)
        layout = column(self)
        layout.addLayout(self._head)
        layout.addWidget(Divider())
        layout.addLayout(self._columns, 1)

    def panes(self) -> tuple[QWidget, ...]:
        """For F6: Join, then the switches under the preview."""
        return self._join, self._microphone

    # Rendering

    def _render(self, state: LobbyState) -> None:
        self._title.setText(state.title)
        self._who.setText(_who_is_in(state))
        self._card.show_encryption(state.encrypted)
        self._preview.show_person(state.own_user, state.own_name, state.own_avatar)
        self._preview.show_camera(self._frames(), on=state.camera_on)
        self._show_switches(state)
        self._meter.set_level(state.level if state.microphone_on else 0.0)
        for name, options in (("microphone", state.microphones), ("speaker", state.speakers), ("camera", state.cameras)):
            _offer(self._choices[name][1], options)
        self._error.show_fact(tr(state.error) if state.error is not None else "")
        outside = sum(guest.external for guest in state.guests)
        self._external.show_fact(tr("lobby-external", count=outside) if outside else "")
        hint = "lobby-preparing" if not state.ready else ("lobby-unmuted-hint" if state.microphone_on else "lobby-muted-hint")
        self._hint.show_fact(tr(hint))
        for button in (self._join, self._sound):
            button.setEnabled(not state.joining)
        self._join.setText(tr("meeting-joining" if state.joining else "lobby-join"))

    def _show_switches(self, state: LobbyState) -> None:
        microphone = "on" if state.microphone_on else "off"
        camera = "on" if state.camera_on else "off"
        self._microphone.show_state(
            "mic" if state.microphone_on else "mic-off",
            "",
            tr(f"lobby-microphone-{microphone}"),
            Look.PLAIN if state.microphone_on else Look.OFF,
        )
        self._camera.show_state(
            "video" if state.camera_on else "video-off",
            "",
            tr(f"lobby-camera-{camera}"),
            Look.PLAIN if state.camera_on else Look.OFF,
        )

    def _retranslate(self) -> None:
        self._page_title.setText(tr("lobby-title"))
        self._card.retranslate()
        for name, (label, choice) in self._choices.items():
            label.setText(tr(f"lobby-{name}"))
            describe(choice, tr(f"lobby-{name}"))
        describe(self._meter, tr("lobby-level"))
        describe(self._preview, tr("lobby-preview"))
        self._test.setText(tr("lobby-test-speaker"))
        self._sound.setText(tr("lobby-join-sound"))
        self._cancel.setText(tr("lobby-cancel"))
        self._render(self._state.value)

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self._head.setContentsMargins(theme.space(7), 0, theme.space(5), 0)
        self._page_title.setMinimumHeight(theme.layout("header"))
        self._columns.setSpacing(theme.space(10))
        self._columns.setContentsMargins(theme.space(7), theme.space(9), theme.space(7), theme.space(7))
        self._preview.setMaximumWidth(tokens().layout_size("lobby-preview")[0])

    def _avatars_came(self, _: None) -> None:
        self._preview.update()

    @guarded(default=None)
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._join.setFocus()

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._act(Join())
        elif event.key() == Qt.Key.Key_Escape:
            self._act(Cancel())
        else:
            super().keyPressEvent(event)


def _who_is_in(state: LobbyState) -> str:
    names = [guest.name for guest in state.guests]
    if not names:
        return tr("lobby-nobody")
    return tr("lobby-somebody", count=len(names), first=names[0], second=names[1] if len(names) > 1 else "")


def _offer(choice: Choice, options: DeviceOptions) -> None:
    known = [("", tr("lobby-system-default" if options.names else "lobby-no-device"))]
    known += [(name, name) for name in options.names]
    if options.chosen and options.chosen not in options.names:
        known.append((options.chosen, options.chosen))
    choice.set_options(known, options.chosen)
