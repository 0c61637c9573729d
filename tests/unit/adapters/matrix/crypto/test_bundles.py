"""History bundles: what goes in, what comes out, which ones are taken (matrix.md §8.5)."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.key_server import FakeClock
from welink_desktop.adapters.matrix.crypto import bundles
from welink_desktop.adapters.matrix.crypto.bundles import Offers, bundle_of, history_devices, read_bundle
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Device, Inbound, JsonObject, Source, ToDevice
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.healing import OFFERS, SqlHealingStore
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.ids import DeviceId, RoomId, UserId

ROOM, OTHER = RoomId("!room"), RoomId("!other")
ALICE, EVE = UserId("@alice:x"), UserId("@eve:x")
DAY = 24 * 3_600_000
FILE = {"url": "mxc://x/abc", "v": "v2"}
SIGNED = Device(ALICE, DeviceId("A"), "curve", "ed", owner_signed=True)


def row(session: str, *, room: RoomId = ROOM, shared: bool = True) -> Inbound:
    return Inbound(room, session, "curve", "ed", ALICE, DeviceId("A"), Source.OLM, 0, "pickle", shared_history=shared)


def entry(session: str = "s", **changes: Any) -> JsonObject:
    return {
        "algorithm": MEGOLM,
        "room_id": ROOM,
        "session_id": session,
        "session_key": "AQ",
        "sender_key": "curve",
        "sender_claimed_keys": {"ed25519": "ed"},
        **changes,
    }


def written(*keys: JsonObject, withheld: object = ()) -> bytes:
    return json.dumps({"room_keys": keys, "withheld": withheld}).encode()


def test_only_flagged_sessions_of_the_room_go_in() -> None:
    rows = [row("open"), row("closed", shared=False), row("elsewhere", room=OTHER)]
    content = bundle_of(ROOM, rows, lambda one: {**entry(one.session), "m.shared_history": True, "secret": 1})
    assert [key["session_id"] for key in content["room_keys"]] == ["open"]
    assert "secret" not in content["room_keys"][0]
    assert [(key["session_id"], key["code"]) for key in content["withheld"]] == [("closed", "m.history_not_shared")]


def test_what_cannot_be_exported_is_left_out() -> None:
    assert bundle_of(ROOM, [row("s")], lambda one: None)["room_keys"] == []


def test_a_bundle_is_read_as_it_was_written() -> None:
    content = bundle_of(ROOM, [row("a"), row("b", shared=False)], lambda one: {**entry(one.session), "m.shared_history": True})
    bundle = read_bundle(json.dumps(content).encode(), ROOM)
    assert [(one.session, one.shared_history) for one in bundle.sessions] == [("a", True)]
    assert bundle.withheld == ("b",)


def test_sessions_of_other_rooms_and_unshared_ones_are_not_taken() -> None:
    data = written(entry("good"), entry("other", room_id=OTHER), entry("closed", **{"m.shared_history": False}))
    assert [one.session for one in read_bundle(data, ROOM).sessions] == ["good"]


def test_explanations_of_other_rooms_and_kinds_are_not_taken() -> None:
    good = {"room_id": ROOM, "session_id": "a", "code": "io.element.msc4268.history_not_shared"}
    bad = [{**good, "room_id": OTHER}, {**good, "code": "m.blacklisted"}, {**good, "session_id": 5}, "text", None]
    assert read_bundle(written(withheld=[good, *bad]), ROOM).withheld == ("a",)


@pytest.mark.parametrize("data", [b"", b"text", b"[]", b"{}", b'{"room_keys": 5}', b"[" * 100_000, b"\xff"])
def test_what_is_no_bundle(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_bundle(data, ROOM)


def test_malformed_entries_do_not_spoil_the_others() -> None:
    assert len(read_bundle(written(entry(), {}, entry(session_key=5), entry(algorithm="m.x")), ROOM).sessions) == 1


def test_too_many_keys_and_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MAX_KEYS", 2)
    assert len(read_bundle(written(entry("a"), entry("b")), ROOM).sessions) == 2
    with pytest.raises(ValueError, match="too many"):
        read_bundle(written(entry("a"), entry("b"), entry("c")), ROOM)
    monkeypatch.setattr(bundles, "MAX_BYTES", 10)
    with pytest.raises(ValueError, match="too large"):
        read_bundle(written(entry("a")), ROOM)


def test_the_limits_are_those_of_the_reference() -> None:
    assert (bundles.MAX_BYTES, bundles.MAX_KEYS) == (100 << 20, 100_000)


def test_devices_that_their_owner_did_not_sign_get_nothing() -> None:
    unsigned = dataclasses.replace(SIGNED, owner_signed=False)
    shown = dataclasses.replace(unsigned, shown_signed=True)
    changed = dataclasses.replace(SIGNED, keys_changed=True)
    assert history_devices([SIGNED, unsigned, shown, changed]) == [SIGNED]


class World:
    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.store = SqlHealingStore(database)
        self.offers = Offers(self.store, self.clock)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database.open(tmp_path / "a.db", b"d" * 32, MIGRATIONS)
    yield World(database)
    database.close()


def announcement(sender: UserId = ALICE, **changes: Any) -> ToDevice:
    event = ToDevice("m.room_key_bundle", {"room_id": ROOM, "file": FILE}, sender, DeviceId("A"), "curve", encrypted=True)
    return dataclasses.replace(event, **changes)


def test_a_bundle_is_due_only_once_its_invitation_was_accepted(world: World) -> None:
    assert world.offers.announced(announcement())
    assert world.offers.due() == []
    world.offers.accepted(ROOM, ALICE)
    (offer,) = world.offers.due()
    assert (offer.room, offer.sender, offer.sender_key, json.loads(offer.file)) == (ROOM, ALICE, "curve", FILE)
    assert world.offers.may_take(offer, SIGNED)
    assert "abc" not in repr(offer)


def test_a_bundle_may_come_after_the_acceptance(world: World) -> None:
    world.offers.accepted(ROOM, ALICE)
    world.clock.pass_ms(DAY)
    world.offers.announced(announcement())
    assert len(world.offers.due()) == 1


def test_a_bundle_is_too_late_after_a_day(world: World) -> None:
    world.offers.accepted(ROOM, ALICE)
    world.clock.pass_ms(DAY + 1)
    world.offers.announced(announcement())
    assert world.offers.due() == []
    assert not world.store.acceptances()


def test_a_bundle_of_somebody_who_did_not_invite_is_never_due(world: World) -> None:
    world.offers.accepted(ROOM, ALICE)
    world.offers.announced(announcement(EVE))
    assert world.offers.due() == []
    offer = world.store.offer(ROOM, EVE)
    assert offer is not None
    assert not world.offers.may_take(offer, dataclasses.replace(SIGNED, user=EVE))


@pytest.mark.parametrize(
    "device",
    [
        None,
        dataclasses.replace(SIGNED, owner_signed=False),
        dataclasses.replace(SIGNED, keys_changed=True),
        dataclasses.replace(SIGNED, user=EVE),
    ],
)
def test_the_sending_device_must_be_signed_by_its_owner(world: World, device: Device | None) -> None:
    world.offers.announced(announcement())
    world.offers.accepted(ROOM, ALICE)
    (offer,) = world.offers.due()
    assert not world.offers.may_take(offer, device)


@pytest.mark.parametrize(
    "event",
    [
        announcement(encrypted=False),
        announcement(content={"file": FILE}),
        announcement(content={"room_id": 5, "file": FILE}),
        announcement(content={"room_id": ROOM, "file": "mxc://x/abc"}),
        announcement(content={"room_id": ROOM, "file": {"url": "x" * 5_000}}),
    ],
)
def test_malformed_announcements_are_dropped(world: World, event: ToDevice) -> None:
    assert not world.offers.announced(event)


def test_the_latest_announcement_counts(world: World) -> None:
    world.offers.accepted(ROOM, ALICE)
    world.offers.announced(announcement())
    (old,) = world.offers.due()
    world.offers.announced(announcement(content={"room_id": ROOM, "file": {**FILE, "url": "mxc://x/new"}}))
    world.offers.done(old)
    (new,) = world.offers.due()
    assert "new" in new.file
    assert world.offers.failed(old) == 0, "the old one does not count against the new one"
    assert world.offers.failed(new) == 1
    world.offers.done(new)
    assert world.offers.due() == []


def test_announcements_do_not_pile_up(world: World) -> None:
    for number in range(OFFERS + 5):
        world.offers.announced(announcement(content={"room_id": f"!{number}", "file": FILE}))
    assert world.store.offer(RoomId("!4"), ALICE) is None
    assert world.store.offer(RoomId("!5"), ALICE) is not None
