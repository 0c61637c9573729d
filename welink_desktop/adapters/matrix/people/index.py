"""The local index: who is found by what a person types, the closest first. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from welink_desktop.adapters.matrix.people.spoken import Readings, fold, is_han, sort_key, spoken_match
from welink_desktop.core.ids import UserId, localpart_of
from welink_desktop.core.people import MatchKind, Person, PersonHit

_ORDER = tuple(MatchKind)


@dataclass(slots=True)
class Indexed:
    """A person with everything that matching needs, folded once."""

    person: Person
    readings: Readings
    name: str = field(init=False)
    other: str = field(init=False)
    han: list[bool] = field(init=False)
    order: tuple[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.name = fold(self.person.name)
        self.other = fold(self.person.other_name)
        self.han = [is_han(character) for character in self.person.name]
        self.order = sort_key(self.person.name, self.readings)


class PeopleIndex:
    """People in memory. A search looks at everyone: 5,000 people take some 20 ms."""

    def __init__(self) -> None:
        self._people: dict[UserId, Indexed] = {}

    def __contains__(self, user: UserId) -> bool:
        return user in self._people

    def get(self, user: UserId) -> Person | None:
        found = self._people.get(user)
        return None if found is None else found.person

    def put(self, person: Person, readings: Readings) -> None:
        self._people[person.user] = Indexed(person, readings)

    def remove(self, user: UserId) -> None:
        self._people.pop(user, None)

    def people(self) -> Iterable[Indexed]:
        return self._people.values()

    def in_order(self, users: Iterable[UserId]) -> list[Person]:
        """The known ones of `users` in pinyin order."""
        found = [self._people[user] for user in users if user in self._people]
        return [one.person for one in sorted(found, key=lambda one: one.order)]

    def search(self, typed: str, limit: int) -> list[PersonHit]:
        """The closest first: kind of match, place in the name, then pinyin order. An empty text finds nobody."""
        words = fold(typed).strip()
        if not words:
            return []
        found: list[tuple[int, int, tuple[str, str], PersonHit]] = []
        for one in self._people.values():
            hit = match(one, typed, words)
            if hit is not None:
                place = hit.marks[0][0] if hit.marks else 0
                found.append((_ORDER.index(hit.kind), place, one.order, hit))
        found.sort(key=lambda entry: entry[:3])
        return [entry[3] for entry in found[:limit]]


def match(one: Indexed, typed: str, words: str) -> PersonHit | None:
    """How `words` (`typed`, folded) finds this person, in the best way; None if it does not."""
    person = one.person
    at = one.name.find(words)
    if at >= 0:
        marks = ((at, len(words)),) if len(one.name) == len(person.name) else ()
        return PersonHit(person, MatchKind.NAME, marks)
    if words in one.other or fold(localpart_of(person.user)).startswith(words):
        return PersonHit(person, MatchKind.NAME)
    said = spoken_match(typed, one.readings, one.han) if typed.isascii() else None
    if said is not None:
        start, length, initials = said
        return PersonHit(person, MatchKind.INITIALS if initials else MatchKind.PINYIN, ((start, length),))
    if len(words) >= 2 and fold(person.staff_number).startswith(words):
        return PersonHit(person, MatchKind.STAFF_NUMBER)
    if words in fold(person.title):
        return PersonHit(person, MatchKind.TITLE)
    if words in fold(person.department):
        return PersonHit(person, MatchKind.DEPARTMENT)
    return None
