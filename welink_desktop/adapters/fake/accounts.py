"""`Accounts` and `Session` over the fake world. The evaluation password is the world's; other names do not exist."""

from dataclasses import replace

from welink_desktop.adapters.fake.calls import FakeCallSignalling
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.adapters.fake.people import FakeMediaStore, FakePeople
from welink_desktop.adapters.fake.security import FakeSecurity
from welink_desktop.adapters.fake.trust_server import FakeTrustServer
from welink_desktop.adapters.fake.world import FakeWorld
from welink_desktop.core.account import Account, Connection, Homeserver, Link
from welink_desktop.core.errors import NotFound, ServerNotFound, WrongPassword, WrongRecoveryKey
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

    @property
    def security(self) -> FakeSecurity:
        return self._owner.security

    def watch_connection(self, listener: Listener[Connection]) -> Cancel:
        return self._world.connection.watch(listener)

    async def retry_now(self) -> None:
        self._world.connection.set(Connection(Link.LIVE))

    async def close(self) -> None:
        return None

    async def sign_out(self) -> None:
        await self._owner.forget(self._account.key)


class FakeAccounts:
    """The accounts of a profile. `signed_in` starts with the world's own account already there.

    `security` is this computer's, `phone` the same account's other device, which answers verifications.
    """

    def __init__(self, world: FakeWorld, *, signed_in: bool = True) -> None:
        self.world = world
        self._server = Homeserver(
            server_name_of(world.me.user), "https://chat.yunshan.example", organisation=world.me.organisation
        )
        self._accounts: list[Account] = []
        self.trust = FakeTrustServer()
        self.security, self.phone = _devices(world, self.trust)
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

    async def recover_store(self, key: AccountKey, secret: str) -> None:
        if all(account.key != key for account in self._accounts):
            raise NotFound
        if secret != self.trust.account(self.world.me.user).recovery_key:
            raise WrongRecoveryKey

    async def forget(self, key: AccountKey) -> None:
        self._accounts = [account for account in self._accounts if account.key != key]

    def _make(self) -> Account:
        me: UserId = self.world.me.user
        return Account(AccountKey("sample"), me, DeviceId("SAMPLE"), self._server)


HOUR = 3_600_000


def _devices(world: FakeWorld, server: FakeTrustServer) -> tuple[FakeSecurity, FakeSecurity]:
    """This computer and a phone, both confirmed and in good order; every colleague has an identity and an answering device."""
    me, now = world.me.user, world.clock.now_ms()
    here = FakeSecurity(server, me, DeviceId("SAMPLE"), "WeLink Desktop (Linux)", last_seen_ms=now)
    here.make_identity()
    here.keep_secrets()
    phone = FakeSecurity(server, me, DeviceId("PHONE"), "Lin’s phone", last_seen_ms=now - 2 * HOUR)
    server.account(me).sign(phone.device)
    phone.answers = True
    phone.trust_here()
    for person in world.people.values():
        if person.user != me:
            other = FakeSecurity(server, person.user, DeviceId("OFFICE"), "Office", last_seen_ms=now)
            other.answers = True
            other.make_identity()
    return here, phone
