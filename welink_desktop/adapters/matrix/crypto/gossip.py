"""Secrets between the devices of one account: `m.secret.request` and `m.secret.send` (matrix.md §8.7, §8.9 rule 5)."""

import dataclasses
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from welink_desktop.adapters.matrix.crypto.exported import is_id
from welink_desktop.adapters.matrix.crypto.records import Device, DeviceRef, JsonObject, ToDevice
from welink_desktop.adapters.matrix.crypto.sharing import OPEN_MS, VERIFIED_MS, may_give_secret, may_try_secret, within
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import literal, short, topic

REQUEST = "m.secret.request"
SEND = "m.secret.send"
NAMES = frozenset(
    {"m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing", "m.megolm_backup.v1"}
)
MAX_SECRET = 1_000
MAX_WISHES = 100

Posts = Mapping[UserId, Mapping[DeviceId, JsonObject]]

_log = topic("crypto.gossip")


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """An open question of ours. `devices`: those that may answer it, each once."""

    request: str
    name: str
    asked_ms: int
    devices: frozenset[DeviceId] = frozenset()
    answered: frozenset[DeviceId] = frozenset()


@dataclass(frozen=True, slots=True)
class SecretWish:
    """A question of another own device that may be answered now, with `answer_to` its content."""

    device: Device
    name: str
    request: str


@dataclass(frozen=True, slots=True)
class SecretAnswer:
    """An answer that may be tried: believed only if the key check passes."""

    request: str
    name: str
    device: DeviceId
    secret: str = field(repr=False)


class GossipStore(Protocol):
    """Open questions survive the program; what others asked does not."""

    def secret_requests(self) -> list[SecretRequest]: ...

    def save_secret_request(self, row: SecretRequest) -> None: ...

    def remove_secret_request(self, request: str) -> None: ...


