"""The kept room list shows before the engine is there; everything else waits for it."""

import asyncio
from typing import cast

import pytest

from welink_desktop.adapters.fake import FakeAccounts, sample_world
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.adapters.matrix.late import LateSession
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.changes import Reset
from welink_desktop.core.errors import StoreDamaged, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.rooms import RoomListBatch, RoomSummary

KEPT = (RoomSummary(RoomId("!kept:example.org"), "Kept"),)


class Engine:
    """Begins when the test lets it."""

    def __init__(self, error: WeLinkError | None = None) -> None:
        self.go = asyncio.Event()
        self.error = error
        self.closed = 0

    async def begin(self) -> MatrixSession:
        await self.go.wait()
        if self.error is not None:
            raise self.error
        accounts = FakeAccounts(sample_world())
        return cast("MatrixSession", await accounts.open((await accounts.accounts())[0].key))


async def late(engine: Engine) -> LateSession:
    (account,) = await FakeAccounts(sample_world()).accounts()
    return LateSession(account, KEPT, engine.begin)


async def test_the_kept_list_shows_at_once_and_the_real_one_follows() -> None:
    engine = Engine()
    session = await late(engine)
    batches: list[RoomListBatch] = []
    session.chat.watch_rooms(batches.append)
    assert batches == [RoomListBatch((Reset(KEPT),), loading=False)]
    engine.go.set()
    await session.people.me()
    assert session.ready
    assert len(batches) == 2
    await session.close()


async def test_a_watch_that_ended_before_the_engine_came_hears_nothing() -> None:
    engine = Engine()
    session = await late(engine)
    batches: list[RoomListBatch] = []
    session.chat.watch_rooms(batches.append)()
    engine.go.set()
    await session.people.me()
    assert len(batches) == 1
    await session.close()


async def test_what_is_asked_early_is_answered_by_the_engine() -> None:
    engine = Engine()
    session = await late(engine)
    asked = asyncio.gather(session.people.me())
    engine.go.set()
    (me,) = await asked
    assert me.user == session.account.user
    await session.close()


async def test_an_engine_that_cannot_begin_says_why() -> None:
    engine = Engine(StoreDamaged(path="store"))
    session = await late(engine)
    heard: list[Connection] = []
    session.watch_connection(heard.append)
    assert heard[0].link is Link.CONNECTING
    engine.go.set()
    with pytest.raises(StoreDamaged):
        await session.retry_now()
    assert (heard[-1].link, type(heard[-1].error)) == (Link.STOPPED, StoreDamaged)
    await session.close()
