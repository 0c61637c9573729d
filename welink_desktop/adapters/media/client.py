"""The app's side of the media process: implements `MediaEngine`, `MediaSession`, `FrameSource`.

Loads none of the native libraries. A media process that dies by itself is replaced, with pictures, devices and wishes as
they were; only the meeting has to be joined again by the caller, because that needs a fresh admission.
"""

import asyncio
import time
from pathlib import Path

from welink_desktop.adapters.media import wire
from welink_desktop.adapters.media.arena import ArenaReader, with_preview
from welink_desktop.adapters.media.child import Child
from welink_desktop.core.calls import (
    CaptureSource,
    DevicesChanged,
    EngineDied,
    Frame,
    JoinRequest,
    LinkChanged,
    MediaDevices,
    MediaEvent,
    MediaKey,
    MediaLink,
    TileRequest,
)
from welink_desktop.core.errors import MediaEngineFailed
from welink_desktop.core.log import topic
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, Signal

BACK_OFF = (0.0, 1.0, 2.0, 5.0)
MAX_DEATHS = 3
DEATHS_WITHIN_SECONDS = 60.0
LAYOUT_PERIOD = 0.2
DEVICES_SECONDS = 5.0
KEEP_PICTURES_SECONDS = 10.0
"""How long the last pictures of a dead media process stay on screen."""
_log = topic("media")


class ProcessMediaEngine:
    """`log_file` takes what the native libraries write to stderr; None leaves it on ours."""

    def __init__(self, log_file: Path | None = None) -> None:
        self._log_file = log_file

    async def open(self) -> "ProcessMediaSession":
        """Start a media process. Raises `MediaEngineFailed`."""
        session = ProcessMediaSession(self._log_file)
        await session.start()
        return session

    async def devices(self) -> MediaDevices:
        """The computer's devices, asked of a short-lived media process. Raises `MediaEngineFailed`."""
        session = await self.open()
        answer: asyncio.Future[MediaDevices] = asyncio.get_running_loop().create_future()

        def take(event: MediaEvent) -> None:
            if isinstance(event, DevicesChanged) and not answer.done():
                answer.set_result(event.devices)

        try:
            session.watch(take)
            session.list_devices()
            return await asyncio.wait_for(answer, DEVICES_SECONDS)
        except TimeoutError:
            raise MediaEngineFailed("no answer") from None
        finally:
            await session.close()


class _Pictures:
    """The frames of the present media process, and of the one before until the present one has its own."""

    def __init__(self) -> None:
        self._now: ArenaReader | None = None
        self._before: ArenaReader | None = None

    def changed(self) -> bool:
        return self._now is not None and self._now.changed()

    def take(self, tile: int) -> Frame | None:
        frame = self._now.take(tile) if self._now is not None else None
        if frame is None and self._before is not None:
            return self._before.take(tile)
        return frame

    def replace(self, reader: ArenaReader) -> None:
        if self._before is not None:
            self._before.close()
        self._before, self._now = self._now, reader

    def drop_before(self) -> None:
        if self._before is not None:
            self._before.close()
            self._before = None

    def close(self) -> None:
        self.drop_before()
        if self._now is not None:
            self._now.close()
            self._now = None

    @property
    def reader(self) -> ArenaReader | None:
        return self._now


