"""The SFU goes away and comes back."""

import asyncio
import json
import os
import secrets
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.meetings import Recorder, frame_where, join_request, key_of, ticket, tile
from tests.support.servers import TestLiveKit
from welink_desktop.adapters.media.process import barcode
from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.core.calls import Frame, LinkChanged, MediaEvent, MediaLink, SelfChanged, SilenceNoticed, TrackSource
from welink_desktop.evaluation.livekit import LiveKit
from welink_desktop.evaluation.places import free_ports
from welink_desktop.evaluation.process import ServerProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ANNA, BEN = "@anna:welink.test:AAAA", "@ben:welink.test:BBBB"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """An SFU of this test's own."""
    process = ServerProcess(LiveKit(tmp_path / "livekit", free_ports(1)[0], "test", secrets.token_hex(24)), tmp_path)
    process.start()
    process.wait_healthy()
    yield process
    process.stop(1)


def number(frame: Frame) -> int | None:
    return barcode.read_bgra(frame.pixels, frame.width, frame.height)


def link(wanted: MediaLink) -> Callable[[MediaEvent], bool]:
    def fact(event: MediaEvent) -> bool:
        return isinstance(event, LinkChanged) and event.link is wanted

    return fact


def kill(server: ServerProcess) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.stop()


async def meet(server: ServerProcess) -> tuple[TestLiveKit, SfuSession, SfuSession, Recorder]:
    """Ben shows his camera after two rotations; Anna sees it."""
    part = server.part
    assert isinstance(part, LiveKit)
    livekit = TestLiveKit(part.url, part.key, part.secret)
    anna, ben = SfuSession(), SfuSession()
    recorder = Recorder(anna)
    anna.join(join_request(livekit, "room", ANNA, own=key_of(ANNA, 0, 1), keys=(key_of(BEN, 2, 9),)))
    ben.join(join_request(livekit, "room", BEN, own=key_of(BEN, 0, 7)))
    await recorder.until(link(MediaLink.CONNECTED))
    ben.set_camera(True)
    for index, secret in ((1, 8), (2, 9)):
        ben.set_own_key(key_of(BEN, index, secret), use=True)
    anna.show((tile(BEN),))
    await frame_where(anna.frames, 1, lambda frame: number(frame) is not None)
    return livekit, anna, ben, recorder


async def test_the_picture_is_back_after_the_sfu_was_gone_for_two_seconds(server: ServerProcess) -> None:
    _, anna, ben, recorder = await meet(server)
    kill(server)
    await recorder.until(link(MediaLink.RECONNECTING))
    mark = len(recorder.events)
    last = anna.frames.take(1)
    assert last is not None
    server.start()
    await recorder.until(link(MediaLink.CONNECTED), after=mark)
    await frame_where(anna.frames, 1, lambda frame: frame.sequence > last.sequence + 5 and number(frame) is not None)
    await anna.close()
    await ben.close()


@pytest.mark.timeout(150)
async def test_after_a_long_absence_a_new_join_brings_the_picture_back(server: ServerProcess) -> None:
    livekit, anna, ben, recorder = await meet(server)
    of_ben = Recorder(ben)
    kill(server)
    await recorder.until(link(MediaLink.DISCONNECTED), seconds=60)
    await of_ben.until(link(MediaLink.DISCONNECTED), seconds=60)
    server.start()
    server.wait_healthy()
    mark = anna.frames.take(1)
    anna.join(join_request(livekit, "room", ANNA, own=key_of(ANNA, 0, 1), keys=(key_of(BEN, 2, 9),)))
    ben.join(join_request(livekit, "room", BEN, own=key_of(BEN, 2, 9)))
    await frame_where(
        anna.frames, 1, lambda frame: number(frame) is not None and (mark is None or frame.sequence > mark.sequence + 5)
    )
    await anna.close()
    await ben.close()


async def test_a_standing_sfu_is_noticed_as_silence(server: ServerProcess) -> None:
    _, anna, ben, recorder = await meet(server)
    assert server.pid is not None
    mark = len(recorder.events)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        await recorder.until(lambda event: isinstance(event, SilenceNoticed) and event.ms > 2000, after=mark)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await recorder.until(lambda event: event == SilenceNoticed(BEN, 0), after=mark)
    await anna.close()
    await ben.close()


async def test_a_host_who_mutes_us_is_told_as_the_truth(server: ServerProcess) -> None:
    livekit, anna, ben, _ = await meet(server)
    of_ben = Recorder(ben)
    people = await asyncio.to_thread(administer, livekit, "ListParticipants", {"room": "room"})
    (track,) = next(person["tracks"] for person in people["participants"] if person["identity"] == BEN)
    order = {"room": "room", "identity": BEN, "track_sid": track["sid"], "muted": True}
    await asyncio.to_thread(administer, livekit, "MutePublishedTrack", order)
    await of_ben.until(lambda event: isinstance(event, SelfChanged) and event.source is TrackSource.CAMERA and not event.on)

    ben.set_camera(True)
    mark = anna.frames.take(1)
    assert mark is not None
    await frame_where(anna.frames, 1, lambda frame: frame.sequence > mark.sequence + 5 and number(frame) is not None)
    await anna.close()
    await ben.close()


def administer(livekit: TestLiveKit, method: str, order: dict[str, object]) -> dict[str, Any]:
    """A call of the SFU's administration API."""
    token = ticket(livekit, "room", "admin", admin=True).token
    wish = urllib.request.Request(
        f"{livekit.url.replace('ws', 'http', 1)}/twirp/livekit.RoomService/{method}",
        json.dumps(order).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(wish, timeout=5) as answer:
        return dict(json.loads(answer.read()))
