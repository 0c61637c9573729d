"""The stage as a view model: renders `Meeting` into `StageState`, passes wishes on. Qt-free."""

from dataclasses import replace

from welink_desktop.core.calls import TrackSource
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.reactive import Cancel, State, Switch
from welink_desktop.core.text import Text, text
from welink_desktop.features.meetings.stage.state import (
    Controls,
    ControlState,
    Leave,
    PersonRow,
    Pin,
    PlacedTile,
    Resize,
    Retry,
    SetMode,
    ShowPeople,
    StageState,
    ToggleCamera,
    ToggleMicrophone,
    ToggleScreen,
    TurnPage,
    Wish,
)
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import Alarm, AlarmKind, InMeeting, Joining, MeetingState, Participant
from welink_desktop.services.meeting.stage import StageTile
from welink_desktop.services.names import name_order

SILENCE_MS = 4000
"""A picture that stands longer than this is said to be missing."""


class StageModel:
    """One per stage page; `close` un-watches the meeting."""

    def __init__(self, meeting: Meeting) -> None:
        self.state = State(StageState("", encrypted=True, joined=False))
        self._meeting = meeting
        self._watches: list[Cancel] = [
            meeting.state.watch(lambda _: self._update()),
            meeting.stage.view.watch(lambda _: self._update()),
            meeting.microphone.state.watch(lambda _: self._update()),
            meeting.camera.state.watch(lambda _: self._update()),
            meeting.screen.state.watch(lambda _: self._update()),
        ]

    @property
    def frames(self) -> FrameSource | None:
        return self._meeting.frames

    def close(self) -> None:
        while self._watches:
            self._watches.pop()()

    def act(self, wish: Wish) -> None:
        meeting = self._meeting
        match wish:
            case ToggleMicrophone():
                meeting.microphone.toggle()
            case ToggleCamera():
                meeting.camera.toggle()
            case ToggleScreen():
                if meeting.screen.state.value.wanted:
                    meeting.screen.want(False)
                else:
                    meeting.share_screen()
            case SetMode(mode):
                meeting.set_mode(mode)
            case TurnPage(by):
                meeting.stage.turn_to(self.state.value.page + by)
            case Pin(key):
                self._pin(key)
            case Resize(width, height, ratio):
                meeting.stage.resize(width, height, ratio)
            case ShowPeople(open=is_open):
                self.state.set(replace(self.state.value, panel_open=is_open))
            case Leave():
                meeting.leave()
            case Retry():
                meeting.retry()

    def _pin(self, key: str) -> None:
        tile = next((tile for tile in self.state.value.tiles if tile.key == key), None)
        state = self._meeting.state.value
        if tile is not None and isinstance(state, InMeeting):
            self._meeting.pin(None if state.pinned == tile.identity else tile.identity)

    def _update(self) -> None:
        self.state.set(self._render(self._meeting.state.value))

    def _render(self, state: MeetingState) -> StageState:
        now = self.state.value
        meeting = self._meeting
        controls = Controls(_control(meeting.microphone), _control(meeting.camera), _control(meeting.screen))
        match state:
            case Joining():
                return StageState(state.name, state.encrypted, joined=False, controls=controls, panel_open=now.panel_open)
            case InMeeting():
                return self._in_meeting(state, now, controls)
            case _:
                return replace(now, joined=False, tiles=(), people=(), share_strip=None, pager=None, sharing=None)

    def _in_meeting(self, state: InMeeting, now: StageState, controls: Controls) -> StageState:
        view = self._meeting.stage.view.value
        people = {one.identity: one for one in state.participants}
        tiles = tuple(_tile(tile, people[tile.identity], state.pinned) for tile in view.tiles if tile.identity in people)
        return StageState(
            title=state.name,
            encrypted=state.encrypted,
            key_number=None if state.key_index is None else state.key_index + 1,
            since_ms=state.since_ms,
            quality=state.quality,
            mode=state.mode,
            connection=state.connection,
            error=state.error.text if state.error is not None else None,
            alarms=tuple(_alarm(alarm) for alarm in state.alarms),
            tiles=tiles,
            page=view.page,
            pages=view.pages,
            people=tuple(_row(person) for person in sorted(state.participants, key=_panel_order)),
            sharing=_sharing(people.get(view.sharing or "")),
            share_strip=view.banner,
            pager=view.pager,
            controls=controls,
            panel_open=now.panel_open,
        )


def _control(switch: Switch) -> ControlState:
    state = switch.state.value
    return ControlState(state.wanted, state.busy, state.refusal.text if state.refusal is not None else None)


def _panel_order(person: Participant) -> tuple[bool, bool, tuple[str, str]]:
    return not person.own, not person.speaking, name_order(person.name)


def _waiting(person: Participant) -> Text | None:
    if person.insecure:
        return text("meeting-insecure")
    if not person.reachable:
        return text("meeting-unreachable")
    if person.waiting_for_key:
        return text("meeting-waiting-key")
    return None


def _tile(tile: StageTile, person: Participant, pinned: str | None) -> PlacedTile:
    screen = tile.source is TrackSource.SCREEN
    return PlacedTile(
        key=f"{tile.identity}/{tile.source.value}",
        number=-1 if tile.tile is None else tile.tile,
        rect=tile.rect,
        identity=tile.identity,
        user=person.user,
        name=person.name,
        avatar=person.avatar,
        screen=screen,
        picture=tile.tile is not None,
        own=person.own,
        muted=not person.microphone,
        external=person.external,
        speaking=person.speaking and not screen,
        pinned=pinned == tile.identity and not screen,
        waiting=_waiting(person),
        quality=person.quality,
    )


def _row(person: Participant) -> PersonRow:
    note = _waiting(person)
    if note is None and not person.connected and not person.own:
        note = text("meeting-connecting")
    if note is None and person.silent_ms > SILENCE_MS:
        note = text("meeting-no-picture")
    return PersonRow(
        identity=person.identity,
        user=person.user,
        name=person.name,
        avatar=person.avatar,
        own=person.own,
        external=person.external,
        microphone=person.microphone,
        camera=person.camera,
        speaking=person.speaking,
        quality=person.quality,
        note=note,
    )


def _alarm(alarm: Alarm) -> Text:
    if alarm.kind is AlarmKind.STRANGER:
        return text("meeting-alarm-stranger")
    return text("meeting-alarm-unencrypted", name=alarm.name)


def _sharing(person: Participant | None) -> Text | None:
    return text("meeting-sharing", name=person.name) if person is not None else None