class ProcessMediaSession:
    """A `MediaSession` over a media process. Wishes are remembered and repeated to a successor process."""

    def __init__(self, log_file: Path | None = None) -> None:
        self._log_file = log_file
        self._scope = Scope("media")
        self._events: Signal[MediaEvent] = Signal()
        self._pictures = _Pictures()
        self._child: Child | None = None
        self._dead: set[Child] = set()
        self._deaths: list[float] = []
        self._request: JoinRequest | None = None
        self._keys: dict[tuple[str, int], MediaKey] = {}
        self._own_keys: list[wire.SetOwnKey] = []
        self._wishes: dict[object, wire.Op] = {}
        self._preview: CaptureSource | None = None
        self._tiles: tuple[TileRequest, ...] = ()
        self._sent_tiles: tuple[TileRequest, ...] | None = None
        self._gen = 0
        self._laying_out = False
        self._layout_timer: asyncio.TimerHandle | None = None
        self._layout_due = 0.0

    async def start(self) -> None:
        """Raises `MediaEngineFailed`."""
        await self._spawn()

    # MediaSession

    def watch(self, listener: Listener[MediaEvent]) -> Cancel:
        return self._events.listen(listener)

    @property
    def frames(self) -> FrameSource:
        return self._pictures

    @property
    def pid(self) -> int:
        """Of the media process; 0 while there is none."""
        return self._child.pid if self._child is not None else 0

    def preview_camera(self, source: CaptureSource | None) -> None:
        self._preview = source
        self._wish("preview", wire.PreviewCamera(source), keep=source is not None)
        self._lay_out()

    def measure_microphone(self, source: CaptureSource | None) -> None:
        self._wish("meter", wire.MeasureMicrophone(source), keep=source is not None)

    def test_speaker(self, device: str) -> None:
        self._send(wire.TestSpeaker(device))

    def list_devices(self) -> None:
        self._wish("list", wire.ListDevices())

    def join(self, request: JoinRequest) -> None:
        """While the media process is being replaced, the newest request waits for the successor."""
        self._request = request
        self._keys = {(key.identity, key.index): key for key in request.keys}
        self._own_keys = []
        if self._child is not None and self._child.running:
            self._enter()

    def set_keys(self, keys: tuple[MediaKey, ...]) -> None:
        self._keys.update({(key.identity, key.index): key for key in keys})
        self._send(wire.SetKeys(keys))

    def set_own_key(self, key: MediaKey, *, use: bool) -> None:
        wish = wire.SetOwnKey(key, use)
        self._own_keys = [known for known in self._own_keys if known.key.index != key.index] + [wish]
        self._send(wish)

    def set_microphone(self, on: bool) -> None:
        self._wish("microphone", wire.SetMicrophone(on))

    def set_camera(self, on: bool) -> None:
        self._wish("camera", wire.SetCamera(on))

    def set_screen(self, on: bool, source: CaptureSource | None = None) -> None:
        self._wish("screen", wire.SetScreen(on, source))

    def set_devices(self, microphone: CaptureSource, camera: CaptureSource, speaker: str) -> None:
        self._wish("devices", wire.SetDevices(microphone, camera, speaker))

    def hear(self, identity: str, on: bool) -> None:
        self._wish(("hear", identity), wire.Hear(identity, on), keep=not on)

    def show(self, tiles: tuple[TileRequest, ...]) -> None:
        self._tiles = tiles
        self._lay_out()

    async def close(self) -> None:
        """Leave and end the process (killed after 3 s); pictures must not be used any more. Idempotent."""
        if self._scope.closed:
            return
        if self._layout_timer is not None:
            self._layout_timer.cancel()
        await self._scope.aclose()
        child, self._child = self._child, None
        if child is not None:
            await child.leave()
        for dead in self._dead:
            await dead.kill()
        self._pictures.close()
        self._keys.clear()
        self._own_keys.clear()
        self._request = None

    # The process

    async def _spawn(self) -> None:
        """A fresh process that knows all wishes. Raises `MediaEngineFailed`."""
        child = Child(self._take, lambda: self._died(child), self._log_file)
        await child.start()
        assert child.memory is not None
        self._child = child
        self._pictures.replace(ArenaReader(child.memory.mapping))
        self._gen, self._sent_tiles, self._laying_out = 0, None, False
        for wish in tuple(self._wishes.values()):
            child.send(wish)
        self._lay_out()
        if self._request is not None:
            self._enter()

    def _enter(self) -> None:
        """Ask for the meeting with all keys known by now; a ticket serves one connection."""
        request, self._request = self._request, None
        if request is not None:
            self._send(wire.Join(request))
            self._send(wire.SetKeys(tuple(self._keys.values())))
            for own in self._own_keys:
                self._send(own)

    def _died(self, child: Child) -> None:
        if child is not self._child or self._scope.closed:
            return
        self._child = None
        self._dead.add(child)
        now = time.monotonic()
        self._deaths = [death for death in self._deaths if now - death < DEATHS_WITHIN_SECONDS] + [now]
        respawning = len(self._deaths) < MAX_DEATHS
        _log.error("the media process died", deaths=len(self._deaths), respawning=respawning)
        self._scope.spawn(self._replace(child, respawning=respawning), name="respawn")
        self._events.emit(EngineDied(respawning))

    async def _replace(self, dead: Child, *, respawning: bool) -> None:
        await dead.kill()
        self._dead.discard(dead)
        while respawning:
            await asyncio.sleep(BACK_OFF[min(len(self._deaths) - 1, len(BACK_OFF) - 1)])
            try:
                await self._spawn()
            except MediaEngineFailed:
                self._deaths.append(time.monotonic())
                respawning = len(self._deaths) < MAX_DEATHS
                if not respawning:
                    self._events.emit(EngineDied(False))
            else:
                await asyncio.sleep(KEEP_PICTURES_SECONDS)
                self._pictures.drop_before()
                return

    async def _restart(self) -> None:
        """A sound device that only a new process can use: no death, but the caller joins again just the same."""
        child, self._child = self._child, None
        if child is None:
            return
        self._dead.add(child)
        self._events.emit(EngineDied(True))
        await child.leave()
        self._dead.discard(child)
        try:
            await self._spawn()
        except MediaEngineFailed:
            self._events.emit(EngineDied(False))
        else:
            await asyncio.sleep(KEEP_PICTURES_SECONDS)
            self._pictures.drop_before()

    # Messages

    def _take(self, event: wire.Event) -> None:
        match event:
            case wire.LayoutDone():
                self._laid_out(event)
            case wire.RestartNeeded():
                self._scope.spawn(self._restart(), name="restart")
            case wire.Ready() | wire.Pong() | wire.Left() | wire.Refused() | wire.Stats():
                return  # between `Child` and its process
            case _:
                if isinstance(event, LinkChanged) and event.link is MediaLink.CONNECTED:
                    self._deaths = [death for death in self._deaths if time.monotonic() - death < DEATHS_WITHIN_SECONDS]
                self._events.emit(event)

    def _wish(self, name: object, wish: wire.Op, *, keep: bool = True) -> None:
        if keep:
            self._wishes[name] = wish
        else:
            self._wishes.pop(name, None)
        self._send(wish)

    def _send(self, op: wire.Op) -> None:
        if self._child is not None:
            self._child.send(op)

    # Tiles

    def _lay_out(self) -> None:
        """Send the wanted layout, unless the one before is not done yet or was sent less than 200 ms ago."""
        reader = self._pictures.reader
        wanted = with_preview(self._tiles, self._preview is not None)
        if reader is None or self._child is None or self._laying_out or wanted == self._sent_tiles:
            return
        if self._layout_timer is not None:
            return
        wait = self._layout_due - time.monotonic()
        if wait > 0:
            self._layout_timer = asyncio.get_running_loop().call_later(wait, self._layout_again)
            return
        self._gen += 1
        self._laying_out = True
        self._layout_due = time.monotonic() + LAYOUT_PERIOD
        self._sent_tiles = wanted
        self._child.send(wire.Layout(self._gen, reader.lay_out(self._gen, wanted)))

    def _layout_again(self) -> None:
        self._layout_timer = None
        self._lay_out()

    def _laid_out(self, done: wire.LayoutDone) -> None:
        if done.gen == self._gen:
            self._laying_out = False
            self._lay_out()
