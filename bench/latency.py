"""From A's composer to B's painted bubble, over a bare client of two coroutines on the same server, in one run."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any

import httpx
from PySide6.QtGui import QPaintEvent

from bench._world import Client, client, room_of_two, run, until
from bench.report import Report, median, percentile
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import OutgoingText, TextContent
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.timeline.model import TimelineModel
from welink_desktop.features.chat.timeline.view import TimelineView
from welink_desktop.services.composer import Composer
from welink_desktop.services.pictures import Pictures
from welink_desktop.services.timeline import RoomTimeline

ROUNDS = 60
WARM_UP = 5
SLIDING = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"


class Watched(TimelineView):
    """Says when a bubble with the awaited text was painted."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = ""
        self.painted = asyncio.Event()
        self.at = 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        rows = self._table.items
        if self.awaited and rows and isinstance(rows[-1].content, TextContent) and rows[-1].content.body == self.awaited:
            self.at = time.perf_counter()
            self.awaited = ""
            self.painted.set()


class Bare:
    """The floor: one coroutine PUTs, another long-polls. Nothing is stored, shown or checked."""

    def __init__(self, base: str, sender: str, receiver: str, room: RoomId) -> None:
        self._send = httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {sender}"}, timeout=60)
        self._receive = httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {receiver}"}, timeout=60)
        self._room = room
        self._arrived: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._poll(), name="bare-sync")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._send.aclose()
        await self._receive.aclose()

    async def once(self) -> float:
        """Milliseconds from the PUT until the other coroutine holds the message."""
        body = secrets.token_hex(8)
        start = time.perf_counter()
        path = f"/_matrix/client/v3/rooms/{self._room}/send/m.room.message/{secrets.token_hex(8)}"
        await self._send.put(path, json={"msgtype": "m.text", "body": body, "m.mentions": {}})
        await until(lambda: body in self._arrived)
        return (self._arrived[body] - start) * 1000

    async def _poll(self) -> None:
        body = {"conn_id": "bare", "lists": {}, "room_subscriptions": {self._room: {"timeline_limit": 5, "required_state": []}}}
        position: dict[str, str] = {}
        while True:
            answer: dict[str, Any] = (
                await self._receive.post(SLIDING, json=body, params={**position, "timeout": "30000"})
            ).json()
            now = time.perf_counter()
            position = {"pos": answer["pos"]}
            for event in answer["rooms"].get(self._room, {}).get("timeline", ()):
                self._arrived.setdefault(event["content"].get("body", ""), now)


async def ours(sender: Client, receiver: Client, room: RoomId, rounds: int) -> list[float]:
    """Milliseconds from the wish in A's composer until B has painted it."""
    scope = Scope("bench")
    session = receiver.running
    timeline = RoomTimeline(session.chat, session.media, room, scope)
    model = TimelineModel(timeline, receiver.account.user, scope)
    view = Watched()
    view.resize(900, 700)
    view.show_room(model, Pixmaps(Pictures(session.media, scope)))
    view.show()
    composer = Composer(sender.running.chat, room, scope)
    times = []
    for number in range(rounds + WARM_UP):
        body = f"{number} {secrets.token_hex(6)}"
        view.painted.clear()
        view.awaited = body
        start = time.perf_counter()
        composer.send(OutgoingText(body))
        async with asyncio.timeout(60):
            await view.painted.wait()
        if number >= WARM_UP:
            times.append((view.at - start) * 1000)
        await asyncio.sleep(0.05)
    view.close()
    view.deleteLater()
    await scope.aclose()
    return times


async def bare(synapse: TestSynapse, sender: Client, receiver: Client, room: RoomId) -> list[float]:
    floor = Bare(synapse.base_url, sender.registered.access_token, receiver.registered.access_token, room)
    floor.start()
    times = [await floor.once() for _ in range(ROUNDS + WARM_UP)][WARM_UP:]
    await floor.stop()
    return times


async def main(synapse: TestSynapse, folder: Path) -> Report:
    report = Report("latency")
    async with client(synapse, "amy", folder) as amy, client(synapse, "ben", folder) as ben:
        clear = await room_of_two(amy, ben, encrypted=False)
        sealed = await room_of_two(amy, ben, encrypted=True)
        floor = await bare(synapse, amy, ben, clear)
        in_clear = await ours(amy, ben, clear, ROUNDS)
        encrypted = await ours(amy, ben, sealed, ROUNDS)
        floor += await bare(synapse, amy, ben, clear)
    base = median(floor)
    report.figure("bare_median_ms", base)
    report.figure("clear_median_ms", median(in_clear))
    report.figure("encrypted_median_ms", median(encrypted))
    report.figure("encrypted_p95_ms", percentile(encrypted, 0.95))
    report.figure("clear_ratio", median(in_clear) / base, max=1.3)
    report.figure("encrypted_ratio", median(encrypted) / base, max=1.5)
    return report


if __name__ == "__main__":
    run(main)
