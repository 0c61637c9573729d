"""Meetings for tests: admissions, event recorders, waiting for facts."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from tests.support.servers import TestLiveKit
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    Frame,
    JoinRequest,
    MediaEvent,
    MediaKey,
    SfuTicket,
    TileRequest,
    TrackSource,
)
from welink_desktop.core.ids import RoomId
from welink_desktop.core.ports.calls import FrameSource, MediaSession

E = TypeVar("E")
SMALL = CaptureSource(CaptureKind.SYNTHETIC, width=320, height=180, fps=15)
TONE = CaptureSource(CaptureKind.SYNTHETIC, device="500")


def ticket(livekit: TestLiveKit, room: str, identity: str, *, admin: bool = False) -> SfuTicket:
    """An admission signed with the SFU's own secret."""
    grant = {"room": room, "roomJoin": True, "canPublish": True, "canSubscribe": True, "roomAdmin": admin}
    claims = {"iss": livekit.key, "sub": identity, "nbf": int(time.time()) - 5, "exp": int(time.time()) + 3600, "video": grant}
    head = ".".join(_part(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(livekit.secret.encode(), head.encode(), hashlib.sha256).digest()
    return SfuTicket(livekit.url, f"{head}.{_part(signature)}", identity, "http://127.0.0.1")


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def key_of(identity: str, index: int, secret: int) -> MediaKey:
    return MediaKey(identity, index, bytes([secret]) * 16)


def join_request(
    livekit: TestLiveKit, room: str, identity: str, *, own: MediaKey | None = None, keys: tuple[MediaKey, ...] = (),
    camera: CaptureSource = SMALL, microphone: CaptureSource = TONE, encrypted: bool = True,
) -> JoinRequest:  # fmt: skip
    return JoinRequest(
        RoomId("!room"), ticket(livekit, room, identity), encrypted, keys, own, microphone=microphone, camera=camera
    )


def tile(
    identity: str, number: int = 1, source: TrackSource = TrackSource.CAMERA, width: int = 320, height: int = 180
) -> TileRequest:
    return TileRequest(number, identity, source, width, height, 15)


class Watched(Protocol):
    def watch(self, listener: Callable[[MediaEvent], None]) -> Callable[[], None]: ...


class Recorder:
    """Remembers what a session tells and waits for what it shall tell."""

    def __init__(self, session: MediaSession | Watched) -> None:
        self.events: list[MediaEvent] = []
        self._news = asyncio.Event()
        session.watch(self._note)

    def _note(self, event: MediaEvent) -> None:
        self.events.append(event)
        self._news.set()

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, fact: Callable[[MediaEvent], bool], *, after: int = 0, seconds: float = 20) -> MediaEvent:
        """The first event from number `after` on of which `fact` is true. Raises `TimeoutError` with what came instead."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            for event in self.events[after:]:
                if fact(event):
                    return event
            self._news.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                raise TimeoutError(f"only these came: {self.events[after:][-12:]}") from None


async def frame_where(frames: FrameSource, number: int, fact: Callable[[Frame], bool], seconds: float = 20) -> Frame:
    """A frame of the tile of which `fact` is true; looks at each new one."""
    deadline = asyncio.get_running_loop().time() + seconds
    seen = 0
    last = -1
    while asyncio.get_running_loop().time() < deadline:
        frame = frames.take(number)
        if frame is not None and frame.sequence != last:
            seen, last = seen + 1, frame.sequence
            if fact(frame):
                return frame
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{seen} frames came, none fits")


async def no_frame(frames: FrameSource, number: int, fact: Callable[[Frame], bool], seconds: float) -> bool:
    """Whether for `seconds` no frame of the tile fits."""
    try:
        await frame_where(frames, number, fact, seconds)
    except TimeoutError:
        return True
    return False
