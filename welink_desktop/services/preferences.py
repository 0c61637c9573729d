"""The person's settings: one State, every change saved; a change that cannot be saved is taken back and said."""

from collections.abc import Callable
from dataclasses import replace

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ports.system import SettingsStore
from welink_desktop.core.reactive import State
from welink_desktop.core.settings import Appearance, Behaviour, DeviceChoice, Protection, Settings, WindowState


class Preferences:
    """`failure` is the last value that could not be saved, until the next success."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store
        self.state: State[Settings] = State(store.load())
        self.failure: State[WeLinkError | None] = State(None)

    @property
    def value(self) -> Settings:
        return self.state.value

    def locked(self, key: str) -> bool:
        """Whether a rule of the organisation fixes "section.name"."""
        return key in self._store.forced

    def set_appearance(self, change: Callable[[Appearance], Appearance]) -> None:
        self._save(replace(self.value, appearance=change(self.value.appearance)))

    def set_devices(self, change: Callable[[DeviceChoice], DeviceChoice]) -> None:
        self._save(replace(self.value, devices=change(self.value.devices)))

    def set_behaviour(self, change: Callable[[Behaviour], Behaviour]) -> None:
        self._save(replace(self.value, behaviour=change(self.value.behaviour)))

    def set_protection(self, change: Callable[[Protection], Protection]) -> None:
        self._save(replace(self.value, protection=change(self.value.protection)))

    def set_window(self, change: Callable[[WindowState], WindowState]) -> None:
        """As the others, but a full disk is no news here: the window's place is not worth a sentence."""
        wanted = replace(self.value, window=change(self.value.window))
        if wanted != self.value:
            try:
                self._store.save(wanted)
            except WeLinkError as error:
                self.failure.set(error)
            self.state.set(wanted)

    def _save(self, wanted: Settings) -> None:
        if wanted == self.value:
            return
        try:
            self._store.save(wanted)
        except WeLinkError as error:
            self.failure.set(error)
            return
        self.failure.set(None)
        self.state.set(self._store.load())
