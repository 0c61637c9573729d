"""Sound through a private sound server: heard, spoken, muted, measured."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from tests.integration.media.conftest import EngineOpener
from tests.support.meetings import TONE, Recorder, join_request, key_of
from tests.support.servers import TestLiveKit
from tests.support.sound import HEADSET, MICROPHONE, SPEAKER, SoundServer, sound_server
from welink_desktop.adapters.media.client import ProcessMediaEngine
from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    DevicesChanged,
    EngineDied,
    JoinRequest,
    LevelMeasured,
    LinkChanged,
    MediaEvent,
    MediaLink,
    SelfChanged,
    SpeakerChanged,
    SpeakersChanged,
    TrackSource,
)
from welink_desktop.core.errors import DeviceUnavailable

__all__ = ["sound_server"]
pytestmark = [pytest.mark.integration]

ANNA, BEN = "@anna:welink.test:AAAA", "@ben:welink.test:BBBB"


def connected(event: MediaEvent) -> bool:
    return isinstance(event, LinkChanged) and event.link is MediaLink.CONNECTED


def microphone_is(on: bool) -> Callable[[MediaEvent], bool]:
    return lambda event: isinstance(event, SelfChanged) and event.source is TrackSource.MICROPHONE and event.on is on


@pytest.fixture
async def speaker(livekit: TestLiveKit, room: str) -> AsyncIterator[SfuSession]:
    """Ben, in the meeting, sending a tone of 500 Hz."""
    session = SfuSession(listen=True)
    recorder = Recorder(session)
    session.join(join_request(livekit, room, BEN, own=key_of(BEN, 0, 7), keys=(key_of(ANNA, 0, 1),), microphone=TONE))
    await recorder.until(connected)
    session.set_microphone(True)
    yield session
    await session.close()


def request(livekit: TestLiveKit, room: str, key: int = 7) -> JoinRequest:
    return join_request(livekit, room, ANNA, own=key_of(ANNA, 0, 1), keys=(key_of(BEN, 0, key),), microphone=CaptureSource())


async def test_what_a_colleague_says_is_heard_and_not_heard_when_unwanted(
    sound_server: SoundServer, livekit: TestLiveKit, room: str, speaker: SfuSession, media_process: EngineOpener
) -> None:
    session = await media_process()
    recorder = Recorder(session)
    session.join(request(livekit, room))
    await recorder.until(connected)
    assert SpeakerChanged(True) in recorder.events
    assert await asyncio.to_thread(sound_server.hears, 500)
    speaker.set_microphone(False)
    await until_silent(sound_server)
    speaker.set_microphone(True)  # the SFU tells only changes
    await recorder.until(lambda event: isinstance(event, SpeakersChanged) and BEN in dict(event.speakers))

    session.hear(BEN, False)
    await until_silent(sound_server)
    session.hear(BEN, True)
    assert await asyncio.to_thread(sound_server.hears, 500)


async def test_a_wrong_key_is_silence(
    sound_server: SoundServer, livekit: TestLiveKit, room: str, speaker: SfuSession, media_process: EngineOpener
) -> None:
    del speaker
    session = await media_process()
    recorder = Recorder(session)
    session.join(request(livekit, room, key=99))
    await recorder.until(connected)
    assert not await asyncio.to_thread(sound_server.hears, 500, within=3)


async def until_silent(server: SoundServer) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while await asyncio.to_thread(server.hears, 500, within=0.4):
        assert asyncio.get_running_loop().time() < deadline


async def test_the_real_microphone_is_open_only_while_unmuted(
    sound_server: SoundServer, livekit: TestLiveKit, room: str, speaker: SfuSession, media_process: EngineOpener
) -> None:
    other = Recorder(speaker)
    session = await media_process()
    recorder = Recorder(session)
    session.join(request(livekit, room))
    await recorder.until(connected)
    assert sound_server.open_recordings() == 0, "joined muted"

    with sound_server.speaking(700):
        session.set_microphone(True)
        await recorder.until(microphone_is(True))
        await other.until(lambda event: isinstance(event, SpeakersChanged) and ANNA in dict(event.speakers))
        assert sound_server.open_recordings() == 1
        session.set_microphone(False)
        await recorder.until(microphone_is(False), after=len(recorder.events))
        deadline = asyncio.get_running_loop().time() + 5
        while sound_server.open_recordings():
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)


async def test_unmuting_and_muting_at_once_leaves_the_microphone_closed(
    sound_server: SoundServer, livekit: TestLiveKit, room: str, media_process: EngineOpener
) -> None:
    session = await media_process()
    recorder = Recorder(session)
    session.join(request(livekit, room))
    await recorder.until(connected)
    session.set_microphone(True)
    await recorder.until(microphone_is(True))
    mark = len(recorder.events)
    session.set_microphone(False)
    await recorder.until(microphone_is(False), after=mark)
    await asyncio.sleep(2)  # the trap is a recording that opens late
    assert sound_server.open_recordings() == 0


async def test_the_lobby_lists_measures_and_plays(sound_server: SoundServer, media_process: EngineOpener) -> None:
    session = await media_process()
    recorder = Recorder(session)
    session.list_devices()
    event = await recorder.until(lambda event: isinstance(event, DevicesChanged))
    assert isinstance(event, DevicesChanged)
    assert {SPEAKER, HEADSET} <= {device.name for device in event.devices.speakers}
    assert MICROPHONE in {device.name for device in event.devices.microphones}

    with sound_server.speaking(700):
        session.measure_microphone(CaptureSource())
        await recorder.until(lambda event: isinstance(event, LevelMeasured) and event.level > 0.3)
    session.measure_microphone(None)

    session.test_speaker("")
    assert await asyncio.to_thread(sound_server.hears, 523, within=3)


async def test_the_chosen_speaker_is_used_and_a_change_needs_a_new_process(
    sound_server: SoundServer, livekit: TestLiveKit, room: str, speaker: SfuSession, media_process: EngineOpener
) -> None:
    del speaker
    session = await media_process()
    recorder = Recorder(session)
    wish = replace(request(livekit, room), speaker=SPEAKER)
    session.join(wish)
    await recorder.until(connected)
    assert await asyncio.to_thread(sound_server.hears, 500)

    session.set_devices(wish.microphone, wish.camera, HEADSET)
    mark = len(recorder.events)
    await recorder.until(lambda event: event == EngineDied(True))
    session.join(replace(request(livekit, room), speaker=HEADSET))
    await recorder.until(connected, after=mark)
    assert await asyncio.to_thread(sound_server.hears, 500, device=f"{HEADSET}.monitor")


async def test_a_missing_microphone_is_told_by_name(
    sound_server: SoundServer, livekit: TestLiveKit, room: str, media_process: EngineOpener
) -> None:
    del sound_server
    session = await media_process()
    recorder = Recorder(session)
    wish = join_request(livekit, room, ANNA, own=key_of(ANNA, 0, 1), microphone=CaptureSource(CaptureKind.REAL, "Vanished"))
    session.join(wish)
    await recorder.until(connected)
    session.set_microphone(True)
    event = await recorder.until(lambda event: isinstance(event, SelfChanged) and event.reason is not None)
    assert isinstance(event, SelfChanged)
    assert isinstance(event.reason, DeviceUnavailable)
    assert event.reason.args_for_text == {"device": "Vanished"}


async def test_devices_are_asked_of_a_short_lived_process(sound_server: SoundServer) -> None:
    del sound_server
    devices = await ProcessMediaEngine().devices()
    assert SPEAKER in {device.name for device in devices.speakers}
