"""Every decision about who may have a key and what is believed: named pure functions (matrix.md §8.2-§8.4, §8.9)."""

import enum
from collections.abc import Collection
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Device, DeviceRef, Outbound, RoomRules, Source, Withheld
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

HOUR_MS = 3_600_000
WEEK_MS = 7 * 24 * HOUR_MS
DEFAULT_MESSAGES = 100
LATE_MS = 5 * 60_000
"""The key of a message younger than this is probably still on its way."""


class Channel(enum.Enum):
    """How an event came."""

    PLAIN = "plain"
    OLM = "olm"
    MEGOLM = "megolm"


_OLM_ONLY = frozenset({"m.room_key", "m.forwarded_room_key", "m.room_key_bundle", "m.secret.send", "m.dummy"})
_PLAIN_TOO = frozenset({"m.room_key.withheld", "m.room_key_request", "m.secret.request"})
_VERIFICATION = "m.key.verification."


def may_arrive(event_type: str, channel: Channel) -> bool:
    """The table of allowed cells (§8.9): may an event of this type be believed when it came this way?

    To-device types that are not in the table need Olm. Room events (Megolm) must not be to-device types, nor encrypted again.
    """
    plain_too = event_type in _PLAIN_TOO or event_type.startswith(_VERIFICATION)
    match channel:
        case Channel.PLAIN:
            return plain_too
        case Channel.OLM:
            return event_type != "m.room.encrypted"
        case Channel.MEGOLM:
            in_room_verification = event_type.startswith(_VERIFICATION)
            return event_type != "m.room.encrypted" and event_type not in _OLM_ONLY | _PLAIN_TOO and not in_room_verification


class DeviceVerdict(enum.Enum):
    """What becomes of a device shown by `/keys/query`."""

    ACCEPT = "accept"
    KEEP_OLD = "keep-old"
    """The same id with other keys: the old record stays, marked "keys changed"."""
    REFUSE = "refuse"


def judge_device(
    *, well_formed: bool, known: Device | None, curve25519: str, ed25519: str, key_owners: Collection[DeviceRef], ref: DeviceRef
) -> DeviceVerdict:
    """Rules of §8.1 (keys never change) and §8.2.4 (well formed, curve25519 key of nobody else).

    `well_formed`: ids match the map, key ids end with the device id, self-signature valid. `key_owners`: devices already known
    with this curve25519 key.
    """
    if not well_formed:
        return DeviceVerdict.REFUSE
    if known is not None and (known.curve25519, known.ed25519) != (curve25519, ed25519):
        return DeviceVerdict.KEEP_OLD
    if any(owner != ref for owner in key_owners):
        return DeviceVerdict.REFUSE
    return DeviceVerdict.ACCEPT


def key_withheld(device: Device) -> Withheld | None:
    """Why this device gets no room key; None: it gets it.

    Until identities can be verified every valid device of a member gets keys, signed by its owner or not (§8.2 rule 4 is
    checked before a device exists for us). A device whose keys changed gets none.
    """
    if device.keys_changed:
        return Withheld.UNVERIFIED
    if MEGOLM not in device.algorithms:
        return Withheld.UNAVAILABLE
    return None


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a room's session ends: clamped settings of the room (§8.4)."""

    period_ms: int
    messages: int


def rotation_of(period_ms: int | None, messages: int | None) -> Rotation:
    """Defaults 7 days and 100 messages; at least 1 h, 1 to 10,000 messages."""
    return Rotation(
        max(HOUR_MS, period_ms if period_ms is not None else WEEK_MS),
        min(10_000, max(1, messages if messages is not None else DEFAULT_MESSAGES)),
    )


def session_ended(
    session: Outbound, rules: RoomRules, *, now_ms: int, holders: Collection[DeviceRef], allowed: Collection[DeviceRef]
) -> bool:
    """Must a new session be made before the next message?

    `holders`: devices that have the session; `allowed`: those that may have it now. A holder that is not allowed any more (its
    user left, the device is gone or refused), a change of what newcomers may read, of the rotation settings, count or age end it.
    """
    rotation = rotation_of(rules.rotation_ms, rules.rotation_messages)
    return (
        session.invalid
        or session_worn(session, now_ms)
        or session.shared_history != rules.shared_history
        or (session.period_ms, session.period_messages) != (rotation.period_ms, rotation.messages)
        or not set(holders) <= set(allowed)
    )


def session_worn(session: Outbound, now_ms: int) -> bool:
    """By count or age (also when the clock went back before its birth by more than an hour)."""
    age = now_ms - session.created_ms
    return session.messages >= session.period_messages or age >= session.period_ms or age < -HOUR_MS


def is_owner(*, event_sender: str, session_owner: str) -> bool:
    """A message belongs to the user whose device delivered the session; nothing else in the event has a vote (§8.9 rule 3)."""
    return event_sender == session_owner


def shield_of(source: Source, *, device_signed: bool, owner_has_identity: bool) -> Shield:
    """The mark of a decrypted message whose sender owns the session.

    `owner_has_identity`: the sender ever published a cross-signing identity; only then a missing signature says something.
    """
    if source is not Source.OLM:
        return Shield.UNPROVEN
    if owner_has_identity and not device_signed:
        return Shield.UNSIGNED
    return Shield.AUTHENTIC


_WITHHELD_REASONS = {
    Withheld.BLACKLISTED: UndecryptableReason.WITHHELD_BLOCKED,
    Withheld.UNVERIFIED: UndecryptableReason.WITHHELD_UNVERIFIED,
    Withheld.UNAUTHORISED: UndecryptableReason.WITHHELD_UNAUTHORISED,
    Withheld.UNAVAILABLE: UndecryptableReason.KEY_MISSING,
    Withheld.NO_OLM: UndecryptableReason.WITHHELD_NO_CHANNEL,
    Withheld.HISTORY_NOT_SHARED: UndecryptableReason.SENT_BEFORE_JOIN,
}


def missing_reason(
    *,
    withheld: Withheld | None,
    has_later_copy: bool,
    sent_ms: int,
    now_ms: int,
    joined_ms: int,
    device_made_ms: int,
    device: str = "",
) -> Undecryptable:
    """Why there is no usable key: what the sender said, else what the times suggest (times explain, they never decide).

    `has_later_copy`: we have the session, but only from a later message on, so nothing is on its way. Always curable: a key may
    still come from elsewhere.
    """
    if withheld is not None:
        return Undecryptable(_WITHHELD_REASONS[withheld], device=device)
    if joined_ms and sent_ms < joined_ms:
        return Undecryptable(UndecryptableReason.SENT_BEFORE_JOIN, device=device)
    if device_made_ms and sent_ms < device_made_ms:
        return Undecryptable(UndecryptableReason.SENT_BEFORE_DEVICE, device=device)
    if not has_later_copy and abs(now_ms - sent_ms) < LATE_MS:
        return Undecryptable(UndecryptableReason.KEY_LATE, device=device)
    return Undecryptable(UndecryptableReason.KEY_MISSING, device=device)
