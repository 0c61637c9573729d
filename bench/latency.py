"""From A's composer to B's painted bubble, over a bare client of two coroutines on the same server, in one run."""

import asyncio
import dataclasses
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from PySide6.QtGui import QPaintEvent

from bench._world import Client, client, join_when_invited, run, until
from bench.report import Report, median, percentile
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.sync.loop import FIRST_WINDOW
from welink_desktop.adapters.matrix.wire.requests import sliding_body
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import TextContent
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.timeline.model import TimelineModel
from welink_desktop.features.chat.timeline.view import TimelineView
from welink_desktop.services.pictures import Pictures
from welink_desktop.services.timeline import RoomTimeline

TURNS = 14
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
    """The floor: one coroutine PUTs, another long-polls. Nothing is stored, shown or checked.

    It asks the server for what our client asks (the server answers that 5 to 6 ms later than a wish for one room's
    messages alone, and no client of people can do without it). With `spartan` it asks for one room's messages alone.
    """

    def __init__(self, base: str, sender: str, receiver: str, room: RoomId, *, spartan: bool) -> None:
        self._send = httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {sender}"}, timeout=60)
        self._receive = httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {receiver}"}, timeout=60)
        self._room = room
        self._spartan = spartan
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
        position: dict[str, str] = {}
        since: str | None = None
        while True:
            wish = self._wish(since)
            answer: dict[str, Any] = (
                await self._receive.post(SLIDING, json=wish, params={**position, "timeout": "30000"})
            ).json()
            now = time.perf_counter()
            position = {"pos": answer["pos"]}
            since = answer.get("extensions", {}).get("to_device", {}).get("next_batch")
            for event in answer["rooms"].get(self._room, {}).get("timeline", ()):
                self._arrived.setdefault(event["content"].get("body", ""), now)

    def _wish(self, since: str | None) -> dict[str, Any]:
        if not self._spartan:
            return sliding_body(window=FIRST_WINDOW, since=since)
        return {"conn_id": "bare", "lists": {}, "room_subscriptions": {self._room: {"timeline_limit": 5, "required_state": []}}}


def bare_pair(synapse: TestSynapse, *, spartan: bool) -> Bare:
    """Two people and a room of their own: none of our clients has anything to do with their messages."""
    cal, dee = synapse.register("cal"), synapse.register("dee")
    with synapse.client(cal) as host, synapse.client(dee) as guest:
        room = RoomId(host.create_room(preset="private_chat", invite=[dee.user_id]))
        guest.join(room)
    return Bare(synapse.base_url, cal.access_token, dee.access_token, room, spartan=spartan)


class Sender:
    """A's client, which lives in a process of its own (`_composer`)."""

    def __init__(self, synapse: TestSynapse, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self._tell(dataclasses.asdict(synapse))

    @classmethod
    async def start(cls, synapse: TestSynapse) -> "Sender":
        pipe = asyncio.subprocess.PIPE
        return cls(
            synapse, await asyncio.create_subprocess_exec(sys.executable, "-m", "bench._composer", stdin=pipe, stdout=pipe)
        )

    async def room_with(self, guest: Client, *, encrypted: bool) -> RoomId:
        """A new room which `guest` has joined."""
        answer = await self.ask({"guest": guest.account.user, "encrypted": encrypted})
        room = RoomId(answer["room"])
        await join_when_invited(guest, room)
        return room

    async def ask(self, wish: dict[str, Any]) -> dict[str, Any]:
        self._tell(wish)
        assert self._child.stdout is not None
        async with asyncio.timeout(60):
            return dict(json.loads(await self._child.stdout.readline()))

    async def close(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        await self._child.wait()

    def _tell(self, wish: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(wish).encode() + b"\n")


class Ours:
    """A's composer and B's open timeline in one room."""

    def __init__(self, sender: Sender, receiver: Client, room: RoomId) -> None:
        self._scope = Scope("bench")
        self._sender, self._room = sender, room
        session = receiver.running
        timeline = RoomTimeline(session.chat, session.media, room, self._scope)
        model = TimelineModel(timeline, receiver.account.user, self._scope)
        self._view = Watched()
        self._view.resize(900, 700)
        self._view.show_room(model, Pixmaps(Pictures(session.media, self._scope)))

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
        """Milliseconds from the wish in A's composer until B has painted it; both processes read one monotonic clock."""
        body = secrets.token_hex(8)
        self._view.painted.clear()
        self._view.awaited = body
        answer = await self._sender.ask({"room": self._room, "body": body})
        async with asyncio.timeout(60):
            await self._view.painted.wait()
        taken = (self._view.at - float(answer["at"])) * 1000
        await asyncio.sleep(0.05)
        return taken


async def main(synapse: TestSynapse, folder: Path) -> Report:
    times: dict[str, list[float]] = {"spartan": [], "bare": [], "clear": [], "encrypted": []}
    async with client(synapse, "ben", folder) as ben:
        amy = await Sender.start(synapse)
        clear = Ours(amy, ben, await amy.room_with(ben, encrypted=False))
        sealed = Ours(amy, ben, await amy.room_with(ben, encrypted=True))
        spartan, bare = bare_pair(synapse, spartan=True), bare_pair(synapse, spartan=False)
        for ours in (clear, sealed):
            await ours.turn(WARM_UP)
        for _ in range(TURNS):
            times["spartan"] += await spartan.turn()
            times["bare"] += await bare.turn()
            times["clear"] += await clear.turn()
            times["encrypted"] += await sealed.turn()
        await spartan.close()
        await bare.close()
        await clear.close()
        await sealed.close()
        await amy.close()
    return _report(times)


def _report(times: dict[str, list[float]]) -> Report:
    report = Report("latency")
    medians = {name: median(taken) for name, taken in times.items()}
    for name, middle in medians.items():
        report.figure(f"{name}_median_ms", middle)
    report.figure("encrypted_p95_ms", percentile(times["encrypted"], 0.95))
    report.figure("clear_ratio", medians["clear"] / medians["bare"], max=1.3)
    report.figure("encrypted_ratio", medians["encrypted"] / medians["bare"], max=1.5)
    report.figure("clear_over_spartan", medians["clear"] / medians["spartan"])
    report.figure("encrypted_over_spartan", medians["encrypted"] / medians["spartan"])
    report.notes = f"load average {os.getloadavg()[0]:.1f}"
    return report


if __name__ == "__main__":
    run(main)
