"""Fifty kills at random moments while sending.

Every accepted message arrives exactly once, in order, readable; the store opens each time.
"""

import asyncio
import multiprocessing
import os
import random
import signal
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.support.engine import TimelineSeen, people, shared_room, until
from tests.support.sender_process import accounts_of, send, until_at_most
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.account import Homeserver
from welink_desktop.core.ids import RoomId
from welink_desktop.core.timeline import UndecryptableContent

KILLS = int(os.environ.get("WELINK_KILLS", "50"))
OPENING_KILLS = 5
"""Every fifth kill comes at any moment of the start; the others while messages are on their way."""
LONGEST_START = 0.9
LONGEST_LIFE = 1.0
"""Seconds after the process' start, and after its first accepted message."""


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(420)
async def test_every_accepted_message_arrives_exactly_once_and_in_order(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "reader", "helper") as (reader, helper):
        sender = synapse.register("sender")
        profile, accepted_file = tmp_path / "sender", tmp_path / "accepted"
        accounts = accounts_of(profile)
        account = await accounts.sign_in(
            Homeserver(synapse.server_name, synapse.base_url, secure=False), sender.user_id, sender.password, "Test"
        )
        rooms = [await shared_room(reader, helper, encrypted=encrypted) for encrypted in (False, True)]
        session = await accounts.open(account.key)
        for room in rooms:
            await reader.session.chat.invite(room, account.user)
            await session.chat.join(room)
        assert isinstance(session, MatrixSession)
        for room in rooms:
            await until(lambda room=room: session.chat._parts.rooms.row(room) is not None)  # type: ignore[misc]  # bound at once
        await session.close()

        seen = [TimelineSeen(await reader.session.chat.open_timeline(room)) for room in rooms]
        await asyncio.to_thread(_kill_again_and_again, profile, rooms, accepted_file)

        session = await accounts.open(account.key)
        assert isinstance(session, MatrixSession)
        for room in rooms:
            await asyncio.wait_for(until_at_most(session, room, 0), 60)
            assert all(item.state.error is None for item in session.outbox.pending(room))
        accepted = _accepted(accepted_file)
        assert sum(len(bodies) for bodies in accepted.values()) >= KILLS
        for room, timeline in zip(rooms, seen, strict=True):
            wanted = set(accepted[room])
            await until(lambda timeline=timeline, wanted=wanted: wanted <= set(timeline.bodies), seconds=60)  # type: ignore[misc]
            assert not [item for item in timeline.items if isinstance(item.content, UndecryptableContent)]
            counts = Counter(timeline.bodies)
            assert not [body for body, count in counts.items() if count > 1]
            numbers = [tuple(int(part) for part in body.split("-")) for body in timeline.bodies]
            assert numbers == sorted(numbers)
            await timeline.timeline.close()
        await session.close()


def _kill_again_and_again(profile: Path, rooms: list[RoomId], accepted: Path) -> None:
    chance = random.Random(20261123)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.sender_process"])
    for run in range(KILLS):
        process = context.Process(target=send, args=(str(profile), [str(room) for room in rooms], run, str(accepted)))
        process.start()
        if run % OPENING_KILLS == 0:
            process.join(chance.uniform(0.03, LONGEST_START))
        else:
            _wait_for_growth(accepted, process)
            process.join(chance.uniform(0.0, LONGEST_LIFE))
        process.kill()
        process.join(20)
        assert process.exitcode == -signal.SIGKILL, "the engine ended by itself"
        process.close()


def _wait_for_growth(file: Path, process: BaseProcess) -> None:
    """Until the process has accepted a message."""
    before = file.stat().st_size if file.exists() else 0
    while not file.exists() or file.stat().st_size == before:
        process.join(0.01)
        assert process.exitcode is None, "the engine ended by itself"


def _accepted(file: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        room, _, body = line.partition(" ")
        found.setdefault(room, []).append(body)
    return found
