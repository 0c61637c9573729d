"""The sign-in page: what it shows and what a person can wish. Passwords are never part of the state."""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from welink_desktop.core.account import Account, Homeserver
from welink_desktop.core.errors import KeyringMissing, StoreKeyMissing, WeLinkError
from welink_desktop.core.ids import UserId, localpart_of
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.text import Text, text
from welink_desktop.services.session import CannotOpen, NoAccount, SessionKeeper, SessionState


class Way(enum.Enum):
    """How a person starts."""

    ORGANISATION = "organisation"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class NotLooked:
    """No server was looked for yet."""


@dataclass(frozen=True, slots=True)
class Looking:
    """The server is being found."""


@dataclass(frozen=True, slots=True)
class Found:
    server: Homeserver


@dataclass(frozen=True, slots=True)
class NotFound:
    why: WeLinkError


Lookup = NotLooked | Looking | Found | NotFound


@dataclass(frozen=True, slots=True)
class SignInState:
    """`busy` says which step runs; `failure` belongs to the password step; `blocked` is an account that cannot be opened.

    `recoverable`: it opens with the recovery key.
    """

    way: Way = Way.ORGANISATION
    can_try_here: bool = False
    address: str = ""
    lookup: Lookup = NotLooked()
    user: str = ""
    busy: Text | None = None
    failure: WeLinkError | None = None
    choose_storage: bool = False
    blocked: Account | None = None
    recoverable: bool = False


@dataclass(frozen=True, slots=True)
class ChooseWay:
    way: Way


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    """The person types: what was found before no longer counts."""

    address: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find the server of the typed address."""


@dataclass(frozen=True, slots=True, repr=False)
class SignIn:
    user: str
    password: str

    def __repr__(self) -> str:
        return "SignIn(…)"


@dataclass(frozen=True, slots=True)
class TryHere:
    """Start the evaluation organisation on this computer."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Repeat what failed: the last sign-in, or opening the blocked account."""


@dataclass(frozen=True, slots=True, repr=False)
class OpenWithRecoveryKey:
    """Open the blocked account with its recovery key or passphrase."""

    secret: str

    def __repr__(self) -> str:
        return "OpenWithRecoveryKey(…)"


@dataclass(frozen=True, slots=True)
class KeepSecretsInFile:
    """Do without the system's key store, then repeat."""


@dataclass(frozen=True, slots=True)
class StartAfresh:
    """Give up the blocked account's local data and sign in again."""


Wish = ChooseWay | ChangeAddress | LookUp | SignIn | TryHere | TryAgain | OpenWithRecoveryKey | KeepSecretsInFile | StartAfresh


class SignInModel:
    def __init__(self, keeper: SessionKeeper, scope: Scope) -> None:
        self.state = State(SignInState(can_try_here=keeper.can_try_here))
        self._keeper = keeper
        self._scope = scope
        self._again: Callable[[], Awaitable[None]] | None = None
        self._turn = 0
        scope.add(keeper.state.watch(self._session_changed))

    def act(self, wish: Wish) -> None:
        """Returns at once; what comes of it shows in `state`."""
        match wish:
            case ChooseWay(way):
                self._change(way=way, failure=None, choose_storage=False)
            case ChangeAddress(address):
                self._retype(address)
            case LookUp():
                self._look_up()
            case SignIn(user, password):
                self._sign_in(user.strip(), password)
            case TryHere():
                self._run(self._keeper_try_here, text("evaluation-starting"))
            case TryAgain():
                self._try_again()
            case OpenWithRecoveryKey(secret):
                self._recover(secret.strip())
            case KeepSecretsInFile():
                self._use_file()
            case StartAfresh():
                self._scope.spawn(self._keeper.forget(), name="forget")

    def _retype(self, address: str) -> None:
        if address != self.state.value.address:
            self._turn += 1
            self._change(address=address, lookup=NotLooked(), failure=None, choose_storage=False)

    def _look_up(self) -> None:
        address = self.state.value.address.strip()
        if not address or isinstance(self.state.value.lookup, Looking | Found):
            return
        self._turn += 1
        self._change(lookup=Looking(), user=user_in(address) or self.state.value.user)
        self._scope.spawn(self._discover(address, self._turn), name="discover")

    async def _discover(self, address: str, turn: int) -> None:
        try:
            lookup: Lookup = Found(await self._keeper.discover(address))
        except WeLinkError as error:
            lookup = NotFound(error)
        if turn == self._turn:
            self._change(lookup=lookup)

    def _sign_in(self, user: str, password: str) -> None:
        lookup = self.state.value.lookup
        if not isinstance(lookup, Found) or not user or not password:
            return
        server = lookup.server
        self._change(user=user)
        self._run(lambda: self._keeper.sign_in(server, user, password), text("sign-in-signing-in"))

    async def _keeper_try_here(self) -> None:
        await self._keeper.try_here(lambda key: self._change(busy=text(key)))

    def _recover(self, secret: str) -> None:
        if self.state.value.blocked is not None and secret:
            self._run(lambda: self._keeper.open_with_recovery_key(secret), text("sign-in-opening"))

    def _use_file(self) -> None:
        try:
            self._keeper.keep_secrets_in_file()
        except WeLinkError as error:
            self._change(failure=error)
        else:
            self._try_again()

    def _try_again(self) -> None:
        if self.state.value.blocked is not None:
            self._run(self._keeper.reopen, text("sign-in-opening"))
        elif self._again is not None:
            self._run(self._again, text("sign-in-signing-in"))

    def _run(self, action: Callable[[], Awaitable[None]], busy: Text) -> None:
        if self.state.value.busy is not None:
            return
        self._again = action
        self._change(busy=busy, failure=None, choose_storage=False)
        self._scope.spawn(self._attempt(action), name="sign-in")

    async def _attempt(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except WeLinkError as error:
            missing = self._file_would_help(error)
            if not missing:
                self._again = None
            self._change(failure=error, choose_storage=missing)
        else:
            self._again = None
        finally:
            self._change(busy=None)

    def _file_would_help(self, error: WeLinkError) -> bool:
        """Not for an account that is there already: its keys lie in the key store, a file would only hide them."""
        missing = isinstance(error, KeyringMissing) and self.state.value.blocked is None
        return missing and self._keeper.can_keep_secrets_in_file

    def _session_changed(self, session: SessionState) -> None:
        match session:
            case CannotOpen(account, why):
                recoverable = isinstance(why, StoreKeyMissing) and why.recoverable
                self._change(blocked=account, failure=why, choose_storage=False, recoverable=recoverable)
            case NoAccount(why):
                self._change(blocked=None, recoverable=False, failure=why)
            case _:
                self._change(blocked=None, recoverable=False)

    def _change(self, **changes: object) -> None:
        self.state.set(replace(self.state.value, **changes))  # type: ignore[arg-type]  # names are checked by `replace`


def user_in(address: str) -> str:
    """The user part of "@user:server" or "user@server"; "" for a bare server name or URL."""
    if "://" in address:
        return ""
    if address.startswith("@") and ":" in address:
        return localpart_of(UserId(address))
    return address.partition("@")[0] if "@" in address else ""
