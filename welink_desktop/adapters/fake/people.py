"""`People` and `MediaStore` over the fake world."""

from dataclasses import replace
from pathlib import Path

from welink_desktop.adapters.fake.world import FakeWorld
from welink_desktop.core.errors import DiskFull, NotFound
from welink_desktop.core.ids import ContentUri, RoomId, UserId
from welink_desktop.core.media import EncryptedFile, MediaInfo, MediaSource, Picture, Progress
from welink_desktop.core.organisation import Organisation
from welink_desktop.core.people import MatchKind, Person, PersonHit, Status
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel


class FakePeople:
    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    async def me(self) -> Person:
        return self._world.me

    async def person(self, user: UserId) -> Person:
        if user not in self._world.people:
            raise NotFound
        return self._world.people[user]

    async def search(self, text: str, limit: int = 50) -> tuple[PersonHit, ...]:
        wanted = text.casefold().strip()
        hits = [hit for person in self._world.people.values() if (hit := _match(person, wanted)) is not None]
        ranks = list(MatchKind)
        hits.sort(key=lambda hit: (ranks.index(hit.kind), hit.person.name))
        return tuple(hits[:limit])

    async def organisation(self) -> Organisation | None:
        return self._world.organisation

    async def people_of(self, department: RoomId) -> tuple[Person, ...]:
        if department not in self._world.departments:
            raise NotFound
        return tuple(self._world.people[user] for user in self._world.departments[department])

    def watch_people(self, listener: Listener[Person]) -> Cancel:
        return self._world.person_news.listen(listener)

    async def set_status(self, status: Status) -> None:
        self._world.me = self._world.add_person(replace(self._world.me, status=status))

    async def set_name(self, name: str) -> None:
        self._world.me = self._world.add_person(replace(self._world.me, name=name))


def _match(person: Person, wanted: str) -> PersonHit | None:
    if not wanted:
        return None
    at = person.name.casefold().find(wanted)
    if at >= 0:
        return PersonHit(person, MatchKind.NAME, ((at, len(wanted)),))
    fields = (
        (person.other_name, MatchKind.PINYIN),
        (person.staff_number, MatchKind.STAFF_NUMBER),
        (person.title, MatchKind.TITLE),
        (person.department, MatchKind.DEPARTMENT),
    )
    for value, kind in fields:
        if wanted in value.casefold():
            return PersonHit(person, kind)
    return None


class FakeMediaStore:
    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    async def avatar(self, uri: ContentUri, size: int) -> Picture:
        return self._make(uri, size, size)

    async def picture(self, source: MediaSource, info: MediaInfo, max_width: int, max_height: int) -> Picture:
        del info
        return self._make(_uri(source), max_width, max_height)

    async def save(self, source: MediaSource, target: Path, progress: Listener[Progress] | None = None) -> None:
        content = f"sample file {_uri(source)}".encode()
        try:
            with target.open("xb") as file:
                file.write(content)
        except OSError as error:
            raise DiskFull from error
        if progress is not None:
            progress(Progress(len(content), len(content)))

    def _make(self, uri: ContentUri, width: int, height: int) -> Picture:
        picture = self._world.pictures(uri.rsplit("/", 1)[-1], width, height)
        if picture is None:
            raise NotFound
        return picture


def _uri(source: MediaSource) -> ContentUri:
    return source.uri if isinstance(source, EncryptedFile) else source
