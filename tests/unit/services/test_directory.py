"""The directory: tree, departments, search, card; newer wishes overtake older answers."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.support.until import until
from welink_desktop.adapters.fake import FakeWorld, sample_world
from welink_desktop.adapters.fake.people import FakePeople
from welink_desktop.core.errors import NotFound, Offline
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.organisation import Organisation
from welink_desktop.core.people import Person, PersonHit, Presence, Status
from welink_desktop.core.reactive import Scope
from welink_desktop.services.directory import Directory, DirectoryState, Failed, Ready, below, path_to
from welink_desktop.services.presence import shown_presence, state_in_words


class Fragile(FakePeople):
    """`error` is raised instead of answering."""

    error: Exception | None = None

    async def organisation(self) -> Organisation | None:
        if self.error is not None:
            raise self.error
        return await super().organisation()

    async def people_of(self, department: RoomId) -> tuple[Person, ...]:
        if self.error is not None:
            raise self.error
        return await super().people_of(department)

    async def search(self, text: str, limit: int = 50) -> tuple[PersonHit, ...]:
        if self.error is not None:
            raise self.error
        return await super().search(text, limit)


@pytest.fixture
def world() -> FakeWorld:
    return sample_world()


@pytest.fixture
def people(world: FakeWorld) -> Fragile:
    return Fragile(world)


@pytest.fixture
async def directory(people: Fragile) -> AsyncIterator[Directory]:
    scope = Scope("test")
    yield Directory(people, scope, search_delay=0)
    await scope.aclose()


def is_ready(state: DirectoryState) -> bool:
    return isinstance(state.listing, Ready)


def names(state: DirectoryState) -> list[str]:
    assert isinstance(state.listing, Ready)
    return [hit.person.name for hit in state.listing.hits]


async def test_it_opens_on_our_own_department(directory: Directory) -> None:
    directory.load()
    state = await until(directory.state, is_ready)
    assert "林知远" in names(state)
    assert [one.name for one in directory.path_to(state.department)][-1] == "院领导"


async def test_choosing_a_department_shows_its_people(directory: Directory) -> None:
    directory.load()
    state = await until(directory.state, is_ready)
    assert state.organisation is not None
    theatre = next(one for one in below(state.organisation.root) if one.name == "麻醉与手术部")
    directory.select_department(theatre.space)
    state = await until(directory.state, lambda now: is_ready(now) and now.department == theatre.space)
    assert "叶知秋" in names(state)
    assert state.organisation is not None
    assert [one.name for one in path_to(state.organisation.root, theatre.space)] == [
        "云杉总医院",
        "临床科室",
        "外科",
        "麻醉与手术部",
    ]


async def test_searching_and_returning(directory: Directory) -> None:
    directory.load()
    before = await until(directory.state, is_ready)
    directory.search("陈")
    found = await until(directory.state, lambda now: is_ready(now) and "陈嘉木" in names(now))
    assert found.search == "陈"
    directory.search("")
    after = await until(directory.state, lambda now: is_ready(now) and not now.search)
    assert names(after) == names(before)


async def test_a_search_typed_while_the_tree_loads_goes_on(directory: Directory) -> None:
    directory.load()
    directory.search("叶知秋")
    state = await until(directory.state, lambda now: now.department is not None and is_ready(now))
    assert state.search == "叶知秋"
    assert names(state) == ["叶知秋"]


async def test_only_the_last_search_counts(directory: Directory) -> None:
    directory.search("陈")
    directory.search("Maya")
    state = await until(directory.state, is_ready)
    assert names(state) == ["Maya Okafor"]


async def test_an_unreachable_directory_is_told_and_can_be_tried_again(directory: Directory, people: Fragile) -> None:
    people.error = Offline()
    directory.load()
    state = await until(directory.state, lambda now: now.organisation_failure is not None)
    assert isinstance(state.organisation_failure, Offline)
    people.error = None
    directory.load()
    await until(directory.state, is_ready)


async def test_a_department_seen_before_stays_readable_offline(directory: Directory, people: Fragile) -> None:
    directory.load()
    state = await until(directory.state, is_ready)
    people.error = Offline()
    assert state.department is not None
    directory.select_department(state.department)
    state = await until(directory.state, lambda now: isinstance(now.listing, Ready) and now.listing.stale is not None)
    assert names(state)


async def test_a_department_never_seen_fails_plainly(directory: Directory, people: Fragile) -> None:
    people.error = NotFound()
    directory.select_department(RoomId("!nowhere"))
    state = await until(directory.state, lambda now: isinstance(now.listing, Failed))
    assert isinstance(state.listing, Failed)


async def test_a_search_that_fails_is_told(directory: Directory, people: Fragile) -> None:
    people.error = Offline()
    directory.search("陈")
    await until(directory.state, lambda now: isinstance(now.listing, Failed))


async def test_the_card_follows_news(directory: Directory, world: FakeWorld) -> None:
    person = world.people[UserId("@ye.zhiqiu:yunshan.example")]
    directory.show_person(person)
    directory.load()
    await until(directory.state, is_ready)
    world.person_news.emit(replace(person, title="Chief"))
    assert directory.state.value.person is not None
    assert directory.state.value.person.title == "Chief"
    directory.show_person(None)
    assert directory.state.value.person is None


async def test_somebody_known_by_id_only_gets_a_card(directory: Directory) -> None:
    directory.show_user(UserId("@maya.okafor:northbridge.example"))
    state = await until(directory.state, lambda now: now.person is not None)
    assert state.person is not None
    assert state.person.name == "Maya Okafor"


NOW = 1_795_404_600_000


def person(**more: object) -> Person:
    return replace(Person(UserId("@a:b"), "A"), **more)  # type: ignore[arg-type]  # test data


def test_a_meeting_is_said_first() -> None:
    state = state_in_words(person(status=Status("lunch", in_meeting=True)), NOW)
    assert state.text is not None
    assert state.text.key == "state-in-meeting"


def test_own_words_end_with_their_time() -> None:
    assert state_in_words(person(status=Status("lunch", emoji="🍜", until_ms=NOW + 1)), NOW).own_words == "🍜 lunch"
    over = state_in_words(person(status=Status("lunch", until_ms=NOW - 1), presence=Presence.AWAY), NOW)
    assert over.text is not None
    assert over.text.key == "state-away"


def test_people_far_away_have_their_own_time() -> None:
    state = state_in_words(person(external=True, time_zone="Europe/London"), NOW)
    assert state.text is not None
    assert state.text.args["time"] == "03:30"


@pytest.mark.parametrize("zone", ["", "Nowhere/At_All", "../../etc/passwd"])
def test_an_impossible_time_zone_says_nothing(zone: str) -> None:
    assert state_in_words(person(external=True, time_zone=zone), NOW).text is None


def test_a_dot_is_only_shown_where_presence_is_known() -> None:
    assert shown_presence(person(status=Status(in_meeting=True))) is Presence.UNKNOWN
    assert shown_presence(person(status=Status(in_meeting=True), presence=Presence.ONLINE)) is Presence.BUSY
