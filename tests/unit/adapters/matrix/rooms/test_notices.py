"""State events in words."""

from typing import Any

import pytest

from welink_desktop.adapters.matrix.rooms.notices import notice_of
from welink_desktop.core.ids import UserId

LIN, MEI = UserId("@lin:x"), UserId("@mei:x")


def told(
    event_type: str, content: dict[str, Any], previous: dict[str, Any] | None = None, *, key: str = "", sender: str = LIN
) -> Any:
    notice = notice_of(event_type, key, UserId(sender), content, previous or {}, lambda user: user[1:4].title())
    return None if notice is None else (notice.key, dict(notice.args))


@pytest.mark.parametrize(
    ("now", "before", "sender", "expected"),
    [
        ("join", "invite", MEI, "notice-joined"),
        ("invite", "leave", LIN, "notice-invited"),
        ("leave", "join", MEI, "notice-left"),
        ("leave", "join", LIN, "notice-removed"),
        ("leave", "invite", MEI, "notice-invite-declined"),
        ("leave", "invite", LIN, "notice-invite-withdrawn"),
        ("leave", "ban", LIN, "notice-unbanned"),
        ("ban", "join", LIN, "notice-banned"),
        ("knock", "leave", MEI, "notice-knocked"),
    ],
)
def test_memberships(now: str, before: str, sender: str, expected: str) -> None:
    notice = told("m.room.member", {"membership": now}, {"membership": before}, key=MEI, sender=sender)
    assert notice[0] == expected
    assert notice[1].get("person", "Mei") == "Mei"


def test_profiles_and_the_unknown() -> None:
    joined = {"membership": "join", "displayname": "Mei"}
    assert told("m.room.member", joined, joined, key=MEI) is None
    assert told("m.room.member", {**joined, "displayname": "Chen"}, joined, key=MEI) == (
        "notice-renamed",
        {"old": "Mei", "new": "Chen"},
    )
    assert told("m.room.member", {"membership": "rejoice"}, key=MEI) is None
    assert told("m.room.power_levels", {}) is None


@pytest.mark.parametrize(
    ("event_type", "content", "expected"),
    [
        ("m.room.name", {"name": "Tender"}, "notice-room-named"),
        ("m.room.name", {"name": 5}, "notice-room-unnamed"),
        ("m.room.topic", {"topic": "New"}, "notice-topic"),
        ("m.room.topic", {}, "notice-topic-removed"),
        ("m.room.avatar", {}, "notice-room-avatar"),
        ("m.room.encryption", {}, "notice-encrypted"),
        ("m.room.create", {}, "notice-created"),
        ("m.room.tombstone", {}, "notice-room-replaced"),
    ],
)
def test_what_happens_to_a_room(event_type: str, content: dict[str, Any], expected: str) -> None:
    assert told(event_type, content)[0] == expected
