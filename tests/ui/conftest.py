"""A themed application for tests of widgets."""

import os
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication

from welink_desktop.core.settings import Appearance, Theme
from welink_desktop.strings import strings
from welink_desktop.ui.design import theme
from welink_desktop.ui.strings import language

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
Dress = Callable[..., None]


@pytest.fixture
def dress(qapp: QApplication) -> Iterator[Dress]:
    """`dress(appearance, language)` changes how everything looks; light, 100 %, English to begin with and at the end."""

    def change(appearance: Appearance | None = None, words: str = "en") -> None:
        language.set(strings(words))
        theme.apply(qapp, appearance or Appearance(theme=Theme.LIGHT), cjk=words == "zh-CN")

    theme.prepare(qapp)
    change()
    yield change
    change()
