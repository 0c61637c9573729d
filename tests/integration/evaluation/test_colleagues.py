"""Colleagues are real: the viewer's own engine reads what they wrote, asks them something and meets them."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.traces import ADMISSION, files_in, files_with, logged, logs_in, tokens_in
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.adapters.media.client import ProcessMediaEngine
from welink_desktop.core.account import Homeserver
from welink_desktop.core.changes import apply
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.rooms import RoomListBatch, RoomSummary
from welink_desktop.core.timeline import AttachmentContent, OutgoingText, TextContent, TimelineItem
from welink_desktop.evaluation import control
from welink_desktop.evaluation.colleagues.accounts import accounts_in
from welink_desktop.evaluation.colleagues.meetings import InProcessEngine, NoDesktop
from welink_desktop.evaluation.colleagues.part import ColleaguesPart
from welink_desktop.evaluation.colleagues.room_view import RoomView, open_view
from welink_desktop.evaluation.sample import sample
from welink_desktop.evaluation.seed import load_seeded
from welink_desktop.evaluation.state import BackendState, StateFile, evaluation_folder
from welink_desktop.services.meeting.meeting import Meeting
from welink_desktop.services.meeting.records import InMeeting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("profile")
    control.start(folder, lambda step: None)
    yield folder
    control.stop(folder)


@pytest.fixture
def backend(profile: Path) -> BackendState:
    return control.status(profile)


@pytest.fixture
async def viewer(profile: Path, backend: BackendState) -> AsyncIterator[Session]:
    """The viewer's first device; the same one in every test."""
    accounts = accounts_in(profile / "viewer")
    assert isinstance(accounts, MatrixAccounts)
    known = await accounts.accounts()
    server = Homeserver(backend.server_name, backend.base_url, secure=False, evaluation=True)
    account = known[0] if known else await accounts.sign_in(server, backend.viewer, backend.viewer_password, "Test")
    session = await accounts.open(account.key)
    yield session
    await session.close()


def _room(profile: Path, key: str) -> RoomId:
    return RoomId(load_seeded(evaluation_folder(profile)).rooms[key])


def _body(item: TimelineItem) -> str:
    return item.content.body if isinstance(item.content, TextContent) else ""


async def _history_done(profile: Path) -> None:
    part = ColleaguesPart(evaluation_folder(profile))
    end = time.monotonic() + 240
    while part.status().get("history") != "done":
        assert time.monotonic() < end, part.status()
        await asyncio.sleep(0.2)


async def _opened(session: Session, room: RoomId) -> RoomView:
    rooms: list[RoomSummary] = []
    seen = asyncio.Event()

    def changed(batch: RoomListBatch) -> None:
        apply(rooms, batch.changes)
        if any(each.room == room for each in rooms):
            seen.set()

    stop = session.chat.watch_rooms(changed)
    async with asyncio.timeout(60):
        await seen.wait()
    stop()
    return await open_view(session.chat, room)


async def test_viewer_reads_the_whole_conversation(profile: Path, viewer: Session) -> None:
    await _history_done(profile)
    plan = next(room for room in sample().rooms if room.key == "site")
    view = await _opened(viewer, _room(profile, "site"))
    await view.until(lambda item: plan.lines[-1].text in _body(item))
    while await view.timeline.load_older():
        pass
    await view.until(lambda item: plan.lines[0].text in _body(item))
    bodies = [_body(item) for item in view.items]
    for line in plan.lines:
        assert not line.text or line.picture or line.text in bodies, line.text
    pictures = [item for item in view.items if isinstance(item.content, AttachmentContent)]
    assert len(pictures) == sum(bool(line.picture or line.file[0]) for line in plan.lines)
    praised = next(item for item in view.items if isinstance(item.content, AttachmentContent) and item.reactions)
    assert {reaction.key for reaction in praised.reactions} == {"👍", "🎉"}
    own = next(item for item in view.items if _body(item) == "太好了。周一前我把 OR-3 的弱电点位图发出来")
    assert own.own
    assert own.edited
    assert own.reply is not None
    await view.close()


async def test_colleague_answers_a_question(profile: Path, viewer: Session) -> None:
    view = await _opened(viewer, _room(profile, "site"))
    await viewer.chat.send_text(_room(profile, "site"), OutgoingText("你好,周三的会议几点?"))
    answer = await view.until(lambda item: "下午 3 点" in _body(item) and not item.own)
    question = await view.until(lambda item: item.own and _body(item) == "你好,周三的会议几点?" and bool(item.reactions))
    assert answer.sender == sample().user_id("maya")
    assert question.reactions[0].key == "👍"
    await view.close()


