"""Marks of messages whose sender's device was signed later, or whose changed identity was accepted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from welink_desktop.adapters.matrix.rooms import rows
from welink_desktop.adapters.matrix.rooms.ingest import RoomNews
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.adapters.matrix.rooms.shields import Marks
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.trust import Shield

BOB, EVE = UserId("@bob:x"), UserId("@eve:x")
WARD, STAFF = RoomId("!ward"), RoomId("!staff")


class World:
    """A store of events, and what each session deserves now."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.deserved: dict[tuple[RoomId, str, UserId], Shield] = {}
        self.asked: list[tuple[RoomId, str]] = []
        self.news: list[RoomNews] = []
        self.marks = Marks(database, self, self._publish_in)

    def shield(self, room: RoomId, session: str, sender: UserId) -> Shield | None:
        self.asked.append((room, session))
        return self.deserved.get((room, session, sender))

    def _publish_in(self, transaction: Transaction, news: RoomNews) -> None:
        transaction.after_commit(lambda: self.news.append(news))

    def message(self, room: RoomId, number: int, sender: UserId, shield: Shield, session: str | None = "S") -> EventId:
        event = EventId(f"${number}")
        row = EventRow(
            event=event,
            position=float(number),
            sender=sender,
            type="m.room.message",
            state_key=None,
            ts=number,
            raw="{}",
            shield=shield.value,
            session=session,
        )
        with self.database.transaction() as t:
            rows.put_event(t, room, row)
        return event

    def mark(self, room: RoomId, event: EventId) -> str:
        with self.database.read() as t:
            return str(t.value("SELECT shield FROM events WHERE room = ? AND event = ?", (room, event)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database.open(tmp_path / "store.db", b"d" * 32, MIGRATIONS)
    yield World(database)
    database.close()


def test_messages_of_a_device_that_was_signed_later_lose_their_mark(world: World) -> None:
    first = world.message(WARD, 1, BOB, Shield.UNSIGNED)
    second = world.message(WARD, 2, BOB, Shield.UNSIGNED)
    other = world.message(STAFF, 3, BOB, Shield.UNSIGNED, "T")
    world.deserved = {(WARD, "S", BOB): Shield.AUTHENTIC, (STAFF, "T", BOB): Shield.UNSIGNED}
    world.marks.look_again({BOB})
    assert [world.mark(WARD, one) for one in (first, second)] == ["authentic", "authentic"]
    assert world.mark(STAFF, other) == "unsigned"
    assert [(news.room, list(news.events)) for news in world.news] == [(WARD, [first, second])]
    assert sorted(world.asked) == [(STAFF, "T"), (WARD, "S")], "once per session"


def test_only_the_named_senders_are_looked_at(world: World) -> None:
    event = world.message(WARD, 1, EVE, Shield.UNSIGNED)
    world.deserved = {(WARD, "S", EVE): Shield.AUTHENTIC}
    world.marks.look_again({BOB})
    assert world.mark(WARD, event) == "unsigned"
    assert not world.news


def test_what_was_authentic_stays_so(world: World) -> None:
    event = world.message(WARD, 1, BOB, Shield.AUTHENTIC)
    clear = world.message(WARD, 2, BOB, Shield.CLEAR_IN_ENCRYPTED, None)
    world.deserved = {(WARD, "S", BOB): Shield.UNSIGNED}
    world.marks.look_again({BOB})
    assert (world.mark(WARD, event), world.mark(WARD, clear)) == ("authentic", "clear-in-encrypted")
    assert not world.asked


def test_a_session_that_is_not_theirs_changes_nothing(world: World) -> None:
    event = world.message(WARD, 1, BOB, Shield.UNSIGNED)
    world.marks.look_again({BOB})
    assert world.mark(WARD, event) == "unsigned"
