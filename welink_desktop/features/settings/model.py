"""The settings page: appearance, sound and video, chat and notifications, account."""

import enum
from dataclasses import dataclass, replace

from welink_desktop.core.account import Account
from welink_desktop.core.calls import MediaDevices
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.people import Person
from welink_desktop.core.ports.calls import MediaEngine
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.settings import Appearance, Behaviour, Density, DeviceChoice, SendKey, Settings, Theme
from welink_desktop.services.preferences import Preferences
from welink_desktop.services.session import SessionKeeper

__all__ = ["Appearance", "Behaviour", "Density", "DeviceChoice", "SendKey", "Settings", "Theme"]


class Section(enum.Enum):
    """Places of the page, in the order of its navigation."""

    APPEARANCE = "appearance"
    DEVICES = "devices"
    CHAT = "chat"
    SECURITY = "security"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class SettingsState:
    """`devices` is None while the computer is being asked. `failure` says why a value went back."""

    section: Section = Section.APPEARANCE
    settings: Settings = Settings()
    devices: MediaDevices | None = None
    devices_failure: WeLinkError | None = None
    account: Account | None = None
    me: Person | None = None
    signing_out: bool = False
    failure: WeLinkError | None = None


@dataclass(frozen=True, slots=True)
class ShowSection:
    section: Section


@dataclass(frozen=True, slots=True)
class SetAppearance:
    appearance: Appearance


@dataclass(frozen=True, slots=True)
class SetDevices:
    devices: DeviceChoice


@dataclass(frozen=True, slots=True)
class SetBehaviour:
    behaviour: Behaviour


@dataclass(frozen=True, slots=True)
class RefreshDevices:
    """Ask the computer for its devices again."""


@dataclass(frozen=True, slots=True)
class SignOut:
    """Confirmed by the person."""


Wish = ShowSection | SetAppearance | SetDevices | SetBehaviour | RefreshDevices | SignOut


class SettingsModel:
    def __init__(
        self, preferences: Preferences, keeper: SessionKeeper, media: MediaEngine, account: Account, me: Person, scope: Scope
    ) -> None:
        self.state = State(SettingsState(account=account, me=me))
        self._preferences = preferences
        self._keeper = keeper
        self._media = media
        self._scope = scope
        scope.add(preferences.state.watch(lambda settings: self._change(settings=settings)))
        scope.add(preferences.failure.watch(lambda failure: self._change(failure=failure)))

    def set_me(self, me: Person) -> None:
        self._change(me=me)

    def act(self, wish: Wish) -> None:
        match wish:
            case ShowSection(section):
                self._change(section=section)
                if section is Section.DEVICES and self.state.value.devices is None:
                    self._ask_devices()
            case SetAppearance(appearance):
                self._preferences.set_appearance(lambda _: appearance)
            case SetDevices(devices):
                self._preferences.set_devices(lambda _: devices)
            case SetBehaviour(behaviour):
                self._preferences.set_behaviour(lambda _: behaviour)
            case RefreshDevices():
                self._ask_devices()
            case SignOut():
                self._change(signing_out=True)
                self._scope.spawn(self._sign_out(), name="sign-out")

    def _ask_devices(self) -> None:
        self._change(devices_failure=None)
        self._scope.spawn(self._load_devices(), name="devices")

    async def _load_devices(self) -> None:
        try:
            self._change(devices=await self._media.devices())
        except WeLinkError as error:
            self._change(devices=MediaDevices(), devices_failure=error)

    async def _sign_out(self) -> None:
        try:
            await self._keeper.sign_out()
        finally:
            self._change(signing_out=False)

    def _change(self, **changes: object) -> None:
        self.state.set(replace(self.state.value, **changes))  # type: ignore[arg-type]  # names are checked by `replace`