class Gossip:
    """`devices()`: the devices of our account as known. `trusted(device)`: the whole chain from our verified identity holds."""

    def __init__(
        self,
        own: DeviceRef,
        store: GossipStore,
        clock: Clock,
        devices: Callable[[], Iterable[Device]],
        trusted: Callable[[Device], bool],
    ) -> None:
        self._user, self._device = own
        self._store = store
        self._clock = clock
        self._devices = devices
        self._trusted = trusted
        self._allowed_ms: dict[DeviceId, int] = {}
        self._wishes: dict[tuple[DeviceId, str], tuple[str, int]] = {}
        """(device, name) → (request id, when): not answered yet."""

    # Asking

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the secrets that were asked for and have not come."""
        return frozenset(row.name for row in self._open())

    def want(self, names: Collection[str]) -> list[Posts]:
        """Ask our verified devices for these secrets; what is open already is not asked twice of the same device."""
        now = self._clock.now_ms()
        for name in sorted(NAMES & set(names) - self.wanted):
            self._store.save_secret_request(SecretRequest(secrets.token_hex(16), name, now))
        return self.ask_others()

    def ask_others(self) -> list[Posts]:
        """Open questions to verified devices that were not asked yet: there may be new ones."""
        others = {device.device for device in self._devices() if self._is_other(device) and self._trusted(device)}
        posts: list[Posts] = []
        for row in self._open():
            fresh = others - row.devices
            if fresh:
                self._store.save_secret_request(dataclasses.replace(row, devices=row.devices | fresh))
                posts.append(self._to(fresh, {"name": row.name, "action": "request", "request_id": row.request}))
        return posts

    def give_up(self, names: Collection[str]) -> list[Posts]:
        """These came another way."""
        posts = []
        for row in self._open():
            if row.name in names:
                posts += self._close(row)
        return posts

    def arrived(self, event: ToDevice) -> SecretAnswer | None:
        """An `m.secret.send` that may be tried, None for any other. Tell the outcome by `taken` or `refused`."""
        request, secret = event.content.get("request_id"), event.content.get("secret")
        row = next((one for one in self._open() if one.request == request), None)
        may = may_try_secret(
            encrypted=event.encrypted,
            own_user=event.sender == self._user,
            trusted=self._sender_trusted(event),
            open_request=row is not None,
            asked=row is not None and event.sender_device in row.devices - row.answered,
        )
        if not may or row is None or not isinstance(secret, str) or not 0 < len(secret) <= MAX_SECRET:
            _log.warning("secret refused", user=short(event.sender))
            return None
        return SecretAnswer(row.request, row.name, event.sender_device, secret)

    def is_open(self, answer: SecretAnswer) -> bool:
        return any(row.request == answer.request for row in self._open())

    def taken(self, answer: SecretAnswer) -> list[Posts]:
        """The key check passed: the question is closed, the others need not answer."""
        posts: list[Posts] = []
        for row in self._open():
            if row.request == answer.request:
                posts += self._close(row)
        return posts

    def refused(self, answer: SecretAnswer) -> None:
        """The key check failed: this device has answered once and is not listened to again."""
        _log.warning("secret does not fit", name=literal(answer.name), device=short(answer.device))
        for row in self._open():
            if row.request == answer.request:
                self._store.save_secret_request(dataclasses.replace(row, answered=row.answered | {answer.device}))

    # Answering

    def allow(self, device: DeviceId) -> list[SecretWish]:
        """The device was verified with this one just now, or the person said so. Returns what may be answered at once."""
        self._allowed_ms[device] = self._clock.now_ms()
        return self.review()

    def wished(self, event: ToDevice) -> list[SecretWish]:
        """An `m.secret.request`, hostile as it may be. What may not be answered yet is kept for `review`, as long as a
        verification could still make it right.
        """
        content, action = event.content, event.content.get("action")
        device, request, name = content.get("requesting_device_id"), content.get("request_id"), content.get("name")
        if event.sender != self._user or not is_id(device) or not is_id(request) or device == self._device:
            return []
        if event.encrypted and event.sender_device != device:
            return []
        if action == "request_cancellation":
            self._wishes = {key: row for key, row in self._wishes.items() if (key[0], row[0]) != (device, request)}
            return []
        if action != "request" or not isinstance(name, str) or name not in NAMES or len(self._wishes) >= MAX_WISHES:
            return []
        self._wishes[(DeviceId(device), name)] = (request, self._clock.now_ms())
        return self.review()

    def review(self) -> list[SecretWish]:
        """Look again at what was not answered: a device may be signed and verified meanwhile. What is returned is answered."""
        now = self._clock.now_ms()
        self._wishes = {key: row for key, row in self._wishes.items() if within(row[1], now, 2 * VERIFIED_MS)}
        known = {device.device: device for device in self._devices()}
        found = []
        for (device_id, name), (request, _) in tuple(self._wishes.items()):
            device = known.get(device_id)
            if device is not None and self._may_give(device, name, now):
                del self._wishes[(device_id, name)]
                found.append(SecretWish(device, name, request))
        return found

    def _may_give(self, device: Device, name: str, now: int) -> bool:
        return may_give_secret(
            own_user=device.user == self._user,
            this_device=device.device == self._device,
            trusted=not device.keys_changed and self._trusted(device),
            known_name=name in NAMES,
            allowed=within(self._allowed_ms.get(device.device), now, VERIFIED_MS),
        )

    # Inside

    def _open(self) -> list[SecretRequest]:
        rows, now = self._store.secret_requests(), self._clock.now_ms()
        for row in rows:
            if not within(row.asked_ms, now, OPEN_MS):
                self._store.remove_secret_request(row.request)
        return [row for row in rows if within(row.asked_ms, now, OPEN_MS)]

    def _close(self, row: SecretRequest) -> list[Posts]:
        self._store.remove_secret_request(row.request)
        content = {"action": "request_cancellation", "request_id": row.request}
        return [self._to(row.devices, content)] if row.devices else []

    def _to(self, devices: Iterable[DeviceId], content: JsonObject) -> Posts:
        whole = {**content, "requesting_device_id": self._device}
        return {self._user: {device: whole for device in sorted(devices)}}

    def _is_other(self, device: Device) -> bool:
        return device.user == self._user and device.device != self._device and not device.keys_changed

    def _sender_trusted(self, event: ToDevice) -> bool:
        """The device that Olm proved, as it is known now."""
        device = next((one for one in self._devices() if one.ref == (event.sender, event.sender_device)), None)
        return device is not None and self._is_other(device) and device.curve25519 == event.sender_key and self._trusted(device)


def answer_to(wish: SecretWish, secret: str) -> JsonObject:
    """The content of the `m.secret.send` that answers `wish`."""
    return {"request_id": wish.request, "secret": secret, "name": wish.name}
