"""Read receipts go forward only, one a second, kept while offline; typing notices one in four seconds."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.until import eventually
from tests.unit.adapters.matrix.outbox.line import ME, ROOM, Line, Server, broken, refuse
from welink_desktop.adapters.matrix.outbox.receipts import ReadMarks
from welink_desktop.adapters.matrix.outbox.typing import TypingNotices
from welink_desktop.adapters.matrix.store import outbox as tables
from welink_desktop.core.ids import EventId


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def line(tmp_path: Path, server: Server) -> AsyncIterator[Line]:
    one = Line(tmp_path, server)
    for number in range(5):
        one.event(f"${number}", "@bob:x", number)
    yield one
    await one.close()


def marks(line: Line, interval: float = 0.0) -> ReadMarks:
    return ReadMarks(line.database, line.http, ME, line.scope, interval=interval)


async def told(line: Line) -> None:
    def nothing_unsent() -> bool:
        with line.database.read() as t:
            return not tables.unsent_read_marks(t)

    await eventually(nothing_unsent)


def sent(server: Server) -> list[str]:
    return [body["m.read"] for path, _, body in server.accepted if path.endswith("/read_markers")]


async def test_a_mark_moves_forward_only(line: Line, server: Server) -> None:
    one = marks(line)
    assert one.mark(ROOM, EventId("$2"))
    await told(line)
    assert not one.mark(ROOM, EventId("$1"))
    assert not one.mark(ROOM, EventId("$2"))
    assert one.mark(ROOM, EventId("$3"))
    await told(line)
    assert sent(server) == ["$2", "$3"]
    assert server.accepted[0][2] == {"m.read": "$2", "m.fully_read": "$2"}


async def test_what_another_device_read_is_not_undone(line: Line) -> None:
    with line.database.transaction() as t:
        t.execute("INSERT INTO receipts(room, user, event, ts) VALUES(?, ?, '$4', 0)", (ROOM, ME))
    assert not marks(line).mark(ROOM, EventId("$3"))


async def test_marks_of_a_moment_become_one(line: Line, server: Server) -> None:
    server.hold = asyncio.Event()
    one = marks(line)
    one.mark(ROOM, EventId("$0"))
    await server.arrived.wait()
    for number in (1, 2, 3):
        one.mark(ROOM, EventId(f"${number}"))
    server.hold.set()
    await told(line)
    assert sent(server) == ["$0", "$3"]


async def test_a_mark_made_offline_is_sent_by_the_next_run(tmp_path: Path) -> None:
    server = Server(hold=asyncio.Event())
    first = Line(tmp_path, server)
    first.event("$1", "@bob:x")
    marks(first).mark(ROOM, EventId("$1"))
    await server.arrived.wait()
    await first.close()
    server.hold, server.faults = None, [broken]
    second = Line(tmp_path, server)
    marks(second).start()
    await told(second)
    assert sent(server) == ["$1"]
    await second.close()


async def test_a_refused_mark_is_not_repeated(line: Line, server: Server) -> None:
    server.faults = [refuse(400, "M_INVALID_PARAM")]
    one = marks(line)
    one.mark(ROOM, EventId("$1"))
    await told(line)
    one.mark(ROOM, EventId("$2"))
    await told(line)
    assert sent(server) == ["$2"]


async def test_typing_is_told_once_per_interval_and_ends(line: Line, server: Server) -> None:
    notices = TypingNotices(line.http, ME, line.scope, interval=0.05)
    for _ in range(5):
        notices.set(ROOM, True)
    notices.set(ROOM, False)
    notices.set(ROOM, True)
    await eventually(lambda: len(server.accepted) == 1)
    notices.set(ROOM, False)
    await eventually(lambda: len(server.accepted) == 2)
    assert [body["typing"] for _, _, body in server.accepted] == [True, False]
    notices.set(ROOM, False)
    assert len(server.accepted) == 2


async def test_a_lost_typing_notice_harms_nobody(line: Line, server: Server) -> None:
    server.faults = [broken]
    notices = TypingNotices(line.http, ME, line.scope, interval=0.01)
    notices.set(ROOM, True)
    await server.arrived.wait()
    await eventually(lambda: line.http.backoff.retry_at.value is not None)
    assert server.accepted == []
