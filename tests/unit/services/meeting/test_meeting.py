"""A meeting from the lobby to leaving, on the fake world."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from tests.support.until import eventually, until
from welink_desktop.adapters.fake.calls import FakeCallSession, FakeCallSignalling, FakeMediaEngine, FakeMediaSession, fake_member
from welink_desktop.adapters.fake.sample import sample_world
from welink_desktop.adapters.fake.system import MemoryDesktop
from welink_desktop.adapters.fake.world import FakeRoom, FakeWorld
from welink_desktop.core.calls import (
    CallEnded,
    CallSignal,
    CaptureSource,
    EncryptionChanged,
    EncryptionState,
    EngineDied,
    LinkChanged,
    MediaLink,
    MembershipDoubtful,
    ParticipantJoined,
    Quality,
    QualityChanged,
    SelfChanged,
    SilenceNoticed,
    SpeakerChanged,
    SpeakersChanged,
    TrackChanged,
    TrackGone,
    TrackInfo,
    TrackSource,
)
from welink_desktop.core.errors import (
    DeviceUnavailable,
    MeetingServerUnreachable,
    NoMeetingService,
    NotAllowed,
    Offline,
    WeLinkError,
)
from welink_desktop.core.ids import RoomId
from welink_desktop.services.meeting.meeting import Meeting, MeetingTimings
from welink_desktop.services.meeting.records import (
    AlarmKind,
    Choices,
    Connection,
    Idle,
    InMeeting,
    Joining,
    Lobby,
    Participant,
    StageMode,
)

TIMINGS = MeetingTimings(tick=0.01, own_key=0.2, retry=(0.01,))


@dataclass
class Scene:
    world: FakeWorld
    room: FakeRoom
    calls: FakeCallSignalling
    engine: FakeMediaEngine
    desktop: MemoryDesktop
    meeting: Meeting

    @property
    def media(self) -> FakeMediaSession:
        return self.engine.sessions[-1]

    @property
    def now(self) -> InMeeting:
        state = self.meeting.state.value
        assert isinstance(state, InMeeting), state
        return state

    @property
    def others(self) -> list[str]:
        return [member.identity for member in self.room.call if not member.own]

    def connection(self) -> Connection:
        return self.now.connection

    def person(self, identity: str) -> Participant:
        return next(one for one in self.now.participants if one.identity == identity)

    async def lobby(self) -> None:
        await self.meeting.open_lobby(self.room.summary.room, "Weekly", encrypted=True)

    async def enter(self) -> None:
        await self.lobby()
        await self.meeting.join()
        self.meeting.stage.resize(1200, 700, 1.0)
        await until(self.meeting.state, lambda state: isinstance(state, InMeeting) and len(state.participants) > 1)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    world = sample_world()
    room = next(one for one in world.rooms if one.summary.encrypted and len(one.members) > 4)
    users = [member.user for member in room.members if member.user != world.me.user][:3]
    world.set_call(room, [fake_member(world, user, since_ms=number) for number, user in enumerate(users)])
    calls, engine, desktop = FakeCallSignalling(world), FakeMediaEngine(world), MemoryDesktop()
    meeting = Meeting(calls, engine, desktop, world.clock, timings=TIMINGS)
    yield Scene(world, room, calls, engine, desktop, meeting)
    await meeting.aclose()


async def test_the_lobby_shows_members_devices_level_and_preview(scene: Scene) -> None:
    await scene.lobby()
    await until(scene.meeting.state, lambda state: isinstance(state, Lobby) and state.ready and len(state.members) == 3)
    state = scene.meeting.state.value
    assert isinstance(state, Lobby) and state.devices.cameras and state.error is None
    await until(scene.meeting.level, lambda level: level > 0)
    scene.meeting.camera.want(True)
    await until(scene.meeting.camera.state, lambda camera: camera.actual)
    assert scene.meeting.frames is not None and scene.meeting.frames.take(0) is not None
    scene.media.emit(SelfChanged(TrackSource.CAMERA, on=False, reason=DeviceUnavailable(device="camera")))
    assert not scene.meeting.camera.state.value.actual


async def test_joining_muted_publishes_nothing_and_shows_everybody(scene: Scene) -> None:
    await scene.enter()
    assert [one.own for one in scene.now.participants] == [False, False, False, True]
    await eventually(lambda: all(scene.person(one).connected for one in scene.others))
    await eventually(lambda: scene.person(scene.others[0]).speaking)
    assert scene.person(scene.others[0]).microphone
    assert not scene.person(scene.others[1]).microphone
    assert scene.desktop.awake
    assert scene.now.key_index == 0
    assert not scene.meeting.microphone.state.value.actual
    assert scene.media.own_key_in_use == 0


async def test_what_was_chosen_in_the_lobby_is_on_in_the_meeting(scene: Scene) -> None:
    await scene.lobby()
    scene.meeting.microphone.want(True)
    scene.meeting.camera.want(True)
    await until(scene.meeting.camera.state, lambda camera: camera.actual)
    await scene.meeting.join()
    await until(
        scene.meeting.state,
        lambda s: isinstance(s, InMeeting) and any(one.own and one.camera and one.microphone for one in s.participants),
    )
    assert next(member for member in scene.room.call if member.own).video


async def test_mute_and_camera_follow_the_engine(scene: Scene) -> None:
    await scene.enter()
    scene.meeting.microphone.toggle()
    await until(scene.meeting.microphone.state, lambda mic: mic.actual and not mic.busy)
    scene.media.emit(SelfChanged(TrackSource.MICROPHONE, on=False))
    assert not scene.meeting.microphone.state.value.wanted
    scene.meeting.camera.want(True)
    await eventually(lambda: any(member.own and member.video for member in scene.room.call))


async def test_a_refused_camera_stays_off_and_says_why(scene: Scene) -> None:
    await scene.enter()
    heard: list[WeLinkError] = []
    scene.meeting.refusals.listen(heard.append)
    scene.media.refused.add(TrackSource.CAMERA)
    scene.meeting.camera.want(True)
    await until(scene.meeting.camera.state, lambda camera: camera.refusal is not None)
    assert not scene.meeting.camera.state.value.actual
    assert isinstance(heard[0], DeviceUnavailable)
    scene.media.emit(SpeakerChanged(False, reason=DeviceUnavailable(device="speaker")))
    assert len(heard) == 2


async def test_sharing_makes_the_screen_large(scene: Scene) -> None:
    await scene.enter()
    scene.media.emit(TrackChanged(TrackInfo(scene.others[0], TrackSource.SCREEN, False, True, 1920, 1080)))
    view = await until(scene.meeting.stage.view, lambda view: view.sharing == scene.others[0])
    assert view.tiles[0].source is TrackSource.SCREEN and view.banner is not None
    assert any(request.source is TrackSource.SCREEN for request in scene.media.shown)
    scene.media.emit(TrackGone(scene.others[0], TrackSource.SCREEN))
    await until(scene.meeting.stage.view, lambda view: view.sharing is None)


async def test_our_own_screen_is_not_shown_to_ourselves(scene: Scene) -> None:
    await scene.enter()
    scene.meeting.share_screen(CaptureSource(device="second"))
    await until(scene.meeting.screen.state, lambda state: state.actual)
    await eventually(lambda: any(one.own and one.screen for one in scene.now.participants))
    assert scene.meeting.stage.view.value.sharing is None
    assert all(request.source is not TrackSource.SCREEN for request in scene.media.shown)


async def test_only_visible_tiles_with_a_camera_are_requested(scene: Scene) -> None:
    await scene.enter()
    await eventually(lambda: len(scene.media.shown) == 3)
    assert len({request.tile for request in scene.media.shown}) == 3
    assert 0 not in {request.tile for request in scene.media.shown}
    scene.meeting.stage.set_visible(False)
    assert not scene.media.shown
    scene.meeting.stage.set_visible(True)
    scene.meeting.stage.resize(1200, 700, 2.0)
    assert scene.media.shown[0].width > 600


async def test_speaker_view_and_pin(scene: Scene) -> None:
    await scene.enter()
    scene.meeting.set_mode(StageMode.SPEAKER)
    await eventually(lambda: scene.meeting.stage.view.value.tiles[0].identity == scene.others[0])
    scene.meeting.pin(scene.others[2])
    assert scene.meeting.stage.view.value.tiles[0].identity == scene.others[2]
    assert scene.now.pinned == scene.others[2] and scene.now.mode is StageMode.SPEAKER
    scene.meeting.pin(None)
    scene.meeting.stage.turn_to(5)
    scene.meeting.set_mode(StageMode.GALLERY)
    assert len(scene.meeting.stage.view.value.tiles) == 4


async def test_an_unannounced_participant_is_an_alarm_and_never_heard(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("welink_desktop.services.meeting.roster.STRANGER_GRACE", 0.02)
    await scene.enter()
    stranger = "@eve:example.org:X"
    scene.media.emit(ParticipantJoined(stranger))
    scene.media.emit(TrackChanged(TrackInfo(stranger, TrackSource.CAMERA, False, True)))
    await eventually(lambda: [alarm.kind for alarm in scene.now.alarms] == [AlarmKind.STRANGER])
    assert scene.media.heard[stranger] is False
    assert stranger not in [tile.identity for tile in scene.meeting.stage.view.value.tiles]


async def test_a_microphone_wanted_before_and_refused_inside_says_why(scene: Scene) -> None:
    await scene.lobby()
    scene.meeting.microphone.want(True)
    await scene.meeting.join()
    scene.media.emit(SelfChanged(TrackSource.MICROPHONE, on=False, reason=DeviceUnavailable(device="microphone")))
    state = await until(scene.meeting.microphone.state, lambda state: state.refusal is not None)
    assert not state.wanted and not state.actual
    assert isinstance(state.refusal, DeviceUnavailable)


async def test_a_camera_that_is_pulled_out_says_why(scene: Scene) -> None:
    await scene.enter()
    scene.meeting.camera.want(True)
    await until(scene.meeting.camera.state, lambda state: state.actual and not state.busy)
    scene.media.emit(SelfChanged(TrackSource.CAMERA, on=False, reason=DeviceUnavailable(device="camera")))
    state = await until(scene.meeting.camera.state, lambda state: not state.actual)
    assert isinstance(state.refusal, DeviceUnavailable)
    scene.meeting.camera.want(True)
    await until(scene.meeting.camera.state, lambda state: state.actual and state.refusal is None)


async def test_clear_media_in_an_encrypted_room_is_refused(scene: Scene) -> None:
    await scene.enter()
    bad = scene.others[1]
    scene.media.emit(TrackChanged(TrackInfo(bad, TrackSource.MICROPHONE, False, encrypted=False)))
    await eventually(lambda: scene.person(bad).insecure)
    assert scene.media.heard[bad] is False
    assert scene.now.alarms[0].kind is AlarmKind.UNENCRYPTED
    await eventually(lambda: bad not in [request.identity for request in scene.media.shown])
    scene.media.emit(TrackGone(bad, TrackSource.MICROPHONE))
    await eventually(lambda: scene.media.heard[bad])


async def test_waiting_for_a_key_is_shown_only_when_it_lasts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("welink_desktop.services.meeting.roster.KEY_GRACE", 0.05)
    await scene.enter()
    one = scene.others[0]
    scene.media.emit(EncryptionChanged(one, EncryptionState.WAITING_FOR_KEY))
    assert not scene.person(one).waiting_for_key
    await eventually(lambda: scene.person(one).waiting_for_key)
    assert one in [request.identity for request in scene.media.shown]
    scene.media.emit(EncryptionChanged(one, EncryptionState.OK))
    await eventually(lambda: not scene.person(one).waiting_for_key)


async def test_quality_and_silence_are_told(scene: Scene) -> None:
    await scene.enter()
    own = next(one.identity for one in scene.now.participants if one.own)
    scene.media.emit(QualityChanged(own, Quality.POOR))
    scene.media.emit(SilenceNoticed(scene.others[0], 2500))
    await eventually(lambda: scene.now.quality is Quality.POOR and scene.person(scene.others[0]).silent_ms == 2500)
    scene.media.emit(SpeakersChanged(()))
    await eventually(lambda: not any(one.speaking for one in scene.now.participants))


async def test_after_the_sfu_is_lost_we_return_with_everything_on(scene: Scene) -> None:
    await scene.enter()
    scene.meeting.microphone.want(True)
    await until(scene.meeting.microphone.state, lambda mic: mic.actual and not mic.busy)
    scene.media.emit(LinkChanged(MediaLink.DISCONNECTED, MeetingServerUnreachable()))
    assert scene.connection() is Connection.RETURNING
    scene.media.emit(SelfChanged(TrackSource.MICROPHONE, on=False))
    await until(scene.meeting.state, lambda state: isinstance(state, InMeeting) and state.connection is Connection.LIVE)
    assert scene.meeting.microphone.state.value.actual
    await eventually(lambda: all(scene.person(one).connected for one in scene.others))
    assert scene.media.shown


async def test_it_tries_again_until_the_network_is_back(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.enter()
    session = scene.meeting._session
    tries = 0

    async def ticket(service_url: str = "") -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            monkeypatch.undo()
        raise Offline

    monkeypatch.setattr(session, "ticket", ticket)
    scene.media.emit(LinkChanged(MediaLink.DISCONNECTED))
    await until(scene.meeting.state, lambda state: isinstance(state, InMeeting) and state.connection is Connection.LIVE)
    assert tries == 3


async def test_a_dead_engine_is_replaced_and_rejoined(scene: Scene) -> None:
    await scene.enter()
    scene.media.emit(EngineDied(respawning=True))
    assert scene.connection() is Connection.RETURNING
    await until(scene.meeting.state, lambda state: isinstance(state, InMeeting) and state.connection is Connection.LIVE)
    scene.media.emit(EngineDied(respawning=False))
    assert scene.connection() is Connection.FAILED and scene.now.error is not None
    old = scene.media
    await scene.meeting.retry()
    assert scene.connection() is Connection.LIVE
    assert old.closed and scene.media is not old


async def test_a_short_interruption_is_shown_as_returning(scene: Scene) -> None:
    await scene.enter()
    scene.media.emit(LinkChanged(MediaLink.RECONNECTING))
    assert scene.connection() is Connection.RETURNING
    scene.media.emit(LinkChanged(MediaLink.CONNECTED))
    assert scene.connection() is Connection.LIVE


async def test_muting_while_the_connection_is_gone_holds_after_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.enter()
    scene.meeting.microphone.want(True)
    await until(scene.meeting.microphone.state, lambda mic: mic.actual and not mic.busy)
    scene.media.emit(LinkChanged(MediaLink.RECONNECTING))
    sent: list[bool] = []
    monkeypatch.setattr(scene.media, "set_microphone", sent.append)
    scene.meeting.microphone.want(False)
    await until(scene.meeting.microphone.state, lambda mic: not mic.actual and not mic.busy)
    scene.media.emit(LinkChanged(MediaLink.CONNECTED))
    assert sent == [False, False]


async def test_nothing_is_sent_while_our_membership_is_doubtful(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.enter()
    scene.meeting.microphone.want(True)
    await until(scene.meeting.microphone.state, lambda mic: mic.actual and not mic.busy)
    sent: list[bool] = []
    monkeypatch.setattr(scene.media, "set_microphone", sent.append)
    _signals(scene)(MembershipDoubtful(True))
    assert sent == [False]
    assert scene.meeting.microphone.state.value.actual
    _signals(scene)(MembershipDoubtful(False))
    assert sent == [False, True]


async def test_keys_reach_the_engine(scene: Scene) -> None:
    await scene.enter()
    session = scene.meeting._session
    assert isinstance(session, FakeCallSession)
    session.rotate()
    assert scene.media.own_key_in_use == 1
    await eventually(lambda: scene.now.key_index == 1)
    assert {identity for identity, _ in scene.media.keys} == set(scene.others)


async def test_leaving_ends_everything(scene: Scene) -> None:
    await scene.enter()
    media = scene.media
    await scene.meeting.leave()
    assert scene.meeting.state.value == Idle()
    assert media.closed and not scene.desktop.awake
    assert not any(member.own for member in scene.room.call)
    assert scene.meeting.frames is None
    assert scene.meeting.stage.view.value.tiles == ()


async def test_removed_from_the_room_the_meeting_ends_with_the_reason(scene: Scene) -> None:
    await scene.enter()
    _signals(scene)(CallEnded(NotAllowed()))
    state = await until(scene.meeting.state, lambda state: isinstance(state, Idle))
    assert isinstance(state, Idle) and isinstance(state.error, NotAllowed)


async def test_a_join_that_fails_leads_back_to_the_lobby(scene: Scene) -> None:
    await scene.lobby()
    scene.calls.service_missing = True
    await scene.meeting.join()
    state = scene.meeting.state.value
    assert isinstance(state, Lobby) and isinstance(state.error, NoMeetingService)
    scene.calls.service_missing = False
    await scene.meeting.join()
    assert isinstance(scene.meeting.state.value, InMeeting)


async def test_an_sfu_that_refuses_leads_back_to_the_lobby(scene: Scene) -> None:
    await scene.lobby()
    media = scene.media
    media.join = lambda request: media.emit(LinkChanged(MediaLink.DISCONNECTED, MeetingServerUnreachable()))  # type: ignore[method-assign]  # of the fake
    await scene.meeting.join()
    state = scene.meeting.state.value
    assert isinstance(state, Lobby) and isinstance(state.error, MeetingServerUnreachable)
    assert not any(member.own for member in scene.room.call)


async def test_leaving_while_joining(scene: Scene) -> None:
    await scene.lobby()
    scene.media.join = lambda request: None  # type: ignore[method-assign]  # never answers
    joining = scene.meeting.join()
    await until(scene.meeting.state, lambda state: isinstance(state, Joining))
    await scene.meeting.leave()
    assert joining.cancelled()
    assert scene.meeting.state.value == Idle()
    assert not any(member.own for member in scene.room.call)


async def test_leaving_while_the_server_is_slow_leaves_nothing_behind(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.lobby()
    answer = asyncio.Event()
    join = scene.calls.join

    async def slow(room: RoomId, *, video: bool) -> FakeCallSession:
        await answer.wait()
        return await join(room, video=video)

    monkeypatch.setattr(scene.calls, "join", slow)
    joining = scene.meeting.join()
    await until(scene.meeting.state, lambda state: isinstance(state, Joining))
    leaving = scene.meeting.leave()
    await asyncio.sleep(0)
    answer.set()
    await leaving
    assert joining.cancelled()
    assert not any(member.own for member in scene.room.call)


async def test_without_a_media_engine_the_lobby_says_so_and_can_retry(scene: Scene) -> None:
    scene.engine.fails = True
    await scene.lobby()
    state = scene.meeting.state.value
    assert isinstance(state, Lobby) and state.error is not None and not state.ready
    scene.engine.fails = False
    await scene.meeting.retry()
    state = scene.meeting.state.value
    assert isinstance(state, Lobby) and state.error is None and state.ready
    scene.media.emit(EngineDied(respawning=False))
    state = scene.meeting.state.value
    assert isinstance(state, Lobby) and state.error is not None
    await scene.meeting.join()
    assert isinstance(scene.meeting.state.value, InMeeting)


async def test_devices_can_be_chosen_before_and_during(scene: Scene) -> None:
    await scene.lobby()
    choices = Choices(microphone=CaptureSource(device="Headset"), speaker="Headset")
    scene.meeting.choose(choices)
    state = scene.meeting.state.value
    assert isinstance(state, Lobby) and state.choices == choices
    scene.meeting.test_speaker()
    await scene.meeting.join()
    changed = replace(choices, speaker="")
    scene.meeting.choose(changed)
    assert scene.now.choices == changed


async def test_opening_another_lobby_leaves_the_meeting(scene: Scene) -> None:
    await scene.enter()
    first = scene.media
    await scene.lobby()
    assert first.closed
    assert isinstance(scene.meeting.state.value, Lobby)
    assert not scene.meeting.microphone.state.value.actual


async def test_wishes_without_a_meeting_are_harmless(scene: Scene) -> None:
    await scene.meeting.join()
    await scene.meeting.leave()
    await scene.meeting.retry()
    scene.meeting.microphone.want(True)
    scene.meeting.set_mode(StageMode.SPEAKER)
    scene.meeting.pin("nobody")
    scene.meeting.test_speaker()
    await asyncio.sleep(0)
    assert scene.meeting.state.value == Idle()


def _signals(scene: Scene) -> Callable[[CallSignal], None]:
    session = scene.meeting._session
    assert isinstance(session, FakeCallSession)
    return session._signals.emit
