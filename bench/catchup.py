"""Back after a weekend: 10,000 encrypted messages in one gap, until every one is a readable row."""

import asyncio
import os
import secrets
import time
from pathlib import Path

import httpx

from bench._world import Client, StallWatch, client, run, until
from bench.report import Report, percentile
from tests.support.engine import RoomsSeen, signed_in
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.changes import Insert, Replace, Reset, apply
from welink_desktop.core.ids import RoomId
from welink_desktop.core.rooms import RoomRequest
from welink_desktop.core.timeline import TextContent, TimelineBatch, TimelineItem
from welink_desktop.evaluation.synapse import refresh_statistics

MESSAGES = 10_000
AT_ONCE = 24
PER_KEY = 50
"""Looked at again so often whether the room key must change (it does after 100 messages)."""


async def fill(synapse: TestSynapse, token: str, session: MatrixSession, room: RoomId) -> None:
    """Put 10,000 encrypted messages into the room, encrypted by the sender's own engine, many requests at a time."""
    sealed = []
    for number in range(MESSAGES):
        if number % PER_KEY == 0:
            await session.encryption.prepare_to_send(room)
        sealed.append(session.encryption.encrypt(room, "m.room.message", {"msgtype": "m.text", "body": f"message {number}"}))
    contents = iter(sealed)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=synapse.base_url, headers=headers, timeout=120) as http:

        async def send() -> None:
            for content in contents:
                path = f"/_matrix/client/v3/rooms/{room}/send/m.room.encrypted/{secrets.token_hex(8)}"
                (await http.put(path, json=content)).raise_for_status()

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))


class Rows:
    """A timeline's rows as a listener keeps them; `readable` are the texts of the readable ones."""

    def __init__(self) -> None:
        self.items: list[TimelineItem] = []
        self.readable: set[str] = set()

    def take(self, batch: TimelineBatch) -> None:
        apply(self.items, batch.changes)
        for change in batch.changes:
            match change:
                case Insert(items=items) | Reset(items=items):
                    self._read(items)
                case Replace(item=item):
                    self._read((item,))
                case _:
                    pass

    def _read(self, items: tuple[TimelineItem, ...]) -> None:
        self.readable.update(item.content.body for item in items if isinstance(item.content, TextContent))


async def measure(ben: Client, room: RoomId, report: Report) -> None:
    """Open the profile and read the room from its newest message down to the first one after the gap."""
    expected = {f"message {number}" for number in range(MESSAGES)}
    stalls = StallWatch()
    stalls.start()
    start = time.perf_counter()
    await ben.open()
    timeline = await ben.running.chat.open_timeline(room)
    rows = Rows()
    cancel = timeline.watch(rows.take)
    report.figure("open_s", time.perf_counter() - start)
    while len(rows.readable) < MESSAGES and await timeline.load_older(500):
        await asyncio.sleep(0)
    await until(lambda: len(rows.readable) >= MESSAGES, 120)
    report.figure("caught_up_s", time.perf_counter() - start, max=15)
    await stalls.stop()
    shown = [item.content.body for item in rows.items if isinstance(item.content, TextContent)]
    report.figure("readable", len(expected.intersection(shown)), min=MESSAGES)
    report.figure("twice", len(shown) - len(set(shown)), max=0)
    report.figure("ui_stall_p50_ms", percentile(stalls.late, 0.5))
    report.figure("ui_stall_p99_ms", percentile(stalls.late, 0.99), max=50)
    report.figure("ui_stall_max_ms", max(stalls.late))
    cancel()
    await timeline.close()


async def main(synapse: TestSynapse, folder: Path) -> Report:
    report = Report("catchup")
    registered = synapse.register("amy")
    amy = await signed_in(synapse, registered, folder)
    await amy.live()
    async with client(synapse, "ben", folder) as ben:
        room = await amy.session.chat.create_room(RoomRequest(name="Weekend", invite=(ben.account.user,)))
        rooms = RoomsSeen(ben.running)
        await until(lambda: rooms.get(room) is not None)
        rooms.cancel()
        await ben.running.chat.join(room)
        await ben.close()
        begun = time.perf_counter()
        await fill(synapse, registered.access_token, amy.session, room)
        report.figure("filled_per_s", MESSAGES / (time.perf_counter() - begun))
        await amy.close()
        await asyncio.to_thread(refresh_statistics, Path(synapse.data_folder))
        await measure(ben, room, report)
    report.notes = f"statistics of the homeserver's SQLite refreshed after filling; load average {os.getloadavg()[0]:.1f}"
    return report


if __name__ == "__main__":
    run(main)
