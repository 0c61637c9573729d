"""One media process seen from the app: spawn, messages, heartbeat, end (media_process §2, §5)."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import welink_desktop
from welink_desktop.adapters.media import arena, memory, wire
from welink_desktop.adapters.media.memory import SharedMemory
from welink_desktop.core.errors import MediaEngineFailed
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Scope

READY_SECONDS = 10.0
PING_SECONDS = 1.0
SILENT_PINGS = 3
END_SECONDS = 3.0
_log = topic("media")


class Child:
    """A running media process. `on_event` gets what it tells; `on_death` is called once, unless we ended it ourselves."""

    def __init__(
        self, on_event: Callable[[wire.Event], None], on_death: Callable[[], None], log_file: Path | None = None
    ) -> None:
        self._on_event = on_event
        self._on_death = on_death
        self._log_file = log_file
        self._scope = Scope("media-child")
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = asyncio.Event()
        self._heard = False
        self._over = False
        self.memory: SharedMemory | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        return self._writer is not None and not self._over

    async def start(self) -> None:
        """Returns when the process is ready for wishes. Raises `MediaEngineFailed` after 10 s, nothing left behind."""
        try:
            await self._start()
        except OSError as error:
            await self.kill()
            raise MediaEngineFailed(type(error).__name__) from None
        except BaseException:
            await self.kill()
            raise

    async def _start(self) -> None:
        self.memory = memory.create()
        arena.prepare(self.memory.mapping)
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _spawn(theirs, self.memory, self._log_file)
        self.memory.close_descriptor()
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self.send(wire.Hello(wire.VERSION, self.memory.name))
        self._scope.spawn(self._follow(reader), name="events")
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), READY_SECONDS)
        except TimeoutError:
            raise MediaEngineFailed("not ready in time") from None
        self._scope.spawn(self._ping(), name="ping")

    def send(self, op: wire.Op) -> None:
        """Nothing happens once the process has ended."""
        if self._writer is not None and not self._over and not self._writer.is_closing():
            self._writer.write(wire.encode(op))

    async def leave(self) -> None:
        """Let it leave its meeting and end; kill it after 3 s."""
        if self.running:
            self._over = True
            if self._writer is not None:
                self._writer.write(wire.encode(wire.Leave()))
            try:
                await asyncio.wait_for(self._left.wait(), END_SECONDS)
            except TimeoutError:
                _log.warning("the media process did not leave")
        await self.kill()

    async def kill(self) -> None:
        """End it and everything that belongs to it here. Idempotent; `on_death` is not called any more."""
        self._over = True
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        await self._scope.aclose()
        if not self._ready.done():
            self._ready.cancel()
        elif not self._ready.cancelled():
            self._ready.exception()
        if self._process is not None:
            await _reap(self._process)
        if self.memory is not None:
            self.memory.close_descriptor()

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        try:
            while (body := await wire.read_body(reader)) is not None:
                self._heard = True
                try:
                    self._take(wire.decode_event(body))
                except wire.UnknownOperation:
                    _log.warning("the media process told something unknown")
        except wire.WireError:
            _log.warning("the media process sent something unreadable")
        self._ended()

    def _take(self, event: wire.Event) -> None:
        match event:
            case wire.Ready():
                self._greeted(event)
            case wire.Left():
                self._left.set()
            case wire.Pong():
                return
            case wire.Refused():
                _log.warning("the media process refused a wish")
            case wire.Stats():
                _log.debug("media process", frames=event.frames, cpu_seconds=event.cpu_seconds)
            case _:
                self._on_event(event)

    def _greeted(self, ready: wire.Ready) -> None:
        if self._ready.done():
            return
        if ready.version == wire.VERSION:
            _log.info("media process ready", pid=ready.pid, import_ms=ready.import_ms)
            self._ready.set_result(None)
        else:
            self._ready.set_exception(MediaEngineFailed("other version"))

    def _ended(self) -> None:
        """The connection ended: the process died, or it hung and was killed, or it sent rubbish."""
        self._left.set()
        if not self._ready.done():
            self._ready.set_exception(MediaEngineFailed("ended while starting"))
            return
        if not self._over:
            self._over = True
            self._on_death()

    async def _ping(self) -> None:
        """Counted in our own beats, so that a busy or suspended app never takes itself for a hanging child."""
        silent = 0
        number = 0
        while True:
            self._heard = False
            number += 1
            self.send(wire.Ping(number))
            await asyncio.sleep(PING_SECONDS)
            silent = 0 if self._heard else silent + 1
            if silent >= SILENT_PINGS and self._process is not None:
                _log.warning("the media process hangs and is ended", pid=self._process.pid)
                self._process.kill()
                self._ended()
                return


def _command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "welink_desktop"]


def _environment() -> dict[str, str]:
    """The child finds the same package, wherever the app was started."""
    sources = str(Path(welink_desktop.__file__).parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH"))))}


def _spawn(theirs: socket.socket, frames: SharedMemory, log_file: Path | None) -> "subprocess.Popen[bytes]":
    """Never a fork: the SDK refuses to run after one."""
    log = log_file.open("ab") if log_file is not None else None
    try:
        if sys.platform == "win32":
            return _spawn_windows(theirs, log)
        descriptors = (theirs.fileno(), frames.descriptor)
        arguments = ["--media-process", str(descriptors[0]), str(descriptors[1]), str(os.getpid())]
        return subprocess.Popen(  # noqa: S603  # our own program
            [*_command(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=_environment(),
            pass_fds=descriptors,
        )
    finally:
        if log is not None:
            log.close()


if sys.platform == "win32":

    def _spawn_windows(theirs: socket.socket, log: object) -> "subprocess.Popen[bytes]":
        """The socket cannot be inherited there: its share for the child's pid goes through stdin."""
        length = len(theirs.share(os.getpid()))
        process = subprocess.Popen(  # noqa: S603  # our own program
            [*_command(), "--media-process", str(length), "-1", str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, env=_environment(),
            creationflags=subprocess.CREATE_NO_WINDOW,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(theirs.share(process.pid))
        process.stdin.close()
        return process


async def _reap(process: "subprocess.Popen[bytes]") -> None:
    """The child ends by itself when its socket closes; killed after 2 s."""
    deadline = asyncio.get_running_loop().time() + 2.0
    while process.poll() is None:
        if asyncio.get_running_loop().time() > deadline:
            process.kill()
        await asyncio.sleep(0.01)
    if process.returncode == -signal.SIGTERM:
        _log.error("media engine panic", code=process.returncode)
    elif process.returncode != 0:
        _log.warning("media process ended", code=process.returncode, how=literal("signal" if process.returncode < 0 else "exit"))
