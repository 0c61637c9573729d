"""The devices of this account: what the server tells of them, and which the account's identity signed."""

import asyncio
import dataclasses
from collections.abc import Collection, Iterable

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto.records import Device
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.encryption_seams import KeyRequests
from welink_desktop.adapters.matrix.errors import Missing
from welink_desktop.adapters.matrix.security.uia import Interactive
from welink_desktop.adapters.matrix.wire.values import Json, clean, integer_of, list_of, text_of
from welink_desktop.core.errors import NotAllowed, WeLinkError
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Cancel, Scope, State
from welink_desktop.core.security import OwnDevice

NAME_LIMIT = 100
"""Characters of a device name. Synapse takes no more."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
_log = topic("security.devices")


class OwnDevices:
    """One per account, on the engine loop. `start` follows changes, once somebody watches."""

    def __init__(
        self, encryption: Encryption, http: KeyRequests, interactive: Interactive, *, user: UserId, device: DeviceId, scope: Scope
    ) -> None:
        self._encryption = encryption
        self._http = http
        self._interactive = interactive
        self._user = user
        self._device = device
        self._scope = scope
        self._shown: State[tuple[OwnDevice, ...] | None] = State(None)
        self._told: list[Json] | None = None
        self._watchers: set[object] = set()
        self._due = asyncio.Event()

    def start(self) -> None:
        self._scope.add(self._encryption.lists_changed.listen(self._changed))
        self._scope.add(self._encryption.people_changed.listen(self._changed))
        self._scope.spawn(self._follow(), name="own-devices")

    def watch(self, listener: Listener[tuple[OwnDevice, ...]]) -> Cancel:
        """This device first, then the last seen ones first. Nothing is delivered before the first answer."""
        watcher = object()
        self._watchers.add(watcher)

        def tell(devices: tuple[OwnDevice, ...] | None) -> None:
            if devices is not None:
                listener(devices)

        stop = self._shown.watch(tell)
        self._due.set()

        def cancel() -> None:
            self._watchers.discard(watcher)
            stop()

        return cancel

    async def refresh(self) -> None:
        """Raises the errors of `Http`."""
        answer = await self._http.request("GET", (*CLIENT_V3, "devices"))
        self._told = [one for one in list_of(answer, "devices") if isinstance(one, dict)]
        self._publish()

    async def rename(self, device: DeviceId, name: str) -> None:
        """Raises `NotFound` for a device that is gone."""
        text = clean(name).strip()[:NAME_LIMIT]
        await self._http.request("PUT", (*CLIENT_V3, "devices", device), json={"display_name": text})
        self._told = [{**one, "display_name": text} if one.get("device_id") == device else one for one in self._told or ()]
        self._publish()
        self._due.set()

    async def sign_out(self, devices: Collection[DeviceId], password: str = "") -> None:
        """Sign out other devices; those that are gone already are no error.

        Raises `NotAllowed` for this device, and `PasswordNeeded`, `WrongPassword`, `ConfirmInBrowser` (call again afterwards).
        """
        if self._device in devices:
            raise NotAllowed("this device")
        if not devices:
            return
        wanted = sorted(devices)
        try:
            await self._interactive.send("POST", (*CLIENT_V3, "delete_devices"), {"devices": wanted}, password)
        except Missing:
            _log.info("devices are gone already")
        if self._told is not None:
            self._told = [one for one in self._told if one.get("device_id") not in wanted]
            self._publish()
        self._encryption.follow([self._user], again=True)
        self._due.set()

    # Inside

    def _changed(self, users: set[UserId]) -> None:
        if self._user in users:
            self._publish()
            self._due.set()

    def _publish(self) -> None:
        if self._told is not None:
            known = {device.device: device for device in self._encryption.devices_of(self._user)}
            self._shown.set(merged(self._told, known.values(), self._device))

    async def _follow(self) -> None:
        """Ask again when our device list changed, while somebody watches."""
        pause = FIRST_PAUSE
        while True:
            await self._due.wait()
            self._due.clear()
            if not self._watchers:
                continue
            try:
                await self.refresh()
            except WeLinkError as error:
                _log.info("devices not fetched", exception=literal(type(error).__name__))
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
                self._due.set()
            else:
                pause = FIRST_PAUSE


def merged(told: Iterable[Json], known: Iterable[Device], current: DeviceId) -> tuple[OwnDevice, ...]:
    """What the server tells of devices, with what their keys say. Dehydrated devices are no devices of a person."""
    by_id = {device.device: device for device in known}
    found: dict[DeviceId, OwnDevice] = {}
    for one in told:
        device_id = DeviceId(text_of(one, "device_id", 255))
        keys = by_id.get(device_id)
        if not device_id or (keys is not None and keys.dehydrated):
            continue
        shown = OwnDevice(
            device_id,
            text_of(one, "display_name", NAME_LIMIT).strip(),
            last_seen_ms=max(0, integer_of(one, "last_seen_ts")),
            current=device_id == current,
        )
        usable = keys is not None and not keys.keys_changed
        found[device_id] = dataclasses.replace(shown, signed=usable and keys is not None and keys.owner_signed, encrypts=usable)
    return tuple(sorted(found.values(), key=lambda one: (not one.current, -one.last_seen_ms, one.device)))
