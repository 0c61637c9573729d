"""An open room over the fake world."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.until import eventually, until
from welink_desktop.adapters.fake import FakeWorld, sample_world
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.adapters.fake.people import FakeMediaStore
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.changes import Change, Insert, apply
from welink_desktop.core.errors import NotFound, Offline, WeLinkError
from welink_desktop.core.ids import EventId, RoomId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import AttachmentContent, RecalledContent, TimelineItem
from welink_desktop.services.members import RoomMembers
from welink_desktop.services.timeline import RoomTimeline

SITE = RoomId("!site")


@dataclass
class Place:
    world: FakeWorld
    scope: Scope
    timeline: RoomTimeline


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    world, scope = sample_world(), Scope("test")
    timeline = RoomTimeline(FakeChat(world), FakeMediaStore(world), SITE, scope)
    await until(timeline.status, lambda status: not status.loading)
    yield Place(world, scope, timeline)
    await timeline.close()
    await scope.aclose()


async def test_rows_and_changes_tell_the_same_story(place: Place) -> None:
    copy: list[TimelineItem] = list(place.timeline.rows)
    heard: list[tuple[Change[TimelineItem], ...]] = []

    def follow(changes: tuple[Change[TimelineItem], ...]) -> None:
        heard.append(changes)
        apply(copy, changes)

    place.timeline.changed.listen(follow)
    place.world.receive(SITE, place.timeline.rows[1].sender, "one more")
    place.timeline.load_older()
    place.timeline.load_older()
    await eventually(lambda: any(isinstance(change, Insert) and change.index == 0 for batch in heard for change in batch))
    assert copy == place.timeline.rows
    assert not place.timeline.status.value.loading_older


async def test_a_reaction_is_taken_back_by_the_same_wish(place: Place) -> None:
    last = place.timeline.rows[-1]
    place.timeline.react(last, "👍")
    await eventually(lambda: bool(place.timeline.rows[-1].reactions))
    place.timeline.react(place.timeline.rows[-1], "👍")
    await eventually(lambda: not place.timeline.rows[-1].reactions)


async def test_recalling_what_is_not_ours_says_why(place: Place) -> None:
    place.timeline.recall(place.timeline.rows[-1].ref)
    await until(place.timeline.status, lambda status: status.failure is not None)
    place.timeline.dismiss_failure()
    assert place.timeline.status.value.failure is None


async def test_an_own_message_is_recalled(place: Place) -> None:
    own = next(row for row in place.timeline.rows if row.own)
    place.timeline.recall(own.ref)
    await eventually(lambda: isinstance(place.timeline.rows[place.timeline.index_of(own.key) or 0].content, RecalledContent))


async def test_older_messages_offline_fail_and_keep_what_is_there(place: Place) -> None:
    count = len(place.timeline.rows)
    place.world.connection.set(Connection(Link.OFFLINE))
    place.timeline.load_older()
    status = await until(place.timeline.status, lambda status: status.failure is not None)
    assert isinstance(status.failure, Offline)
    assert len(place.timeline.rows) == count


async def test_an_old_message_is_found_by_loading(place: Place) -> None:
    oldest = place.world.room(SITE).older[0].ref
    assert await place.timeline.load_until(EventId(oldest))
    assert place.timeline.index_of(oldest) == 0
    assert not await place.timeline.load_until(EventId("$nowhere"))


async def test_saving_tells_how_it_ended(place: Place, tmp_path: Path) -> None:
    content = next(row.content for row in place.timeline.rows if isinstance(row.content, AttachmentContent))
    ended: list[WeLinkError | None] = []
    place.timeline.save(content, tmp_path / "picture.png", ended.append)
    await eventually(lambda: bool(ended))


async def test_an_unknown_room_fails_in_words() -> None:
    world, scope = sample_world(), Scope("test")
    timeline = RoomTimeline(FakeChat(world), FakeMediaStore(world), RoomId("!nowhere"), scope)
    status = await until(timeline.status, lambda status: not status.loading)
    assert isinstance(status.failure, NotFound)
    await scope.aclose()


async def test_members_are_loaded_once_per_number(place: Place) -> None:
    members = RoomMembers(FakeChat(place.world), SITE, place.scope)
    members.refresh(7)
    members.refresh(7)
    found = await until(members.state, lambda value: not value.loading)
    assert len(found.people) == 7
    assert found.name_of(place.world.me.user) == place.world.me.name
