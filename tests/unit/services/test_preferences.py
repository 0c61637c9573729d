"""Settings: every change is saved; what cannot be saved goes back and is said."""

from dataclasses import replace

from welink_desktop.adapters.fake import MemorySettings
from welink_desktop.core.errors import DiskFull
from welink_desktop.core.settings import Settings, Theme
from welink_desktop.services.preferences import Preferences


class FullDisk(MemorySettings):
    full = True

    def save(self, settings: Settings) -> None:
        if self.full:
            raise DiskFull
        super().save(settings)


def test_a_change_is_saved_and_seen() -> None:
    store = MemorySettings()
    preferences = Preferences(store)
    preferences.set_appearance(lambda now: replace(now, theme=Theme.DARK))
    preferences.set_devices(lambda now: replace(now, camera="Desk"))
    preferences.set_behaviour(lambda now: replace(now, notifications=False))
    assert store.load() == preferences.value
    assert preferences.value.appearance.theme is Theme.DARK
    assert preferences.value.devices.camera == "Desk"


def test_a_value_that_cannot_be_saved_goes_back() -> None:
    store = FullDisk()
    preferences = Preferences(store)
    preferences.set_appearance(lambda now: replace(now, theme=Theme.DARK))
    assert preferences.value.appearance.theme is Theme.SYSTEM
    assert isinstance(preferences.failure.value, DiskFull)
    store.full = False
    preferences.set_appearance(lambda now: replace(now, theme=Theme.DARK))
    assert preferences.failure.value is None


def test_the_windows_place_is_never_lost_in_this_run() -> None:
    preferences = Preferences(FullDisk())
    preferences.set_window(lambda now: replace(now, width=1000))
    assert preferences.value.window.width == 1000
