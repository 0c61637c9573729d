"""What the gallery shows: every page's samples, and the looks in which goldens are kept."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtWidgets import QWidget

from welink_desktop.core.reactive import State
from welink_desktop.core.settings import Appearance, Density, Theme
from welink_desktop.features.chat import stills as chat_stills
from welink_desktop.features.chat.composer.samples import SAMPLES as CHAT_COMPOSER
from welink_desktop.features.chat.details.samples import SAMPLES as CHAT_DETAILS
from welink_desktop.features.chat.room_list.samples import SAMPLES as CHAT_ROOMS
from welink_desktop.features.chat.timeline.samples import SAMPLES as CHAT_TIMELINE
from welink_desktop.features.contacts.samples import SAMPLES as CONTACTS
from welink_desktop.features.contacts.view import ContactsView
from welink_desktop.features.meetings.home.samples import SAMPLES as HOME
from welink_desktop.features.meetings.home.view import MeetingsHomeView
from welink_desktop.features.meetings.lobby.samples import SAMPLES as LOBBY
from welink_desktop.features.meetings.lobby.view import LobbyView
from welink_desktop.features.meetings.stage.samples import SAMPLES as STAGE
from welink_desktop.features.meetings.stage.samples import resized
from welink_desktop.features.meetings.stage.state import Resize, StageState
from welink_desktop.features.meetings.stage.view import StageView
from welink_desktop.features.security.page.samples import SAMPLES as SECURITY
from welink_desktop.features.security.page.view import SecurityPage
from welink_desktop.features.security.recovery.samples import SAMPLES as RECOVERY
from welink_desktop.features.security.recovery.view import RecoverySheet
from welink_desktop.features.security.sheet import Sheet, SheetDialog
from welink_desktop.features.security.verification.samples import SAMPLES as COMPARING
from welink_desktop.features.security.verification.view import CompareSheet
from welink_desktop.features.settings.model import Section
from welink_desktop.features.settings.samples import SAMPLES as SETTINGS
from welink_desktop.features.settings.view import SettingsView
from welink_desktop.features.sign_in.samples import SAMPLES as SIGN_IN
from welink_desktop.features.sign_in.view import SignInView
from welink_desktop.gallery.components import Components
from welink_desktop.ui.stage.avatars import AvatarPictures
from welink_desktop.ui.widgets.box import Plane, column

WIDE = (1280, 800)
NARROW = (880, 600)


@dataclass(frozen=True, slots=True)
class Page:
    """`make` builds the view over a state; wishes go nowhere."""

    name: str
    samples: Mapping[str, Any]
    make: Callable[[State[Any]], QWidget]


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is taken. `text_scale` as in the settings."""

    theme: Theme = Theme.LIGHT
    language: str = "en"
    text_scale: float = 1.0
    density: Density = Density.COMFORTABLE
    size: tuple[int, int] = WIDE

    @property
    def appearance(self) -> Appearance:
        """Without motion: a picture must not depend on the moment it is taken at."""
        return Appearance(
            theme=self.theme, density=self.density, text_scale=self.text_scale, language=self.language, reduced_motion=True
        )

    @property
    def name(self) -> str:
        width, height = self.size
        compact = "-compact" if self.density is Density.COMPACT else ""
        return f"{self.theme.value}-{self.language}-{round(self.text_scale * 100)}-{width}x{height}{compact}"


@dataclass(frozen=True, slots=True)
class Shot:
    page: str
    sample: str
    look: Look

    @property
    def name(self) -> str:
        return f"{self.page}-{self.sample}-{self.look.name}"


def pages() -> tuple[Page, ...]:
    def avatars() -> AvatarPictures:
        return AvatarPictures()

    return (
        Page("components", {"all": None}, lambda _: Components()),
        Page("sign-in", SIGN_IN, lambda state: SignInView(state, _nothing)),
        Page("chat-rooms", CHAT_ROOMS, chat_stills.room_list_view),
        Page("chat-timeline", CHAT_TIMELINE, lambda state: _on_plane(chat_stills.timeline_view(state))),
        Page("chat-composer", CHAT_COMPOSER, _composer),
        Page("chat-details", CHAT_DETAILS, chat_stills.details_view),
        Page("contacts", CONTACTS, lambda state: ContactsView(state, _nothing)),
        Page("settings", SETTINGS, lambda state: SettingsView(state, _nothing)),
        Page("security", SECURITY, _security),
        Page("recovery", RECOVERY, lambda state: _in_dialog(RecoverySheet(state, _nothing))),
        Page("comparing", COMPARING, lambda state: _in_dialog(CompareSheet(state, _nothing))),
        Page("meetings", HOME, lambda state: MeetingsHomeView(state, _nothing, avatars())),
        Page("lobby", LOBBY, lambda state: LobbyView(state, _nothing, lambda: None, avatars())),
        Page("stage", STAGE, lambda state: StageView(state, _arranging(state), lambda: None, avatars())),
    )


