"""From the command line to the exit code: Qt, one loop, one window, a graceful end."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial

from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from welink_desktop import APPLICATION_ID, __version__
from welink_desktop.app.application import Application
from welink_desktop.app.event_loop import UiLoop
from welink_desktop.app.options import Options
from welink_desktop.app.profile import Profile, keep_to_oneself
from welink_desktop.app.single_instance import SingleInstance
from welink_desktop.app.stall_watch import StallWatch
from welink_desktop.app.tray import Tray
from welink_desktop.app.window import MainWindow
from welink_desktop.app.world import build_world, settings_store
from welink_desktop.core.errors import ProfileInUse, WeLinkError
from welink_desktop.core.log import literal, topic
from welink_desktop.core.settings import Appearance, Settings
from welink_desktop.core.settings import Theme as ThemeChoice
from welink_desktop.services.preferences import Preferences
from welink_desktop.strings import strings
from welink_desktop.ui.design import theme
from welink_desktop.ui.strings import language, tr
from welink_desktop.ui.widgets.brand import app_icon
from welink_desktop.ui.widgets.focus_ring import follow_focus

Script = Callable[[Application], Awaitable[int]]
STOP_SECONDS = 15.0
_log = topic("app")


def run(options: Options, script: Script | None = None) -> int:
    """Run the app until it is quit. `script` (the tour) runs beside it; its end ends the app with its answer."""
    profile = Profile(options.profile)
    try:
        if not options.sample:
            keep_to_oneself()
            profile.prepare()
            profile.start_log()
    except WeLinkError as error:
        sys.stderr.write(strings(options.language).render(error.text) + "\n")
        return 1
    app = _qt(sys.argv[:1], options.language)
    instance = SingleInstance(profile.lock)
    if not options.sample and not instance.claim():
        if instance.activate_other():
            return 0
        sys.stderr.write(strings(options.language).render(ProfileInUse().text) + "\n")
        return 1
    loop = UiLoop(app)
    asyncio.set_event_loop(loop)
    try:
        with loop:
            answer: int = loop.run_until_complete(_live(app, options, profile, instance, script))
            return answer
    finally:
        instance.release()


def _qt(arguments: list[str], language_given: str) -> QApplication:
    """The one application object; a message of Qt's goes to our log."""
    qInstallMessageHandler(partial(_qt_message, language_given))
    present = QApplication.instance()
    app = present if isinstance(present, QApplication) else QApplication(arguments)
    app.setApplicationName("welink-desktop")
    app.setApplicationDisplayName("WeLink Desktop")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName(APPLICATION_ID)
    app.setQuitOnLastWindowClosed(False)
    theme.prepare(app)
    follow_focus(app)
    return app


async def _live(app: QApplication, options: Options, profile: Profile, instance: SingleInstance, script: Script | None) -> int:
    preferences = Preferences(settings_store(options, profile))
    over = asyncio.Event()
    follow = Look(app, options)
    preferences.state.watch(follow.settings_changed)
    app.styleHints().colorSchemeChanged.connect(lambda _: follow.settings_changed(preferences.value))
    window = MainWindow(tr("app-name"))
    window.setWindowIcon(app_icon())
    tray = Tray(window)
    world = build_world(options, profile, lambda: tray.icon)
    application = Application(options, world, preferences, window, tray, over.set)
    window.restore(preferences.value.window)
    if not (options.hidden and tray.available):
        window.show()
    instance.listen(window.come_forward)
    watch = StallWatch()
    watch.start()
    _on_signals(over)
    app.aboutToQuit.connect(over.set)
    answer = 0
    try:
        await application.start()
        if script is not None:
            answer = await script(application)
        else:
            await over.wait()
    finally:
        watch.stop()
        tray.hide()
        window.hide()
        try:
            await asyncio.wait_for(application.stop(), STOP_SECONDS)
        except TimeoutError:
            _log.error("the app did not stop in time")
        world.stop()
        window.dispose()
    return answer


class Look:
    """Keeps theme and language at what settings and command line say; the command line wins for this start."""

    def __init__(self, app: QApplication, options: Options) -> None:
        self._app = app
        self._options = options
        self._last: Settings | None = None

    def settings_changed(self, settings: Settings) -> None:
        look = settings.appearance
        before = self._last.appearance if self._last is not None else None
        given = self._options
        language_given = given.language if before is None or before.language == look.language else ""
        theme_given = given.theme if before is None or before.theme == look.theme else ""
        if self._last is None:
            self._last = settings
        chosen = strings(language_given or look.language)
        language.set(chosen)
        appearance = Appearance(
            theme=ThemeChoice(theme_given) if theme_given else look.theme,
            density=look.density,
            text_scale=look.text_scale,
            reduced_motion=look.reduced_motion,
        )
        theme.apply(self._app, appearance, cjk=chosen.cjk)
        QGuiApplication.setApplicationDisplayName(tr("app-name"))


def _on_signals(over: asyncio.Event) -> None:
    """A terminal's interrupt or the system's shutdown is a graceful quit."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(over.set))


def _qt_message(language_given: str, kind: QtMsgType, _context: object, message: str) -> None:
    """Qt's own words go to the log by kind only where they may carry content. Without a display it would abort: we end."""
    if kind is QtMsgType.QtFatalMsg and "platform plugin" in message:
        sys.stderr.write(strings(language_given)("no-display") + "\n")
        sys.stderr.flush()
        os._exit(1)
    if kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg):
        known = message if message.startswith(("Q", "This plugin")) and len(message) < 200 else "message of Qt"
        _log.warning("qt", words=literal(known))
