"""The sending side of the latency bench, a whole client in a process of its own, as on another computer.

Standard input: a line of JSON with the homeserver, then one wish per line, each answered by one line:
`{"guest": user, "encrypted": bool}` makes a room and answers `{"room": id}`; `{"room": id, "body": text}` sends from that
room's composer and answers `{"at": time.perf_counter() of the wish}`. It ends with its standard input.
"""

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import qasync
from PySide6.QtWidgets import QApplication

from bench._world import Client, client
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Inbox, Scope
from welink_desktop.core.rooms import RoomRequest
from welink_desktop.core.timeline import OutgoingText
from welink_desktop.services.composer import Composer


class Side:
    """The signed-in sender and its open composers."""

    def __init__(self, who: Client) -> None:
        self._chat = who.running.chat
        self._scope = Scope("sender")
        self._composers: dict[RoomId, Composer] = {}

    async def obey(self, wish: dict[str, Any]) -> dict[str, Any]:
        if "guest" in wish:
            request = RoomRequest(name="Bench", encrypted=wish["encrypted"], invite=(wish["guest"],))
            room = await self._chat.create_room(request)
            self._composers[room] = Composer(self._chat, room, self._scope)
            return {"room": room}
        start = time.perf_counter()
        self._composers[RoomId(wish["room"])].send(OutgoingText(wish["body"]))
        return {"at": start}

    async def close(self) -> None:
        await self._scope.aclose()


async def wishes() -> AsyncIterator[dict[str, Any]]:
    """Lines of the standard input, read by a thread."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    inbox: Inbox[str] = Inbox(lines.put_nowait)

    def read() -> None:
        for line in sys.stdin:
            inbox.put(line)
        inbox.put("")

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while line := await lines.get():
        yield json.loads(line)


async def main(folder: Path) -> None:
    coming = wishes()
    server = await anext(coming)
    async with client(TestSynapse(**server), "amy", folder) as amy:
        side = Side(amy)
        async for wish in coming:
            sys.stdout.write(json.dumps(await side.obey(wish)) + "\n")
            sys.stdout.flush()
        await side.close()


if __name__ == "__main__":
    loop = qasync.QEventLoop(QApplication([]))
    asyncio.set_event_loop(loop)
    with tempfile.TemporaryDirectory(prefix="bench-sender-") as place, loop:
        loop.run_until_complete(main(Path(place)))
