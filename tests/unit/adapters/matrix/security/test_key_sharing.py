"""Which keys are asked of own devices, and when (matrix.md §8.4)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.adapters.matrix.security.test_identity import driver
from tests.unit.adapters.matrix.test_encryption import ALICE, BOB, ROOM, Device, World, until
from welink_desktop.adapters.matrix.security import forwarding as forwarding_module
from welink_desktop.adapters.matrix.security.forwarding import KeySharing
from welink_desktop.core.ids import RoomId
from welink_desktop.core.trust import Undecryptable, UndecryptableReason


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.all:
        await device.die()


class Reading:
    """Bob's device with a message that it cannot read, kept as the engine keeps it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.told: list[tuple[RoomId, str]] = []
        device.encryption.on_room_keys = self._read_again
        self.sharing = KeySharing(
            device.encryption, device.database, device.world.clock, device.scope, user=device.user, device=device.name, grace=0.0
        )

    def _read_again(self, keys: list[tuple[RoomId, str]]) -> None:
        self.told += keys
        self.sharing.keys_came(keys)

    def keep(self, reason: str, session: str = "s") -> None:
        failure = json.dumps({"reason": reason, "curable": True, "device": "A"})
        with self.device.database.transaction() as t:
            t.execute(
                "INSERT INTO events(room, event, position, sender, type, ts, raw, session, failure)"
                " VALUES(?, ?, 1, ?, 'm.room.encrypted', ?, '{}', ?, ?)",
                (ROOM, f"${session}", ALICE, self.device.world.clock.now_ms(), session, failure),
            )

    def asked(self) -> list[str]:
        posts = [one for one in self.device.encryption._store.outgoing() if one.type == "m.room_key_request"]
        queue = self.device.world.server.queues.get((BOB, "SECOND"), [])
        contents = [content for one in posts for content in one.messages[BOB].values()]
        contents += [event["content"] for event in queue if event["type"] == "m.room_key_request"]
        return [content["action"] for content in contents]


async def reading(world: World) -> Reading:
    """Bob has two devices that trust each other."""
    first, second = await world.device(BOB), await world.device(BOB, name="SECOND")
    one = driver(first)
    await one.ensure()
    await first.encryption.refresh_devices(BOB)
    with first.encryption.change():
        body = first.encryption.identities.sign_own_device(second.name)
    assert body is not None
    await one.upload_signatures(body)
    await first.encryption.refresh_devices(BOB)
    return Reading(first)


async def test_the_other_device_is_asked_for_a_missing_key_and_spared_once_it_came(world: World) -> None:
    bob = await reading(world)
    bob.keep("key-missing")
    bob.sharing.start()
    await until(lambda: bob.asked() == ["request"])
    with bob.device.database.transaction() as t:
        t.execute("UPDATE events SET failure = NULL")
    bob.sharing.keys_came([(ROOM, "s")])
    await until(lambda: bob.asked() == ["request", "request_cancellation"])


async def test_nothing_is_asked_for_what_no_other_device_can_have(world: World) -> None:
    bob = await reading(world)
    for reason in ("sent-before-join", "withheld-unauthorised", "replayed", "damaged", "of a later version"):
        bob.keep(reason, reason)
    bob.sharing.start()
    bob.keep("key-missing", "s")
    bob.sharing.missing(ROOM, "s", Undecryptable(UndecryptableReason.KEY_MISSING))
    await until(bob.asked)
    assert bob.asked() == ["request"]


async def test_while_a_backup_may_have_it_others_are_asked_later_unless_the_person_wants_it(world: World) -> None:
    bob = await reading(world)
    bob.sharing._backup_helps = lambda: True
    bob.keep("key-missing")
    bob.sharing.start()
    await asyncio.sleep(0)
    assert bob.asked() == []
    bob.sharing.ask_now(ROOM)
    await until(lambda: bob.asked() == ["request"])


async def test_a_late_key_is_called_missing_after_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding_module, "LATE_SECONDS", 0.0)
    bob = await reading(world)
    bob.keep("key-late")
    bob.sharing.start()
    await until(lambda: bob.told == [(ROOM, "s")])
