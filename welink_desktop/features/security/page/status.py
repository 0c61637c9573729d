"""The one line about recovery: how it stands, and the button that cures it (mockup 11, head box)."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QProgressBar, QWidget

from welink_desktop.core.security import Cure, RecoveryState, RecoveryStatus
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.box import column, row
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.label import Label

_LOOKS = {
    RecoveryState.CHECKING: ("accent", "shield"),
    RecoveryState.READY: ("encrypted", "shield-check"),
    RecoveryState.NOT_SET_UP: ("accent", "shield"),
}
_ALARM = ("warning", "shield-alert")
_BESIDES = 2
"""Other ways than the recommended one that stand as links."""


class StatusLine(QWidget):
    """`take` gets the cure that a person chose."""

    def __init__(self, take: Callable[[Cure], None]) -> None:
        super().__init__()
        identify(self, "security-status")
        self._take = take
        self._look = _LOOKS[RecoveryState.CHECKING]
        self._cures: tuple[Cure, ...] = ()
        self._title = Label(type_name="strong", wrap=True)
        self._why = Label(type_name="small", color="text-secondary", wrap=True)
        self._main = Button(kind="primary")
        identify(self._main, "security-cure")
        self._main.clicked.connect(lambda: self._chosen(0))
        self._links = [Button(kind="link") for _ in range(_BESIDES)]
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._build()
        on_theme(self, self._themed)

    def _build(self) -> None:
        words = column()
        words.addWidget(self._title)
        words.addWidget(self._why)
        words.addWidget(self._bar)
        self._others = row()
        for at, link in enumerate(self._links):
            identify(link, f"security-cure-{at + 2}")
            link.clicked.connect(lambda *_, number=at + 1: self._chosen(number))
            self._others.addWidget(link)
        self._others.addStretch(1)
        words.addLayout(self._others)
        self._layout = row(self)
        self._layout.addLayout(words, 1)
        self._layout.addWidget(self._main, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_status(self, status: RecoveryStatus, *, busy: bool) -> None:
        state, progress = status.state.value, status.restoring
        self._look = _LOOKS.get(status.state, _ALARM)
        self._cures = status.cures
        title, why = tr(f"recovery-{state}"), tr(f"recovery-{state}-why")
        if status.failure is not None:
            why = tr(status.failure.text)
        elif progress is not None:
            why = tr("security-restoring", done=progress.done, total=progress.total)
        elif status.state is RecoveryState.READY and status.waiting:
            why = tr("security-waiting", count=status.waiting)
        self._title.setText(title)
        self._why.setText(why)
        describe(self, title, why)
        self._bar.setVisible(progress is not None)
        if progress is not None:
            self._bar.setRange(0, max(1, progress.total))
            self._bar.setValue(progress.done)
        describe(self._bar, why)
        self._main.setVisible(bool(status.cures))
        if status.cures:
            self._main.setText(tr("security-working") if busy else tr(f"cure-{status.cures[0].value}"))
        self._main.setEnabled(not busy)
        for at, link in enumerate(self._links):
            shown = len(status.cures) > at + 1
            link.setVisible(shown)
            link.setText(tr(f"cure-{status.cures[at + 1].value}") if shown else "")
        self.update()

    def _chosen(self, number: int) -> None:
        if number < len(self._cures):
            self._take(self._cures[number])

    def _themed(self, theme: Theme) -> None:
        left = theme.space(5) + theme.icon_size(24) + theme.space(4)
        self._layout.setContentsMargins(left, theme.space(4), theme.space(5), theme.space(4))
        self._layout.setSpacing(theme.space(4))
        self._bar.setFixedHeight(theme.space(2))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        tone, icon = self._look
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = theme.color("accent-text" if tone == "accent" else tone)
        painter.setPen(QPen(ink, 1) if theme.high_contrast else QPen(Qt.PenStyle.NoPen))
        painter.setBrush(theme.color(f"{tone}-subtle"))
        radius = theme.radius("card")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        size = theme.icon_size(24)
        top = theme.space(4)
        height = self._title.style_of_text().line + self._why.style_of_text().line
        draw_icon(painter, icon, QRectF(theme.space(5), top, size, height), size, ink)
        painter.end()
