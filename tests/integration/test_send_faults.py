"""Sending through a line that fails in every way: nothing lost, nothing double, order kept, at once when the line is back."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.engine import Person, TimelineSeen, people, shared_room, signed_in, until
from tests.support.fault_proxy import Fault, every, fault_proxy
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import AttachmentContent, OutgoingFile, OutgoingText, SendPhase

MESSAGES = 12


async def joined(reader: Person, helper: Person, sender: Person, *, encrypted: bool) -> RoomId:
    room = await shared_room(reader, helper, encrypted=encrypted)
    await reader.session.chat.invite(room, sender.account.user)
    await sender.session.chat.join(room)
    await until(lambda: sender.session.chat._parts.rooms.row(room) is not None)
    return room


@pytest.mark.integration
@pytest.mark.parametrize("fault", list(Fault), ids=[fault.name.lower() for fault in Fault])
async def test_every_fault_of_the_line_loses_and_doubles_nothing(synapse: TestSynapse, tmp_path: Path, fault: Fault) -> None:
    async with people(synapse, tmp_path, "reader", "helper") as (reader, helper), fault_proxy(synapse.base_url) as proxy:
        sender = await signed_in(replace(synapse, base_url=proxy.base_url), synapse.register("sender"), tmp_path)
        await sender.live()
        room = await joined(reader, helper, sender, encrypted=True)
        seen = TimelineSeen(await reader.session.chat.open_timeline(room))
        own = TimelineSeen(await sender.session.chat.open_timeline(room))
        proxy.decide = every(0.4, (fault,), (b"/send/", b"/upload", b"/keys/", b"/sendToDevice/"), seed=7)
        (tmp_path / "a.bin").write_bytes(bytes(200_000))
        for number in range(MESSAGES):
            await sender.session.chat.send_text(room, OutgoingText(str(number)))
        await sender.session.chat.send_file(room, OutgoingFile(str(tmp_path / "a.bin")))
        waking = Scope("waking")
        waking.spawn(_keep_awake(sender), name="try now")
        await until(lambda: any(isinstance(item.content, AttachmentContent) for item in seen.items), seconds=60)
        await until(lambda: own.items and all(item.send.phase is SendPhase.SENT for item in own.items), seconds=60)
        await waking.aclose()
        assert seen.bodies == own.bodies == [str(number) for number in range(MESSAGES)]
        assert sum(isinstance(item.content, AttachmentContent) for item in seen.items) == 1
        assert fault in proxy.happened
        proxy.decide = lambda line: None
        await seen.timeline.close()
        await own.timeline.close()
        await sender.close()


async def _keep_awake(person: Person) -> None:
    """A person who presses "try now" again and again: the back-off's waits would only make the test long."""
    while True:
        await asyncio.sleep(0.1)
        await person.session.retry_now()


@pytest.mark.integration
async def test_a_cut_line_holds_messages_and_sends_them_in_order_when_it_is_back(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "reader", "helper") as (reader, helper), fault_proxy(synapse.base_url) as proxy:
        sender = await signed_in(replace(synapse, base_url=proxy.base_url), synapse.register("sender"), tmp_path)
        await sender.live()
        room = await joined(reader, helper, sender, encrypted=False)
        seen = TimelineSeen(await reader.session.chat.open_timeline(room))
        own = TimelineSeen(await sender.session.chat.open_timeline(room))
        await proxy.stop()
        for number in range(5):
            await sender.session.chat.send_text(room, OutgoingText(str(number)))
        await until(lambda: [item.send.phase for item in own.items].count(SendPhase.QUEUED) >= 4)
        assert own.bodies == [str(number) for number in range(5)] and not seen.bodies
        await proxy.start()
        back = time.monotonic()
        await until(lambda: len(seen.bodies) == 5, seconds=30)
        assert time.monotonic() - back <= 5 + 2
        assert seen.bodies == own.bodies
        await seen.timeline.close()
        await own.timeline.close()
        await sender.close()
