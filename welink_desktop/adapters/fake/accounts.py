"""`Accounts` and `Session` over the fake world. The evaluation password is the world's; other names do not exist."""

from dataclasses import replace

from welink_desktop.adapters.fake.calls import FakeCallSignalling
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.adapters.fake.people import FakeMediaStore, FakePeople
from welink_desktop.adapters.fake.world import FakeWorld
from welink_desktop.core.account import Account, Connection, Homeserver, Link
from welink_desktop.core.errors import NotFound, ServerNotFound, WrongPassword
from welink_desktop.core.ids import AccountKey, DeviceId, UserId, localpart_of, server_name_of
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel


class FakeSession:
    """A running session of the fake account."""

    def __init__(self, world: FakeWorld, account: Account, owner: "FakeAccounts") -> None:
        self._world = world
        self._account = account
        self._owner = owner
        self._chat = FakeChat(world)
        self._people = FakePeople(world)
        self._calls = FakeCallSignalling(world)
        self._media = FakeMediaStore(world)

    @property
    def account(self) -> Account:
        return self._account

    @property
    def chat(self) -> FakeChat:
        return self._chat

    @property
    def people(self) -> FakePeople:
        return self._people

    @property
    def calls(self) -> FakeCallSignalling:
        return self._calls

    @property
    def media(self) -> FakeMediaStore:
        return self._media

    def watch_connection(self, listener: Listener[Connection]) -> Cancel:
        return self._world.connection.watch(listener)

    async def retry_now(self) -> None:
        self._world.connection.set(Connection(Link.LIVE))

    async def close(self) -> None:
        return None

    async def sign_out(self) -> None:
        await self._owner.forget(self._account.key)


class FakeAccounts:
    """The accounts of a profile. `signed_in` starts with the world's own account already there."""

    def __init__(self, world: FakeWorld, *, signed_in: bool = True) -> None:
        self.world = world
        self._server = Homeserver(
            server_name_of(world.me.user), "https://chat.yunshan.example", organisation=world.me.organisation
        )
        self._accounts: list[Account] = []
        if signed_in:
            self._accounts.append(self._make())

    async def discover(self, address: str) -> Homeserver:
        name = address.strip().rpartition("@")[2].rpartition(":")[2].removeprefix("//").rstrip("/")
        if name != self._server.name:
            raise ServerNotFound(name=address.strip())
        return self._server

    async def sign_in(self, server: Homeserver, user: str, password: str, device_name: str) -> Account:
        del server, device_name
        me = self.world.me.user
        if user not in (me, localpart_of(me)) or password != self.world.password:
            raise WrongPassword
        account = self._make()
        self._accounts = [account]
        return account

    async def accounts(self) -> tuple[Account, ...]:
        return tuple(self._accounts)

    async def open(self, key: AccountKey) -> FakeSession:
        for account in self._accounts:
            if account.key == key:
                return FakeSession(self.world, account, self)
        raise NotFound

    async def sign_in_again(self, key: AccountKey, password: str) -> None:
        if password != self.world.password:
            raise WrongPassword
        if all(account.key != key for account in self._accounts):
            raise NotFound
        self.world.connection.set(replace(self.world.connection.value, link=Link.LIVE, error=None))

    async def forget(self, key: AccountKey) -> None:
        self._accounts = [account for account in self._accounts if account.key != key]

    def _make(self) -> Account:
        me: UserId = self.world.me.user
        return Account(AccountKey("sample"), me, DeviceId("SAMPLE"), self._server)
