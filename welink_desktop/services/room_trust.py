"""Whose identity changed among the people of one conversation."""

from collections.abc import Iterable
from dataclasses import dataclass

from welink_desktop.core.ids import UserId
from welink_desktop.core.reactive import Cancel, State
from welink_desktop.core.security import PersonTrust
from welink_desktop.services.security import AccountSecurity

MOST_WATCHED = 300
"""People of a larger conversation beyond this number are not watched; their messages are marked all the same."""
ALARMING = (PersonTrust.BROKEN, PersonTrust.CHANGED)


@dataclass(frozen=True, slots=True)
class Alarm:
    user: UserId
    trust: PersonTrust


class RoomTrust:
    """`alarms`: the worst first, else in the order of the members."""

    def __init__(self, security: AccountSecurity, me: UserId) -> None:
        self.alarms: State[tuple[Alarm, ...]] = State(())
        self._security = security
        self._me = me
        self._watched: dict[UserId, Cancel] = {}
        self._filling = False

    def set_people(self, people: Iterable[UserId]) -> None:
        wanted = [user for user in people if user != self._me][:MOST_WATCHED]
        for user in set(self._watched) - set(wanted):
            self._watched.pop(user)()
        self._filling = True
        for user in wanted:
            if user not in self._watched:
                self._watched[user] = self._security.person(user).watch(lambda _: self._update())
        self._filling = False
        self._update()

    def close(self) -> None:
        while self._watched:
            self._watched.popitem()[1]()

    def _update(self) -> None:
        if self._filling:
            return
        trust = {user: self._security.person(user).value for user in self._watched}
        found = [Alarm(user, trust[user]) for user in trust if trust[user] in ALARMING]
        self.alarms.set(tuple(sorted(found, key=lambda alarm: ALARMING.index(alarm.trust))))
