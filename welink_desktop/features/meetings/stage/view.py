"""The meeting stage: top bar, canvas with pager, people panel, bar of controls (mockup 06)."""

import time
from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from welink_desktop.core.calls import Quality
from welink_desktop.core.ids import UserId
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.reactive import State
from welink_desktop.features.meetings.stage.bar import ControlBar
from welink_desktop.features.meetings.stage.people_panel import PeoplePanel
from welink_desktop.features.meetings.stage.state import (
    Pin,
    PlacedTile,
    Resize,
    Retry,
    SetMode,
    ShowPeople,
    StageState,
    TurnPage,
    Wish,
)
from welink_desktop.services.call_layout import Rect
from welink_desktop.services.meeting.records import Connection, StageMode
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, mark_stage, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.stage.avatars import AvatarPictures
from welink_desktop.ui.stage.canvas import StageCanvas
from welink_desktop.ui.stage.chip import Chip
from welink_desktop.ui.stage.tiles import Box, StageTile
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, Plane, add_all, column, row
from welink_desktop.ui.widgets.choice import Choice
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label

SECOND = 1000
QUALITY_FROM, COUNT_FROM = 760, 660
"""Widths of the stage from which the head shows the network's quality and the number of people."""
_QUALITY_WORDS = {
    Quality.GOOD: "quality-good",
    Quality.FAIR: "quality-fair",
    Quality.POOR: "quality-poor",
    Quality.LOST: "quality-lost",
}


def spoken_tile(tile: PlacedTile) -> str:
    """What a screen reader says of a tile: name, microphone, camera, weak network, waiting for key."""
    parts = [tr("meeting-tile-screen", name=tile.name) if tile.screen else tile.name]
    if not tile.screen:
        parts.append(tr("meeting-microphone-off" if tile.muted else "meeting-microphone-on"))
        parts.append(tr("meeting-camera-on" if tile.picture else "meeting-camera-off"))
    if tile.external:
        parts.append(tr("external"))
    if tile.quality in (Quality.FAIR, Quality.POOR, Quality.LOST):
        parts.append(tr(_QUALITY_WORDS[tile.quality]))
    if tile.waiting is not None:
        parts.append(tr(tile.waiting))
    return ", ".join(parts)


