"""Every decision about who may have a key and what is believed: named pure functions (matrix.md §8.2-§8.4, §8.9)."""

import enum
from collections.abc import Collection
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Device, DeviceRef, Outbound, RoomRules, Source, Withheld
from welink_desktop.core.security import PersonTrust
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

    To-device types that are not in the table need Olm. Room events (Megolm) must not be to-device types, nor encrypted again;
    verifications between people take place in rooms, in clear or encrypted. To-device events never come by Megolm.
    """
    plain_too = event_type in _PLAIN_TOO or event_type.startswith(_VERIFICATION)
    match channel:
        case Channel.PLAIN:
            return plain_too
        case Channel.OLM:
            return event_type != "m.room.encrypted"
        case Channel.MEGOLM:
            return event_type != "m.room.encrypted" and event_type not in _OLM_ONLY | _PLAIN_TOO


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


def device_verified(*, own_verified: bool, user_signed: bool, device_signed: bool, pin_holds: bool) -> bool:
    """May this device be shown as verified, and be given secrets (§8.9 rule 6)? Only if the whole chain holds.

    `own_verified`: our own identity was proved to be ours. `user_signed`: our user-signing key signed the owner's master key
    (true for our own account). `device_signed`: by the owner's self-signing key, that one by the master. `pin_holds`: the
    master is the pinned one and the device's keys never changed.
    """
    return own_verified and user_signed and device_signed and pin_holds


def own_identity_verified(*, shown: str, trusted: str, private: str) -> bool:
    """Is the master key that the server shows for us ours? `trusted`: proved by a verification; `private`: the public key of
    the private master that we hold. "" stands for none.
    """
    return shown != "" and shown in (trusted, private)


def person_trust(*, published: bool, changed: bool, was_verified: bool, own_verified: bool, user_signed: bool) -> PersonTrust:
    """What we know about somebody (§8.6). A change counts before everything else; nobody is verified by an own identity that
    is not verified itself.
    """
    if changed:
        return PersonTrust.BROKEN if was_verified else PersonTrust.CHANGED
    if not published:
        return PersonTrust.NONE
    return PersonTrust.VERIFIED if own_verified and user_signed else PersonTrust.SEEN


class PinVerdict(enum.Enum):
    """What becomes of the pinned master key when the server shows one (or none)."""

    NOTHING = "nothing"
    FIRST = "first"
    SAME = "same"
    PROVED = "proved"
    """Another one, which our verified identity signed: verified on another device of ours. It becomes the pinned one."""
    CHANGED = "changed"


def judge_master(*, pinned: str, shown: str, signed_by_us: bool) -> PinVerdict:
    """`pinned` and `shown`: master keys, "" for none. One that vanished has changed. `signed_by_us`: the shown one, by our
    user-signing key while our own identity is verified.
    """
    if shown == pinned:
        return PinVerdict.SAME if pinned else PinVerdict.NOTHING
    if not pinned:
        return PinVerdict.FIRST
    return PinVerdict.PROVED if shown and signed_by_us else PinVerdict.CHANGED


def may_sign_master(*, own_verified: bool, holds_key: bool, compared: str, shown: str) -> bool:
    """May we sign somebody's master key (§8.9 rule 19)? Only the one that was compared, and only if it is still shown."""
    return own_verified and holds_key and compared != "" and compared == shown


def may_sign_device(*, own_verified: bool, holds_key: bool, keys_changed: bool, compared: str, known: str) -> bool:
    """May we sign a device of ours? `compared`: the ed25519 key that was compared, `known`: the one of the device list."""
    return own_verified and holds_key and not keys_changed and compared != "" and compared == known


def secret_fits(*, public: str, published: str) -> bool:
    """A private key is believed only if its public half is the one published for this purpose (§8.6, §8.9 rule 5)."""
    return published != "" and public == published


def key_withheld(device: Device, *, only_signed: bool = False, owner_broken: bool = False) -> Withheld | None:
    """Why this device gets no room key; None: it gets it (§8.9 rules 1 and 11).

    `only_signed`: the policy of MSC4153, for our own devices, too. `owner_broken`: the owner's identity changed after we had
    verified it. A device whose keys changed never gets one.
    """
    if device.keys_changed or owner_broken or (only_signed and not device.shown_signed):
        return Withheld.UNVERIFIED
    if MEGOLM not in device.algorithms:
        return Withheld.UNAVAILABLE
    return None


def may_be_told(event_type: str, device: Device, *, only_signed: bool = False, owner_broken: bool = False) -> bool:
    """May an encrypted to-device message go to this device? Verifications are how a device becomes trusted, so they may;
    everything else may carry keys (§8.9 rule 21).
    """
    if device.keys_changed:
        return False
    if event_type.startswith(_VERIFICATION) or event_type == "m.dummy":
        return True
    return not owner_broken and (device.shown_signed or not only_signed)


def may_tell(event_type: str, device: Device, *, only_signed: bool = False) -> bool:
    """Is what this device tells us over Olm believed? Under the policy of MSC4153 an unsigned one may only say what a mark goes
    with (room keys), what explains or asks, and verify itself.
    """
    if device.shown_signed or not only_signed:
        return True
    return event_type in _PLAIN_TOO or event_type in ("m.room_key", "m.dummy") or event_type.startswith(_VERIFICATION)


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


def is_owner(*, event_sender: str, session_owner: str | None) -> bool:
    """A message belongs to the user whose device delivered the session; nothing else in the event has a vote (§8.9 rule 3).

    None: the session was handed on and its owner is not known; such messages are never shown as authentic (rule 15).
    """
    return session_owner is None or event_sender == session_owner


def shield_of(source: Source, *, device_signed: bool, owner_has_identity: bool, only_signed: bool = False) -> Shield:
    """The mark of a decrypted message whose sender owns the session.

    `device_signed`: by the sender's pinned identity. `owner_has_identity`: the sender ever published one; only then, or under
    the policy `only_signed`, a missing signature says something.
    """
    if source is not Source.OLM:
        return Shield.UNPROVEN
    if not device_signed and (owner_has_identity or only_signed):
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
