"""A process that does nothing but send: the real engine on a real profile, to be killed at any moment."""

import asyncio
import os
from pathlib import Path

from tests.support.engine import no_pictures
from welink_desktop.adapters.keyring.file import FileSecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.ids import RoomId
from welink_desktop.core.timeline import OutgoingText, SendPhase

WAITING = 12
"""Unsent messages per room beyond which a run waits for the line: kills shall meet every stage of an item's way."""


def accounts_of(profile: Path) -> MatrixAccounts:
    return MatrixAccounts(profile, FileSecrets(profile / "secrets.json"), decode=no_pictures)


def send(profile: str, rooms: list[str], run: int, accepted: str) -> None:
    """Send "run-number" to each room in turn until killed. What `send_text` accepted is written to the file `accepted`."""
    asyncio.run(_send(Path(profile), [RoomId(room) for room in rooms], run, accepted))


async def _send(profile: Path, rooms: list[RoomId], run: int, accepted: str) -> None:
    accounts = accounts_of(profile)
    (account,) = await accounts.accounts()
    session = await accounts.open(account.key)
    assert isinstance(session, MatrixSession)
    log = os.open(accepted, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number in range(1_000):
        for room in rooms:
            await session.chat.send_text(room, OutgoingText(f"{run}-{number}"))
            os.write(log, f"{room} {run}-{number}\n".encode())
            await until_at_most(session, room, WAITING)


async def until_at_most(session: MatrixSession, room: RoomId, count: int) -> None:
    """Wait until at most `count` messages of `room` are neither sent nor failed."""
    done = asyncio.Event()
    open_phases = (SendPhase.QUEUED, SendPhase.SENDING)
    cancel = session.outbox.watch(
        room, lambda items: done.set() if sum(item.state.phase in open_phases for item in items) <= count else done.clear()
    )
    await done.wait()
    cancel()
