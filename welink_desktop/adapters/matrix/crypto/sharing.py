"""Who is handed secrets, keys and history, and from whom they are taken: named pure functions (matrix.md §8.4-§8.9)."""

from welink_desktop.adapters.matrix.crypto.records import Device, Source

VERIFIED_MS = 5 * 60_000
"""How long after a verification the other device is given secrets."""

OPEN_MS = 24 * 3_600_000
"""A question for a secret that nobody answered counts no longer than this."""

ACCEPTED_MS = 24 * 3_600_000
"""How long after accepting an invitation a history bundle of the inviter is taken."""


def within(at_ms: int | None, now_ms: int, span_ms: int) -> bool:
    """Is `now_ms` in the span that began at `at_ms`? None: it never began. A clock that went back ends it."""
    return at_ms is not None and 0 <= now_ms - at_ms <= span_ms


def may_give_secret(*, own_user: bool, this_device: bool, trusted: bool, known_name: bool, allowed: bool) -> bool:
    """May a secret go to the device that asks (§8.7)? `trusted`: an own device signed by our verified identity, keys unchanged.
    `allowed`: verified with us within the last five minutes, or the person said so.
    """
    return own_user and not this_device and trusted and known_name and allowed


def may_try_secret(*, encrypted: bool, own_user: bool, trusted: bool, open_request: bool, asked: bool) -> bool:
    """May an answer be tried (§8.9 rule 5)? `open_request`: one of ours, unanswered; `asked`: it went to this very device.

    Whether it is kept is then up to the comparison with the published public key.
    """
    return encrypted and own_user and trusted and open_request and asked


def may_give_key(*, own_user: bool, this_device: bool, trusted: bool, source: Source) -> bool:
    """May a room key be forwarded (§8.4)? Only what was proved to us, and only to own devices signed by our identity."""
    return own_user and not this_device and trusted and source is Source.OLM


def may_take_key(*, encrypted: bool, own_user: bool, trusted: bool, open_request: bool, asked: bool) -> bool:
    """May a forwarded room key be kept (§8.4)? Only from an own verified device that we asked for this very session."""
    return encrypted and own_user and trusted and open_request and asked


def may_share_history(*, chosen: bool, readable: bool, own_signed: bool) -> bool:
    """May older keys of a room go to somebody we invite (§8.5)? `chosen` by the inviter; `readable`: the history visibility is
    `shared` or `world_readable`; `own_signed`: by our identity, else nobody could believe the bundle.
    """
    return chosen and readable and own_signed


def may_have_history(device: Device) -> bool:
    """Does this device of an invited person get the bundle? Only if its owner signed it (CVE-2024-47080)."""
    return device.owner_signed and not device.keys_changed


def may_bundle(*, same_room: bool, shared_history: bool) -> bool:
    """May a session go into the bundle of a room? Only if it was made while newcomers could read."""
    return same_room and shared_history


def may_take_bundle(*, encrypted: bool, accepted_from_sender: bool, in_time: bool, sender_signed: bool) -> bool:
    """May a bundle be loaded (§8.5)? Only if the person accepted an invitation of its sender within the last day, and the
    sending device is signed by the sender's pinned identity.
    """
    return encrypted and accepted_from_sender and in_time and sender_signed


def may_take_from_bundle(*, same_room: bool, shared_history: bool | None) -> bool:
    """May a session of a bundle be kept? Its being in the bundle says "shared history" unless it says otherwise."""
    return same_room and shared_history is not False
