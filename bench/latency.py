"""From A's composer to B's painted bubble, over a bare client of two coroutines on the same server, in one run."""

import asyncio
import os
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

TURNS = 6
ROUNDS = 10
"""Messages of each kind in a turn: what disturbs the machine disturbs all of them."""

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

    async def turn(self) -> list[float]:
        """One turn's milliseconds; the other coroutine syncs only meanwhile."""
        task = asyncio.get_running_loop().create_task(self._poll(), name="bare-sync")
        await self.once()
        times = [await self.once() for _ in range(ROUNDS)]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return times

    async def close(self) -> None:
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


def bare_pair(synapse: TestSynapse) -> Bare:
    """Two people and a room of their own: none of our clients has anything to do with their messages."""
    cal, dee = synapse.register("cal"), synapse.register("dee")
    with synapse.client(cal) as host, synapse.client(dee) as guest:
        room = RoomId(host.create_room(preset="private_chat", invite=[dee.user_id]))
        guest.join(room)
    return Bare(synapse.base_url, cal.access_token, dee.access_token, room)


class Ours:
    """A's composer and B's open timeline in one room."""

    def __init__(self, sender: Client, receiver: Client, room: RoomId) -> None:
        self._scope = Scope("bench")
        session = receiver.running
        timeline = RoomTimeline(session.chat, session.media, room, self._scope)
        model = TimelineModel(timeline, receiver.account.user, self._scope)
        self._view = Watched()
        self._view.resize(900, 700)
        self._view.show_room(model, Pixmaps(Pictures(session.media, self._scope)))
        self._composer = Composer(sender.running.chat, room, self._scope)

    async def turn(self, rounds: int = ROUNDS) -> list[float]:
        self._view.show()
        times = [await self._once() for _ in range(rounds)]
        self._view.hide()
        return times

    async def close(self) -> None:
        self._view.close()
        self._view.deleteLater()
        await self._scope.aclose()

    async def _once(self) -> float:
        """Milliseconds from the wish in A's composer until B has painted it."""
        body = secrets.token_hex(8)
        self._view.painted.clear()
        self._view.awaited = body
        start = time.perf_counter()
        self._composer.send(OutgoingText(body))
        async with asyncio.timeout(60):
            await self._view.painted.wait()
        taken = (self._view.at - start) * 1000
        await asyncio.sleep(0.05)
        return taken


async def main(synapse: TestSynapse, folder: Path) -> Report:
    report = Report("latency")
    floor: list[float] = []
    in_clear: list[float] = []
    encrypted: list[float] = []
    async with client(synapse, "amy", folder) as amy, client(synapse, "ben", folder) as ben:
        clear_room = await room_of_two(amy, ben, encrypted=False)
        bare = bare_pair(synapse)
        clear = Ours(amy, ben, clear_room)
        sealed = Ours(amy, ben, await room_of_two(amy, ben, encrypted=True))
        for ours in (clear, sealed):
            await ours.turn(WARM_UP)
        for _ in range(TURNS):
            floor += await bare.turn()
            in_clear += await clear.turn()
            encrypted += await sealed.turn()
        await bare.close()
        await clear.close()
        await sealed.close()
    base = median(floor)
    report.figure("bare_median_ms", base)
    report.figure("clear_median_ms", median(in_clear))
    report.figure("encrypted_median_ms", median(encrypted))
    report.figure("encrypted_p95_ms", percentile(encrypted, 0.95))
    report.figure("clear_ratio", median(in_clear) / base, max=1.3)
    report.figure("encrypted_ratio", median(encrypted) / base, max=1.5)
    report.notes = f"load average {os.getloadavg()[0]:.1f}"
    return report


if __name__ == "__main__":
    run(main)
