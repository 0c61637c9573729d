"""Other people's devices: which lists to fetch, what to believe of an answer (matrix.md §8.2)."""

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from welink_desktop.adapters.matrix.crypto.canonical import storable, unpadded, verified
from welink_desktop.adapters.matrix.crypto.identities import Identities
from welink_desktop.adapters.matrix.crypto.records import Device, DeviceRef, Identity, JsonObject, KeysQuery, Tracking
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.crypto.trust import DeviceVerdict, judge_device
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, UserId, server_name_of
from welink_desktop.core.log import short, topic

BATCH = 100
"""Users per query. Checking an answer of this size takes about a tenth of a second."""

MAX_DEVICES = 500
"""More devices of one user than this are not looked at."""

FIRST_WAIT_MS = 60_000
LONGEST_WAIT_MS = 3_600_000

_log = topic("crypto.devices")


class DeviceLists:
    """Which users are tracked, and their devices. `on_change(user)` after a list was taken over."""

    def __init__(
        self,
        own: DeviceRef,
        own_keys: tuple[str, str],
        store: CryptoStore,
        identities: Identities,
        clock: Clock,
        on_change: Callable[[UserId], None],
    ) -> None:
        self._own = own
        self._own_keys = own_keys
        self._store = store
        self._identities = identities
        self._clock = clock
        self._on_change = on_change
        self.changed_lists: set[UserId] = set()
        """Whose devices are not what they were; whoever tells about them empties it."""
        self._rest: dict[str, tuple[int, int]] = {}
        """Server name → (no query before, wait in ms), while it does not answer."""

    def track(self, users: Iterable[UserId]) -> None:
        """From now on keep these users' lists."""
        for user in users:
            if self._store.tracking(user) is None:
                self._store.save_tracking(user, Tracking())

    def changed(self, users: Iterable[object], left: Iterable[object] = ()) -> None:
        """`device_lists` of a sync answer. Users that are not tracked are ignored."""
        for user in users:
            if isinstance(user, str):
                self.mark_outdated(UserId(user))
        for user in left:
            if isinstance(user, str) and user != self._own[0]:
                self._store.untrack(UserId(user))

    def mark_outdated(self, user: UserId) -> None:
        state = self._store.tracking(user)
        if state is not None:
            self._store.save_tracking(user, dataclasses.replace(state, outdated=True, sequence=state.sequence + 1))

    def waiting_for(self, users: Collection[UserId]) -> set[UserId]:
        """Those of `users` whose list is not fresh, servers that do not answer included."""
        return self._store.outdated().keys() & set(users)

    def never_seen(self, users: Collection[UserId]) -> set[UserId]:
        """Those of `users` whose list was never fetched."""
        return {user for user in users if (state := self._store.tracking(user)) is None or not state.known}

    def queries(self) -> list[KeysQuery]:
        """What to ask now, in batches."""
        now = self._clock.now_ms()
        due = {user: state.sequence for user, state in self._store.outdated().items() if not self._resting(user, now)}
        users = sorted(due)
        return [KeysQuery({user: due[user] for user in users[i : i + BATCH]}) for i in range(0, len(users), BATCH)]

    def answered(self, query: KeysQuery, answer: Mapping[str, Any]) -> set[UserId]:
        """Take over an answer; users not asked for are ignored. Returns the users whose list is fresh now or was refreshed."""
        lists, failures = _object(answer.get("device_keys")), _object(answer.get("failures"))
        self._note_failures(failures, query)
        done: set[UserId] = set()
        for user, sequence in sorted(query.users.items(), key=lambda one: one[0] != self._own[0]):
            shown = lists.get(user)
            if not isinstance(shown, dict):
                if server_name_of(user) in failures:
                    continue
                self._fresh(user, sequence)
                continue
            self._take_devices(user, shown, self._identities.take(user, answer))
            self._identities.note_devices(user)
            self._fresh(user, sequence)
            done.add(user)
            self._on_change(user)
        return done

    def from_olm(self, sender: UserId, raw: object) -> Device | None:
        """The device that MSC4147 `sender_device_keys` of an Olm message describe, if we would accept it; it is not stored."""
        if not isinstance(raw, dict) or not isinstance(raw.get("device_id"), str):
            return None
        device_id = DeviceId(raw["device_id"])
        known = self._store.devices(sender).get(device_id)
        device = self._judged(sender, device_id, raw, known, self._store.identity(sender))
        return None if device is None or device.keys_changed else device

    def _fresh(self, user: UserId, sequence: int) -> None:
        state = self._store.tracking(user)
        if state is not None:
            stale = state.sequence != sequence
            self._store.save_tracking(user, dataclasses.replace(state, outdated=stale, known=True))

    def _take_devices(self, user: UserId, shown: Mapping[str, Any], identity: Identity | None) -> None:
        known = self._store.devices(user)
        result: list[Device] = []
        taken: set[str] = set()
        for device_id in sorted(shown, key=lambda one: (one not in known, one))[:MAX_DEVICES]:
            device = self._judged(user, DeviceId(device_id), shown[device_id], known.get(DeviceId(device_id)), identity)
            if device is None or device.curve25519 in taken:
                continue
            taken.add(device.curve25519)
            result.append(device)
        if known != {device.device: device for device in result}:
            self._store.replace_devices(user, result)
            self.changed_lists.add(user)

    def _judged(
        self, user: UserId, device_id: DeviceId, raw: object, known: Device | None, identity: Identity | None
    ) -> Device | None:
        device = parse_device(user, device_id, raw)
        curve, ed = (device.curve25519, device.ed25519) if device else ("", "")
        owners = [other.ref for other in self._store.devices_with_key(curve)] if device else []
        if device and curve == self._own_keys[0]:
            owners.append(self._own)
        if device and device.ref == self._own and (curve, ed) != self._own_keys:
            _log.error("the server shows other keys for this device")
            return None
        verdict = judge_device(
            well_formed=device is not None, known=known, curve25519=curve, ed25519=ed, key_owners=owners, ref=(user, device_id)
        )
        match verdict:
            case DeviceVerdict.REFUSE:
                _log.warning("device refused", user=short(user), device=short(device_id), well_formed=device is not None)
                return None
            case DeviceVerdict.KEEP_OLD:
                _log.warning("device keys changed", user=short(user), device=short(device_id))
                return dataclasses.replace(known, keys_changed=True) if known else None
            case DeviceVerdict.ACCEPT:
                assert device is not None and isinstance(raw, dict)
                signed = _signed_by(identity, user, raw)
                pinned = signed and identity is not None and not identity.changed
                return dataclasses.replace(device, owner_signed=pinned, shown_signed=signed)

    def _note_failures(self, failures: Mapping[str, Any], query: KeysQuery) -> None:
        now = self._clock.now_ms()
        for server in {server_name_of(user) for user in query.users}:
            if server not in failures:
                self._rest.pop(server, None)
                continue
            wait = min(LONGEST_WAIT_MS, 2 * self._rest[server][1]) if server in self._rest else FIRST_WAIT_MS
            self._rest[server] = (now + wait, wait)

    def _resting(self, user: UserId, now: int) -> bool:
        return self._rest.get(server_name_of(user), (0, 0))[0] > now


