"""Security of the open account: its part of the settings, its banner, and the sheets that any page may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from welink_desktop.core.security import Cure
from welink_desktop.services.security import AccountSecurity, Prompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from welink_desktop.app.world import World
    from welink_desktop.core.ids import DeviceId, RoomId, UserId
    from welink_desktop.core.ports.security import Security
    from welink_desktop.core.reactive import Scope, Signal
    from welink_desktop.features.security import prompt
    from welink_desktop.features.security.sheet import Sheet, SheetDialog
    from welink_desktop.services.preferences import Preferences


class SecurityDestination:
    """`host` is the window that sheets stand in; at most one sheet is open. `name_of` gives people's names."""

    def __init__(
        self, port: Security, world: World, preferences: Preferences, account: str, name_of: Callable[[UserId], str], scope: Scope
    ) -> None:
        self.service = AccountSecurity(port, preferences, scope, world.clock)
        self.host: QWidget | None = None
        self._world = world
        self._preferences = preferences
        self._account = account
        self._name_of = name_of
        self._scope = scope
        self._sheet: SheetDialog | None = None
        self._close_model: Callable[[], None] | None = None

    # Parts of pages

    def make_page(self) -> QWidget:
        """The security part of the settings."""
        from welink_desktop.features.security.page.model import PageModel
        from welink_desktop.features.security.page.view import SecurityPage

        model = PageModel(self.service, self._preferences, self._scope, self._world.clock)
        model.cure_wanted.listen(self.cure)
        model.device_wanted.listen(self.compare_device)
        model.page_wanted.listen(self._open_page)
        return SecurityPage(model.state, model.act)

    def make_banner(self) -> QWidget:
        from welink_desktop.features.security.prompt import PromptBanner

        return PromptBanner(self.service.prompt, self._prompt_wish, self._name_in)

    # Sheets

    def cure(self, cure: Cure, room: RoomId | None = None) -> None:
        """Open what a cure needs. With `room` its messages come first afterwards."""
        if cure is Cure.CONFIRM_FROM_DEVICE:
            self.compare_device()
        elif cure is Cure.TURN_ON_BACKUP:
            self._scope.spawn(self._turn_on_backup(), name="turn-on-backup")
        else:
            self._open_recovery(cure, room)

    def cure_account(self, room: RoomId | None = None) -> None:
        """The recommended cure of what is wrong just now."""
        cures = self.service.recovery.value.cures
        if cures:
            self.cure(cures[0], room)

    def compare_device(self, device: DeviceId | None = None) -> None:
        from welink_desktop.features.security.verification.model import Ask

        self._open_compare(ask=Ask(None, device))

    def compare_person(self, user: UserId) -> None:
        from welink_desktop.features.security.verification.model import Ask

        self._open_compare(ask=Ask(user), name=self._name_of(user))

    def close_sheet(self) -> None:
        """Close what is open, whatever it shows."""
        sheet, self._sheet = self._sheet, None
        close, self._close_model = self._close_model, None
        if close is not None:
            close()
        if sheet is not None:
            sheet.finish()
            self._keep_keyboard()

    def _keep_keyboard(self) -> None:
        """What had the keyboard before may be gone by now: the page takes it."""
        from PySide6.QtWidgets import QApplication

        from welink_desktop.app.window import MainWindow

        focused = QApplication.focusWidget()
        if isinstance(self.host, MainWindow) and (focused is None or not focused.isVisible()):
            start = getattr(self.host.current_view(), "focus_first", None)
            if callable(start):
                start()

    def _open_recovery(self, cure: Cure, room: RoomId | None) -> None:
        from welink_desktop.features.security.recovery.model import Leave, RecoveryModel
        from welink_desktop.features.security.recovery.view import RecoverySheet

        self.close_sheet()
        model = RecoveryModel(self.service, cure, self._scope, room)
        model.page_wanted.listen(self._open_page)
        model.device_wanted.listen(lambda _: self.compare_device())
        sheet = RecoverySheet(model.state, model.act, self._account)
        self._show(sheet, lambda: model.act(Leave()), model.close, model.closed)

    def _open_compare(self, *, ask: object = None, flow: str = "", name: str = "") -> None:
        from welink_desktop.core.calls import CaptureSource
        from welink_desktop.features.security.verification.model import Ask, CompareModel, Leave
        from welink_desktop.features.security.verification.view import CompareSheet

        self.close_sheet()
        camera = CaptureSource(device=self._preferences.value.devices.camera)
        wanted = ask if isinstance(ask, Ask) else None
        model = CompareModel(self.service, self._world.media, camera, self._scope, ask=wanted, flow=flow, name=name)
        model.recovery_wanted.listen(lambda _: self.cure(Cure.ENTER_RECOVERY_KEY))
        sheet = CompareSheet(model.state, model.act, lambda: model.frames)
        self._show(sheet, lambda: model.act(Leave()), model.close, model.closed)

    def _show(self, sheet: Sheet, leave: Callable[[], None], close_model: Callable[[], None], closed: Signal[None]) -> None:
        from welink_desktop.features.security.sheet import SheetDialog

        if self.host is None:
            close_model()
            return
        self._close_model = close_model
        dialog = self._sheet = SheetDialog(self.host, sheet, leave)
        closed.listen(lambda _: self.close_sheet() if self._sheet is dialog else None)
        dialog.present()

    # Prompt

    def _prompt_wish(self, wish: prompt.Wish) -> None:
        from welink_desktop.features.security.prompt import TakeUp

        current = self.service.prompt.value
        if current is None:
            return
        if isinstance(wish, TakeUp):
            self._take_up(current)
            return
        self.service.put_off()
        if current.request is not None:
            self._scope.spawn(self.service.port.cancel(current.request.flow), name="decline")

    def _take_up(self, current: Prompt) -> None:
        if current.request is not None:
            name = "" if current.request.own else self._name_of(current.request.user)
            self._open_compare(flow=current.request.flow, name=name)
        elif current.cure is not None:
            self.cure(current.cure)

    def _name_in(self, current: Prompt) -> str:
        return self._name_of(current.request.user) if current.request is not None else ""

    async def _turn_on_backup(self) -> None:
        from welink_desktop.core.errors import WeLinkError

        release = self.service.hold()
        try:
            await self.service.port.turn_on_backup()
        except WeLinkError:
            return  # the state stays and says what is wrong
        finally:
            release()

    def _open_page(self, url: str) -> None:
        self._world.desktop.open_link(url)
