"""Reads an application's tree as a screen reader does. Runs under the system's Python, which has the AT-SPI binding.

`atspi_walk.py APPLICATION SECONDS` prints one JSON list: role, name, description, path of roles, of everything that shows.
"""

import json
import sys
import time
from typing import Any

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402 - the version has to be asked for first

DEEPEST = 40
MOST_CHILDREN = 300


def application(name: str, seconds: float) -> Any:
    """The application called `name`, once it has a window."""
    end = time.monotonic() + seconds
    seen: set[str] = set()
    while time.monotonic() < end:
        desktop = Atspi.get_desktop(0)
        for number in range(desktop.get_child_count()):
            found = desktop.get_child_at_index(number)
            seen.add(found.get_name() if found is not None else "nothing")
            if found is not None and found.get_name() == name and found.get_child_count() > 0:
                return found
        time.sleep(0.2)
    sys.exit(f"{name} does not show in the accessibility tree, only {sorted(seen)}")


def walk(node: Any, path: list[str], rows: list[dict[str, Any]]) -> None:
    if node is None or len(path) > DEEPEST:
        return
    try:
        states = node.get_state_set()
        showing = states.contains(Atspi.StateType.SHOWING)
        rows.append(
            {
                "role": node.get_role_name(),
                "name": node.get_name(),
                "description": node.get_description(),
                "showing": showing,
                "focusable": states.contains(Atspi.StateType.FOCUSABLE),
                "path": path,
            }
        )
        for number in range(min(node.get_child_count(), MOST_CHILDREN)):
            walk(node.get_child_at_index(number), [*path, node.get_role_name()], rows)
    except gi.repository.GLib.Error:
        return


def main(name: str, seconds: float, wanted: str) -> None:
    """Look again until a node called `wanted` shows, at most `seconds`."""
    end = time.monotonic() + seconds
    root = application(name, seconds)
    while True:
        rows: list[dict[str, Any]] = []
        walk(root, [], rows)
        if any(row["name"] == wanted for row in rows) or time.monotonic() > end:
            sys.stdout.write(json.dumps(rows))
            return
        time.sleep(0.5)


main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
