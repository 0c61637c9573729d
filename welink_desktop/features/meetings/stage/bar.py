"""The bar of a meeting: clock and length on the left, controls in the middle, people on the right."""

from collections.abc import Callable

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from welink_desktop.features.meetings.stage.state import (
    ControlState,
    Leave,
    ShowPeople,
    StageState,
    ToggleCamera,
    ToggleMicrophone,
    ToggleScreen,
    Wish,
)
from welink_desktop.strings import local_now
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.stage.control import Look, StageControl
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import Plane, row
from welink_desktop.ui.widgets.label import Label

SHORTCUTS = {"microphone": "Ctrl+D", "camera": "Ctrl+E"}


class ControlBar(Plane):
    """Renders a `StageState`; `act` takes the wishes."""

    def __init__(self, act: Callable[[Wish], None], parent: QWidget | None = None) -> None:
        super().__init__("stage-bar", parent)
        self._act = act
        self._open = False
        self._length = Label("", type_name="small", color="stage-muted")
        self._length.setObjectName("meeting-length")
        self.microphone = self._control("mic", "meeting-microphone", lambda: act(ToggleMicrophone()))
        self.camera = self._control("video", "meeting-camera", lambda: act(ToggleCamera()))
        self.screen_share = self._control("share-screen", "meeting-share", lambda: act(ToggleScreen()))
        self.leave = self._control("leave", "meeting-leave", lambda: act(Leave()))
        self.people = self._control("contacts", "meeting-people-toggle", lambda: act(ShowPeople(not self._open)))
        self._layout = row(self, spacing=4)
        self._layout.addWidget(self._length, 1)
        for control in (self.microphone, self.camera, self.screen_share, self.leave):
            self._layout.addWidget(control)
        self._layout.addStretch(1)
        self._layout.addWidget(self.people)
        for name, keys in SHORTCUTS.items():
            control = self.microphone if name == "microphone" else self.camera
            QShortcut(QKeySequence(keys), self, control.click)
        on_theme(self, self._themed)

    def _control(self, icon: str, object_name: str, wish: Callable[[], None]) -> StageControl:
        control = StageControl(icon)
        control.setObjectName(object_name)
        control.clicked.connect(lambda *_: wish())
        return control

    def render_state(self, state: StageState) -> None:
        self._open = state.panel_open
        _show_switch(self.microphone, "microphone", ("mic", "mic-off"), state.controls.microphone)
        _show_switch(self.camera, "camera", ("video", "video-off"), state.controls.camera)
        sharing = state.controls.screen.on
        self.screen_share.show_state(
            "share-stop" if sharing else "share-screen",
            tr("meeting-share-stop" if sharing else "meeting-share"),
            tr("meeting-share-spoken-on" if sharing else "meeting-share-spoken-off"),
            Look.ACTIVE if sharing else Look.PLAIN,
            busy=state.controls.screen.busy,
        )
        self.leave.show_state("leave", tr("meeting-leave"), tr("meeting-leave-spoken"), Look.LEAVE)
        people = Look.ACTIVE if state.panel_open else Look.PLAIN
        self.people.show_state("contacts", tr("meeting-people"), tr("meeting-people-spoken", count=len(state.people)), people)

    def show_length(self, seconds: int) -> None:
        clock = local_now().strftime("%H:%M")
        hours, minutes = divmod(seconds // 60, 60)
        length = f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes:02}:{seconds % 60:02}"
        self._length.setText(f"{clock}    {length}")
        self._length.setAccessibleName(tr("meeting-length-spoken", length=length))

    def set_narrow(self, narrow: bool) -> None:
        for control in (self.microphone, self.camera, self.screen_share, self.leave, self.people):
            control.set_narrow(narrow)

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self._layout.setContentsMargins(theme.space(5), theme.space(3), theme.space(5), theme.space(2))
        self.setMinimumHeight(theme.padded(theme.layout("meeting-bar")))


def _show_switch(control: StageControl, name: str, icons: tuple[str, str], state: ControlState) -> None:
    on, off = icons
    word = tr(f"meeting-{name}-turn-off" if state.on else f"meeting-{name}-turn-on")
    spoken = tr(f"meeting-{name}-spoken-on" if state.on else f"meeting-{name}-spoken-off")
    look = Look.PLAIN if state.on else Look.OFF
    control.show_state(on if state.on else off, word, spoken, look, busy=state.busy, shortcut=SHORTCUTS[name])
