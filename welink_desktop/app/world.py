"""What the app stands on: the real adapters, or the sample world. Native and network libraries load when first needed."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtWidgets import QSystemTrayIcon

from welink_desktop.adapters.desktop.desktop import SystemDesktop
from welink_desktop.app.options import Options
from welink_desktop.app.profile import Profile
from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.ports.accounts import Accounts
from welink_desktop.core.ports.calls import MediaEngine, MediaSession
from welink_desktop.core.ports.system import Desktop, EvaluationBackend, SettingsStore

if TYPE_CHECKING:
    from welink_desktop.core.calls import MediaDevices

HELPER_SECONDS = 3.0
"""The picture helper has this long to end."""

TrayFinder = Callable[[], QSystemTrayIcon | None]


@dataclass(frozen=True, slots=True)
class World:
    """The ports. `stop` ends what was started for them, after the last session was closed."""

    accounts: Accounts
    media: MediaEngine
    desktop: Desktop
    clock: Clock
    evaluation: EvaluationBackend | None
    keep_secrets_in_file: Callable[[], None] | None
    stop: Callable[[], None]


def settings_store(options: Options, profile: Profile) -> SettingsStore:
    """Settings are read before anything else is built: they decide language and look."""
    if options.sample:
        from welink_desktop.adapters.fake import MemorySettings

        return MemorySettings()
    from welink_desktop.adapters.settings import TomlSettings
    from welink_desktop.adapters.settings.policies import read_policies, system_policy_folder

    return TomlSettings(profile.settings, read_policies(system_policy_folder()))


def build_world(options: Options, profile: Profile, tray: TrayFinder) -> World:
    return _sample(tray) if options.sample else _real(profile, tray)


def _sample(tray: TrayFinder) -> World:
    from welink_desktop.adapters.fake import FakeAccounts, FakeMediaEngine, sample_world
    from welink_desktop.app.sample_pictures import sample_picture

    world = sample_world(pictures=sample_picture)
    return World(
        accounts=FakeAccounts(world),
        media=FakeMediaEngine(world),
        desktop=SystemDesktop(tray),
        clock=world.clock,
        evaluation=None,
        keep_secrets_in_file=None,
        stop=lambda: None,
    )


def _real(profile: Profile, tray: TrayFinder) -> World:
    from welink_desktop.adapters.engine_thread import EngineThread, hop
    from welink_desktop.adapters.matrix.accounts import MatrixAccounts
    from welink_desktop.app.secrets import ProfileSecrets
    from welink_desktop.ui.pictures.client import PictureHelper

    secrets = ProfileSecrets(profile)
    thread = EngineThread()
    thread.start()
    pictures = PictureHelper()

    def stop() -> None:
        """End the picture helper, then the loop that it belongs to."""
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(pictures.aclose(), thread.loop).result(HELPER_SECONDS)
        thread.stop()

    accounts = MatrixAccounts(profile.root, secrets, decode=pictures.decode, list_first=True)
    return World(
        accounts=hop(cast("Accounts", accounts), thread),
        media=_LateMedia(profile.logs / "media.log"),
        desktop=SystemDesktop(tray),
        clock=SystemClock(),
        evaluation=_evaluation(profile),
        keep_secrets_in_file=secrets.use_file,
        stop=stop,
    )


class _LateMedia:
    """Implements `MediaEngine`; the real one is loaded with the first meeting or device list."""

    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file
        self._engine: MediaEngine | None = None

    async def open(self) -> MediaSession:
        return await self._real().open()

    async def devices(self) -> "MediaDevices":
        return await self._real().devices()

    def _real(self) -> MediaEngine:
        if self._engine is None:
            from welink_desktop.adapters.media.client import ProcessMediaEngine

            self._engine = ProcessMediaEngine(self._log_file)
        return self._engine


def _evaluation(profile: Profile) -> EvaluationBackend | None:
    """None in an installation without the evaluation backend."""
    try:
        from welink_desktop.evaluation.backend import LocalEvaluation
    except ImportError:
        return None
    return LocalEvaluation(profile.root)
