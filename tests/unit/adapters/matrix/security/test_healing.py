"""Secrets and history when things go wrong on the way: no line, damaged files, secrets that do not fit."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.matrix.security.test_identity import driver
from tests.unit.adapters.matrix.test_encryption import ALICE, BOB, ROOM, Device, World, until
from welink_desktop.adapters.matrix.crypto.identities import SECRET_NAMES
from welink_desktop.adapters.matrix.crypto.records import RoomRules
from welink_desktop.adapters.matrix.http import Download
from welink_desktop.adapters.matrix.security import bundles as bundles_module
from welink_desktop.adapters.matrix.security import gossip as gossip_module
from welink_desktop.adapters.matrix.security.bundles import HistoryBundles
from welink_desktop.adapters.matrix.security.gossip import SecretGossip
from welink_desktop.core.errors import HistoryNotShared, Offline
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.security import HistoryArrival

MASTER = SECRET_NAMES[0]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    for device in made.all:
        await device.die()


class Media:
    """Uploads and downloads; the next `failures` of either fail, `damage` spoils what is downloaded."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.failures = 0
        self.damage = False
        self.asked = 0

    async def upload(self, path: Sequence[str], stream: Callable[[], AsyncIterable[bytes]], *, size: int) -> dict[str, Any]:
        if self.failures:
            self.failures -= 1
            raise Offline("test")
        name = f"file{len(self.files)}"
        self.files[name] = b"".join([piece async for piece in stream()])
        assert len(self.files[name]) == size
        return {"content_uri": f"mxc://x/{name}"}

    @asynccontextmanager
    async def download(self, path: Sequence[str], *, limit: int) -> AsyncIterator[Download]:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise Offline("test")
        data = self.files[path[-1]]
        yield Download("application/octet-stream", len(data), _pieces(data[:-1] + b"?" if self.damage else data))


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


class Sharing:
    """Alice invites Bob; both have identities."""

    def __init__(self, world: World, media: Media, alice: Device, bob: Device) -> None:
        self.world, self.media, self.alice, self.bob = world, media, alice, bob
        self.readable = True
        self.given = self._bundles(alice)
        self.taken = self._bundles(bob)
        self.arrivals: list[HistoryArrival] = []
        self.taken.arrivals.listen(lambda news: self.arrivals.append(news[1]))
        self.taken.start()

    async def rules(self, room: RoomId) -> RoomRules:
        return RoomRules(room, (ALICE,), shared_history=self.readable)

    def joined_at_ms(self, room: RoomId) -> int:
        return 0

    def _bundles(self, device: Device) -> HistoryBundles:
        return HistoryBundles(
            device.encryption,
            device.database,
            self.media,
            self,
            self.world.clock,
            device.scope,
            user=device.user,
            device=device.name,
            first_pause=0.01,
        )

    async def old_message(self) -> dict[str, Any]:
        """Written before Bob was invited."""
        machine = self.alice.encryption.machine
        with self.alice.encryption.change():
            machine.share_room_key(await self.rules(ROOM))
        content = self.alice.encryption.encrypt(ROOM, "m.room.message", {"body": "old"})
        return {"event_id": "$old", "sender": ALICE, "content": content, "origin_server_ts": 5}


@pytest.fixture
async def sharing(world: World, monkeypatch: pytest.MonkeyPatch) -> Sharing:
    monkeypatch.setattr(bundles_module, "LONGEST_PAUSE", 0.01)
    alice, bob = await world.device(ALICE), await world.device(BOB)
    await driver(alice).ensure()
    await driver(bob).ensure()
    await alice.encryption.refresh_devices(ALICE)
    return Sharing(world, Media(), alice, bob)


async def test_history_is_given_and_taken(sharing: Sharing) -> None:
    event = await sharing.old_message()
    await sharing.given.share(ROOM, BOB)
    sharing.bob.sync()
    assert sharing.bob.text(event) is None
    assert not sharing.media.asked, "not before the invitation is accepted"
    sharing.taken.invite_accepted(ROOM, ALICE)
    await until(lambda: HistoryArrival.HERE in sharing.arrivals)
    assert sharing.bob.text(event) == "old"
    assert sharing.bob.keys, "messages are read again"
    assert b"session_key" not in next(iter(sharing.media.files.values())), "the server sees nothing of it"


