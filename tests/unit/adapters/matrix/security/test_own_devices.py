"""The list of our devices: what the server tells, merged with what their keys say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.matrix.security.test_identity import driver
from tests.unit.adapters.matrix.test_encryption import ALICE, Device, World, until
from welink_desktop.adapters.matrix.crypto.records import Device as KnownDevice
from welink_desktop.adapters.matrix.security import devices as module
from welink_desktop.adapters.matrix.security.devices import OwnDevices, merged
from welink_desktop.adapters.matrix.security.uia import Interactive
from welink_desktop.core.errors import NotAllowed, Offline, PasswordNeeded, WrongPassword
from welink_desktop.core.ids import DeviceId
from welink_desktop.core.security import OwnDevice

A, B, C = DeviceId("A"), DeviceId("B"), DeviceId("C")
Seen = list[tuple[OwnDevice, ...]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.all:
        await device.die()


def listing(device: Device) -> OwnDevices:
    interactive = Interactive(device.line, "https://x", device.user)
    made = OwnDevices(device.encryption, device.line, interactive, user=device.user, device=device.name, scope=device.scope)
    made.start()
    return made


def names(devices: tuple[OwnDevice, ...]) -> list[str]:
    return [one.device for one in devices]


async def test_this_device_comes_first_then_the_last_seen_ones(world: World) -> None:
    first, _, _ = await world.device(ALICE), await world.device(ALICE, name="B"), await world.device(ALICE, name="C")
    await driver(first).ensure()
    seen: Seen = []
    devices = listing(first)
    devices.watch(seen.append)
    first.sync()
    await until(lambda: seen and names(seen[-1]) == ["A", "C", "B"] and all(one.encrypts for one in seen[-1]))
    assert [(one.current, one.signed) for one in seen[-1]] == [(True, True), (False, False), (False, False)]
    assert [one.last_seen_ms for one in seen[-1]] == [1, 3, 2]


async def test_a_signature_shows_at_once(world: World) -> None:
    first, _ = await world.device(ALICE), await world.device(ALICE, name="B")
    doing = driver(first)
    await doing.ensure()
    await first.encryption.refresh_devices(ALICE)
    seen: Seen = []
    listing(first).watch(seen.append)
    await until(lambda: seen)
    with first.encryption.change():
        body = first.encryption.identities.sign_own_device(B)
    assert body is not None
    assert [one.signed for one in seen[-1]] == [True, True]
    await doing.upload_signatures(body)
    assert [one.signed for one in seen[-1]] == [True, True]


async def test_nothing_is_delivered_before_the_first_answer_nor_after_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.001)
    first = await world.device(ALICE)
    first.line.fail = Offline("test")
    seen: Seen = []
    devices = listing(first)
    cancel = devices.watch(seen.append)
    calls = len(first.line.calls)
    await until(lambda: len(first.line.calls) > calls)
    assert not seen
    first.line.fail = None
    await until(lambda: seen)
    cancel()
    cancel()
    await devices.rename(A, "Laptop")
    assert seen[-1][0].name == ""


async def test_a_device_is_renamed(world: World) -> None:
    first = await world.device(ALICE)
    seen: Seen = []
    devices = listing(first)
    devices.watch(seen.append)
    await until(lambda: seen)
    await devices.rename(A, "  Laptop in the ward\x00 ")
    assert seen[-1][0].name == "Laptop in the ward"
    assert world.server.names[(ALICE, "A")] == "Laptop in the ward"
    await devices.rename(A, "x" * 500)
    assert len(world.server.names[(ALICE, "A")]) == module.NAME_LIMIT


async def test_other_devices_are_signed_out(world: World) -> None:
    first, _, _ = await world.device(ALICE), await world.device(ALICE, name="B"), await world.device(ALICE, name="C")
    seen: Seen = []
    devices = listing(first)
    devices.watch(seen.append)
    await until(lambda: seen)
    with pytest.raises(PasswordNeeded):
        await devices.sign_out([B])
    with pytest.raises(WrongPassword):
        await devices.sign_out([B], "wrong")
    assert len(seen[-1]) == 3
    await devices.sign_out([B, C], world.server.password)
    assert names(seen[-1]) == ["A"]
    await until(lambda: [device.device for device in first.encryption.devices_of(ALICE)] == ["A"])
    calls = len(first.line.calls)
    await devices.sign_out([])
    assert len(first.line.calls) == calls


async def test_this_device_is_not_signed_out_like_that(world: World) -> None:
    first = await world.device(ALICE)
    with pytest.raises(NotAllowed):
        await listing(first).sign_out([A, B], world.server.password)
    assert set(world.server.devices[ALICE]) == {"A"}


async def test_a_new_device_appears_while_somebody_watches(world: World) -> None:
    first = await world.device(ALICE)
    seen: Seen = []
    listing(first).watch(seen.append)
    await until(lambda: seen)
    await world.device(ALICE, name="B")
    first.sync()
    await until(lambda: names(seen[-1]) == ["A", "B"])


def known(device: DeviceId, **facts: Any) -> KnownDevice:
    return KnownDevice(ALICE, device, "c", "e", **facts)


@pytest.mark.parametrize(
    ("keys", "signed", "encrypts"),
    [
        ([], False, False),
        ([known(B)], False, True),
        ([known(B, owner_signed=True)], True, True),
        ([known(B, shown_signed=True)], False, True),
        ([known(B, owner_signed=True, keys_changed=True)], False, False),
    ],
)
def test_what_the_keys_of_a_device_say(keys: list[KnownDevice], signed: bool, encrypts: bool) -> None:
    (device,) = merged([{"device_id": "B"}], keys, A)
    assert (device.signed, device.encrypts, device.current) == (signed, encrypts, False)


def test_what_the_server_tells_is_not_trusted_to_be_well_formed() -> None:
    told: list[dict[str, Any]] = [
        {},
        {"device_id": 7},
        {"device_id": "B", "display_name": None, "last_seen_ts": -5},
        {"device_id": "C", "display_name": " x " * 200, "last_seen_ts": "soon"},
        {"device_id": "D"},
    ]
    found = merged(told, [known(DeviceId("D"), dehydrated=True)], A)
    assert [(one.device, one.last_seen_ms) for one in found] == [("B", 0), ("C", 0)]
    assert len(found[1].name) <= module.NAME_LIMIT
