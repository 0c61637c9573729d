"""The app's side of the picture helper: starts it when a picture is to be decoded, restarts it when it died."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from welink_desktop.core.errors import FileDamaged
from welink_desktop.core.log import topic
from welink_desktop.core.media import Picture
from welink_desktop.ui.pictures import frames

DEADLINE = 2.0
"""Seconds for one picture."""
START_DEADLINE = 20.0
"""Seconds for the first picture of a new process: a busy computer may start it slowly."""
IDLE_SECONDS = 15.0
"""A helper without work ends after this time and gives its memory back."""

_log = topic("pictures")


def helper_command() -> tuple[str, ...]:
    """How this program starts its picture helper, also from a frozen bundle."""
    if getattr(sys, "frozen", False):
        return (sys.executable, "--picture-helper")
    return (sys.executable, "-m", "welink_desktop.ui.pictures.helper")


class PictureHelper:
    """Decodes pictures, one at a time, in one helper process. Belongs to the loop that uses it first.

    A picture that crashes, stalls or starves the helper costs that helper, never the app, and is tried no second time.
    """

    def __init__(
        self, command: Sequence[str] | None = None, *, deadline: float = DEADLINE, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._command = tuple(command or helper_command())
        self._deadline = deadline
        self._idle_seconds = idle_seconds
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._fresh = False
        self._rest: asyncio.TimerHandle | None = None

    async def decode(self, data: bytes, width: int, height: int, *, cover: bool = False) -> Picture:
        """The picture in `data`, fitted into the box (never enlarged), or with `cover` cut to exactly fill it.

        PNG, JPEG, GIF (first picture) and WebP only. Raises `FileDamaged` for anything else, for damaged files and for
        pictures that need more than 2 s or the memory limit.
        """
        if not data or len(data) > frames.MAX_FILE:
            raise FileDamaged
        box = [min(max(side, 1), frames.MAX_SIDE) for side in (width, height)]
        request = frames.REQUEST.pack(*box, frames.COVER if cover else frames.FIT, len(data))
        async with self._turn:
            if self._rest is not None:
                self._rest.cancel()
                self._rest = None
            process = await self._running()
            done = False
            try:
                limit = self._deadline + (START_DEADLINE if self._fresh else 0.0)
                async with asyncio.timeout(limit):
                    picture = await self._ask(process, request, data)
                done = True
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                _log.warning("picture helper failed on a picture", late=isinstance(error, TimeoutError))
                raise FileDamaged from error
            finally:
                self._fresh = False
                if not done:
                    await self._end()
                else:
                    self._rest = asyncio.get_running_loop().call_later(self._idle_seconds, self._retire)
        if picture is None:
            raise FileDamaged
        return picture

    async def aclose(self) -> None:
        async with self._turn:
            if self._rest is not None:
                self._rest.cancel()
                self._rest = None
            await self._end()

    @property
    def process_id(self) -> int | None:
        """Of the running helper, None while there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            try:
                self._process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
            except OSError as error:
                _log.error("picture helper cannot be started", exc=error)
                raise FileDamaged from error
            self._fresh = True
        return self._process

    async def _ask(self, process: Process, request: bytes, data: bytes) -> Picture | None:
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        process.stdin.write(request)
        process.stdin.write(data)
        await process.stdin.drain()
        verdict, width, height, length = frames.ANSWER.unpack(await process.stdout.readexactly(frames.ANSWER.size))
        if verdict != frames.DECODED:
            return None
        if width > frames.MAX_SIDE or height > frames.MAX_SIDE or length != width * height * 4:
            raise BrokenPipeError
        return Picture(width, height, await process.stdout.readexactly(length))

    def _retire(self) -> None:
        """End an idle helper: its input ends, so it goes by itself."""
        self._rest = None
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process = None

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
