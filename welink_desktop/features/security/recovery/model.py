"""Turning recovery on, using it, starting over: one sheet, one step at a time. Qt-free."""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from welink_desktop.core.errors import ConfirmInBrowser, NotFound, PasswordNeeded, WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.core.security import Cure, Progress, RecoveryState, RecoveryStatus
from welink_desktop.services.security import AccountSecurity


class Step(enum.Enum):
    """What the sheet shows. SIGN: the password, once. KEY: the new recovery key, once. DONE: what was reached."""

    SIGN = "password"
    OFFER = "offer"
    ENTER = "enter"
    START_OVER = "start-over"
    KEY = "key"
    RESTORING = "restoring"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SheetState:
    """`key` is shown once and never kept; `leaving`: the person wants to close without having kept it."""

    step: Step = Step.OFFER
    busy: bool = False
    failure: WeLinkError | None = None
    own_passphrase: bool = False
    key: str = field(default="", repr=False)
    kept: bool = False
    leaving: bool = False
    password: bool = False
    page: str = ""
    passphrase_set: bool = False
    other_devices: bool = True
    restoring: Progress | None = None


@dataclass(frozen=True, slots=True)
class UsePassphrase:
    """Whether a passphrase of the person's own is wanted, too."""

    on: bool


@dataclass(frozen=True, slots=True)
class TurnOn:
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Recover:
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GivePassword:
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WantStartOver:
    """The recovery key is lost."""


@dataclass(frozen=True, slots=True)
class StartOver:
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FromDevice:
    """Another device of one's own is at hand after all."""


@dataclass(frozen=True, slots=True)
class Back:
    """From starting over to entering."""


@dataclass(frozen=True, slots=True)
class Kept:
    on: bool


@dataclass(frozen=True, slots=True)
class OpenPage:
    pass


@dataclass(frozen=True, slots=True)
class Leave:
    """Close; a recovery key that was not kept is asked about first. `anyway`: that was the answer."""

    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Stay:
    pass


Move = UsePassphrase | WantStartOver | FromDevice | Back | Kept | OpenPage | Leave | Stay
Wish = TurnOn | Recover | GivePassword | StartOver | Move
_FIRST = {
    Cure.GIVE_PASSWORD: Step.SIGN,
    Cure.TURN_ON_RECOVERY: Step.OFFER,
    Cure.ENTER_RECOVERY_KEY: Step.ENTER,
    Cure.START_OVER: Step.START_OVER,
}


class RecoveryModel:
    """One per opened sheet. `closed` says that it is over; `device_wanted` that another device is to be used instead.

    With `room` the messages of that conversation are fetched first when recovery succeeded.
    """

    def __init__(self, security: AccountSecurity, cure: Cure, scope: Scope, room: RoomId | None = None) -> None:
        status = security.recovery.value
        first = SheetState(_FIRST.get(cure, Step.ENTER), passphrase_set=status.passphrase, restoring=status.restoring)
        self.state = State(replace(first, other_devices=any(not one.current for one in security.devices.value or ())))
        self.closed: Signal[None] = Signal()
        self.device_wanted: Signal[None] = Signal()
        self.page_wanted: Signal[str] = Signal()
        self._security = security
        self._scope = scope
        self._room = room
        self._release = security.hold()
        self._unwatch = security.recovery.watch(self._status_changed)

    def close(self) -> None:
        """The sheet is gone."""
        self._unwatch()
        self._release()
        self.state.set(replace(self.state.value, key=""))

    def act(self, wish: Wish) -> None:
        match wish:
            case TurnOn(passphrase):
                self._run(lambda: self._turn_on(passphrase))
            case Recover(secret):
                if secret.strip():
                    self._run(lambda: self._recover(secret.strip()))
            case GivePassword(password):
                self._run(lambda: self._create_identity(password))
            case StartOver(password):
                self._run(lambda: self._start_over(password))
            case _:
                self._move(wish)

    def _move(self, wish: Move) -> None:
        """What changes the sheet only."""
        state = self.state.value
        match wish:
            case UsePassphrase(on):
                self._change(own_passphrase=on)
            case WantStartOver():
                self._change(step=Step.START_OVER, failure=None)
            case Back():
                self._change(step=Step.ENTER, failure=None, password=False, page="")
            case FromDevice():
                self.device_wanted.emit(None)
            case Kept(on):
                self._change(kept=on)
            case OpenPage():
                if state.page:
                    self.page_wanted.emit(state.page)
            case Stay():
                self._change(leaving=False)
            case Leave(anyway):
                if state.step is Step.KEY and not state.kept and not anyway:
                    self._change(leaving=True)
                else:
                    self.closed.emit(None)

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        if not self.state.value.busy:
            self._change(busy=True, failure=None)
            self._scope.spawn(self._guarded(work), name="recovery")

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except PasswordNeeded as error:
            asked = self.state.value.password
            self._change(password=True, failure=error if asked else None)
        except ConfirmInBrowser as error:
            self._change(page=error.url, failure=error)
        except WeLinkError as error:
            self._change(failure=error)
        finally:
            self._change(busy=False)

    async def _turn_on(self, passphrase: str) -> None:
        self._show_key(await self._security.port.turn_on_recovery(passphrase))

    async def _start_over(self, password: str) -> None:
        self._show_key(await self._security.port.start_over(password))

    async def _create_identity(self, password: str) -> None:
        await self._security.port.create_identity(password)
        self.closed.emit(None)

    async def _recover(self, secret: str) -> None:
        port = self._security.port
        try:
            await port.recover(secret)
        except NotFound:
            self._change(step=Step.START_OVER)
            return
        self._change(step=Step.RESTORING)
        if self._room is not None:
            await port.restore_room(self._room)
        await port.restore_all()
        self._change(step=Step.DONE)

    def _show_key(self, key: str) -> None:
        self._change(step=Step.KEY, key=key, kept=False, password=False, page="")

    def _status_changed(self, status: RecoveryStatus) -> None:
        self._change(restoring=status.restoring, passphrase_set=status.passphrase)
        entering = self.state.value.step is Step.ENTER and not self.state.value.busy
        if entering and status.state is RecoveryState.READY:
            self._change(step=Step.DONE)

    def _change(self, **changes: object) -> None:
        self.state.set(replace(self.state.value, **changes))  # type: ignore[arg-type]  # names are checked by `replace`


def grouped(key: str) -> str:
    """Groups of four characters, four groups a line."""
    letters = "".join(key.split())
    groups = [letters[at : at + 4] for at in range(0, len(letters), 4)]
    return "\n".join("  ".join(groups[at : at + 4]) for at in range(0, len(groups), 4))
