"""The room list as it stood last, so that a start shows it at once; what changed since is corrected right after."""

import json
from collections.abc import Iterable
from typing import Any

from welink_desktop.adapters.matrix.store import account
from welink_desktop.adapters.matrix.store.database import Transaction
from welink_desktop.core.ids import ContentUri, RoomId, UserId
from welink_desktop.core.rooms import Membership, MessagePreview, PreviewState, RoomSummary, Unread
from welink_desktop.core.text import Text

FACT = "room-list"
VERSION = 1


def keep(t: Transaction, rooms: Iterable[RoomSummary]) -> None:
    """Running calls are left out: they are over sooner than a restart."""
    account.set_fact(t, FACT, json.dumps([VERSION, [_packed(summary) for summary in rooms]]))


def kept(t: Transaction) -> list[RoomSummary]:
    """Empty if nothing usable was kept."""
    stored = account.fact(t, FACT)
    if stored is None:
        return []
    try:
        version, rooms = json.loads(stored)
        return [_unpacked(room) for room in rooms] if version == VERSION else []
    except (ValueError, KeyError, TypeError):
        return []


def _packed(summary: RoomSummary) -> dict[str, Any]:
    last = summary.last
    return {
        "room": summary.room,
        "name": summary.name,
        "membership": summary.membership.value,
        "direct": summary.direct_with,
        "avatar": summary.avatar,
        "topic": summary.topic,
        "encrypted": summary.encrypted,
        "joined": summary.joined,
        "order": summary.order,
        "unread": [summary.unread.messages, summary.unread.mentions, summary.unread.marked],
        "favourite": summary.favourite,
        "muted": summary.muted,
        "draft": summary.draft,
        "external": summary.external_organisations,
        "inviter": summary.inviter,
        "space": summary.is_space,
        "last": None
        if last is None
        else {
            "sender": last.sender,
            "name": last.sender_name,
            "own": last.own,
            "ts": last.timestamp_ms,
            "body": last.body,
            "notice": None if last.notice is None else [last.notice.key, dict(last.notice.args)],
            "state": last.state.value,
        },
    }


def _unpacked(room: dict[str, Any]) -> RoomSummary:
    return RoomSummary(
        room=RoomId(room["room"]),
        name=room["name"],
        membership=Membership(room["membership"]),
        direct_with=None if room["direct"] is None else UserId(room["direct"]),
        avatar=None if room["avatar"] is None else ContentUri(room["avatar"]),
        topic=room["topic"],
        encrypted=room["encrypted"],
        joined=room["joined"],
        order=room["order"],
        last=None if room["last"] is None else _preview(room["last"]),
        unread=Unread(*room["unread"]),
        favourite=room["favourite"],
        muted=room["muted"],
        draft=room["draft"],
        external_organisations=tuple(room["external"]),
        inviter=None if room["inviter"] is None else UserId(room["inviter"]),
        is_space=room["space"],
    )


def _preview(last: dict[str, Any]) -> MessagePreview:
    notice = last["notice"]
    return MessagePreview(
        sender=UserId(last["sender"]),
        sender_name=last["name"],
        own=last["own"],
        timestamp_ms=last["ts"],
        body=last["body"],
        notice=None if notice is None else Text(notice[0], notice[1]),
        state=PreviewState(last["state"]),
    )
