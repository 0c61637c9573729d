"""Push rules, condition by condition."""

from typing import Any

import pytest

from welink_desktop.adapters.matrix.rooms.push import Circumstances, Verdict, evaluate, muted

ABOUT = Circumstances(room="!r", members=3, display_name="Lin (QA)", sender_power=0, notify_room_power=50)
EVENT = {
    "type": "m.room.message",
    "sender": "@mei:x",
    "room_id": "!r",
    "content": {"body": "Good morning Lin (QA), coffee?", "n": 1, "yes": True, "a.b": "dot", "list": ["x", 1]},
}


def rules(*conditions: dict[str, Any], **rule: Any) -> dict[str, Any]:
    return {"override": [{"rule_id": "r", "enabled": True, "actions": ["notify"], "conditions": list(conditions), **rule}]}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"kind": "event_match", "key": "type", "pattern": "m.room.*"}, True),
        ({"kind": "event_match", "key": "type", "pattern": "m.room"}, False),
        ({"kind": "event_match", "key": "content.body", "pattern": "COFFEE"}, True),
        ({"kind": "event_match", "key": "content.body", "pattern": "coff"}, False),
        ({"kind": "event_match", "key": "content.body", "pattern": "c?ffee"}, True),
        ({"kind": "event_match", "key": "content.a\\.b", "pattern": "dot"}, True),
        ({"kind": "event_match", "key": "content.n", "pattern": "1"}, False),
        ({"kind": "event_match", "key": "missing.path", "pattern": "*"}, False),
        ({"kind": "event_property_is", "key": "content.n", "value": 1}, True),
        ({"kind": "event_property_is", "key": "content.yes", "value": 1}, False),
        ({"kind": "event_property_is", "key": "content.yes", "value": True}, True),
        ({"kind": "event_property_contains", "key": "content.list", "value": "x"}, True),
        ({"kind": "event_property_contains", "key": "content.list", "value": True}, False),
        ({"kind": "contains_display_name"}, True),
        ({"kind": "room_member_count", "is": "3"}, True),
        ({"kind": "room_member_count", "is": ">2"}, True),
        ({"kind": "room_member_count", "is": "<=2"}, False),
        ({"kind": "room_member_count", "is": "many"}, False),
        ({"kind": "room_member_count", "is": 3}, False),
        ({"kind": "sender_notification_permission", "key": "room"}, False),
        ({"kind": "org.example.unknown"}, False),
        ({}, False),
    ],
)
def test_conditions(condition: dict[str, Any], holds: bool) -> None:
    assert evaluate(rules(condition), EVENT, ABOUT).notify is holds


def test_the_first_enabled_match_decides() -> None:
    given = {
        "override": [
            {"rule_id": "off", "enabled": False, "actions": ["notify"], "conditions": []},
            "not a rule",
            {"rule_id": "quiet", "enabled": True, "actions": ["dont_notify"], "conditions": []},
        ],
        "underride": [{"rule_id": "loud", "enabled": True, "actions": ["notify"], "conditions": []}],
    }
    assert evaluate(given, EVENT, ABOUT) == Verdict()
    assert evaluate({}, EVENT, ABOUT) == Verdict()


def test_content_room_and_sender_rules() -> None:
    loud = {"enabled": True, "actions": ["notify", {"set_tweak": "highlight"}]}
    assert evaluate({"content": [{"rule_id": "w", "pattern": "coffee", **loud}]}, EVENT, ABOUT) == Verdict(True, True)
    assert evaluate({"room": [{"rule_id": "!r", **loud}]}, EVENT, ABOUT).notify
    assert evaluate({"sender": [{"rule_id": "@mei:x", **loud}]}, EVENT, ABOUT).notify
    assert not evaluate({"sender": [{"rule_id": "@bo:x", **loud}]}, EVENT, ABOUT).notify


def test_highlight_can_be_switched_off() -> None:
    assert evaluate(rules(actions=["notify", {"set_tweak": "highlight", "value": False}]), EVENT, ABOUT) == Verdict(True)


def test_muted_rooms() -> None:
    assert muted({"override": [{"rule_id": "!r", "enabled": True, "actions": []}]}, "!r")
    assert not muted({"override": [{"rule_id": "!r", "enabled": False, "actions": []}]}, "!r")
    assert not muted({"override": [{"rule_id": "!r", "enabled": True, "actions": ["notify"]}, 7]}, "!r")
    assert not muted({}, "!r")
