"""What a person reads when a meeting cannot be had: the lobby's and the stage's own models on real servers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.callers import Caller, callers
from tests.support.engine import shared_room
from tests.support.own_servers import OwnServers, own_servers, restart
from tests.support.until import eventually, until
from welink_desktop.adapters.media.client import ProcessMediaEngine
from welink_desktop.core.calls import CallMember, CaptureKind, CaptureSource
from welink_desktop.core.ids import RoomId
from welink_desktop.core.people import Person as SomePerson
from welink_desktop.core.text import Text
from welink_desktop.core.timeline import OutgoingText
from welink_desktop.features.meetings.lobby.model import LobbyModel
from welink_desktop.features.meetings.lobby.state import Join, LobbyState, ToggleCamera
from welink_desktop.features.meetings.stage.model import StageModel
from welink_desktop.features.meetings.stage.state import ToggleMicrophone
from welink_desktop.services.meeting.records import Connection, Lobby
from welink_desktop.strings import LANGUAGES, strings

pytestmark = [pytest.mark.slow]


def words(text: Text | None) -> str:
    """The sentence as read in English; it exists in every language."""
    assert text is not None
    for language in LANGUAGES:
        assert not strings(language).render(text).startswith("[")
    return strings("en").render(text)


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    with own_servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


class Pages:
    """Lobby and stage of one caller."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.lobby = LobbyModel(caller.meeting, SomePerson(caller.person.account.user, "Ann"))
        self.stage = StageModel(caller.meeting)

    @property
    def now(self) -> LobbyState:
        return self.lobby.state.value

    async def open(self, room: RoomId) -> None:
        await self.caller.meeting.open_lobby(room, "Ward round", encrypted=True)

    async def try_to_join(self) -> str:
        """Press the button; the words the lobby shows."""
        self.lobby.act(Join())
        state = await until(self.lobby.state, lambda now: now.error is not None and not now.joining, 60)
        assert isinstance(self.caller.meeting.state.value, Lobby)
        return words(state.error)

    async def join(self) -> None:
        self.lobby.act(Join())
        await until(self.stage.state, lambda now: now.joined and now.connection is Connection.LIVE, 60)

    def close(self) -> None:
        self.lobby.close()
        self.stage.close()


async def in_call(caller: Caller, room: RoomId) -> tuple[CallMember, ...]:
    return await caller.person.session.calls.members(room)


async def chats(one: Caller, room: RoomId) -> None:
    """Chat goes on."""
    await one.person.session.chat.send_text(room, OutgoingText("still here"))
    await eventually(lambda: not one.person.session.outbox.pending(room), 20)


async def test_joining_while_the_sfu_is_down(mortal: OwnServers, tmp_path: Path) -> None:
    async with callers(mortal.synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        pages = Pages(ann)
        await pages.open(room)
        mortal.sfu.stop(1)
        assert await pages.try_to_join() == "The meeting server does not answer. Chat goes on; try to join again in a moment."
        await chats(ann, room)
        assert await in_call(ann, room) == (), "nobody seems to be in a meeting that was never joined"
        restart(mortal.sfu)
        await pages.join()
        assert pages.now.error is None
        pages.close()


async def test_joining_while_the_token_service_is_down(mortal: OwnServers, tmp_path: Path) -> None:
    async with callers(mortal.synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        pages = Pages(ann)
        await pages.open(room)
        mortal.tokens.stop(1)
        assert (await pages.try_to_join()).startswith("The meeting service does not answer or did not admit you. Try again")
        await chats(ann, room)
        assert await in_call(ann, room) == ()
        restart(mortal.tokens)
        await pages.join()
        pages.close()


async def test_a_lost_sfu_is_said_on_the_stage_and_heals_by_itself(mortal: OwnServers, tmp_path: Path) -> None:
    async with callers(mortal.synapse, tmp_path, "ann", "bob") as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        pages = Pages(ann)
        await pages.open(room)
        await pages.join()
        mortal.sfu.stop(1)
        state = await until(pages.stage.state, lambda now: now.error is not None, 60)
        assert state.connection is Connection.RETURNING and state.joined
        assert words(state.error).startswith("The meeting server does not answer.")
        await chats(ann, room)
        restart(mortal.sfu)
        state = await until(pages.stage.state, lambda now: now.connection is Connection.LIVE, 60)
        assert state.error is None
        pages.close()


async def test_without_camera_and_microphone_the_meeting_goes_on(
    mortal: OwnServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    engine = ProcessMediaEngine(tmp_path / "media.log")
    async with callers(mortal.synapse, tmp_path, "ann", "bob", engine=engine) as (ann, bob):
        room = await shared_room(ann.person, bob.person)
        pages = Pages(ann)
        await pages.open(room)
        gone = CaptureSource(CaptureKind.REAL, "Vanished camera")
        quiet = CaptureSource(CaptureKind.REAL, "Vanished microphone")
        ann.meeting.choose(replace(ann.choices, camera=gone, microphone=quiet))
        pages.lobby.act(ToggleCamera())
        state = await until(pages.lobby.state, lambda now: now.error is not None, 30)
        assert words(state.error).startswith("Vanished camera cannot be used: it is missing, in use by another program, or")
        assert not state.camera_on
        await pages.join()
        pages.stage.act(ToggleMicrophone())
        stage = await until(pages.stage.state, lambda now: now.controls.microphone.refusal is not None, 30)
        said = words(stage.controls.microphone.refusal)
        assert "cannot be used: it is missing, in use by another program, or not permitted." in said
        assert not stage.controls.microphone.on and stage.joined
        pages.close()
