"""Which account is open: start, sign in, sign out, signing in again after the server ended the device's token."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from welink_desktop.core.account import Account, Connection, Homeserver, Link
from welink_desktop.core.errors import DiskFull, EvaluationFailed, SignedOut, StoreDamaged, WeLinkError
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.accounts import Accounts, Session
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.ports.system import EvaluationBackend
from welink_desktop.core.reactive import Cancel, Scope, State

_log = topic("session")


@dataclass(frozen=True, slots=True)
class Starting:
    """Nothing is known yet."""


@dataclass(frozen=True, slots=True)
class NoAccount:
    """Nobody is signed in. `why` explains when it was not the person's own wish: a damaged store was moved aside."""

    why: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class CannotOpen:
    """The account is here, but its store or keys cannot be used now."""

    account: Account
    why: WeLinkError


@dataclass(frozen=True, slots=True)
class Open:
    """`session` runs; `scope` ends with it and owns whatever works on it."""

    session: Session = field(compare=False)
    scope: Scope = field(compare=False)
    account: Account


SessionState = Starting | NoAccount | CannotOpen | Open


class SessionKeeper:
    """Opens at most one account at a time. All methods raise `WeLinkError`s as the `Accounts` port does."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        evaluation: EvaluationBackend | None = None,
        keep_secrets_in_file: Callable[[], None] | None = None,
    ) -> None:
        self.state: State[SessionState] = State(Starting())
        self.connection: State[Connection] = State(Connection(Link.STOPPED))
        self._accounts = accounts
        self._evaluation = evaluation
        self._keep_in_file = keep_secrets_in_file
        self._watch: Cancel | None = None

    @property
    def can_try_here(self) -> bool:
        """Whether this installation carries the evaluation backend."""
        return self._evaluation is not None

    @property
    def can_keep_secrets_in_file(self) -> bool:
        return self._keep_in_file is not None

    async def start(self) -> None:
        """Open the account that was used last, if there is one. Never raises: failures become states."""
        try:
            known = await self._accounts.accounts()
        except WeLinkError as error:
            self.state.set(NoAccount(error))
            return
        if not known:
            self.state.set(NoAccount())
            return
        await self._try_open(known[0])

    async def reopen(self) -> None:
        """Try again what `CannotOpen` reports."""
        if isinstance(self.state.value, CannotOpen):
            await self._try_open(self.state.value.account)

    async def open_with_recovery_key(self, secret: str) -> None:
        """For an account whose store's key is lost. Raises as `Accounts.recover_store`; then as `reopen`."""
        if isinstance(self.state.value, CannotOpen):
            await self._accounts.recover_store(self.state.value.account.key, secret)
            await self._try_open(self.state.value.account)

    async def discover(self, address: str) -> Homeserver:
        return await self._accounts.discover(address)

    async def sign_in(self, server: Homeserver, user: str, password: str) -> None:
        """Sign in and open. Raises what `Accounts.sign_in` and `Accounts.open` raise."""
        account = await self._accounts.sign_in(server, user, password, device_name())
        await self._open(account)

    async def try_here(self, progress: Listener[str]) -> None:
        """Start the evaluation organisation on this computer and sign in to it. Raises `EvaluationFailed` and as `sign_in`."""
        if self._evaluation is None:
            raise EvaluationFailed(part="evaluation", reason="missing")
        place = await self._evaluation.start(progress)
        server = replace(await self._accounts.discover(place.base_url), evaluation=True)
        progress("evaluation-signing-in")
        await self.sign_in(server, place.user, place.password)

    async def sign_in_again(self, password: str) -> None:
        """After the server ended our token: same device, same store."""
        current = self.state.value
        if isinstance(current, Open):
            await self._accounts.sign_in_again(current.account.key, password)
            await current.session.retry_now()

    def keep_secrets_in_file(self) -> None:
        """The person chose to do without the system's key store: a file only this user can read."""
        if self._keep_in_file is not None:
            self._keep_in_file()

    async def retry_now(self) -> None:
        if isinstance(self.state.value, Open):
            await self.state.value.session.retry_now()

    async def sign_out(self) -> None:
        """Sign this device out and remove its data here. Never raises."""
        current = self.state.value
        if not isinstance(current, Open):
            return
        await self._leave(current)
        await current.session.sign_out()
        self.state.set(NoAccount())

    async def forget(self) -> None:
        """Remove an account that cannot be opened from this computer."""
        if isinstance(self.state.value, CannotOpen):
            await self._accounts.forget(self.state.value.account.key)
            self.state.set(NoAccount())

    async def close(self) -> None:
        """Stop everything; what is queued stays on disk."""
        current = self.state.value
        if isinstance(current, Open):
            await self._leave(current)
            await current.session.close()
            self.state.set(Starting())

    @property
    def needs_password(self) -> bool:
        """Whether the server wants us to sign in again (soft logout)."""
        return isinstance(self.connection.value.error, SignedOut)

    async def _try_open(self, account: Account) -> None:
        try:
            await self._open(account)
        except WeLinkError as error:
            self._refused(account, error)

    def _refused(self, account: Account, error: WeLinkError) -> None:
        _log.warning("account cannot be opened", error=literal(error.key))
        self.state.set(NoAccount(error) if isinstance(error, StoreDamaged) else CannotOpen(account, error))

    def _connection_changed(self, connection: Connection) -> None:
        """A session that shows its kept list first may find out later that it cannot go on."""
        self.connection.set(connection)
        current, error = self.state.value, connection.error
        if connection.link is Link.STOPPED and isinstance(error, StoreDamaged | DiskFull) and isinstance(current, Open):
            current.scope.spawn(self._give_up(current.account, error), name="give-up")

    async def _give_up(self, account: Account, error: WeLinkError) -> None:
        await self.close()
        self._refused(account, error)

    async def _open(self, account: Account) -> None:
        await self.close()
        session = await self._accounts.open(account.key)
        self._watch = session.watch_connection(self._connection_changed)
        opened = Open(session, Scope("account"), account)
        self.state.set(opened)
        if account.server.evaluation and self._evaluation is not None:
            opened.scope.spawn(self._wake(self._evaluation, session), name="evaluation")

    async def _wake(self, evaluation: EvaluationBackend, session: Session) -> None:
        """The evaluation organisation ends with the app; an account of it needs it running again."""
        try:
            await evaluation.start(lambda step: None)
        except WeLinkError as error:
            self.connection.set(Connection(Link.OFFLINE, error=error))
        else:
            await session.retry_now()

    async def _leave(self, current: Open) -> None:
        if self._watch is not None:
            self._watch()
            self._watch = None
        self.connection.set(Connection(Link.STOPPED))
        await current.scope.aclose()


def device_name() -> str:
    """What other devices of this account see: "WeLink Desktop (Linux)"."""
    system = {"Darwin": "macOS"}.get(platform.system(), platform.system() or "computer")
    return f"WeLink Desktop ({system})"
