"""Lobby, stage and page of meetings over the fake world, through their widgets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from welink_desktop.adapters.fake import FakeAccounts, FakeMediaEngine, FakeWorld, MemoryDesktop, sample_world
from welink_desktop.adapters.fake.accounts import FakeSession
from welink_desktop.core.calls import EncryptionChanged, EncryptionState, TrackChanged, TrackInfo, TrackSource
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope, State
from welink_desktop.features.meetings.home.model import MeetingsHomeModel
from welink_desktop.features.meetings.home.view import MeetingsHomeView
from welink_desktop.features.meetings.lobby.model import LobbyModel
from welink_desktop.features.meetings.lobby.view import LobbyView
from welink_desktop.features.meetings.stage.model import StageModel
from welink_desktop.features.meetings.stage.state import StageState
from welink_desktop.features.meetings.stage.view import StageView
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import Idle, InMeeting, Lobby, StageMode
from welink_desktop.services.room_list import RoomList
from welink_desktop.ui.stage.avatars import AvatarPictures
from welink_desktop.ui.stage.canvas import StageCanvas

SITE = RoomId("!site")


async def until(state: State[StageState], holds: Callable[[StageState], bool]) -> StageState:
    """Wait until the page shows it."""
    seen = asyncio.Event()
    cancel = state.watch(lambda value: seen.set() if holds(value) else None)
    async with asyncio.timeout(5):
        await seen.wait()
    cancel()
    return state.value


@dataclass
class Place:
    """A world with a running meeting in the site room."""

    world: FakeWorld
    session: FakeSession
    engine: FakeMediaEngine
    desktop: MemoryDesktop
    meeting: Meeting

    async def lobby(self) -> None:
        await self.meeting.open_lobby(SITE, "Site", encrypted=True)

    async def join(self) -> None:
        await self.lobby()
        await self.meeting.join()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    world = sample_world()
    accounts = FakeAccounts(world)
    (account,) = await accounts.accounts()
    session = await accounts.open(account.key)
    engine, desktop = FakeMediaEngine(world), MemoryDesktop()
    meeting = Meeting(session.calls, engine, desktop, SystemClock())
    yield Place(world, session, engine, desktop, meeting)
    await meeting.aclose()


def button(view: QWidget, name: str) -> QAbstractButton:
    found = view.findChild(QAbstractButton, name)
    assert isinstance(found, QAbstractButton), name
    return found


def click(qtbot: QtBot, view: QWidget, name: str) -> None:
    qtbot.mouseClick(button(view, name), Qt.MouseButton.LeftButton)


async def test_the_lobby_says_who_is_in_and_joins(place: Place, qtbot: QtBot) -> None:
    await place.lobby()
    model = LobbyModel(place.meeting, place.world.me)
    view = LobbyView(model.state, model.act, lambda: model.frames, AvatarPictures())
    qtbot.addWidget(view)
    await asyncio.sleep(0)
    assert {guest.name for guest in model.state.value.guests} == {"Maya Okafor", "苏婉宁", "陈嘉木"}
    muted = model.state.value
    assert not muted.microphone_on
    click(qtbot, view, "lobby-microphone")
    assert model.state.value.microphone_on
    assert button(view, "lobby-microphone").accessibleName() == "Microphone, on"
    click(qtbot, view, "meeting-join")
    stage = StageModel(place.meeting)
    await until(stage.state, lambda state: state.joined and state.controls.microphone.on and not state.controls.microphone.busy)
    assert place.desktop.awake
    stage.close()
    model.close()


async def test_sound_only_leaves_the_camera_off(place: Place, qtbot: QtBot) -> None:
    await place.lobby()
    model = LobbyModel(place.meeting, place.world.me)
    view = LobbyView(model.state, model.act, lambda: model.frames, AvatarPictures())
    qtbot.addWidget(view)
    click(qtbot, view, "lobby-camera")
    assert model.state.value.camera_on
    click(qtbot, view, "meeting-join-sound")
    stage = StageModel(place.meeting)
    state = await until(stage.state, lambda state: state.joined)
    assert not state.controls.camera.on
    stage.close()
    model.close()


async def test_a_refused_camera_is_said_in_the_lobby(place: Place, qtbot: QtBot) -> None:
    place.session.calls.service_missing = True
    await place.lobby()
    model = LobbyModel(place.meeting, place.world.me)
    view = LobbyView(model.state, model.act, lambda: model.frames, AvatarPictures())
    qtbot.addWidget(view)
    await place.meeting.join()
    assert isinstance(place.meeting.state.value, Lobby)
    assert model.state.value.error is not None
    assert model.state.value.error.key == "error-no-meeting-service"
    click(qtbot, view, "meeting-cancel")
    await asyncio.sleep(0)
    model.close()


async def stage_of(place: Place, qtbot: QtBot) -> tuple[StageModel, StageView]:
    await place.join()
    model = StageModel(place.meeting)
    view = StageView(model.state, model.act, lambda: model.frames, AvatarPictures())
    qtbot.addWidget(view)
    view.resize(1280, 800)
    view.show()
    await until(model.state, lambda state: len(state.tiles) == 4)
    return model, view


async def test_everybody_has_a_tile_and_a_line(place: Place, qtbot: QtBot) -> None:
    model, view = await stage_of(place, qtbot)
    state = model.state.value
    assert state.tiles[0].name == "林知远"
    assert {row.name for row in state.people} == {"林知远", "Maya Okafor", "苏婉宁", "陈嘉木"}
    assert state.people[0].own
    canvas = view.findChild(StageCanvas, "meeting-canvas")
    assert isinstance(canvas, StageCanvas)
    assert len(canvas.tiles) == 4
    assert "Maya Okafor" in canvas.accessibleDescription()
    model.close()


async def test_controls_drive_what_is_sent(place: Place, qtbot: QtBot) -> None:
    model, view = await stage_of(place, qtbot)
    click(qtbot, view, "meeting-microphone")
    await until(model.state, lambda state: state.controls.microphone.on and not state.controls.microphone.busy)
    click(qtbot, view, "meeting-share")
    await until(model.state, lambda state: state.controls.screen.on and not state.controls.screen.busy)
    assert button(view, "meeting-share").accessibleName() == "Screen sharing, on"
    click(qtbot, view, "meeting-share")
    await until(model.state, lambda state: not state.controls.screen.on)
    model.close()


async def test_a_camera_that_is_refused_says_why_and_stays_off(place: Place, qtbot: QtBot) -> None:
    model, view = await stage_of(place, qtbot)
    place.engine.sessions[-1].refused.add(TrackSource.CAMERA)
    click(qtbot, view, "meeting-camera")
    state = await until(model.state, lambda state: state.controls.refusal is not None)
    assert not state.controls.camera.on
    assert state.controls.refusal is not None
    assert state.controls.refusal.key == "error-device-unavailable"
    model.close()


async def test_a_shared_screen_takes_the_large_place(place: Place, qtbot: QtBot) -> None:
    model, _view = await stage_of(place, qtbot)
    su = next(member for member in place.world.room(SITE).call if member.name == "苏婉宁")
    place.engine.sessions[-1].emit(TrackChanged(TrackInfo(su.identity, TrackSource.SCREEN, False, True, 1920, 1080)))
    state = await until(model.state, lambda state: any(tile.screen for tile in state.tiles))
    screen = next(tile for tile in state.tiles if tile.screen)
    assert all(screen.rect.width >= tile.rect.width for tile in state.tiles)
    assert state.sharing is not None
    assert state.share_strip is not None
    model.close()


async def test_pinning_by_keyboard_and_back(place: Place, qtbot: QtBot) -> None:
    model, view = await stage_of(place, qtbot)
    canvas = view.findChild(StageCanvas, "meeting-canvas")
    assert isinstance(canvas, StageCanvas)
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    await until(model.state, lambda state: any(tile.pinned for tile in state.tiles))
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    await until(model.state, lambda state: not any(tile.pinned for tile in state.tiles))
    model.close()


async def test_waiting_for_a_key_is_said_in_tile_and_line(place: Place, qtbot: QtBot) -> None:
    model, _view = await stage_of(place, qtbot)
    maya = next(member for member in place.world.room(SITE).call if member.name == "Maya Okafor")
    place.engine.sessions[-1].emit(EncryptionChanged(maya.identity, EncryptionState.WAITING_FOR_KEY))
    state = await until(model.state, lambda state: any(tile.waiting is not None for tile in state.tiles))
    row = next(row for row in state.people if row.name == "Maya Okafor")
    assert row.note is not None
    assert row.note.key == "meeting-waiting-key"
    model.close()


async def test_layout_and_people_panel(place: Place, qtbot: QtBot) -> None:
    model, view = await stage_of(place, qtbot)
    panel = view.findChild(QWidget, "meeting-people-panel")
    assert panel is not None
    assert not panel.isVisible()
    click(qtbot, view, "meeting-people-toggle")
    assert panel.isVisible()
    click(qtbot, view, "meeting-people-close")
    assert not panel.isVisible()
    place.meeting.set_mode(StageMode.SPEAKER)
    await until(model.state, lambda state: state.mode is StageMode.SPEAKER)
    model.close()


async def test_leaving_ends_the_meeting(place: Place, qtbot: QtBot) -> None:
    model, view = await stage_of(place, qtbot)
    left = asyncio.Event()
    place.meeting.state.watch(lambda state: left.set() if isinstance(state, Idle) else None)
    assert isinstance(place.meeting.state.value, InMeeting)
    click(qtbot, view, "meeting-leave")
    async with asyncio.timeout(5):
        await left.wait()
    assert place.engine.sessions[-1].closed
    assert not place.desktop.awake
    model.close()


async def test_the_page_of_meetings_lists_and_opens(place: Place, qtbot: QtBot) -> None:
    scope = Scope("test")
    opened: list[RoomId] = []
    model = MeetingsHomeModel(RoomList(place.session.chat, scope), opened.append)
    view = MeetingsHomeView(model.state, model.act, AvatarPictures())
    qtbot.addWidget(view)
    assert [place.room for place in model.state.value.running] == [SITE]
    click(qtbot, view, "meetings-meet")
    assert opened == [SITE]
    search = view.findChild(QWidget, "meetings-search")
    assert search is not None
    qtbot.keyClicks(search, "PACS-nothing")
    assert model.state.value.places == ()
    model.close()
    await scope.aclose()
