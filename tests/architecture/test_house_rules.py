"""What a tool can find of the rules of taste."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "welink_desktop"
LIMIT = 800
DRAWERS = {"utils", "util", "helpers", "helper_functions", "common", "manager", "misc"}
PRIVATE_NUMBERS = {0, 1, 2, -1}
SIZE_SETTERS = {
    "setFixedSize",
    "setFixedWidth",
    "setFixedHeight",
    "setMinimumWidth",
    "setMinimumHeight",
    "setContentsMargins",
    "setSpacing",
}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file with the last part of what is called."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            target = node.func
            yield (target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")), node


def test_no_file_is_longer_than_eight_hundred_lines() -> None:
    long = {name(path): lines for path in sources("welink_desktop", "tests", "bench", "tools") if (lines := _lines(path)) > LIMIT}
    assert not long


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_drawers() -> None:
    assert not [name(path) for path in sources("welink_desktop") if path.stem in DRAWERS or DRAWERS & set(path.parent.parts)]


@pytest.mark.parametrize(
    ("forbidden", "folders"),
    [
        ("setItemWidget", ("welink_desktop",)),
        ("setIndexWidget", ("welink_desktop",)),
        ("exec", ("welink_desktop",)),
        ("exec_", ("welink_desktop",)),
        ("MagicMock", ("welink_desktop", "tests", "bench")),
        ("processEvents", ("welink_desktop",)),
    ],
)
def test_calls_that_are_never_made(forbidden: str, folders: tuple[str, ...]) -> None:
    found = [f"{name(path)}:{call.lineno}" for path in sources(*folders) for called, call in calls(path) if called == forbidden]
    assert not found


def test_no_sleeping_tests() -> None:
    """A test waits for facts; `asyncio.sleep(0)` only lets the loop turn."""
    found = []
    for path in sources("tests/unit", "tests/ui", "tests/contract"):
        for called, call in calls(path):
            if called == "sleep" and not (call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0):
                found.append(f"{name(path)}:{call.lineno}")
    assert not found


COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{8}\b")


def test_colours_have_names() -> None:
    """No colour outside `ui/design`: neither a literal nor one built from numbers."""
    found = []
    for path in sources("welink_desktop/ui", "welink_desktop/features", "welink_desktop/app"):
        if (PACKAGE / "ui" / "design") in path.parents:
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and COLOUR.search(node.value):
                found.append(f"{name(path)}:{node.lineno}")
            if isinstance(node, ast.Call) and _is_literal_colour(node):
                found.append(f"{name(path)}:{node.lineno}")
    assert not found


def _is_literal_colour(node: ast.Call) -> bool:
    is_colour = isinstance(node.func, ast.Name) and node.func.id in ("QColor", "qRgb", "qRgba")
    return is_colour and bool(node.args) and all(isinstance(argument, ast.Constant) for argument in node.args)


def test_sizes_have_names() -> None:
    """Bare pixel numbers in size setters stay inside `ui/design`; 0, 1 and 2 need no name."""
    found = []
    for path in sources("welink_desktop/ui", "welink_desktop/features", "welink_desktop/app"):
        if (PACKAGE / "ui" / "design") in path.parents:
            continue
        for called, call in calls(path):
            if called in SIZE_SETTERS:
                numbers = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
                if any(isinstance(number, int) and number not in PRIVATE_NUMBERS for number in numbers):
                    found.append(f"{name(path)}:{call.lineno}")
    assert not found


def test_swallowed_exceptions() -> None:
    """`except Exception` must do something: at least log, re-raise or keep the error."""
    found = []
    for path in sources("welink_desktop"):
        for node in ast.walk(tree_of(path)):
            if (
                isinstance(node, ast.ExceptHandler)
                and _is_broad(node)
                and all(isinstance(one, ast.Pass | ast.Continue) for one in node.body)
            ):
                found.append(f"{name(path)}:{node.lineno}")
    assert not found


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException"))


SQL_CALLS = ("execute", "executemany", "rows", "row", "value")


def test_sql_is_never_built_from_values() -> None:
    """Statements are literals; an f-string may only insert names written in capitals (constants). PRAGMA takes no parameters."""
    found = []
    for path in sources("welink_desktop/adapters/matrix"):
        for called, call in calls(path):
            if called in SQL_CALLS and call.args and isinstance(call.args[0], ast.JoinedStr) and not _is_safe(call.args[0]):
                found.append(f"{name(path)}:{call.lineno}")
    assert not found


def _is_safe(statement: ast.JoinedStr) -> bool:
    first = statement.values[0]
    if isinstance(first, ast.Constant) and str(first.value).startswith("PRAGMA "):
        return True
    inserted = [part.value for part in statement.values if isinstance(part, ast.FormattedValue)]
    return all(isinstance(part, ast.Name) and part.id.isupper() for part in inserted)


def test_every_package_says_what_it_is() -> None:
    packages = [path for path in sources("welink_desktop") if path.name == "__init__.py"]
    silent = [name(path) for path in packages if not ast.get_docstring(tree_of(path)) and path.parent.parent.name != "features"]
    assert not silent
