"""A new device reads what was written before it existed, through the whole engine (matrix.md §8.7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.engine import Person, RoomsSeen, TimelineSeen, shared_room, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import RoomId
from welink_desktop.core.security import RecoveryStatus
from welink_desktop.core.timeline import OutgoingText, UndecryptableContent
from welink_desktop.core.trust import Shield
from welink_desktop.evaluation.client import Registered


class RecoverySeen:
    """What the settings show."""

    def __init__(self, person: Person) -> None:
        self.status = RecoveryStatus()
        self.restored = False
        person.session.security.watch_recovery(self._take)

    def _take(self, status: RecoveryStatus) -> None:
        self.restored = self.restored or status.restoring is not None
        self.status = status

    @property
    def kept(self) -> bool:
        return self.status.backup and self.status.waiting == 0


@asynccontextmanager
async def signed_up(synapse: TestSynapse, folder: Path, *who: Registered) -> AsyncIterator[list[Person]]:
    """A live device for each of `who`, the same account twice gives two devices."""
    made: list[Person] = []
    try:
        for number, registered in enumerate(who):
            person = await signed_in(synapse, registered, folder / str(number))
            made.append(person)
            await person.live()
        yield made
    finally:
        for person in made:
            await person.close()


async def said(person: Person, room: RoomId, texts: list[str]) -> None:
    seen = TimelineSeen(await person.session.chat.open_timeline(room))
    for text in texts:
        await person.session.chat.send_text(room, OutgoingText(text))
    await until(lambda: all((item := seen.item(text)) is not None and item.ref.startswith("$") for text in texts))
    seen.cancel()


async def looking(person: Person, room: RoomId) -> TimelineSeen:
    rooms = RoomsSeen(person.session)
    await until(lambda: rooms.get(room) is not None)
    rooms.cancel()
    return TimelineSeen(await person.session.chat.open_timeline(room))


async def test_messages_of_before_are_read_after_the_recovery_key_was_typed(synapse: TestSynapse, tmp_path: Path) -> None:
    account = synapse.register("lin")
    async with signed_up(synapse, tmp_path, account, synapse.register("mei")) as (lin, mei):
        room = await shared_room(lin, mei)
        await said(lin, room, ["今天的安排?"])
        await said(mei, room, ["十点见。"])
        typed = await lin.session.security.turn_on_recovery()
        recovery = RecoverySeen(lin)
        await until(lambda: recovery.kept)
        await lin.close()
        async with signed_up(synapse, tmp_path / "new", account) as (phone,):
            seen = await looking(phone, room)
            await until(lambda: sum(isinstance(item.content, UndecryptableContent) for item in seen.items) == 2)
            progress = RecoverySeen(phone)
            await phone.session.security.recover(typed)
            await until(lambda: seen.bodies == ["今天的安排?", "十点见。"])
            for body in seen.bodies:
                item = seen.item(body)
                assert item is not None
                assert item.shield is Shield.UNPROVEN
            await until(lambda: progress.restored and progress.status.restoring is None)