def parse_device(user: UserId, device_id: DeviceId, raw: object) -> Device | None:
    """A device object with every check of §8.2 rule 4 that needs nothing else: ids, key ids, self-signature. None: refused."""
    if not isinstance(raw, dict) or raw.get("user_id") != user or raw.get("device_id") != device_id:
        return None
    keys = _object(raw.get("keys"))
    try:
        curve = unpadded(keys.get(f"curve25519:{device_id}"))
        ed = unpadded(keys.get(f"ed25519:{device_id}"))
        text = json.dumps(raw)
    except (ValueError, RecursionError):
        return None
    if not verified(raw, user, f"ed25519:{device_id}", ed):
        return None
    algorithms = raw.get("algorithms")
    name = _object(raw.get("unsigned")).get("device_display_name")
    return Device(
        user=user,
        device=device_id,
        curve25519=curve,
        ed25519=ed,
        algorithms=tuple(one for one in algorithms if isinstance(one, str)) if isinstance(algorithms, list) else (),
        name=name[:256] if isinstance(name, str) and storable(name) else "",
        dehydrated=raw.get("dehydrated") is True,
        raw=text,
    )


def _signed_by(identity: Identity | None, user: UserId, raw: JsonObject) -> bool:
    """Did the identity that the owner shows sign this device?"""
    if identity is None or not identity.self_signing:
        return False
    return verified(raw, user, f"ed25519:{identity.self_signing}", identity.self_signing)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
