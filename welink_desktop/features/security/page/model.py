"""The security part of the settings as a view model. Qt-free."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.errors import ConfirmInBrowser, PasswordNeeded, WeLinkError
from welink_desktop.core.ids import DeviceId
from welink_desktop.core.reactive import Scope, Signal, State
from welink_desktop.core.security import Cure, OwnDevice, RecoveryState, RecoveryStatus
from welink_desktop.services.preferences import Preferences
from welink_desktop.services.security import AccountSecurity

POLICY = "protection.only_confirmed_devices"


@dataclass(frozen=True, slots=True)
class SignOutAsk:
    """A question before devices are signed out. `password`: the server wants it; `page`: it wants a page in the browser."""

    devices: tuple[OwnDevice, ...]
    password: bool = False
    page: str = ""
    busy: bool = False
    failure: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class PageState:
    """`devices` is None until the server answered. `locked`: a rule of the organisation decides `only_confirmed`."""

    recovery: RecoveryStatus = RecoveryStatus()
    devices: tuple[OwnDevice, ...] | None = None
    renaming: DeviceId | None = None
    saving: DeviceId | None = None
    asking: SignOutAsk | None = None
    curing: bool = False
    failure: WeLinkError | None = None
    only_confirmed: bool = False
    locked: bool = False
    now_ms: int = 0

    @property
    def confirmed_here(self) -> bool:
        return any(one.current and one.signed for one in self.devices or ())

    @property
    def others(self) -> tuple[OwnDevice, ...]:
        return tuple(one for one in self.devices or () if not one.current)


@dataclass(frozen=True, slots=True)
class TakeCure:
    cure: Cure


@dataclass(frozen=True, slots=True)
class RestoreAll:
    """Fetch everything that is kept at the server."""


@dataclass(frozen=True, slots=True)
class NewRecoveryKey:
    """The old one was lost or seen by somebody."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """The page is looked at: ask the server for the devices."""


@dataclass(frozen=True, slots=True)
class BeginRename:
    device: DeviceId


@dataclass(frozen=True, slots=True)
class Rename:
    device: DeviceId
    name: str


@dataclass(frozen=True, slots=True)
class EndRename:
    pass


@dataclass(frozen=True, slots=True)
class Confirm:
    """Compare with another device of this account."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class AskSignOut:
    """`device` None: all others."""

    device: DeviceId | None = None


@dataclass(frozen=True, slots=True)
class SignOutNow:
    password: str = ""


@dataclass(frozen=True, slots=True)
class CancelSignOut:
    pass


@dataclass(frozen=True, slots=True)
class OpenPage:
    """The page on which the server wants this confirmed."""


@dataclass(frozen=True, slots=True)
class OnlyConfirmed:
    on: bool


Wish = (
    TakeCure
    | RestoreAll
    | NewRecoveryKey
    | Refresh
    | BeginRename
    | Rename
    | EndRename
    | Confirm
    | AskSignOut
    | SignOutNow
    | CancelSignOut
    | OpenPage
    | OnlyConfirmed
)


class PageModel:
    """`cure_wanted`, `device_wanted` and `page_wanted` lie outside this page; the app opens what they ask for."""

    def __init__(self, security: AccountSecurity, preferences: Preferences, scope: Scope, clock: Clock | None = None) -> None:
        self.state = State(PageState())
        self.cure_wanted: Signal[Cure] = Signal()
        self.device_wanted: Signal[DeviceId] = Signal()
        self.page_wanted: Signal[str] = Signal()
        self._security = security
        self._preferences = preferences
        self._scope = scope
        self._clock = clock or SystemClock()
        scope.add(security.recovery.watch(lambda status: self._change(recovery=status)))
        scope.add(security.devices.watch(self._devices_changed))
        scope.add(preferences.state.watch(lambda _: self._settings_changed()))

    def act(self, wish: Wish) -> None:
        match wish:
            case TakeCure(Cure.TURN_ON_BACKUP):
                self._cure(self._security.port.turn_on_backup, "turn-on-backup")
            case TakeCure(cure):
                self.cure_wanted.emit(cure)
            case RestoreAll():
                self._cure(self._security.port.restore_all, "restore-all")
            case NewRecoveryKey():
                self.cure_wanted.emit(Cure.TURN_ON_RECOVERY)
            case Refresh():
                self._scope.spawn(self._refresh(), name="refresh-devices")
            case BeginRename(device):
                self._change(renaming=device, failure=None)
            case EndRename():
                self._change(renaming=None)
            case Rename(device, name):
                self._rename(device, name.strip())
            case Confirm(device):
                self.device_wanted.emit(device)
            case OnlyConfirmed(on):
                self._preferences.set_protection(lambda now: replace(now, only_confirmed_devices=on))
            case _:
                self._sign_out_wish(wish)

    def _sign_out_wish(self, wish: AskSignOut | SignOutNow | CancelSignOut | OpenPage) -> None:
        asking = self.state.value.asking
        match wish:
            case AskSignOut(device):
                chosen = tuple(one for one in self.state.value.others if device in (None, one.device))
                if chosen:
                    self._change(asking=SignOutAsk(chosen))
            case CancelSignOut():
                self._change(asking=None)
            case OpenPage():
                if asking is not None and asking.page:
                    self.page_wanted.emit(asking.page)
            case SignOutNow(password):
                if asking is not None and not asking.busy:
                    self._change(asking=replace(asking, busy=True, failure=None))
                    self._scope.spawn(self._sign_out(asking, password), name="sign-out-devices")

    async def _sign_out(self, asking: SignOutAsk, password: str) -> None:
        after: SignOutAsk | None = None
        try:
            await self._security.port.sign_out_devices([one.device for one in asking.devices], password)
        except PasswordNeeded:
            after = replace(asking, password=True)
        except ConfirmInBrowser as error:
            after = replace(asking, page=error.url, failure=error)
        except WeLinkError as error:
            after = replace(asking, failure=error)
        self._change(asking=after)

    def _rename(self, device: DeviceId, name: str) -> None:
        known = next((one for one in self.state.value.devices or () if one.device == device), None)
        self._change(renaming=None)
        if known is not None and name and name != known.name:
            self._change(saving=device, failure=None)
            self._scope.spawn(self._guarded(lambda: self._security.port.rename_device(device, name), saving=None), name="rename")

    def _cure(self, port: Callable[[], Awaitable[None]], name: str) -> None:
        if not self.state.value.curing:
            self._change(curing=True, failure=None)
            self._scope.spawn(self._guarded(port, curing=False), name=name)

    async def _guarded(self, work: Callable[[], Awaitable[None]], **after: object) -> None:
        try:
            await work()
        except WeLinkError as error:
            self._change(failure=error)
        finally:
            self._change(**after)

    async def _refresh(self) -> None:
        try:
            await self._security.port.refresh_devices()
        except WeLinkError as error:
            if self.state.value.devices is None:
                self._change(failure=error)

    def _devices_changed(self, devices: tuple[OwnDevice, ...] | None) -> None:
        self._change(devices=devices or None, now_ms=self._clock.now_ms())

    def _settings_changed(self) -> None:
        on = self._preferences.value.protection.only_confirmed_devices
        self._change(only_confirmed=on, locked=self._preferences.locked(POLICY))

    def _change(self, **changes: object) -> None:
        self.state.set(replace(self.state.value, **changes))  # type: ignore[arg-type]  # names are checked by `replace`


def is_healthy(status: RecoveryStatus) -> bool:
    return status.state is RecoveryState.READY
