"""The media process's main loop: wishes in, events out, until the app goes away."""

import asyncio
import logging
import mmap
import os
import re
import socket
import sys
import time
from typing import Protocol

from welink_desktop.adapters.media import memory, wire
from welink_desktop.adapters.media.arena import ArenaWriter
from welink_desktop.core.log import literal, topic

_log = topic("media")


class Follower(Protocol):
    """Carries wishes out (`host.Host`)."""

    def send(self, event: wire.Event) -> None: ...

    def carry_out(self, op: wire.Op) -> None: ...

    async def leave(self) -> None: ...


class _Redaction(logging.Filter):
    """The SDK may log addresses with a token in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = re.sub(r"(access_token|token|jwt)=[^&\s\"']+", r"\1=…", record.getMessage())
        record.args = None
        return True


def main() -> None:
    """`--media-process SOCKET ARENA PARENT`: two inherited descriptors (Windows: the socket's share comes by stdin)."""
    place = sys.argv.index("--media-process") + 1
    control, arena, parent = sys.argv[place : place + 3]
    memory.die_with_parent(int(parent))
    handler = logging.StreamHandler()
    handler.addFilter(_Redaction())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("livekit").setLevel(logging.ERROR)  # it warns of each frame that a busy machine leaves out
    asyncio.run(_serve(_socket(control), int(arena)))
    os._exit(0)


def _socket(control: str) -> socket.socket:
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read(int(control)))
    return socket.socket(fileno=int(control))


async def _serve(control: socket.socket, arena: int) -> None:
    reader, writer = await asyncio.open_connection(sock=control)
    body = await wire.read_body(reader)
    hello = wire.decode_op(body) if body is not None else None
    if not isinstance(hello, wire.Hello) or hello.version != wire.VERSION:
        return
    began = time.monotonic()
    # Late: the native libraries take a third of a second, and `Ready` must come after them.
    from welink_desktop.adapters.media.process.host import Host

    host = Host(ArenaWriter(_attach(arena, hello.memory)), writer)
    host.send(wire.Ready(wire.VERSION, os.getpid(), int((time.monotonic() - began) * 1000)))
    try:
        await _follow(reader, host)
    except wire.WireError as error:
        _log.error("the app sent something unreadable", error=literal(type(error).__name__))


def _attach(descriptor: int, name: str) -> mmap.mmap:
    return memory.attach(descriptor, name)


async def _follow(reader: asyncio.StreamReader, host: Follower) -> None:
    """Carry out wishes in order until `Leave` or the app's end."""
    while True:
        body = await wire.read_body(reader)
        if body is None:
            return
        try:
            op = wire.decode_op(body)
        except wire.UnknownOperation:
            host.send(wire.Refused("unknown"))
            continue
        if isinstance(op, wire.Leave):
            await host.leave()
            return
        host.carry_out(op)
