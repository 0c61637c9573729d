"""What the media process does with a wish: the session does it, the arena shows it."""

import asyncio
import time
from typing import assert_never

from welink_desktop.adapters.media import wire
from welink_desktop.adapters.media.arena import ArenaWriter
from welink_desktop.adapters.media.process.board import ArenaBoard
from welink_desktop.adapters.media.process.session import SfuSession
from welink_desktop.adapters.media.process.sound import Sound
from welink_desktop.core.calls import TileRequest
from welink_desktop.core.log import topic
from welink_desktop.core.reactive import Scope

_log = topic("media")
_LEAVE_SECONDS = 2.5
_STATS_SECONDS = 5.0
_BEAT = 0.25


class Host:
    def __init__(self, arena: ArenaWriter, writer: asyncio.StreamWriter) -> None:
        self._arena = arena
        self._writer = writer
        self._board = ArenaBoard(arena)
        self._session = SfuSession(board=self._board, sound=Sound(), restart=lambda: self.send(wire.RestartNeeded()))
        self._session.watch(self.send)
        self._scope = Scope("host")
        self._scope.spawn(self._tell_stats(), name="stats")
        self._scope.spawn(self._beat(), name="beat")
        self._lag_ms = 0

    def send(self, event: wire.Event) -> None:
        if not self._writer.is_closing():
            self._writer.write(wire.encode(event))

    async def leave(self) -> None:
        try:
            await asyncio.wait_for(self._session.close(), _LEAVE_SECONDS)
        except TimeoutError:
            _log.warning("leaving took too long")
        self.send(wire.Left())
        await self._writer.drain()

    def carry_out(self, op: wire.Op) -> None:  # noqa: C901  # one line per operation reads best as one table
        session = self._session
        match op:
            case wire.Join():
                session.join(op.request)
            case wire.SetKeys():
                session.set_keys(op.keys)
            case wire.SetOwnKey():
                session.set_own_key(op.key, use=op.use)
            case wire.SetMicrophone():
                session.set_microphone(op.on)
            case wire.SetCamera():
                session.set_camera(op.on)
            case wire.SetScreen():
                session.set_screen(op.on, op.source)
            case wire.SetDevices():
                session.set_devices(op.microphone, op.camera, op.speaker)
            case wire.Hear():
                session.hear(op.identity, op.on)
            case wire.Layout():
                self._lay_out(op)
            case wire.PreviewCamera():
                session.preview_camera(op.source)
            case wire.MeasureMicrophone():
                session.measure_microphone(op.source)
            case wire.TestSpeaker():
                session.test_speaker(op.device)
            case wire.ListDevices():
                session.list_devices()
            case wire.Ping():
                self.send(wire.Pong(op.n, self._lag_ms))
            case wire.Hello() | wire.Leave():
                self.send(wire.Refused("out of place"))
            case _:
                assert_never(op)

    def _lay_out(self, layout: wire.Layout) -> None:
        self._board.lay_out(layout.gen, layout.tiles)
        tiles = (TileRequest(tile.entry, tile.identity, tile.source, tile.width, tile.height, tile.fps) for tile in layout.tiles)
        self._session.show(tuple(tiles))
        self.send(wire.LayoutDone(layout.gen))

    async def _beat(self) -> None:
        """How late this loop runs, for `Pong`."""
        while True:
            due = time.monotonic() + _BEAT
            await asyncio.sleep(_BEAT)
            self._lag_ms = int((time.monotonic() - due) * 1000)

    async def _tell_stats(self) -> None:
        while True:
            await asyncio.sleep(_STATS_SECONDS)
            self.send(wire.Stats(self._arena.frames, time.process_time()))
