"""An encrypted meeting with Element Call in headless Chromium, in both directions, on real servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import rtc

from tests.interop.element_call import ElementCall, missing, served
from tests.support.callers import Caller, callers
from tests.support.engine import RoomsSeen, shared_room, until
from tests.support.meetings import frame_where
from tests.support.servers import TestLiveKit, TestSynapse, TestTokenService
from welink_desktop.adapters.media.process import barcode
from welink_desktop.core.calls import CaptureKind, CaptureSource, Frame
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.evaluation.client import Registered

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.skipif(bool(missing()), reason=missing())]
NAME = "Eliza Carter"


@pytest.fixture
async def browser(synapse: TestSynapse, livekit: TestLiveKit, token_service: TestTokenService) -> AsyncIterator[ElementCall]:
    with served(synapse.base_url, synapse.server_name) as url:
        opponent = await ElementCall.start(url)
        yield opponent
        await opponent.stop()


async def invited(host: Caller, account: Registered, synapse: TestSynapse, room: RoomId) -> None:
    await host.person.session.chat.invite(room, UserId(account.user_id))
    with synapse.client(account) as client:
        await asyncio.to_thread(client.join, room)
    seen = RoomsSeen(host.person.session)
    await until(lambda: (found := seen.get(room)) is not None and found.joined >= 2)
    seen.cancel()


async def opens(browser: ElementCall, name: str, account: Registered, room: RoomId) -> None:
    """A participant of the browser, joined with the fake camera (a moving green picture) and its beeping microphone."""
    session = {
        "user_id": account.user_id,
        "device_id": account.device_id,
        "access_token": account.access_token,
        "passwordlessUser": False,
    }
    await browser.call("open", name, session=session, room=room)
    await browser.call("join", name)


def statistics(frame: Frame) -> tuple[list[float], float, int]:
    """Mean blue, green, red; deviation; number of colours of a 4-bit palette."""
    pixels = np.frombuffer(frame.pixels, np.uint8).reshape(frame.height, frame.stride // 4, 4)[:, : frame.width, :3]
    small = pixels[::8, ::8].reshape(-1, 3)
    colours = len(np.unique(small >> 4, axis=0))
    return [float(value) for value in small.mean(axis=0)], float(small.std(axis=0).mean()), colours


def is_fake_camera(frame: Frame) -> bool:
    """Chromium's fake camera: mostly green, with a moving figure and a clock."""
    (blue, green, red), deviation, colours = statistics(frame)
    return green > blue + 40 and green > red + 40 and deviation > 5 and colours > 3


async def loudness_of(caller: Caller, identity: str) -> float:
    """Root mean square of a second of a participant's decoded sound."""
    room = caller.media._room
    assert room is not None
    sound = next(
        publication.track
        for publication in room.remote_participants[identity].track_publications.values()
        if publication.kind == rtc.TrackKind.KIND_AUDIO and publication.track is not None
    )
    stream = rtc.AudioStream(sound, sample_rate=16_000, num_channels=1)
    loudest = 0.0
    try:
        for _ in range(250):
            block = await asyncio.wait_for(anext(stream), 10)
            samples = np.frombuffer(block.frame.data, np.int16).astype(np.float64)
            loudest = max(loudest, float(np.sqrt((samples**2).mean())))
    finally:
        await stream.aclose()
    return loudest


