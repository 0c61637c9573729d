"""A TCP proxy on loopback that spoils requests on purpose: refused, cut before or after the server took them, false answers."""

import asyncio
import enum
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

BLOCK = 1 << 16


class Fault(enum.Enum):
    """What happens to one request of a connection."""

    CUT_BEFORE = "connection reset before the server saw the request"
    CUT_AFTER = "the server took the request, its answer is lost"
    HALF_ANSWER = "the answer breaks off"
    PORTAL = "a page of somebody else with status 200"
    BAD_GATEWAY = "502"
    BUSY = "429"


def _page(status: str, kind: str, body: bytes) -> bytes:
    fields = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return fields.encode() + body


_PAGES = {
    Fault.PORTAL: _page("200 OK", "text/html", b"<html>sign in</html>"),
    Fault.BAD_GATEWAY: _page("502 Bad Gateway", "text/html", b""),
    Fault.BUSY: _page("429 Too Many Requests", "application/json", b'{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 100}'),
}


class FaultProxy:
    """`decide` is asked for each request with its first line; None lets it pass. `line` false refuses every connection."""

    def __init__(self, target: str) -> None:
        place = urlsplit(target)
        self._target = (place.hostname or "127.0.0.1", place.port or 80)
        self.decide: Callable[[bytes], Fault | None] = lambda line: None
        self.happened: list[Fault] = []
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.base_url = ""
        self._port = 0

    async def start(self) -> None:
        """Listen (again), on the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """The line is cut: running connections break, new ones are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._open):
            _reset(writer)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            from_server, upstream = await asyncio.open_connection(*self._target)
            self._open.add(upstream)
            while await self._exchange(reader, writer, from_server, upstream):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _reset(writer)
        finally:
            self._tasks.discard(task)
            for one in (writer, upstream):
                if one is not None:
                    self._open.discard(one)
                    one.close()
                    with suppress(OSError):
                        await one.wait_closed()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        fault = self.decide(head.split(b"\r\n", 1)[0])
        if fault is not None:
            self.happened.append(fault)
        if fault is Fault.CUT_BEFORE:
            raise ConnectionResetError
        body = await _body(reader, head)
        if fault in _PAGES:
            writer.write(_PAGES[fault])
            await writer.drain()
            return False
        out.write(head + body)
        await out.drain()
        answer = await back.readuntil(b"\r\n\r\n")
        answer += await _body(back, answer)
        if fault is Fault.CUT_AFTER:
            raise ConnectionResetError
        if fault is Fault.HALF_ANSWER:
            writer.write(answer[: len(answer) - 7])
            await writer.drain()
            return False
        writer.write(answer)
        await writer.drain()
        return b"connection: close" not in answer.split(b"\r\n\r\n")[0].lower()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        parts = b""
        while True:
            size = await reader.readuntil(b"\r\n")
            parts += size + await reader.readexactly(int(size, 16) + 2)
            if int(size, 16) == 0:
                return parts
    return await reader.readexactly(int(fields.get(b"content-length", b"0")))


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST rather than FIN."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


@asynccontextmanager
async def fault_proxy(target: str) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


def every(share: float, faults: tuple[Fault, ...], words: tuple[bytes, ...], seed: int) -> Callable[[bytes], Fault | None]:
    """Spoil this share of the requests whose first line holds one of `words`."""
    chance = random.Random(seed)

    def decide(line: bytes) -> Fault | None:
        if any(word in line for word in words) and chance.random() < share:
            return chance.choice(faults)
        return None

    return decide
