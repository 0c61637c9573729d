"""The sections of the settings page. Each renders its part of `SettingsState` and sends wishes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from welink_desktop.core.calls import MediaDevice, MediaDevices
from welink_desktop.features.settings.model import (
    Density,
    RefreshDevices,
    SendKey,
    SetAppearance,
    SetBehaviour,
    SetDevices,
    SettingsState,
    SignOut,
    Theme,
    Wish,
)
from welink_desktop.features.settings.rows import SettingRow
from welink_desktop.ui.a11y import identify
from welink_desktop.ui.design.theme import current
from welink_desktop.ui.strings import tr
from welink_desktop.ui.widgets.avatar import Avatar
from welink_desktop.ui.widgets.box import Card, column
from welink_desktop.ui.widgets.button import Button
from welink_desktop.ui.widgets.choice import Choice
from welink_desktop.ui.widgets.dialog import ask
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice
from welink_desktop.ui.widgets.switch import SwitchButton

Act = Callable[[Wish], None]
SCALES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0)


class SectionView(QWidget):
    """A column of cards with headings."""

    def __init__(self, act: Act) -> None:
        super().__init__()
        self.act = act
        self.shown = SettingsState()
        self.cards = column(self, spacing=current().space(3))
        self.cards.addStretch(1)
        self._headings: list[tuple[Label, str]] = []

    def add_card(self, heading: str, rows: Sequence[SettingRow]) -> Card:
        """`heading` is a text key."""
        label = Label(type_name="strong")
        self._headings.append((label, heading))
        card = Card()
        for one in rows:
            card.add_row(one)
        if self.cards.count() > 1:
            self.cards.insertSpacing(self.cards.count() - 1, current().space(4))
        self.cards.insertWidget(self.cards.count() - 1, label)
        self.cards.insertWidget(self.cards.count() - 1, card)
        return card

    def retranslate(self) -> None:
        for label, key in self._headings:
            label.setText(tr(key))

    def show_state(self, state: SettingsState) -> None:
        self.shown = state


class AppearanceSection(SectionView):
    def __init__(self, act: Act) -> None:
        super().__init__(act)
        self._theme, self._density, self._scale, self._language = Choice(), Choice(), Choice(), Choice()
        self._motion = SwitchButton()
        for name, choice in (
            ("theme", self._theme),
            ("density", self._density),
            ("scale", self._scale),
            ("language", self._language),
        ):
            identify(choice, f"settings-{name}")
        identify(self._motion, "settings-motion")
        self._rows = [SettingRow(one) for one in (self._theme, self._density, self._scale, self._motion)]
        self._language_row = SettingRow(self._language)
        self.add_card("settings-look", self._rows)
        self.add_card("settings-language-heading", [self._language_row])
        self._theme.chosen.connect(lambda value: self._set(theme=Theme(value)))
        self._density.chosen.connect(lambda value: self._set(density=Density(value)))
        self._scale.chosen.connect(lambda value: self._set(text_scale=float(value)))
        self._language.chosen.connect(lambda value: self._set(language=value))
        self._motion.clicked.connect(lambda on: self._set(reduced_motion=on))

    def _set(self, **changes: object) -> None:
        appearance = replace(self.shown.settings.appearance, **changes)  # type: ignore[arg-type]  # checked by `replace`
        self.act(SetAppearance(appearance))

    def retranslate(self) -> None:
        super().retranslate()
        keys = ("settings-theme", "settings-density", "settings-scale", "settings-motion")
        for one, key in zip(self._rows, keys, strict=True):
            one.set_words(tr(key), tr(f"{key}-hint"))
        self._language_row.set_words(tr("settings-language"), tr("settings-language-hint"))

    def show_state(self, state: SettingsState) -> None:
        super().show_state(state)
        look = state.settings.appearance
        self._theme.set_options([(one.value, tr(f"settings-theme-{one.value}")) for one in Theme], look.theme.value)
        self._density.set_options([(one.value, tr(f"settings-density-{one.value}")) for one in Density], look.density.value)
        scales = [(f"{scale:.1f}", f"{scale * 100:.0f}\u00a0%") for scale in SCALES]
        self._scale.set_options(scales, f"{look.text_scale:.1f}")
        languages = [("", tr("settings-language-system")), ("en", "English"), ("zh-CN", "简体中文")]
        self._language.set_options(languages, look.language)
        self._motion.setChecked(look.reduced_motion)


class DevicesSection(SectionView):
    def __init__(self, act: Act) -> None:
        super().__init__(act)
        self._microphone, self._speaker, self._camera = Choice(), Choice(), Choice()
        identify(self._microphone, "settings-microphone")
        identify(self._speaker, "settings-speaker")
        identify(self._camera, "settings-camera")
        self._muted, self._blind = SwitchButton(), SwitchButton()
        identify(self._muted, "settings-join-muted")
        identify(self._blind, "settings-join-without-camera")
        self._problem = Notice("danger", "error")
        self._again = Button()
        self._again.clicked.connect(lambda: self.act(RefreshDevices()))
        self._problem.add_button(self._again)
        self.cards.insertWidget(self.cards.count() - 1, self._problem)
        self._rows = [SettingRow(one) for one in (self._microphone, self._speaker, self._camera)]
        self._join = [SettingRow(one) for one in (self._muted, self._blind)]
        self.add_card("settings-devices", self._rows)
        self.add_card("settings-joining", self._join)
        self._microphone.chosen.connect(lambda name: self._set(microphone=name))
        self._speaker.chosen.connect(lambda name: self._set(speaker=name))
        self._camera.chosen.connect(lambda name: self._set(camera=name))
        self._muted.clicked.connect(lambda on: self._set(join_muted=on))
        self._blind.clicked.connect(lambda on: self._set(join_without_camera=on))

    def _set(self, **changes: object) -> None:
        devices = replace(self.shown.settings.devices, **changes)  # type: ignore[arg-type]  # checked by `replace`
        self.act(SetDevices(devices))

    def retranslate(self) -> None:
        super().retranslate()
        for one, key in zip(self._rows, ("microphone", "speaker", "camera"), strict=True):
            one.set_words(tr(f"settings-{key}"))
        self._join[0].set_words(tr("settings-join-muted"), tr("settings-join-muted-hint"))
        self._join[1].set_words(tr("settings-join-without-camera"))
        self._again.setText(tr("retry"))

    def show_state(self, state: SettingsState) -> None:
        super().show_state(state)
        known = state.devices or MediaDevices()
        chosen = state.settings.devices
        self._offer(self._microphone, known.microphones, chosen.microphone)
        self._offer(self._speaker, known.speakers, chosen.speaker)
        self._offer(self._camera, known.cameras, chosen.camera)
        self._muted.setChecked(chosen.join_muted)
        self._blind.setChecked(chosen.join_without_camera)
        self._problem.show_fact(tr(state.devices_failure.text) if state.devices_failure is not None else "")

    def _offer(self, choice: Choice, devices: Sequence[MediaDevice], chosen: str) -> None:
        """The system's default, what is there, and the chosen one even while it is unplugged."""
        names = list(dict.fromkeys(one.name for one in devices))
        options = [("", tr("settings-device-default")), *((name, name) for name in names)]
        if chosen and chosen not in names:
            options.append((chosen, tr("settings-device-missing", name=chosen)))
        choice.set_options(options, chosen)


