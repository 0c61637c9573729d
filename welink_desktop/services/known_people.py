"""People seen on screen: ask at paint time, hear when a profile is known or changes. Few requests at a time."""

from collections import deque

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.people import Person
from welink_desktop.core.ports.people import People
from welink_desktop.core.reactive import Scope, Signal

PARALLEL = 3

_log = topic("people")


class KnownPeople:
    """`get` answers at once; None while unknown (and asked for). Somebody who cannot be found is asked for once."""

    def __init__(self, people: People, scope: Scope) -> None:
        self.changed: Signal[Person] = Signal()
        self._people = people
        self._scope = scope
        self._known: dict[UserId, Person] = {}
        self._asked: set[UserId] = set()
        self._queue: deque[UserId] = deque()
        self._running = 0
        scope.add(people.watch_people(self._learn))

    def get(self, user: UserId) -> Person | None:
        if user not in self._known and user not in self._asked and not self._scope.closed:
            self._asked.add(user)
            self._queue.append(user)
            self._start()
        return self._known.get(user)

    def name_of(self, user: UserId) -> str:
        """The name, or the id while it is not known."""
        person = self.get(user)
        return person.name if person is not None and person.name else user

    def _start(self) -> None:
        while self._queue and self._running < PARALLEL:
            self._running += 1
            self._scope.spawn(self._fetch(self._queue.popleft()), name="profile")

    async def _fetch(self, user: UserId) -> None:
        try:
            self._learn(await self._people.person(user))
        except WeLinkError as error:
            _log.debug("profile not available", error=literal(type(error).__name__))
        finally:
            self._running -= 1
            if not self._scope.closed:
                self._start()

    def _learn(self, person: Person) -> None:
        if self._known.get(person.user) != person:
            self._known[person.user] = person
            self.changed.emit(person)
