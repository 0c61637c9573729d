"""Implements `core.ports.people.People`: the local index first, then the server."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.errors import MatrixError, Missing
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.people import profile as profiles
from welink_desktop.adapters.matrix.people.index import PeopleIndex
from welink_desktop.adapters.matrix.people.organisation import OrganisationLoader, organisation_from
from welink_desktop.adapters.matrix.people.spoken import readings_of
from welink_desktop.adapters.matrix.people.tree import departments
from welink_desktop.adapters.matrix.store import people as tables
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.people import StoredPerson
from welink_desktop.adapters.matrix.wire.values import Json, clean, list_of, text_of
from welink_desktop.core.errors import NotFound, Offline, ServerFault, WeLinkError
from welink_desktop.core.ids import RoomId, UserId, server_name_of
from welink_desktop.core.log import topic
from welink_desktop.core.organisation import Organisation
from welink_desktop.core.people import MatchKind, Person, PersonHit, Status
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, Signal

FRESH_MS = 600_000
"""A profile or tree younger than this is not asked for again."""
KNOWN_MS = 86_400_000
"""Profiles of colleagues are renewed in the background after this time."""
BACKGROUND_LIMIT = 1_000
KNOWN_FIRST = 200
"""An organisation of up to this many people is shown with everybody in place at once."""
PARALLEL = 4
SERVER_SEARCH_SECONDS = 4.0

_log = topic("people")


class PeopleDirectory:
    """One account's view of people. Everything known is on disk; the index is in memory."""

    def __init__(self, database: Database, http: Http, user: UserId, scope: Scope) -> None:
        self._database = database
        self._http = http
        self._user = user
        self._scope = scope
        self._server = server_name_of(user)
        self._index = PeopleIndex()
        self._stored: dict[UserId, StoredPerson] = {}
        self._running: dict[UserId, asyncio.Task[Person | WeLinkError]] = {}
        self._changed: Signal[Person] = Signal()
        self._home = ""
        self._organisation = OrganisationLoader(http)
        self._loading_tree: asyncio.Task[WeLinkError | None] | None = None
        self._learning = False
        self._wondered: set[UserId] = set()
        self._unknown: list[UserId] = []
        self._load()

    # The port

    async def me(self) -> Person:
        try:
            return await self.person(self._user)
        except (Offline, NotFound):
            return profiles.person_of(self._user, {}, home="", own_server=self._server)

    async def person(self, user: UserId) -> Person:
        stored = self._stored.get(user)
        if stored is not None and self._http.clock.now_ms() - stored.fetched_ms < FRESH_MS:
            return self._known(user)
        task = self._running.get(user)
        if task is None:
            task = self._running[user] = self._scope.spawn(self._fetch(user), name="profile")
        outcome = await asyncio.shield(task)
        if isinstance(outcome, Person):
            return outcome
        if stored is not None and not isinstance(outcome, NotFound):
            return self._known(user)
        raise outcome

    async def search(self, text: str, limit: int = 50) -> tuple[PersonHit, ...]:
        words = clean(text).strip()[:100]
        if not words:
            return ()
        self._learn_in_background()
        hits = self._index.search(words, limit)
        if len(hits) < limit:
            known = {hit.person.user for hit in hits}
            hits += [PersonHit(one, MatchKind.SERVER) for one in await self._ask_server(words, limit) if one.user not in known]
        return tuple(hits[:limit])

    async def organisation(self) -> Organisation | None:
        with self._database.read() as t:
            stored = tables.tree(t)
        if stored is None:
            outcome = await asyncio.shield(self._tree_task())
            if isinstance(outcome, WeLinkError):
                raise outcome
            return self._organisation_now()[0]
        if self._http.clock.now_ms() - stored[1] >= FRESH_MS:
            self._tree_task()
        self._learn_in_background()
        return self._organisation_now()[0]

    async def people_of(self, department: RoomId) -> tuple[Person, ...]:
        organisation = await self.organisation()
        if organisation is None or department not in {one.space for one in departments(organisation.root)}:
            raise NotFound
        _, direct = self._organisation_now()
        await self._make_known(direct.get(department, ()))
        _, direct = self._organisation_now()
        return tuple(self._index.in_order(direct.get(department, ())))

    def watch_people(self, listener: Listener[Person]) -> Cancel:
        return self._changed.listen(listener)

    async def set_status(self, status: Status) -> None:
        field = profiles.status_field(status)
        path = (*CLIENT_V3, "profile", self._user, profiles.STATUS)
        if field is None:
            await self._http.request("DELETE", path)
        else:
            await self._http.request("PUT", path, json={profiles.STATUS: field})
        self._change_own(profiles.STATUS, field)

    async def set_name(self, name: str) -> None:
        wanted = clean(name).strip()[:256]
        await self._http.request("PUT", (*CLIENT_V3, "profile", self._user, "displayname"), json={"displayname": wanted})
        self._change_own("displayname", wanted)

    # For other parts of the engine

    def outside(self, user: UserId) -> str | None:
        """The organisation of an outsider (its server where no profile tells more), None for our own people.

        Somebody not known yet is looked up in the background; listeners hear of it if that changes the answer.
        """
        person = self._index.get(user)
        if person is None:
            self._wonder(user)
        if person is not None:
            return (person.organisation or server_name_of(user)) if person.external else None
        server = server_name_of(user)
        return server if server != self._server else None

    def forget(self, user: UserId) -> None:
        """The profile changed (a member event said so): the next look asks the server."""
        stored = self._stored.get(user)
        if stored is not None:
            self._stored[user] = StoredPerson(user, stored.profile, stored.spoken, 0)

    # Inside

    def _load(self) -> None:
        with self._database.read() as t:
            stored = tables.all_people(t)
        self._stored = {one.user: one for one in stored}
        self._set_home()
        for one in stored:
            self._index.put(self._person(one), one.spoken)

    def _set_home(self) -> bool:
        own = self._stored.get(self._user)
        home = text_of(own.profile, profiles.PREFIX + "organisation", 256) if own is not None else ""
        changed, self._home = home != self._home, home
        return changed

    def _person(self, stored: StoredPerson) -> Person:
        return profiles.person_of(stored.user, stored.profile, home=self._home, own_server=self._server)

    def _known(self, user: UserId) -> Person:
        return self._index.get(user) or self._person(self._stored[user])

    async def _fetch(self, user: UserId) -> Person | WeLinkError:
        try:
            return self._keep(user, await self._http.request("GET", (*CLIENT_V3, "profile", user)))
        except Missing as error:
            return error
        except MatrixError:
            return NotFound()
        except ServerFault:
            return Offline()
        except WeLinkError as error:
            return error
        finally:
            self._running.pop(user, None)

    def _keep(self, user: UserId, profile: Json) -> Person:
        part = profiles.kept(profile)
        before = self._index.get(user)
        old = self._stored.get(user)
        name = profiles.person_of(user, part, home="", own_server="").name
        same_name = old is not None and before is not None and before.name == name
        spoken = old.spoken if old is not None and same_name else readings_of(name)
        stored = StoredPerson(user, part, spoken, self._http.clock.now_ms())
        with self._database.transaction() as t:
            tables.put_person(t, stored)
        self._stored[user] = stored
        if user == self._user and self._set_home():
            self._view_again()
        person = self._person(stored)
        self._index.put(person, spoken)
        if person != before:
            self._changed.emit(person)
        return person

    def _view_again(self) -> None:
        """Our own organisation became known: who is external may have changed."""
        for one in self._stored.values():
            before, person = self._index.get(one.user), self._person(one)
            self._index.put(person, one.spoken)
            if person != before and one.user != self._user:
                self._changed.emit(person)

    def _change_own(self, field: str, value: object) -> None:
        stored = self._stored.get(self._user)
        profile = {**(stored.profile if stored is not None else {}), field: value}
        self._keep(self._user, {name: part for name, part in profile.items() if part is not None})

    async def _ask_server(self, words: str, limit: int) -> list[Person]:
        body = {"search_term": words, "limit": limit}
        try:
            answer = await self._http.request(
                "POST", (*CLIENT_V3, "user_directory", "search"), json=body, retry=False, deadline=SERVER_SEARCH_SECONDS
            )
        except WeLinkError:
            return []
        found: list[Person] = []
        unknown: list[UserId] = []
        for entry in list_of(answer, "results"):
            user = UserId(text_of(entry, "user_id", 255))
            if not user.startswith("@"):
                continue
            if user not in self._index:
                unknown.append(user)
            profile = {"displayname": entry.get("display_name"), "avatar_url": entry.get("avatar_url")}
            found.append(self._index.get(user) or profiles.person_of(user, profile, home=self._home, own_server=self._server))
        if unknown and not self._scope.closed:
            self._scope.spawn(self._make_known(unknown), name="profiles")
        return found

    async def _make_known(self, users: Iterable[UserId], *, older_than_ms: int | None = None) -> None:
        """Fetch the profiles that are missing (or older than that), a few at a time; whoever cannot be found is left out."""
        now = self._http.clock.now_ms()
        lines = asyncio.Semaphore(PARALLEL)

        async def one(user: UserId) -> None:
            async with lines:
                try:
                    await self.person(user)
                except WeLinkError:
                    _log.debug("profile not available")

        wanted = []
        for user in users:
            stored = self._stored.get(user)
            if stored is None or (older_than_ms is not None and now - stored.fetched_ms > older_than_ms):
                wanted.append(one(user))
        await _all(wanted)

    def _tree_task(self) -> "asyncio.Task[WeLinkError | None]":
        if self._loading_tree is None:
            self._loading_tree = self._scope.spawn(self._load_tree(), name="organisation")
        return self._loading_tree

    def _organisation_now(self) -> tuple[Organisation | None, dict[RoomId, set[UserId]]]:
        with self._database.read() as t:
            stored, members = tables.tree(t), tables.department_members(t)
        return (None, {}) if stored is None else organisation_from(stored[0], members, self._path_of)

    def _path_of(self, user: UserId) -> tuple[str, ...]:
        """Where a profile says that somebody works."""
        person = self._index.get(user)
        if person is None:
            return ()
        return person.department_path or ((person.department,) if person.department else ())

    async def _load_tree(self) -> WeLinkError | None:
        try:
            with self._database.read() as t:
                spaces = tables.joined_spaces(t)
                below = {child for space in spaces for child in tables.space_children(t, space)}
            loaded = await self._organisation.load([space for space in spaces if space not in below])
            if loaded is None:
                return None
            with self._database.transaction() as t:
                tables.put_tree(t, loaded.tree, dict(loaded.members), self._http.clock.now_ms())
            everybody = {user for users in loaded.members.values() for user in users}
            if len(everybody) <= KNOWN_FIRST:
                await self._make_known(everybody)
            self._learn_in_background()
            return None
        except MatrixError:
            return NotFound()
        except ServerFault:
            return Offline()
        except WeLinkError as error:
            return error
        finally:
            self._loading_tree = None

    def _wonder(self, user: UserId) -> None:
        """Look `user` up soon, once per run: whether people are external must not wait for the contacts page."""
        if user in self._wondered or len(self._wondered) >= BACKGROUND_LIMIT or self._scope.closed:
            return
        self._wondered.add(user)
        self._unknown.append(user)
        if len(self._unknown) == 1:
            self._scope.spawn(self._find_out(), name="find-out")

    async def _find_out(self) -> None:
        await asyncio.sleep(0)
        while self._unknown:
            users = tuple(self._unknown)
            await self._make_known(users)
            del self._unknown[: len(users)]

    def _learn_in_background(self) -> None:
        """Colleagues and people of our rooms become searchable by all their fields. Once per run."""
        if self._learning or self._scope.closed:
            return
        self._learning = True
        self._scope.spawn(self._learn(), name="learn")

    async def _learn(self) -> None:
        with self._database.read() as t:
            users = tables.everybody_in_departments(t, BACKGROUND_LIMIT)
            users += [user for user, _, _ in tables.room_members(t, BACKGROUND_LIMIT)]
        await self._make_known([self._user, *dict.fromkeys(users)], older_than_ms=KNOWN_MS)


async def _all(work: Sequence[Awaitable[None]]) -> None:
    await asyncio.gather(*work)
