"""The contacts page: departments, people, search, one card."""

from dataclasses import dataclass, replace

from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.media import Picture
from welink_desktop.core.organisation import Department
from welink_desktop.core.people import Person, PersonHit
from welink_desktop.core.ports.chat import Chat
from welink_desktop.core.reactive import Cancel, Scope, Signal, State
from welink_desktop.core.security import PersonTrust
from welink_desktop.services.directory import Directory, DirectoryState, Failed, Listing, Loading, Ready, path_to
from welink_desktop.services.pictures import PictureKey, Pictures
from welink_desktop.services.presence import StateInWords, shown_presence, state_in_words
from welink_desktop.services.security import AccountSecurity

__all__ = ["Failed", "Listing", "Loading", "Ready", "StateInWords", "shown_presence", "state_in_words"]


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A visible row of the department tree. `expanded` is None for a leaf."""

    department: Department
    level: int
    expanded: bool | None


@dataclass(frozen=True, slots=True)
class ContactsState:
    """`path` leads to the shown department; `busy_with` is the person a chat or meeting is being opened with.

    `trust` is what we know about the shown person's identity, None if nothing can be said.
    """

    tree: tuple[TreeRow, ...] = ()
    tree_loading: bool = True
    tree_failure: WeLinkError | None = None
    path: tuple[Department, ...] = ()
    search: str = ""
    listing: Listing = Loading()
    person: Person | None = None
    me: UserId | None = None
    busy_with: UserId | None = None
    failure: WeLinkError | None = None
    now_ms: int = 0
    trust: PersonTrust | None = None


@dataclass(frozen=True, slots=True)
class SelectDepartment:
    space: RoomId


@dataclass(frozen=True, slots=True)
class ToggleDepartment:
    space: RoomId
    expanded: bool


@dataclass(frozen=True, slots=True)
class Search:
    words: str


@dataclass(frozen=True, slots=True)
class ShowPerson:
    """`person` None closes the card."""

    person: Person | None


@dataclass(frozen=True, slots=True)
class ShowUser:
    """Open the card of someone known by id only."""

    user: UserId


@dataclass(frozen=True, slots=True)
class Message:
    user: UserId


@dataclass(frozen=True, slots=True)
class Meet:
    user: UserId


@dataclass(frozen=True, slots=True)
class Compare:
    """Compare identities with somebody."""

    user: UserId


@dataclass(frozen=True, slots=True)
class AcceptIdentity:
    """A changed identity is that person's own."""

    user: UserId


@dataclass(frozen=True, slots=True)
class Reload:
    """Fetch the tree again after a failure."""


Wish = SelectDepartment | ToggleDepartment | Search | ShowPerson | ShowUser | Message | Meet | Compare | AcceptIdentity | Reload


class ContactsModel:
    """`chat_wanted` and `meeting_wanted` carry the room to go to; navigation listens."""

    def __init__(
        self,
        directory: Directory,
        chat: Chat,
        pictures: Pictures,
        me: UserId,
        scope: Scope,
        clock: Clock | None = None,
        security: AccountSecurity | None = None,
    ) -> None:
        self.state = State(ContactsState(me=me))
        self.chat_wanted: Signal[RoomId] = Signal()
        self.meeting_wanted: Signal[RoomId] = Signal()
        self.compare_wanted: Signal[UserId] = Signal()
        self.picture_arrived: Signal[PictureKey] = pictures.arrived
        self._directory = directory
        self._chat = chat
        self._pictures = pictures
        self._scope = scope
        self._clock = clock or SystemClock()
        self._security = security
        self._trust_of: UserId | None = None
        self._unwatch_trust: Cancel | None = None
        self._expanded: set[RoomId] = set()
        self._tree_seen = False
        self._department: RoomId | None = None
        self._started = False
        scope.add(directory.state.watch(self._directory_changed))

    def start(self) -> None:
        """Load the tree when the page is shown for the first time."""
        if not self._started:
            self._started = True
            self._directory.load()

    def picture(self, person: Person, size: int) -> Picture | None:
        """The avatar of `person` in device pixels, or None until `picture_arrived`."""
        return self._pictures.avatar(person.avatar, size) if person.avatar is not None else None

    def act(self, wish: Wish) -> None:
        match wish:
            case SelectDepartment(space):
                self._directory.select_department(space)
            case ToggleDepartment(space, expanded):
                (self._expanded.add if expanded else self._expanded.discard)(space)
                self._directory_changed(self._directory.state.value)
            case Search(words):
                self._directory.search(words)
            case ShowPerson(person):
                self._change(failure=None)
                self._directory.show_person(person)
            case ShowUser(user):
                self._directory.show_user(user)
            case Message(user):
                self._scope.spawn(self._open(user, self.chat_wanted), name="message")
            case Meet(user):
                self._scope.spawn(self._open(user, self.meeting_wanted), name="meet")
            case Compare(user):
                self.compare_wanted.emit(user)
            case AcceptIdentity(user):
                if self._security is not None:
                    self._scope.spawn(self._accept(self._security, user), name="accept-identity")
            case Reload():
                self._directory.load()

    async def _accept(self, security: AccountSecurity, user: UserId) -> None:
        try:
            await security.port.accept_person(user)
        except WeLinkError as error:
            self._change(failure=error)

    def _watch_trust(self, person: Person | None) -> None:
        """Follow the identity of the shown person."""
        user = person.user if person is not None and person.user != self.state.value.me else None
        if user == self._trust_of or self._security is None:
            return
        self._trust_of = user
        if self._unwatch_trust is not None:
            self._unwatch_trust()
            self._unwatch_trust = None
        if user is None:
            self._change(trust=None)
        else:
            self._unwatch_trust = self._security.person(user).watch(lambda trust: self._change(trust=trust))

    async def _open(self, user: UserId, wanted: Signal[RoomId]) -> None:
        self._change(busy_with=user, failure=None)
        try:
            room = await self._chat.direct_room(user)
        except WeLinkError as error:
            self._change(busy_with=None, failure=error)
            return
        self._change(busy_with=None)
        wanted.emit(room)

    def _directory_changed(self, state: DirectoryState) -> None:
        root = state.organisation.root if state.organisation is not None else None
        if root is not None and not self._tree_seen:
            self._tree_seen = True
            self._expanded.add(root.space)
        path = path_to(root, state.department) if root is not None and state.department is not None else ()
        if state.department != self._department:
            self._department = state.department
            self._expanded.update(one.space for one in path[:-1])
        self._change(
            tree=rows_of(root, self._expanded) if root is not None else (),
            tree_loading=state.organisation_loading,
            tree_failure=state.organisation_failure,
            path=path,
            search=state.search,
            listing=state.listing,
            person=state.person,
            now_ms=self._clock.now_ms(),
        )

        self._watch_trust(state.person)

    def _change(self, **changes: object) -> None:
        self.state.set(replace(self.state.value, **changes))  # type: ignore[arg-type]  # names are checked by `replace`


def rows_of(root: Department, expanded: set[RoomId], level: int = 0) -> tuple[TreeRow, ...]:
    """The visible rows, depth first."""
    opened = root.space in expanded if root.children else None
    rows = [TreeRow(root, level, opened)]
    if opened:
        for child in root.children:
            rows.extend(rows_of(child, expanded, level + 1))
    return tuple(rows)


def grouped(hits: tuple[PersonHit, ...]) -> tuple[tuple[PersonHit, ...], tuple[PersonHit, ...]]:
    """People of the organisation, and those from outside in their own section at the end."""
    return tuple(hit for hit in hits if not hit.person.external), tuple(hit for hit in hits if hit.person.external)