async def test_a_line_that_fails_is_tried_again(sharing: Sharing) -> None:
    event = await sharing.old_message()
    await sharing.given.share(ROOM, BOB)
    sharing.media.failures = 3
    sharing.bob.sync()
    sharing.taken.invite_accepted(ROOM, ALICE)
    await until(lambda: HistoryArrival.HERE in sharing.arrivals)
    assert sharing.bob.text(event) == "old"


async def test_after_five_failures_it_is_said(sharing: Sharing) -> None:
    await sharing.old_message()
    await sharing.given.share(ROOM, BOB)
    sharing.media.failures = 5
    sharing.bob.sync()
    sharing.taken.invite_accepted(ROOM, ALICE)
    await until(lambda: HistoryArrival.FAILED in sharing.arrivals)
    assert sharing.media.asked == 5
    told: list[HistoryArrival] = []
    sharing.taken.watch(RoomId("!other"), told.append)()
    sharing.taken.watch(ROOM, told.append)()
    sharing.taken.watch(ROOM, told.append)()
    assert told == [HistoryArrival.FAILED], "once, to whoever looks first"


async def test_a_damaged_bundle_is_refused_at_once(sharing: Sharing) -> None:
    event = await sharing.old_message()
    await sharing.given.share(ROOM, BOB)
    sharing.media.damage = True
    sharing.bob.sync()
    sharing.taken.invite_accepted(ROOM, ALICE)
    await until(lambda: HistoryArrival.FAILED in sharing.arrivals)
    assert sharing.media.asked == 1
    assert sharing.bob.text(event) is None


async def test_nothing_is_given_where_newcomers_may_not_read(sharing: Sharing) -> None:
    await sharing.old_message()
    sharing.readable = False
    with pytest.raises(HistoryNotShared):
        await sharing.given.share(ROOM, BOB)
    assert not sharing.media.files


async def test_nothing_is_given_by_a_device_that_is_not_signed(sharing: Sharing) -> None:
    second = await sharing.world.device(ALICE, name="SECOND")
    await second.encryption.refresh_devices(ALICE)
    given = sharing._bundles(second)
    with pytest.raises(HistoryNotShared):
        await given.share(ROOM, BOB)


async def test_nothing_is_given_to_devices_that_are_not_signed(sharing: Sharing) -> None:
    await sharing.old_message()
    await sharing.world.device(BOB, name="UNSIGNED")
    await sharing.given.share(ROOM, BOB)
    sharing.bob.sync()
    assert sharing.world.server.queues.get((BOB, "UNSIGNED"), []) == []
    carol = await sharing.world.device(UserId("@carol:x"), name="C")
    with pytest.raises(HistoryNotShared):
        await sharing.given.share(ROOM, carol.user)
    assert len(sharing.media.files) == 1


async def test_nothing_is_given_to_somebody_whose_identity_is_another_one_now(sharing: Sharing) -> None:
    """A server could make one up: what it signs is not signed by the person we knew."""
    await sharing.old_message()
    await sharing.alice.encryption.refresh_devices(BOB)
    await driver(sharing.bob).replace(sharing.world.server.password)
    with pytest.raises(HistoryNotShared):
        await sharing.given.share(ROOM, BOB)
    assert not sharing.media.files
    assert not [one for one in sharing.world.server.queues.get((BOB, "B"), []) if one["type"] == "m.room.encrypted"]


async def test_nothing_is_taken_of_somebody_whose_identity_is_another_one_now(sharing: Sharing) -> None:
    event = await sharing.old_message()
    await sharing.bob.encryption.refresh_devices(ALICE)
    await driver(sharing.alice).replace(sharing.world.server.password)
    await sharing.alice.encryption.refresh_devices(ALICE)
    await sharing.given.share(ROOM, BOB)
    sharing.bob.sync()
    sharing.taken.invite_accepted(ROOM, ALICE)
    await until(lambda: HistoryArrival.FAILED in sharing.arrivals)
    assert not sharing.media.asked
    assert sharing.bob.text(event) is None


