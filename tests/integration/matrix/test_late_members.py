"""Who joins while a message waits for the line can read it; who left cannot."""

from pathlib import Path

import httpx
import pytest

from tests.support.engine import BentWay, Person, RoomsSeen, TimelineSeen, people, shared_room, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.core.account import Link
from welink_desktop.core.ids import RoomId
from welink_desktop.core.timeline import OutgoingText

pytestmark = pytest.mark.integration


async def newcomer(host: Person, guest: Person, room: RoomId) -> None:
    await host.session.chat.invite(room, guest.account.user)
    seen = RoomsSeen(guest.session)
    await until(lambda: seen.get(room))
    seen.cancel()
    await guest.session.chat.join(room)


async def reads(guest: Person, room: RoomId, words: str) -> None:
    timeline = TimelineSeen(await guest.session.chat.open_timeline(room))
    await until(lambda: words in timeline.bodies)
    await timeline.timeline.close()


@pytest.mark.parametrize("encrypted_before", [True, False], ids=["encrypted before", "queued before"])
async def test_a_newcomer_reads_what_waited_for_the_line(synapse: TestSynapse, tmp_path: Path, encrypted_before: bool) -> None:
    way = BentWay()
    async with people(synapse, tmp_path, "mei", "ben") as (mei, ben):
        lin = await signed_in(synapse, synapse.register("lin"), tmp_path, way=lambda: way)
        try:
            await lin.live()
            room = await shared_room(mei, lin)
            await lin.session.chat.send_text(room, OutgoingText("first"))
            await reads(mei, room, "first")
            tried = []

            def refuse(request: httpx.Request) -> httpx.Response | None:
                if "/send/" not in request.url.path:
                    return None
                tried.append(request)
                return httpx.Response(502)

            if encrypted_before:
                way.before = refuse
            else:
                way.cut = True
                lin.session._sync.poll_again()
                await until(lambda: lin.session._sync.connection.value.link is Link.OFFLINE)
            await lin.session.chat.send_text(room, OutgoingText("waited"))
            if encrypted_before:
                await until(lambda: tried)
            way.cut = True
            lin.session._sync.poll_again()
            await until(lambda: lin.session._sync.connection.value.link is Link.OFFLINE)
            await newcomer(mei, ben, room)
            way.before = lambda request: None
            way.cut = False
            await lin.session.retry_now()
            await reads(ben, room, "waited")
        finally:
            await lin.close()
            await way.end()