async def tile_of(browser: ElementCall, name: str, person: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """A tile of `person` on the page of `name` of which `wanted` is true; waits up to 40 s."""
    last: Any = None

    async def look() -> dict[str, Any] | None:
        nonlocal last
        last = await browser.call("tiles", name)
        return next((tile for tile in last if person in (tile["name"] or "") and tile["w"] and wanted(tile)), None)

    return await eventually_found(look, lambda: f"tiles: {last}")


async def eventually_found(look: Callable[[], Awaitable[dict[str, Any] | None]], explain: Callable[[], str]) -> dict[str, Any]:
    ends = asyncio.get_running_loop().time() + 40
    while (found := await look()) is None:
        if asyncio.get_running_loop().time() > ends:
            raise TimeoutError(explain())
        await asyncio.sleep(0.3)
    return found


async def moves(browser: ElementCall, name: str, person: str, seconds: float = 40) -> None:
    """Waits until a tile has shown thirty more frames."""
    before = (await tile_of(browser, name, person, lambda tile: True))["frames"]
    await tile_of(browser, name, person, lambda tile: tile["frames"] > before + 30)


async def test_pictures_and_sound_go_both_ways_and_survive_a_rotation(
    synapse: TestSynapse, browser: ElementCall, tmp_path: Path
) -> None:
    async with callers(synapse, tmp_path, "ann", "cat") as (ann, cat):
        eliza = synapse.register("eliza", displayname=NAME)
        identity = f"{eliza.user_id}:{eliza.device_id}"
        room = await shared_room(ann.person, cat.person)
        await invited(ann, eliza, synapse, room)
        await ann.enter(room)
        await opens(browser, "eliza", eliza, room)

        # Element Call in our window
        tile = await ann.tile_of(identity)
        frame = await frame_where(ann.media.frames, tile, is_fake_camera, 40)
        assert frame.width >= 320
        assert await loudness_of(ann, identity) > 300
        person = ann.sees_in(identity)
        assert person is not None
        assert (person.name, person.insecure, person.microphone, person.camera) == (NAME, False, True, True)

        # we in Element Call
        shown = await tile_of(browser, "eliza", "Ann", lambda tile: tile["std"] > 5 and tile["colours"] > 3)
        assert shown["w"] / shown["h"] == pytest.approx(16 / 9, rel=0.02)
        ours = await our_picture(ann)
        assert max(abs(a - b) for a, b in zip(shown["rgb"], ours, strict=True)) < 24
        energies = [track["energy"] for track in (await browser.call("stats", "eliza"))["inbound"] if track["kind"] == "audio"]
        assert max(energies) > 0
        assert ann.now.alarms == ()

        # a third comes and leaves: keys rotate, pictures go on
        await cat.enter(room)
        await cat.tile_of(identity)
        await frame_where(cat.media.frames, await cat.tile_of(identity), is_fake_camera, 40)
        await tile_of(browser, "eliza", "Cat", lambda tile: tile["std"] > 5)
        index = ann.now.key_index or 0
        await cat.meeting.leave()
        await until(lambda: (ann.now.key_index or 0) > index, seconds=20)
        last = ann.media.frames.take(tile)
        assert last is not None
        sequence = last.sequence
        await frame_where(ann.media.frames, tile, lambda frame: frame.sequence > sequence + 30 and is_fake_camera(frame), 40)
        await moves(browser, "eliza", "Ann")
        errors = await browser.call("console", "eliza", match="Encryption error", since=3)
        assert errors["n"] == 0, errors["last"]

        # we share the screen after rotations: its cryptor starts at index 0 unless it is told
        ann.meeting.share_screen(CaptureSource(CaptureKind.SYNTHETIC, width=1280, height=720, fps=10))
        await tile_of(browser, "eliza", "Ann", lambda tile: tile["w"] == 1280 and tile["std"] > 5 and tile["frames"] > 20)

        # Element Call leaves
        await browser.call("leave", "eliza")
        await until(lambda: ann.sees_in(identity) is None, seconds=20)


async def our_picture(caller: Caller) -> list[float]:
    """Mean red, green, blue of our own camera as we see it ourselves."""
    tile = await caller.tile_of(caller.identity)
    frame = await frame_where(
        caller.media.frames, tile, lambda frame: barcode.read_bgra(frame.pixels, frame.width, frame.height) is not None
    )
    (blue, green, red), _, _ = statistics(frame)
    return [red, green, blue]