class StageView(Plane):
    """Renders a `StageState`; every click is a wish. `frames` answers where pictures come from just now."""

    def __init__(
        self,
        state: State[StageState],
        act: Callable[[Wish], None],
        frames: Callable[[], FrameSource | None],
        avatars: AvatarPictures,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("stage", parent)
        self.setObjectName("meeting-stage")
        mark_stage(self)
        self._state, self._act, self._frames = state, act, frames
        self._avatars = avatars
        self._names: dict[UserId, str] = {}
        self._build()
        self._wire()
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._tick)
        self._clock.start(SECOND)
        translated(self, self._retranslate)
        on_theme(self, self._themed)
        bind(self, state, self._render)

    def _build(self) -> None:
        self._chip = Chip()
        self._chip.setObjectName("meeting-encryption")
        self._title = Label("", type_name="strong")
        self._count = Label("", type_name="small", color="stage-muted")
        self._quality = Label("", type_name="small", color="stage-muted")
        self._mode = Choice()
        self._mode.setObjectName("meeting-layout")
        self._full = IconButton("fullscreen")
        self._full.setObjectName("meeting-fullscreen")
        self._banner = Banner("warning", "refresh")
        self._banner_action = self._banner.add_action("", lambda: self._act(Retry()))
        self._alarm = Banner("danger", "shield-alert")
        self._canvas = StageCanvas(self._paint_avatar)
        self._canvas.setObjectName("meeting-canvas")
        self._share = Banner("warning", "share-screen", parent=self._canvas)
        self._pager = Plane("stage", self._canvas)
        self._previous, self._next = IconButton("chevron-left"), IconButton("chevron-right")
        self._previous.setObjectName("meeting-page-previous")
        self._next.setObjectName("meeting-page-next")
        self._page = Label("", type_name="small", color="stage-muted")
        self._panel = PeoplePanel(self._avatars)
        self._panel_line = Divider(vertical=True)
        self._bar = ControlBar(self._act)
        self._top = row(spacing=12)
        add_all(self._top, (self._chip, self._title, self._count))
        self._top.addStretch(1)
        add_all(self._top, (self._quality, self._mode, self._full))
        pager = row(self._pager, spacing=8)
        pager.addStretch(1)
        add_all(pager, (self._previous, self._page, self._next))
        pager.addStretch(1)
        middle = row()
        left = column()
        self._notices = column(spacing=4)
        self._notices.addWidget(self._banner)
        self._notices.addWidget(self._alarm)
        left.addLayout(self._top)
        left.addLayout(self._notices)
        left.addWidget(self._canvas, 1)
        middle.addLayout(left, 1)
        middle.addWidget(self._panel_line)
        middle.addWidget(self._panel)
        layout = column(self)
        layout.addLayout(middle, 1)
        layout.addWidget(self._bar)

    def _wire(self) -> None:
        self._mode.chosen.connect(lambda value: self._act(SetMode(StageMode(value))))
        self._canvas.activated.connect(lambda key: self._act(Pin(key)))
        self._previous.clicked.connect(lambda: self._act(TurnPage(-1)))
        self._next.clicked.connect(lambda: self._act(TurnPage(1)))
        self._panel.close_button.clicked.connect(lambda: self._act(ShowPeople(False)))
        self._full.clicked.connect(self._toggle_full_screen)
        listen(self, self._avatars.changed, lambda _: self._canvas.update())
        self._canvas.installEventFilter(self)

    def panes(self) -> tuple[QWidget, ...]:
        """For F6: the bar, the tiles, the people, the layout."""
        return self._bar, self._canvas, self._panel.list, self._mode

    # Rendering

    def _render(self, state: StageState) -> None:
        self._render_top(state)
        self._render_notices(state)
        self._names = {tile.user: tile.name for tile in state.tiles}
        self._canvas.set_frames(self._frames())
        self._canvas.set_tiles(tuple(self._tile(tile) for tile in state.tiles))
        self._panel.setVisible(state.panel_open)
        self._panel_line.setVisible(state.panel_open)
        self._panel.show_people(state.people)
        self._bar.render_state(state)
        self._tick()

    def _render_top(self, state: StageState) -> None:
        if state.encrypted:
            words = tr("meeting-encrypted") if state.key_number is None else tr("meeting-encrypted-key", number=state.key_number)
            self._chip.show_fact("shield-check", words, "encrypted")
        else:
            self._chip.show_fact("unlock", tr("meeting-not-encrypted"), "warning")
        self._title.setText(state.title)
        self._count.setText(tr("meeting-people-count", count=len(state.people)) if state.people else "")
        word = _QUALITY_WORDS.get(state.quality)
        self._quality.setText(tr(word) if word else "")
        self._fit_top()
        self._mode.set_options([(mode.value, tr(f"meeting-layout-{mode.value}")) for mode in StageMode], state.mode.value)
        _place(self._pager, state.pager)
        self._share.show_fact(tr(state.sharing) if state.sharing is not None else "")
        _place(self._share, state.share_strip if state.sharing is not None else None)
        self._previous.setEnabled(state.page > 0)
        self._next.setEnabled(state.page < state.pages - 1)
        self._page.setText(tr("meeting-page", page=state.page + 1, pages=state.pages))

    def _fit_top(self) -> None:
        """In a narrow stage the facts that others show too make room for the title."""
        theme = theme_of(self)
        room = self.width() - (self._panel.width() if self._state.value.panel_open else 0)
        self._quality.setVisible(room >= theme.scaled(QUALITY_FROM) and bool(self._quality.text()))
        self._count.setVisible(room >= theme.scaled(COUNT_FROM) and bool(self._count.text()))

    def _render_notices(self, state: StageState) -> None:
        words = ""
        if not state.joined:
            words = tr("meeting-joining")
        elif state.connection is Connection.RETURNING:
            words = tr("meeting-returning")
        elif state.connection is Connection.FAILED:
            words = tr(state.error) if state.error is not None else tr("meeting-failed")
        elif (refusal := state.controls.refusal) is not None:
            words = tr(refusal)
        elif state.controls.screen.on:
            words = tr("meeting-sharing-own")
        failed = state.connection is Connection.FAILED
        self._banner.show_fact(words, "danger" if failed else "warning", _notice_icon(state))
        self._banner_action.setVisible(failed)
        self._alarm.show_fact("\n".join(tr(alarm) for alarm in state.alarms))

    def _tile(self, tile: PlacedTile) -> StageTile:
        name = tr("meeting-name-you", name=tile.name) if tile.own and not tile.screen else tile.name
        return StageTile(
            key=tile.key,
            tile=tile.number,
            box=Box(tile.rect.x, tile.rect.y, tile.rect.width, tile.rect.height),
            user=tile.user,
            name=tr("meeting-tile-screen", name=name) if tile.screen else name,
            label=spoken_tile(tile),
            avatar=tile.avatar,
            picture=tile.picture,
            whole=tile.screen,
            mirrored=tile.own and not tile.screen,
            muted=None if tile.screen else tile.muted,
            external=tile.external,
            speaking=tile.speaking,
            pinned=tile.pinned,
            waiting=tr(tile.waiting) if tile.waiting is not None else "",
            quality=tile.quality,
        )

    def _paint_avatar(self, painter: QPainter, box: QRectF, tile: StageTile) -> None:
        theme = theme_of(self)
        if tile.whole:
            draw_icon(painter, "share-screen", box, theme.icon_size(32), theme.color("stage-muted"))
            return
        name = self._names.get(tile.user, tile.name)
        self._avatars.paint(painter, box, tile.user, name, tile.avatar, plane="stage-tile", theme=theme)

    def _tick(self) -> None:
        state = self._state.value
        seconds = max(0, int(time.time() - state.since_ms / 1000)) if state.since_ms else 0
        self._bar.show_length(seconds)

    def _retranslate(self) -> None:
        describe(self._canvas, tr("meeting-tiles"))
        describe(self._mode, tr("meeting-layout"))
        self._previous.set_name(tr("meeting-page-previous"))
        self._next.set_name(tr("meeting-page-next"))
        self._full.set_name(tr("meeting-fullscreen"), "F11")
        self._banner_action.setText(tr("retry"))
        self._panel.retranslate()
        self._render(self._state.value)

    def _themed(self, _: Theme) -> None:
        theme = theme_of(self)
        self._top.setContentsMargins(theme.space(5), theme.space(3), theme.space(4), theme.space(3))
        self._notices.setContentsMargins(theme.space(4), 0, theme.space(4), 0)
        self._panel.setFixedWidth(theme.layout("panel" if self.width() >= theme.layout("panel-narrow-below") else "panel-narrow"))

    # Events

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._themed(theme_of(self))
        self._fit_top()
        self._bar.set_narrow(self.width() < theme_of(self).layout("panel-narrow-below"))

    @guarded(default=None)
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._bar.microphone.setFocus()

    @guarded(default=False)
    def eventFilter(self, watched: object, event: object) -> bool:
        if watched is self._canvas and isinstance(event, QResizeEvent):
            self._act(Resize(event.size().width(), event.size().height(), self.devicePixelRatioF()))
        return False

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F11:
            self._toggle_full_screen()
        elif event.key() == Qt.Key.Key_Escape and self.window().isFullScreen():
            self.window().showNormal()
        else:
            super().keyPressEvent(event)

    def _toggle_full_screen(self) -> None:
        window = self.window()
        if window.isFullScreen():
            window.showNormal()
        else:
            window.showFullScreen()


def _notice_icon(state: StageState) -> str:
    if state.connection is not Connection.LIVE or not state.joined:
        return "refresh"
    return "share-screen" if state.controls.refusal is None and state.controls.screen.on else "warning"


def _place(widget: QWidget, rect: Rect | None) -> None:
    """Put a child of the canvas where the layout reserved a row for it."""
    widget.setVisible(rect is not None)
    if rect is not None:
        widget.setGeometry(rect.x, rect.y, rect.width, rect.height)
