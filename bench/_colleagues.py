"""The other side of the meeting bench, in a process of its own: people with encrypted cameras who look at nobody.

`python -m bench._colleagues URL KEY SECRET COUNT`; prints "ready" once all are sending, ends with its standard input.
"""

import asyncio
import os
import sys
import time

from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.core.calls import (
    CaptureKind,
    CaptureSource,
    JoinRequest,
    LinkChanged,
    MediaEvent,
    MediaKey,
    MediaLink,
    SelfChanged,
    SfuTicket,
)
from welink_desktop.core.ids import RoomId
from welink_desktop.evaluation.token_service import signed

ROOM = "bench"
CAMERA = CaptureSource(CaptureKind.SYNTHETIC, width=320, height=180, fps=15)


def identity(number: int) -> str:
    return f"@colleague{number}:bench.test:DEVICE{number}"


def key(number: int) -> MediaKey:
    return MediaKey(identity(number), 0, bytes([number + 1]) * 16)


def request(url: str, api_key: str, secret: str, number: int, *others: MediaKey) -> JoinRequest:
    token = signed(api_key, secret, identity(number), ROOM, now=time.time())
    return JoinRequest(RoomId("!bench"), SfuTicket(url, token, identity(number), url), True, others, key(number), CAMERA, CAMERA)


async def _send(url: str, api_key: str, secret: str, number: int) -> SfuSession:
    session = SfuSession()
    connected, sending = asyncio.Event(), asyncio.Event()

    def note(event: MediaEvent) -> None:
        if isinstance(event, LinkChanged) and event.link is MediaLink.CONNECTED:
            connected.set()
        elif isinstance(event, SelfChanged) and event.on:
            sending.set()

    session.watch(note)
    session.join(request(url, api_key, secret, number))
    await connected.wait()
    session.set_camera(True)
    await sending.wait()
    return session


async def main(url: str, api_key: str, secret: str, count: int) -> None:
    sessions = [await _send(url, api_key, secret, number) for number in range(count)]
    print("ready", len(sessions), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
