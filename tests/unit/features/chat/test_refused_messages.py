"""What could not even be queued stands in the composer again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.until import eventually, until
from welink_desktop.adapters.fake import FakeWorld, sample_world
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.core.changes import apply
from welink_desktop.core.errors import DiskFull
from welink_desktop.core.ids import MessageRef, RoomId, TransactionId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import OutgoingFile, OutgoingText, TextContent, TimelineBatch, TimelineItem
from welink_desktop.features.chat.composer.model import Attach, ComposerModel, Send, Typed
from welink_desktop.services.composer import Composer

SITE = RoomId("!site")


class FullDisk(FakeChat):
    """A chat whose outbox cannot write until `healed`."""

    healed = False

    async def send_text(self, room: RoomId, message: OutgoingText) -> TransactionId:
        if not self.healed:
            raise DiskFull
        return await super().send_text(room, message)

    async def send_file(self, room: RoomId, file: OutgoingFile) -> TransactionId:
        raise DiskFull

    async def edit(self, room: RoomId, message: MessageRef, text: OutgoingText) -> None:
        raise DiskFull


class Place:
    def __init__(self) -> None:
        self.world: FakeWorld = sample_world()
        self.chat = FullDisk(self.world)
        self.scope = Scope("test")
        self.model = ComposerModel(Composer(self.chat, SITE, self.scope), SITE, "Site", self.world.me.user, self.scope)

    @property
    def text(self) -> str:
        return self.model.state.value.text

    def files(self) -> list[str]:
        return [file.path for file in self.model.state.value.files]

    def editing(self) -> TimelineItem | None:
        return self.model.state.value.editing

    async def refused(self) -> str:
        state = await until(self.model.state, lambda now: now.problem is not None)
        assert state.problem is not None
        return state.problem.key


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    made.chat.healed = True
    await made.scope.aclose()


async def test_a_text_comes_back_with_its_reason_and_goes_out_later(place: Place) -> None:
    place.model.act(Typed("on the third floor", 18))
    place.model.act(Send())
    assert place.text == ""
    assert await place.refused() == "error-disk-full"
    assert place.text == "on the third floor"
    assert place.model.state.value.can_send
    place.chat.healed = True
    place.model.act(Send())
    await eventually(lambda: "on the third floor" in repr(place.world.room(SITE)))
    assert place.text == ""


async def test_what_was_typed_since_stays(place: Place) -> None:
    place.model.act(Typed("first", 5))
    place.model.act(Send())
    place.model.act(Typed("second", 6))
    await place.refused()
    assert place.text == "first\nsecond"


async def test_files_come_back_with_their_caption(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "plan.pdf"
    file.write_bytes(b"x")
    place.model.act(Attach((str(file),)))
    place.model.act(Typed("the plan", 8))
    place.model.act(Send())
    assert place.files() == []
    await place.refused()
    assert place.files() == [str(file)]
    assert place.text == "the plan"


async def test_an_edit_that_was_refused_is_open_again(place: Place) -> None:
    timeline = await place.chat.open_timeline(SITE)
    batches: list[TimelineBatch] = []
    timeline.watch(batches.append)
    own = next(item for item in _items(batches) if item.own and isinstance(item.content, TextContent))
    place.model.edit(own)
    place.model.act(Typed("corrected", 9))
    place.model.act(Send())
    assert place.editing() is None
    await place.refused()
    assert place.editing() == own
    assert place.text == "corrected"
    await timeline.close()


def _items(batches: list[TimelineBatch]) -> list[TimelineItem]:
    items: list[TimelineItem] = []
    for batch in batches:
        apply(items, batch.changes)
    return items