async def test_colleagues_join_a_meeting_are_seen_and_leave(profile: Path, viewer: Session) -> None:
    room = _room(profile, "site")
    view = await _opened(viewer, room)
    await view.close()
    meeting = Meeting(viewer.calls, InProcessEngine(), NoDesktop(), SystemClock())
    await meeting.open_lobby(room, "site", encrypted=True)
    await meeting.join()
    try:
        state = await _until(meeting, lambda now: _with_picture(now) >= 3)
        assert state.encrypted
        names = {one.name for one in state.participants if not one.own}
        assert "Maya Okafor" in names
        meeting.stage.resize(1280, 720, 1.0)
        frames = meeting.frames
        assert frames is not None
        await _moving(frames, [one.tile for one in meeting.stage.view.value.tiles if one.tile is not None][:3])
        first = state.key_index
        gone = await _until(meeting, lambda now: "Daniel Reyes" not in {one.name for one in now.participants}, 90)
        await _until(meeting, lambda now: (now.key_index or 0) > (first or 0))
        assert _with_picture(gone) >= 2
    finally:
        await meeting.aclose()


def _with_picture(state: InMeeting) -> int:
    return sum(one.camera and not one.own for one in state.participants)


async def _until(meeting: Meeting, fact: Callable[[InMeeting], bool], seconds: float = 60) -> InMeeting:
    async with asyncio.timeout(seconds):
        while True:
            state = meeting.state.value
            if isinstance(state, InMeeting) and fact(state):
                return state
            await asyncio.sleep(0.1)


async def _moving(frames: FrameSource, tiles: list[int]) -> None:
    """Every tile shows at least three different pictures."""
    seen: dict[int, set[bytes]] = {tile: set() for tile in tiles}
    async with asyncio.timeout(60):
        while any(len(pictures) < 3 for pictures in seen.values()):
            for tile in tiles:
                frame = frames.take(tile)
                if frame is not None:
                    seen[tile].add(bytes(frame.pixels[::997]))
            await asyncio.sleep(0.1)


async def test_no_log_tells_what_was_said_or_any_secret(profile: Path, backend: BackendState) -> None:
    """After chat in both directions, an error and a meeting: the words stand in no file at all, tokens and keys in no log."""
    canary = f"heron-{secrets.token_hex(12)}"
    with logged(profile / "viewer") as logs:
        accounts = accounts_in(profile / "viewer")
        known = await accounts.accounts()
        server = Homeserver(backend.server_name, backend.base_url, secure=False, evaluation=True)
        account = known[0] if known else await accounts.sign_in(server, backend.viewer, backend.viewer_password, "Test")
        session = await accounts.open(account.key)
        room = _room(profile, "site")
        view = await _opened(session, room)
        await session.chat.send_text(room, OutgoingText(f"你好,周三的会议几点? {canary}"))
        await view.until(lambda item: canary in _body(item) and bool(item.reactions))
        meeting = Meeting(session.calls, ProcessMediaEngine(logs / "media.log"), NoDesktop(), SystemClock())
        await meeting.open_lobby(room, canary, encrypted=True)
        await meeting.join()
        try:
            await _until(meeting, lambda now: _with_picture(now) >= 1)
        finally:
            await meeting.aclose()
        await view.close()
        await session.close()
    assert any(file.name == "app.log" and file.stat().st_size for file in logs_in(profile))
    assert any(file.name == "colleagues.log" and file.stat().st_size for file in logs_in(profile))
    assert files_with(files_in(profile), canary) == []
    state = StateFile(evaluation_folder(profile)).load()
    assert files_with(files_in(profile), state.viewer_password), "the search finds what is there: the state file holds it"
    passwords = [state.viewer_password, state.registration_secret, state.livekit_secret]
    passwords += load_seeded(evaluation_folder(profile)).passwords.values()
    tokens = [token for file in profile.rglob("secrets.json") for token in tokens_in(file)]
    assert len(tokens) > 8
    assert files_with(logs_in(profile), *passwords, *tokens) == []
    assert [file.name for file in logs_in(profile) if ADMISSION.search(file.read_bytes())] == []