LOOKS = (
    Look(),
    Look(theme=Theme.DARK, language="zh-CN"),
    Look(theme=Theme.HIGH_CONTRAST),
    Look(text_scale=1.5),
    Look(language="zh-CN", density=Density.COMPACT),
    Look(text_scale=2.0, language="zh-CN"),
    Look(size=NARROW),
)
"""Every sample is drawn in each of these by `python -m welink_desktop.gallery`."""

_GOLDEN_SAMPLES = {
    "components": ("all",),
    "sign-in": ("found", "keyring-missing"),
    "contacts": ("card", "search"),
    "settings": ("appearance", "account"),
}
_PAIR_SAMPLES = {
    "chat-rooms": ("full",),
    "chat-timeline": ("conversation", "kinds"),
    "chat-composer": ("completion", "reply"),
    "meetings": ("running",),
    "lobby": ("ready",),
    "stage": ("gallery", "many", "share"),
}
"""Shown light in Chinese and dark in English."""
_SHEET_SAMPLES = {
    "security": ("unverified",),
    "recovery": ("key",),
    "comparing": ("emoji-person",),
}
_SHEET_LOOKS = (Look(language="zh-CN"), Look(theme=Theme.DARK), Look(text_scale=1.5))
_PAIR_LOOKS = (Look(language="zh-CN"), Look(theme=Theme.DARK))
_GOLDEN_LOOKS = (
    Look(),
    Look(theme=Theme.DARK, language="zh-CN"),
    Look(theme=Theme.HIGH_CONTRAST),
    Look(text_scale=1.5),
    Look(size=NARROW),
)


def all_shots() -> Iterator[Shot]:
    for page in pages():
        for sample in page.samples:
            for look in LOOKS:
                yield Shot(page.name, sample, look)


def golden_shots() -> Iterator[Shot]:
    """The pictures kept beside the tests: few pages, all kinds of looks."""
    groups = ((_GOLDEN_SAMPLES, _GOLDEN_LOOKS), (_PAIR_SAMPLES, _PAIR_LOOKS), (_SHEET_SAMPLES, _SHEET_LOOKS))
    for kept, looks in groups:
        for page, samples in kept.items():
            yield from (Shot(page, sample, look) for sample in samples for look in looks)


def page_named(name: str) -> Page:
    """Raises `KeyError`."""
    return {page.name: page for page in pages()}[name]


def _arranging(state: State[StageState]) -> Callable[[object], None]:
    """The one wish that the gallery fulfils: tiles that suit the size of the canvas."""

    def act(wish: object) -> None:
        if isinstance(wish, Resize):
            state.set(resized(state.value, wish.width, wish.height))

    return act


def _on_plane(view: QWidget) -> QWidget:
    """A part of the chat page on the ground it has there."""
    plane = Plane("surface")
    column(plane).addWidget(view)
    return plane


def _composer(state: State[Any]) -> QWidget:
    """The composer where it stands in a conversation: below everything else, as high as it wants."""
    plane = Plane("surface")
    foot = column(plane, margins=(24, 0, 24, 20))
    foot.addStretch(1)
    foot.addWidget(chat_stills.composer_view(state, plane))
    return plane


def _security(state: State[Any]) -> QWidget:
    """The security part where it stands: in the settings."""
    settings = State(replace(SETTINGS["appearance"], section=Section.SECURITY))
    return SettingsView(settings, _nothing, parts={Section.SECURITY: SecurityPage(state, _nothing)})


def _in_dialog(sheet: Sheet) -> QWidget:
    """A sheet in its dialog, over an empty window."""
    plane = Plane("surface")
    SheetDialog(plane, sheet, lambda: None).present()
    return plane


def _nothing(_: object) -> None:
    """Nobody acts in the gallery."""