class ChatSection(SectionView):
    def __init__(self, act: Act) -> None:
        super().__init__(act)
        self._send = Choice()
        self._notify, self._hide, self._tray = SwitchButton(), SwitchButton(), SwitchButton()
        identify(self._send, "settings-send-key")
        identify(self._notify, "settings-notifications")
        identify(self._hide, "settings-hide-preview")
        identify(self._tray, "settings-close-to-tray")
        self._writing = SettingRow(self._send)
        self._rows = [SettingRow(self._notify), SettingRow(self._hide)]
        self._window = SettingRow(self._tray)
        self.add_card("settings-writing", [self._writing])
        self.add_card("settings-notifications", self._rows)
        self.add_card("settings-window", [self._window])
        self._send.chosen.connect(lambda value: self._set(send_key=SendKey(value)))
        self._notify.clicked.connect(lambda on: self._set(notifications=on))
        self._hide.clicked.connect(lambda on: self._set(hide_preview=on))
        self._tray.clicked.connect(lambda on: self._set(close_to_tray=on))

    def _set(self, **changes: object) -> None:
        behaviour = replace(self.shown.settings.behaviour, **changes)  # type: ignore[arg-type]  # checked by `replace`
        self.act(SetBehaviour(behaviour))

    def retranslate(self) -> None:
        super().retranslate()
        self._writing.set_words(tr("settings-send-key"), tr("settings-send-key-hint"))
        self._rows[0].set_words(tr("settings-notify"))
        self._rows[1].set_words(tr("settings-hide-preview"), tr("settings-hide-preview-hint"))
        self._window.set_words(tr("settings-close-to-tray"), tr("settings-close-to-tray-hint"))

    def show_state(self, state: SettingsState) -> None:
        super().show_state(state)
        behaviour = state.settings.behaviour
        self._send.set_options([(one.value, tr(f"settings-send-{one.value}")) for one in SendKey], behaviour.send_key.value)
        self._notify.setChecked(behaviour.notifications)
        self._hide.setChecked(behaviour.hide_preview)
        self._tray.setChecked(behaviour.close_to_tray)


class AccountSection(SectionView):
    def __init__(self, act: Act) -> None:
        super().__init__(act)
        self._avatar = Avatar(40)
        self._who, self._server, self._device, self._leave = (
            SettingRow(self._avatar),
            SettingRow(),
            SettingRow(),
            SettingRow(Button(kind="danger", icon_name="logout")),
        )
        self.add_card("settings-account", [self._who, self._server, self._device])
        self.add_card("settings-leaving", [self._leave])
        button = self._leave.control
        if isinstance(button, Button):
            identify(button, "settings-sign-out")
            button.clicked.connect(self._confirm)
            self._button = button

    def show_state(self, state: SettingsState) -> None:
        super().show_state(state)
        if state.account is not None and state.me is not None:
            me, account = state.me, state.account
            self._avatar.show_of(me.user, me.name)
            self._who.set_words(me.name, account.user)
            self._server.set_words(tr("settings-server"), f"{account.server.name} · {account.server.base_url}")
            self._device.set_words(tr("settings-device"), account.device)
        self._leave.set_words(tr("settings-sign-out"), tr("settings-sign-out-hint"))
        self._button.setText(tr("settings-signing-out" if state.signing_out else "settings-sign-out-verb"))
        self._button.setEnabled(not state.signing_out)

    def _confirm(self) -> None:
        ask(
            self,
            tr("settings-sign-out-title"),
            tr("settings-sign-out-warning"),
            tr("settings-sign-out-verb"),
            lambda: self.act(SignOut()),
            kind="danger",
        )
