"""State events in our words (catalogue keys `notice-…`)."""

from collections.abc import Callable

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.wire.values import Json, text_of
from welink_desktop.core.ids import UserId
from welink_desktop.core.text import Text, text

NameOf = Callable[[UserId], str]


def notice_of(event_type: str, state_key: str, sender: UserId, content: Json, previous: Json, name_of: NameOf) -> Text | None:
    """None for state that people need not see."""
    who = name_of(sender)
    match event_type:
        case names.MEMBER:
            return _member(UserId(state_key), sender, content, previous, name_of)
        case names.NAME:
            name = text_of(content, "name", 256).strip()
            return text("notice-room-named", who=who, name=name) if name else text("notice-room-unnamed", who=who)
        case names.TOPIC:
            topic = text_of(content, "topic", 500).strip()
            return text("notice-topic", who=who, topic=topic) if topic else text("notice-topic-removed", who=who)
        case names.AVATAR:
            return text("notice-room-avatar", who=who)
        case names.ENCRYPTION:
            return text("notice-encrypted")
        case names.CREATE:
            return text("notice-created", who=who)
        case names.TOMBSTONE:
            return text("notice-room-replaced")
        case _:
            return None


def _member(user: UserId, sender: UserId, content: Json, previous: Json, name_of: NameOf) -> Text | None:
    now, before = content.get("membership"), previous.get("membership", "leave")
    person = text_of(content, "displayname", 256).strip() or text_of(previous, "displayname", 256).strip() or name_of(user)
    who = name_of(sender)
    match now:
        case "join" if before == "join":
            return _profile(content, previous, user)
        case "join":
            return text("notice-joined", person=person)
        case "invite":
            return text("notice-invited", who=who, person=person)
        case "ban":
            return text("notice-banned", who=who, person=person)
        case "knock":
            return text("notice-knocked", person=person)
        case "leave" if before == "ban":
            return text("notice-unbanned", who=who, person=person)
        case "leave" if before == "invite":
            return (
                text("notice-invite-declined", person=person)
                if user == sender
                else text("notice-invite-withdrawn", who=who, person=person)
            )
        case "leave" if user == sender:
            return text("notice-left", person=person)
        case "leave":
            return text("notice-removed", who=who, person=person)
        case _:
            return None


def _profile(content: Json, previous: Json, user: UserId) -> Text | None:
    new, old = text_of(content, "displayname", 256).strip(), text_of(previous, "displayname", 256).strip()
    if new == old:
        return None
    return text("notice-renamed", old=old or user, new=new or user)
