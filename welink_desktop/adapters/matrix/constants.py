"""Every path and every stable or unstable name, in one table (matrix.md §11). Re-test on each server update."""

from typing import Final

Path = tuple[str, ...]

CLIENT_V3: Final[Path] = ("_matrix", "client", "v3")
CLIENT_V1: Final[Path] = ("_matrix", "client", "v1")
CLIENT_UNSTABLE: Final[Path] = ("_matrix", "client", "unstable")
MEDIA_V3: Final[Path] = ("_matrix", "media", "v3")
MEDIA_V1: Final[Path] = ("_matrix", "media", "v1")

SLIDING_SYNC: Final[Path] = (*CLIENT_UNSTABLE, "org.matrix.simplified_msc3575", "sync")
SLIDING_SYNC_FLAG: Final = "org.matrix.simplified_msc3575"
DELAYED_EVENTS_FLAG: Final = "org.matrix.msc4140"

# Room events

CREATE: Final = "m.room.create"
NAME: Final = "m.room.name"
AVATAR: Final = "m.room.avatar"
TOPIC: Final = "m.room.topic"
ALIAS: Final = "m.room.canonical_alias"
MEMBER: Final = "m.room.member"
ENCRYPTION: Final = "m.room.encryption"
ENCRYPTED: Final = "m.room.encrypted"
HISTORY_VISIBILITY: Final = "m.room.history_visibility"
JOIN_RULES: Final = "m.room.join_rules"
POWER_LEVELS: Final = "m.room.power_levels"
TOMBSTONE: Final = "m.room.tombstone"
PINNED: Final = "m.room.pinned_events"
GUEST_ACCESS: Final = "m.room.guest_access"
SERVER_ACL: Final = "m.room.server_acl"
SPACE_CHILD: Final = "m.space.child"
SPACE_PARENT: Final = "m.space.parent"
SPACE_TYPE: Final = "m.space"
MESSAGE: Final = "m.room.message"
REACTION: Final = "m.reaction"
REDACTION: Final = "m.room.redaction"
STICKER: Final = "m.sticker"
CALL_MEMBER: Final = "org.matrix.msc3401.call.member"
CALL_MEMBER_STABLE: Final = "m.call.member"
CALL_NOTIFICATION: Final = "org.matrix.msc4075.rtc.notification"
CALL_NOTIFY_OLD: Final = "org.matrix.msc4075.call.notify"

REL_REPLACE: Final = "m.replace"
REL_ANNOTATION: Final = "m.annotation"
REL_THREAD: Final = "m.thread"

VERIFICATION_PREFIX: Final = "m.key.verification."
VERIFICATION_REQUEST: Final = "m.key.verification.request"

MEGOLM: Final = "m.megolm.v1.aes-sha2"
OLM: Final = "m.olm.v1.curve25519-aes-sha2"

# Account data

DIRECT: Final = "m.direct"
PUSH_RULES: Final = "m.push_rules"
IGNORED: Final = "m.ignored_user_list"
TAG: Final = "m.tag"
FAVOURITE: Final = "m.favourite"
MARKED_UNREAD: Final = "m.marked_unread"
MARKED_UNREAD_OLD: Final = "com.famedly.marked_unread"
FULLY_READ: Final = "m.fully_read"

# Ephemeral

RECEIPT: Final = "m.receipt"
READ: Final = "m.read"
READ_PRIVATE: Final = "m.read.private"
TYPING: Final = "m.typing"

# Content

HTML_FORMAT: Final = "org.matrix.custom.html"
VOICE: Final = "org.matrix.msc3245.voice"
VOICE_STABLE: Final = "m.voice"
AUDIO_DETAILS: Final = "org.matrix.msc1767.audio"
MENTIONS: Final = "m.mentions"

# MSC4222 (state after the timeline in /sync v3)

STATE_AFTER_PARAMETER: Final = "org.matrix.msc4222.use_state_after"
STATE_AFTER: Final = "org.matrix.msc4222.state_after"

# Own names

ORGANISATION_FIELD: Final = "io.welinkdesktop.organisation"
KEYRING_PREFIX: Final = "account"
SEALED_KEY_FILE: Final = "store.recovery"
"""In an account's folder: the key of its store, sealed with the recovery key."""
