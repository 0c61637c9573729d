"""The shell: rail, banner, pages. It knows where things stand, not what they do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from PySide6.QtCore import QEvent, QRect, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QMoveEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from welink_desktop.app.navigation import Page
from welink_desktop.app.rail import Rail
from welink_desktop.core.settings import WindowState
from welink_desktop.ui.a11y import identify
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.design.tokens import tokens
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.widgets.box import Plane, column, row

PageMaker = Callable[[], QWidget]
SETTLE_MS = 500
"""A window that stopped moving for this long is where the person wants it."""


class MainWindow(QMainWindow):
    """`wants_hide` is asked whether closing means hiding; `placed` comes when size or position settled."""

    placed = Signal()
    shown_page = Signal(object)

    def __init__(self, title: str) -> None:
        super().__init__()
        identify(self, "main-window")
        self.setWindowTitle(title)
        self.wants_hide: Callable[[], bool] = lambda: False
        self._makers: dict[Page, PageMaker] = {}
        self._made: dict[Page, QWidget] = {}
        self._front: QWidget | None = None
        self._outer = QStackedWidget()
        self.setCentralWidget(self._outer)
        self.rail: Rail | None = None
        self._shell: QWidget | None = None
        self._pages = QStackedWidget()
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLE_MS)
        self._settled.timeout.connect(self.placed)
        on_theme(self, self._themed)

    # What is shown

    def show_front(self, view: QWidget) -> None:
        """One view instead of the shell: sign-in."""
        self.drop_shell()
        if self._front is not view:
            self._drop_front()
            self._front = view
            self._outer.addWidget(view)
        self._outer.setCurrentWidget(view)

    def show_shell(self, makers: Mapping[Page, PageMaker], banners: Iterable[QWidget], page: Page) -> Rail:
        """Rail and pages; a page is made when it is first shown."""
        self.drop_shell()
        self._makers = dict(makers)
        self.rail = Rail(tuple(makers))
        self._pages = QStackedWidget()
        shell = Plane("surface")
        whole = row(shell)
        whole.addWidget(self.rail)
        main = column()
        for banner in banners:
            main.addWidget(banner)
        main.addWidget(self._pages, 1)
        whole.addLayout(main, 1)
        self._shell = shell
        self._outer.addWidget(shell)
        self.show_page(page)
        self._outer.setCurrentWidget(shell)
        self._drop_front()
        return self.rail

    def show_page(self, page: Page) -> None:
        maker = self._makers.get(page)
        if maker is None or self.rail is None:
            return
        if page not in self._made:
            view = maker()
            self._made[page] = view
            self._pages.addWidget(view)
        changed = self._pages.currentWidget() is not self._made[page]
        self._pages.setCurrentWidget(self._made[page])
        self.rail.show_page(page)
        start = getattr(self._made[page], "focus_first", None)
        if changed and callable(start):
            start()
        self.shown_page.emit(page)

    def page_view(self, page: Page) -> QWidget | None:
        """The view of a page that was shown before."""
        return self._made.get(page)

    def current_view(self) -> QWidget | None:
        return self._pages.currentWidget() if self._shell is not None else self._front

    def drop_shell(self) -> None:
        """Delete rail and pages (the account was closed)."""
        shell, self._shell, self.rail = self._shell, None, None
        self._made, self._makers = {}, {}
        if shell is not None:
            self._outer.removeWidget(shell)
            shell.deleteLater()

    def dispose(self) -> None:
        """The app ends: nothing may fire any more."""
        self._settled.stop()
        self.hide()
        self.drop_shell()
        self._drop_front()
        self.deleteLater()

    def _drop_front(self) -> None:
        front, self._front = self._front, None
        if front is not None:
            self._outer.removeWidget(front)
            front.deleteLater()

    # Where the window stands

    def restore(self, state: WindowState) -> None:
        """Size and place of the last time, moved onto a screen that is there now."""
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        primary = QGuiApplication.primaryScreen().availableGeometry()
        self.setGeometry(visible_geometry(state, screens, primary))
        if state.maximised:
            self.showMaximized()

    def placement(self, before: WindowState) -> WindowState:
        """`before` with the present geometry; of a maximised window the normal one."""
        box = self.normalGeometry() if self.isMaximized() else self.geometry()
        if not box.isValid():
            return before
        return replace(before, x=box.x(), y=box.y(), width=box.width(), height=box.height(), maximised=self.isMaximized())

    def come_forward(self) -> None:
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def _themed(self, theme: Theme) -> None:
        width, height = tokens().layout_size("window-min")
        self.setMinimumSize(width, height)

    @guarded(default=None)
    def moveEvent(self, event: QMoveEvent) -> None:
        self._settled.start()

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._settled.start()

    @guarded(default=None)
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.WindowStateChange:
            self._settled.start()

    @guarded(default=None)
    def closeEvent(self, event: QCloseEvent) -> None:
        if self.wants_hide():
            event.ignore()
            self.hide()
        else:
            event.accept()


def visible_geometry(state: WindowState, screens: list[QRect], primary: QRect) -> QRect:
    """The stored geometry if enough of its top edge can be grabbed on a screen, else centred on the primary one."""
    minimum_width, minimum_height = tokens().layout_size("window-min")
    wanted = QRect(0, 0, max(state.width, minimum_width), max(state.height, minimum_height))
    if state.x is not None and state.y is not None:
        wanted.moveTo(state.x, state.y)
        handle = QRect(wanted.x(), wanted.y(), wanted.width(), 40)
        for screen in screens:
            common = screen.intersected(handle)
            if common.width() >= 120 and common.height() >= 20:
                return wanted.intersected(screen) if not screen.contains(wanted) and _fits(wanted, screen) else wanted
    wanted.setSize(wanted.size().boundedTo(primary.size()))
    wanted.moveCenter(primary.center())
    return wanted


def _fits(wanted: QRect, screen: QRect) -> bool:
    minimum_width, minimum_height = tokens().layout_size("window-min")
    common = wanted.intersected(screen)
    return common.width() >= minimum_width and common.height() >= minimum_height
