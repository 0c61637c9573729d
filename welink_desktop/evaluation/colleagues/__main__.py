"""The colleagues' process: `python -m welink_desktop.evaluation.colleagues --folder PROFILE/evaluation`."""

import argparse
import asyncio
import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any, NoReturn

from welink_desktop.core.account import Homeserver
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Scope
from welink_desktop.evaluation.client import MatrixClient
from welink_desktop.evaluation.colleagues.accounts import accounts_in
from welink_desktop.evaluation.colleagues.crew import Crew
from welink_desktop.evaluation.colleagues.history import Historian
from welink_desktop.evaluation.colleagues.part import ColleaguesPart
from welink_desktop.evaluation.sample import Sample, SampleRoom, sample
from welink_desktop.evaluation.seed import SeededRooms, load_seeded
from welink_desktop.evaluation.state import BackendState, StateFile

BEAT = 5.0
AT_ONCE = 3
"""Conversations that are written side by side."""
LOOK = 0.5
"""Seconds between two looks for the viewer's first device."""
_log = topic("evaluation.colleagues")


class Colleagues:
    """Everything that runs in this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "colleagues"
        self._part = ColleaguesPart(folder)
        self._state: BackendState = StateFile(folder).load()
        self._seeded: SeededRooms = load_seeded(folder)
        self._sample: Sample = sample()
        server = Homeserver(self._state.server_name, self._state.base_url, secure=False, evaluation=True)
        self._crew = Crew(self._sample, server, lambda key: accounts_in(self._folder / key), self._folder)
        self._status: dict[str, Any] = {"ready": False, "people": 0, "history": self._history_state()}

    async def run(self) -> None:
        """Until cancelled."""
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, over.set)
        scope = Scope("colleagues", on_error=lambda error: over.set())
        try:
            scope.spawn(self._live(), name="live")
            await over.wait()
        finally:
            await scope.aclose()
            await self._crew.close()

    async def _live(self) -> None:
        viewer = self._sample.viewer
        await self._crew.open_all({key: self._seeded.passwords[key] for key in self._writers() if key != viewer})
        self._crew.attend()
        self._tell(ready=True, people=len(self._crew.sessions))
        if self._status["history"] != "done":
            await self._history()
        while True:
            self._tell()
            await asyncio.sleep(BEAT)

    def _writers(self) -> list[str]:
        """Everybody who writes or reacts somewhere."""
        lines = [line for room in self._sample.rooms for line in room.lines]
        return sorted({line.by for line in lines} | {key for line in lines for _, key in line.reactions})

    async def _history(self) -> None:
        """Once the viewer has a device that can read: write what people said to each other."""
        viewer = self._sample.viewer
        password = self._seeded.passwords[viewer]
        await self._device_of_viewer()
        self._tell(history="writing")
        phone = await self._crew.open(viewer, password)
        rooms = {key: RoomId(place) for key, place in self._seeded.rooms.items()}
        historian = Historian(self._sample, self._crew.sessions, rooms, self._folder)
        gate = asyncio.Semaphore(AT_ONCE)

        async def write(room: SampleRoom) -> None:
            async with gate:
                self._mark(room.key).touch()
                try:
                    await historian.write(room)
                except (WeLinkError, TimeoutError, RuntimeError) as error:
                    _log.error("a conversation stays unfinished", exc=error, room=literal(room.key))
                self._tell()

        await asyncio.gather(*(write(room) for room in self._sample.rooms if not self._mark(room.key).exists()))
        del self._crew.sessions[viewer]
        await phone.close()
        self._mark("done").touch()
        self._tell(history="done")

    async def _device_of_viewer(self) -> None:
        """Wait until the server knows keys of a device of the viewer."""
        someone = next(key for key in self._writers() if key != self._sample.viewer)
        user = self._sample.user_id(self._sample.viewer)
        with MatrixClient(self._state.base_url) as anybody:
            person = self._sample.people[someone]
            client = await asyncio.to_thread(anybody.log_in, person.localpart, self._seeded.passwords[someone])
        with client:
            while True:
                query: dict[str, Any] = {"device_keys": {user: []}}
                answer = await asyncio.to_thread(client.call, "POST", "client", "v3", "keys", "query", body=query)
                if answer["device_keys"].get(user):
                    break
                self._tell()
                await asyncio.sleep(LOOK)
            await asyncio.to_thread(client.call, "POST", "client", "v3", "logout", body={})

    def _mark(self, name: str) -> Path:
        return self._folder / f"written-{name}"

    def _history_state(self) -> str:
        return "done" if self._mark("done").exists() else "waiting"

    def _tell(self, **changes: Any) -> None:
        self._status = {**self._status, **changes, "beat": time.time(), "pid": os.getpid()}
        unfinished = self._part.status_file.with_suffix(".part")
        unfinished.write_text(json.dumps(self._status), encoding="utf-8")
        unfinished.replace(self._part.status_file)


def main() -> NoReturn:
    parser = argparse.ArgumentParser(prog="welink_desktop.evaluation.colleagues")
    parser.add_argument("--folder", type=Path, required=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(Colleagues(parser.parse_args().folder).run())
    logging.shutdown()
    os._exit(0)  # threads of the native media library may abort an interpreter that is torn down


if __name__ == "__main__":
    main()
