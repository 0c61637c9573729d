"""Identifiers as types, never bare `str` (Matrix specification, appendix "Identifier grammar").

A room id of room version 12 has no server part: never split one at ":".
"""

from typing import NewType

UserId = NewType("UserId", str)
DeviceId = NewType("DeviceId", str)
RoomId = NewType("RoomId", str)
EventId = NewType("EventId", str)
TransactionId = NewType("TransactionId", str)
"""Names a message of ours from the moment it is queued; chosen by the outbox, unique per device."""

ItemKey = NewType("ItemKey", str)
"""Identity of a row on screen. Stays the same when a local echo becomes a server event."""

AccountKey = NewType("AccountKey", str)
"""Names a signed-in account of this profile: a file-name-safe hash of server and user id."""

ContentUri = NewType("ContentUri", str)
"""`mxc://server/media`, already validated by the adapter that produced it."""

MessageRef = EventId | TransactionId
"""What a reply, edit, reaction or redaction names. At run time both are `str`; the event id starts with "$"."""


def server_name_of(user: UserId) -> str:
    """The server part of a user id: everything after the first colon ("" if there is none)."""
    return user.partition(":")[2]


def localpart_of(user: UserId) -> str:
    """The part of a user id between "@" and the first colon."""
    return user.removeprefix("@").partition(":")[0]
