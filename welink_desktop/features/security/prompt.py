"""The one thing to say about security, as a calm banner on every page."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from welink_desktop.core.reactive import State
from welink_desktop.services.security import Prompt
from welink_desktop.ui.a11y import identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import column


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Do what the prompt proposes."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """Not now."""


Wish = TakeUp | PutOff


class PromptBanner(QWidget):
    """`name_of` gives the name of a person who asks."""

    def __init__(
        self, prompt: State[Prompt | None], act: Callable[[Wish], None], name_of: Callable[[Prompt], str] = lambda _: ""
    ) -> None:
        super().__init__()
        identify(self, "security-prompt")
        self._name_of = name_of
        self._shown = prompt.value
        self._banner = Banner("accent", "shield")
        self._later = self._banner.add_action("", lambda: act(PutOff()))
        self._main = self._banner.add_action("", lambda: act(TakeUp()))
        self._main.set_kind("primary")
        identify(self._later, "security-prompt-later")
        identify(self._main, "security-prompt-main")
        column(self).addWidget(self._banner)
        translated(self, self._retranslate)
        bind(self, prompt, self._render)

    def _retranslate(self) -> None:
        self._render(self._shown)

    def _render(self, prompt: Prompt | None) -> None:
        self._shown = prompt
        self.setVisible(prompt is not None)
        if prompt is None:
            self._banner.show_fact("")
            return
        if prompt.request is not None:
            self._banner.show_fact(self._request(prompt), "accent", "shield")
            self._main.setText(tr("prompt-accept"))
            self._later.setText(tr("prompt-decline"))
        elif prompt.cure is not None:
            self._banner.show_fact(self._state(prompt), "accent", "shield")
            self._main.setText(tr(f"cure-{prompt.cure.value}"))
            self._later.setText(tr("security-later"))

    def _state(self, prompt: Prompt) -> str:
        title, why = tr(f"recovery-{prompt.state.value}"), tr(f"recovery-{prompt.state.value}-why")
        stop, space = (".", " ") if title.isascii() else ("。", "")
        return f"{title}{stop}{space}{why}"

    def _request(self, prompt: Prompt) -> str:
        request = prompt.request
        if request is None:
            return ""
        if not request.own:
            return tr("prompt-request-person", name=one_line(self._name_of(prompt)) or request.user)
        name = one_line(request.device_name)
        return tr("prompt-request-device", name=name) if name else tr("prompt-request-own")