async def test_a_failed_upload_is_told_before_anything_is_sent(sharing: Sharing) -> None:
    await sharing.old_message()
    sharing.media.failures = 1
    with pytest.raises(Offline):
        await sharing.given.share(ROOM, BOB)
    assert sharing.world.server.queues.get((BOB, "B"), []) == []


async def test_where_nothing_was_said_nothing_is_given(sharing: Sharing) -> None:
    await sharing.given.share(ROOM, BOB)
    assert not sharing.media.files


class Trying:
    """Answers of `take_secret`, one per call: True, False, or an error; `tried` are the secrets."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.tried: list[str] = []

    async def __call__(self, name: str, secret: str) -> bool:
        self.tried.append(secret)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Own:
    """Two devices of Alice that trust each other; the second one asks."""

    def __init__(self, first: Device, second: Device, take: Trying) -> None:
        self.first, self.second, self.take = first, second, take
        self.giver = self._gossip(first, lambda name: f"secret of {name}", Trying())
        self.asker = self._gossip(second, lambda name: None, take)

    def _gossip(self, device: Device, secret_of: Callable[[str], str | None], take: Trying) -> SecretGossip:
        clock = device.world.clock
        made = SecretGossip(
            device.encryption,
            device.database,
            clock,
            device.scope,
            user=device.user,
            device=device.name,
            secret_of=secret_of,
            take_secret=take,
        )
        made.start()
        return made


async def own_devices(world: World, *answers: bool | Exception) -> Own:
    first, second = await world.device(ALICE), await world.device(ALICE, name="SECOND")
    one = driver(first)
    await one.ensure()
    await first.encryption.refresh_devices(ALICE)
    with first.encryption.change():
        body = first.encryption.identities.sign_own_device(DeviceId("SECOND"))
    assert body is not None
    await one.upload_signatures(body)
    await first.encryption.refresh_devices(ALICE)
    await second.encryption.refresh_devices(ALICE)
    own = second.encryption.identities.own()
    assert own is not None
    with second.encryption.change():
        second.encryption.identities.trust_own_master(own.master)
    return Own(first, second, Trying(*answers))


async def test_a_secret_is_asked_for_given_and_taken(world: World) -> None:
    own = await own_devices(world, True)
    own.giver.device_verified(DeviceId("SECOND"))
    own.asker.want([MASTER])
    await until(lambda: world.server.queues.get((ALICE, "A")))
    own.first.sync()
    await until(lambda: world.server.queues.get((ALICE, "SECOND")))
    own.second.sync()
    await until(lambda: own.take.tried == [f"secret of {MASTER}"])
    await until(lambda: not own.asker.wanted)


async def test_a_secret_that_does_not_fit_leaves_the_question_open(world: World) -> None:
    own = await own_devices(world, False)
    own.giver.device_verified(DeviceId("SECOND"))
    own.asker.want([MASTER])
    await until(lambda: world.server.queues.get((ALICE, "A")))
    own.first.sync()
    await until(lambda: world.server.queues.get((ALICE, "SECOND")))
    own.second.sync()
    await until(lambda: own.take.tried)
    assert own.asker.wanted == {MASTER}


async def test_a_check_without_a_line_is_done_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gossip_module, "PAUSES", (0.01, 0.01))
    own = await own_devices(world, Offline("test"), True)
    own.giver.device_verified(DeviceId("SECOND"))
    own.asker.want([MASTER])
    await until(lambda: world.server.queues.get((ALICE, "A")))
    own.first.sync()
    await until(lambda: world.server.queues.get((ALICE, "SECOND")))
    own.second.sync()
    await until(lambda: not own.asker.wanted)
    assert len(own.take.tried) == 2


async def test_no_secret_leaves_without_a_verification(world: World) -> None:
    own = await own_devices(world)
    own.asker.want([MASTER])
    await until(lambda: world.server.queues.get((ALICE, "A")))
    own.first.sync()
    assert len(own.giver._gossip._wishes) == 1
    assert not world.server.queues.get((ALICE, "SECOND"))
