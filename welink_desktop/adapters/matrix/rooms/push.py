"""Push rules on decrypted events (client-server API, "Push rules"; matrix.md §5). Pure."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from welink_desktop.adapters.matrix.wire.values import Json, list_of, object_of

KINDS = ("override", "content", "room", "sender", "underride")
_WORD = r"(?:^|(?<=\W))"


@dataclass(frozen=True, slots=True)
class Verdict:
    notify: bool = False
    highlight: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What conditions ask about besides the event."""

    room: str
    members: int
    display_name: str
    sender_power: int
    notify_room_power: int


NOTHING = Verdict()
NOTIFY = Verdict(notify=True)


def evaluate(rules: Json, event: Json, about: Circumstances) -> Verdict:
    """The first enabled rule that matches decides. `event` has `type`, `sender`, `content`, `room_id`, maybe `state_key`.

    Unknown conditions do not match; a malformed rule is skipped.
    """
    for kind in KINDS:
        for rule in list_of(rules, kind):
            if isinstance(rule, dict) and rule.get("enabled", True) is True and _matches(kind, rule, event, about):
                return _verdict(rule)
    return NOTHING


def muted(rules: Json, room: str) -> bool:
    """An enabled override (or room) rule for exactly this room without actions that notify."""
    for rule in list_of(rules, "override"):
        if not isinstance(rule, dict) or rule.get("rule_id") != room or rule.get("enabled", True) is not True:
            continue
        return not _verdict(rule).notify
    return False


def _verdict(rule: Json) -> Verdict:
    notify = highlight = False
    for action in list_of(rule, "actions"):
        if action in ("notify", "coalesce"):
            notify = True
        elif isinstance(action, dict) and action.get("set_tweak") == "highlight":
            highlight = action.get("value", True) is not False
    return Verdict(notify, notify and highlight)


def _matches(kind: str, rule: Json, event: Json, about: Circumstances) -> bool:
    if kind == "content":
        pattern = rule.get("pattern")
        body = object_of(event, "content").get("body")
        return isinstance(pattern, str) and isinstance(body, str) and _glob(pattern, words=True).search(body) is not None
    if kind == "room":
        return rule.get("rule_id") == about.room
    if kind == "sender":
        return rule.get("rule_id") == event.get("sender")
    return all(isinstance(condition, dict) and _holds(condition, event, about) for condition in list_of(rule, "conditions"))


def _holds(condition: Json, event: Json, about: Circumstances) -> bool:
    match condition.get("kind"):
        case "event_match":
            key, pattern = condition.get("key"), condition.get("pattern")
            value = _value(event, key)
            if not isinstance(value, str) or not isinstance(pattern, str):
                return False
            if key == "content.body":
                return _glob(pattern, words=True).search(value) is not None
            return _glob(pattern, words=False).fullmatch(value) is not None
        case "event_property_is":
            return _same(_value(event, condition.get("key")), condition.get("value"))
        case "event_property_contains":
            values = _value(event, condition.get("key"))
            return isinstance(values, list) and any(_same(value, condition.get("value")) for value in values)
        case "contains_display_name":
            body = object_of(event, "content").get("body")
            if not isinstance(body, str) or not about.display_name:
                return False
            return re.search(_WORD + re.escape(about.display_name) + r"(?:$|(?=\W))", body, re.IGNORECASE) is not None
        case "room_member_count":
            return _count_is(condition.get("is"), about.members)
        case "sender_notification_permission":
            return condition.get("key") == "room" and about.sender_power >= about.notify_room_power
        case _:
            return False


def _same(value: object, wanted: object) -> bool:
    """JSON equality of scalars: true is not 1."""
    if isinstance(value, (dict, list)) or isinstance(value, bool) != isinstance(wanted, bool):
        return False
    return value == wanted


def _value(event: Json, path: object) -> object:
    if not isinstance(path, str):
        return None
    value: object = event
    for part in _parts(path):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


@functools.lru_cache(maxsize=256)
def _parts(path: str) -> tuple[str, ...]:
    """Dots separate, `\\.` is a dot, `\\\\` a backslash."""
    parts, part, index = [], "", 0
    while index < len(path):
        letter = path[index]
        if letter == "\\" and index + 1 < len(path) and path[index + 1] in ".\\":
            part += path[index + 1]
            index += 2
            continue
        if letter == ".":
            parts.append(part)
            part = ""
        else:
            part += letter
        index += 1
    return (*parts, part)


@functools.lru_cache(maxsize=512)
def _glob(pattern: str, *, words: bool) -> re.Pattern[str]:
    body = "".join(
        ".*?" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in re.sub(r"\*+", "*", pattern[:255])
    )
    if words:
        body = _WORD + body + r"(?:$|(?=\W))"
    return re.compile(body, re.IGNORECASE | re.DOTALL)


def _count_is(rule: object, members: int) -> bool:
    if not isinstance(rule, str):
        return False
    match = re.fullmatch(r"(==|<=|>=|<|>)?(\d{1,9})", rule)
    if match is None:
        return False
    wanted = int(match[2])
    return {
        "==": members == wanted,
        "<": members < wanted,
        ">": members > wanted,
        "<=": members <= wanted,
        ">=": members >= wanted,
    }[match[1] or "=="]
