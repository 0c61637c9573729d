"""Our microphone, camera and screen."""

from collections.abc import AsyncIterator

import pytest

from tests.support.until import eventually, until
from welink_desktop.core.calls import SelfChanged, TrackSource
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError
from welink_desktop.core.reactive import Scope
from welink_desktop.services.meeting.sources import Sources


class Desk:
    """Sources whose engine answers nothing by itself."""

    def __init__(self, scope: Scope) -> None:
        self.wishes: list[tuple[TrackSource, bool]] = []
        self.refusals: list[WeLinkError] = []
        self.sources = Sources(
            scope, lambda source, on: self.wishes.append((source, on)), self.refusals.append, answer_seconds=0.05
        )
        self.camera = self.sources.switches[TrackSource.CAMERA]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    scope = Scope("test")
    yield Desk(scope)
    await scope.aclose()


async def test_an_engine_that_never_answers_is_a_refusal(desk: Desk) -> None:
    desk.sources.resume()
    desk.camera.want(True)
    state = await until(desk.camera.state, lambda state: state.refusal is not None)
    assert isinstance(state.refusal, DeviceUnavailable)
    assert not state.actual


async def test_losing_the_connection_while_waiting_keeps_the_wish(desk: Desk) -> None:
    desk.sources.resume()
    desk.camera.want(True)
    await eventually(lambda: (TrackSource.CAMERA, True) in desk.wishes)
    desk.sources.hold()
    state = await until(desk.camera.state, lambda state: state.actual)
    assert state.wanted
    desk.wishes.clear()
    desk.sources.resume()
    assert (TrackSource.CAMERA, True) in desk.wishes


async def test_a_source_that_ends_by_itself_says_why(desk: Desk) -> None:
    desk.sources.resume()
    desk.camera.want(True)
    await eventually(lambda: (TrackSource.CAMERA, True) in desk.wishes)
    desk.sources.changed(SelfChanged(TrackSource.CAMERA, on=True))
    await until(desk.camera.state, lambda state: state.actual and not state.busy)
    desk.sources.changed(SelfChanged(TrackSource.CAMERA, on=False, reason=DeviceUnavailable(device="camera")))
    assert not desk.camera.state.value.actual
    assert len(desk.refusals) == 1
    desk.sources.changed(SelfChanged(TrackSource.SCREEN_SOUND, on=True))


async def test_what_is_said_while_held_is_no_news(desk: Desk) -> None:
    desk.sources.changed(SelfChanged(TrackSource.CAMERA, on=True))
    assert not desk.camera.state.value.actual
    desk.camera.want(True)
    await until(desk.camera.state, lambda state: state.actual and not state.busy)
    desk.sources.rest()
    assert not desk.sources.is_on(TrackSource.CAMERA)
