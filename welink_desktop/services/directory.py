"""The company directory: department tree, people of a department, search, one person's card."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.organisation import Department, Organisation
from welink_desktop.core.people import MatchKind, Person, PersonHit
from welink_desktop.core.ports.people import People
from welink_desktop.core.reactive import Scope, State

SEARCH_DELAY = 0.3
"""Seconds without typing before the server is asked."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Nothing to show yet."""


@dataclass(frozen=True, slots=True)
class Ready:
    """People in the order to be shown. `stale` says why this is an older copy."""

    hits: tuple[PersonHit, ...]
    stale: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    why: WeLinkError


Listing = Loading | Ready | Failed


@dataclass(frozen=True, slots=True)
class DirectoryState:
    """`search` is not empty while searching; then `listing` holds hits, else the people of `department`."""

    organisation: Organisation | None = None
    organisation_loading: bool = True
    organisation_failure: WeLinkError | None = None
    department: RoomId | None = None
    search: str = ""
    listing: Listing = Loading()
    person: Person | None = None


class Directory:
    """Follows one account's `People` port. Wishes return at once; newer wishes overtake older answers."""

    def __init__(self, people: People, scope: Scope, *, search_delay: float = SEARCH_DELAY) -> None:
        self.state = State(DirectoryState())
        self._people = people
        self._scope = scope
        self._delay = search_delay
        self._turn = 0
        self._kept: dict[RoomId, tuple[Person, ...]] = {}
        scope.add(people.watch_people(self._person_changed))

    def load(self) -> None:
        """Fetch the tree and open its root. Safe to call again, for instance after a failure."""
        self._change(organisation_loading=True, organisation_failure=None)
        self._scope.spawn(self._load(), name="organisation")

    def select_department(self, department: RoomId) -> None:
        """Show the people of a department; ends a search."""
        self._turn += 1
        kept = self._kept.get(department)
        listing: Listing = Ready(as_hits(kept)) if kept is not None else Loading()
        self._change(department=department, search="", listing=listing)
        self._scope.spawn(self._load_department(department, self._turn), name="department")

    def search(self, words: str) -> None:
        """Search everywhere; "" returns to the department."""
        if words == self.state.value.search:
            return
        if not words.strip():
            department = self.state.value.department
            self._change(search="")
            if department is not None:
                self.select_department(department)
            return
        self._turn += 1
        self._change(search=words)
        self._scope.spawn(self._search(words, self._turn), name="search")

    def show_person(self, person: Person | None) -> None:
        """Open a card with what is known, then with the fresh profile."""
        self._change(person=person)
        if person is not None:
            self._scope.spawn(self._refresh(person.user), name="profile")

    def show_user(self, user: UserId) -> None:
        """Open the card of someone known by id only."""
        self._scope.spawn(self._refresh(user, select=True), name="profile")

    def path_to(self, department: RoomId | None) -> tuple[Department, ...]:
        organisation = self.state.value.organisation
        return path_to(organisation.root, department) if organisation is not None and department is not None else ()

    async def _load(self) -> None:
        try:
            organisation = await self._people.organisation()
        except WeLinkError as error:
            self._change(organisation_loading=False, organisation_failure=error)
            return
        self._change(organisation=organisation, organisation_loading=False)
        if organisation is not None and self.state.value.department is None:
            self._open_first(await self._first_department(organisation.root))

    def _open_first(self, department: RoomId) -> None:
        """What the person did while the tree was loading stands: a search goes on, a chosen department stays."""
        if self.state.value.department is not None:
            return
        if self.state.value.search:
            self._change(department=department)
        else:
            self.select_department(department)

    async def _first_department(self, root: Department) -> RoomId:
        """Our own department, so that the page opens on people one knows."""
        try:
            me = await self._people.me()
        except WeLinkError:
            return root.space
        own = next((one for one in below(root) if one.name == me.department and me.department), root)
        return own.space

    async def _load_department(self, department: RoomId, turn: int) -> None:
        try:
            people = await self._people.people_of(department)
        except WeLinkError as error:
            if turn == self._turn:
                kept = self._kept.get(department)
                self._change(listing=Failed(error) if kept is None else Ready(as_hits(kept), error))
            return
        self._kept[department] = people
        if turn == self._turn:
            self._change(listing=Ready(as_hits(people)))

    async def _search(self, words: str, turn: int) -> None:
        await asyncio.sleep(self._delay)
        if turn != self._turn:
            return
        try:
            hits = await self._people.search(words)
        except WeLinkError as error:
            if turn == self._turn:
                self._change(listing=Failed(error))
            return
        if turn == self._turn:
            self._change(listing=Ready(hits))

    async def _refresh(self, user: UserId, *, select: bool = False) -> None:
        try:
            person = await self._people.person(user)
        except WeLinkError:
            return  # the card keeps what it shows
        shown = self.state.value.person
        if select or (shown is not None and shown.user == user):
            self._change(person=person)

    def _person_changed(self, person: Person) -> None:
        state = self.state.value
        for department, people in self._kept.items():
            self._kept[department] = tuple(person if one.user == person.user else one for one in people)
        if isinstance(state.listing, Ready):
            hits = tuple(
                PersonHit(person, hit.kind, hit.marks) if hit.person.user == person.user else hit for hit in state.listing.hits
            )
            self._change(listing=Ready(hits, state.listing.stale))
        if state.person is not None and state.person.user == person.user:
            self._change(person=person)

    def _change(self, **changes: object) -> None:
        self.state.set(replace(self.state.value, **changes))  # type: ignore[arg-type]  # names are checked by `replace`


def as_hits(people: Sequence[Person]) -> tuple[PersonHit, ...]:
    """People of a listing without a search."""
    return tuple(PersonHit(person, MatchKind.DEPARTMENT) for person in people)


def path_to(root: Department, department: RoomId) -> tuple[Department, ...]:
    """From the root to `department`, both included; empty if it is not below `root`."""
    if root.space == department:
        return (root,)
    for child in root.children:
        below = path_to(child, department)
        if below:
            return (root, *below)
    return ()


def below(root: Department) -> Iterator[Department]:
    """`root` and everything under it, depth first."""
    yield root
    for child in root.children:
        yield from below(child)
