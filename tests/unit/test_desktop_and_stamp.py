"""Links that may be opened, the sleep guard, and the stamp for a new page."""

import ast
from pathlib import Path

import pytest

from welink_desktop.adapters.desktop.desktop import SystemDesktop, guard_command, is_safe_link
from welink_desktop.core.ids import EventId, RoomId
from welink_desktop.core.ports.system import Notification
from welink_desktop.gallery.stamp import new_page


@pytest.mark.parametrize("url", ["https://example.org/a?b#c", "http://localhost:8008", "mailto:a@b.example"])
def test_web_and_mail_may_be_opened(url: str) -> None:
    assert is_safe_link(url)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "javascript:alert(1)", "smb://host/share", "https:", "https:///x", "", "http://[bad", "https://a\n.b"],
)
def test_everything_else_stays_closed(url: str) -> None:
    assert not is_safe_link(url)
    assert not SystemDesktop(lambda: None).open_link(url)


def test_without_a_tray_notifications_are_done_without() -> None:
    desktop = SystemDesktop(lambda: None)
    desktop.notify(Notification(RoomId("!a"), EventId("$b"), "title", "body"))
    desktop.withdraw(RoomId("!a"))
    desktop.watch_activated(lambda _: None)()


def test_the_sleep_guard_is_a_program_of_the_system() -> None:
    assert all("/" not in part.partition("=")[0] for part in guard_command())


def test_a_new_page_has_its_three_files_and_a_test(tmp_path: Path) -> None:
    files = new_page(tmp_path, "contacts/my_groups")
    names = {path.name for path in files}
    assert {"model.py", "view.py", "samples.py", "test_my_groups.py"} <= names
    for path in files:
        ast.parse(path.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="exists"):
        new_page(tmp_path, "contacts/my_groups")


@pytest.mark.parametrize("place", ["groups", "Contacts/Groups", "../x/y", "a/b/c"])
def test_a_bad_name_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(ValueError, match="AREA/PAGE"):
        new_page(tmp_path, place)
