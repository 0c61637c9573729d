"""A process with several devices that send without pause, to be killed at any moment."""

import asyncio
import os
import random
from dataclasses import dataclass
from pathlib import Path

from tests.support.sender_process import accounts_of, until_at_most
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.ids import RoomId
from welink_desktop.core.timeline import OutgoingText

WAITING = 5
PAUSE = 0.15
"""Longest pause between two messages of a device, in seconds."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A device: its profile, its name in messages, the rooms it sends to."""

    profile: str
    name: str
    rooms: tuple[RoomId, ...]


def live(senders: list[Sender], run: int, accepted: str) -> None:
    """Run all devices until killed. What was accepted is written to the file `accepted`: "room body" lines."""
    asyncio.run(_live(senders, run, accepted))


async def _live(senders: list[Sender], run: int, accepted: str) -> None:
    log = os.open(accepted, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(_send(sender, run, log), name=sender.name)


async def _send(sender: Sender, run: int, log: int) -> None:
    accounts = accounts_of(Path(sender.profile))
    (account,) = await accounts.accounts()
    session = await accounts.open(account.key)
    assert isinstance(session, MatrixSession)
    chance = random.Random(f"{sender.name} {run}")
    number = 0
    while True:
        room, body = chance.choice(sender.rooms), f"{sender.name}.{run}.{number}"
        await session.chat.send_text(room, OutgoingText(body))
        os.write(log, f"{room} {body}\n".encode())
        number += 1
        await until_at_most(session, room, WAITING)
        await asyncio.sleep(chance.uniform(0.0, PAUSE))
