"""`new-page AREA/PAGE`: the three files of a page, and its test, in the house's form."""

import re
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")

_INIT = '"""{title}. Model: services and core; view: its model and ui."""\n'
_MODEL = '''"""{title}: what it shows and what a person can wish. Qt-free."""

from dataclasses import dataclass, replace

from welink_desktop.core.reactive import State


@dataclass(frozen=True, slots=True)
class {name}State:
    """Everything the view needs."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Add:
    """A wish."""


Wish = Add


class {name}Model:
    def __init__(self) -> None:
        self.state = State({name}State())

    def act(self, wish: Wish) -> None:
        match wish:
            case Add():
                self.state.set(replace(self.state.value, count=self.state.value.count + 1))
'''
_VIEW = '''"""{title}: renders the state, sends wishes."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from welink_desktop.core.reactive import State
from welink_desktop.features.{package}.model import Add, {name}State, Wish
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.widgets.box import Plane, column
from welink_desktop.ui.widgets.button import Button


class {name}View(Plane):
    def __init__(self, state: State[{name}State], act: Callable[[Wish], None], parent: QWidget | None = None) -> None:
        super().__init__("surface", parent)
        identify(self, "{dashed}")
        self._button = Button(kind="primary")
        identify(self._button, "{dashed}-add")
        self._button.clicked.connect(lambda: act(Add()))
        column(self).addWidget(self._button)
        bind(self, state, self._render)

    def _render(self, state: {name}State) -> None:
        self._button.setText(str(state.count))
        describe(self._button, str(state.count))
'''
_SAMPLES = '''"""Named states of the page for gallery, goldens and tests."""

from welink_desktop.features.{package}.model import {name}State

SAMPLES: dict[str, {name}State] = {{
    "empty": {name}State(),
}}
'''
_TEST = '''"""{title} through its widgets."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.ui.conftest import Dress
from welink_desktop.features.{package}.model import {name}Model
from welink_desktop.features.{package}.view import {name}View
from welink_desktop.ui.widgets.button import Button


def test_a_click_is_a_wish(qtbot: QtBot, dress: Dress) -> None:
    model = {name}Model()
    view = {name}View(model.state, model.act)
    qtbot.addWidget(view)
    button = view.findChild(Button)
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert model.state.value.count == 1
'''


def new_page(checkout: Path, place: str) -> list[Path]:
    """Write the files of AREA/PAGE; nothing that exists is touched. Raises `ValueError` for a bad name or an existing page."""
    if not NAME.fullmatch(place):
        raise ValueError("a page is named AREA/PAGE in small letters, for instance contacts/groups")
    area, page = place.split("/")
    folder = checkout / "welink_desktop" / "features" / area / page
    if folder.exists():
        raise ValueError(f"{place} exists already")
    words = {
        "title": page.replace("_", " ").capitalize(),
        "name": "".join(part.capitalize() for part in page.split("_")),
        "package": f"{area}.{page}",
        "dashed": page.replace("_", "-"),
    }
    files = {
        folder / "__init__.py": _INIT,
        folder / "model.py": _MODEL,
        folder / "view.py": _VIEW,
        folder / "samples.py": _SAMPLES,
        checkout / "tests" / "ui" / "features" / area / f"test_{page}.py": _TEST,
    }
    package = folder.parent / "__init__.py"
    if not package.exists():
        files = {package: _INIT, **files}
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.format(**words), encoding="utf-8")
    return list(files)
