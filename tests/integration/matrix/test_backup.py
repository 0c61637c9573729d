"""Secrets and key backup of two devices on the real homeserver (matrix.md §8.7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.engine import BentWay, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.crypto.records import Decrypted, JsonObject, RoomRules
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.errors import MatrixError
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.security.backup import KeyBackup
from welink_desktop.adapters.matrix.security.recovery_state import BackupFact
from welink_desktop.adapters.matrix.security.secret_storage import SecretStorage
from welink_desktop.adapters.matrix.store.backup import first_indexes, waiting_count
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.tokens import TokenKeeper, Tokens, tokens_from
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.errors import WrongRecoveryKey
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.trust import Shield, Undecryptable
from welink_desktop.evaluation.client import Registered

WARD, LAB = RoomId("!ward:hospital"), RoomId("!Lab0123456789")
MASTER = "m.cross_signing.master"


class Device:
    """One signed-in device: line, store, encryption, backup. `open` again after `close` goes on from the store."""

    def __init__(self, base_url: str, folder: Path, tokens: Tokens, user: UserId, name: DeviceId) -> None:
        self._base_url = base_url
        self._folder = folder
        self._tokens = tokens
        self.user = user
        self.name = name
        self.way = BentWay()

    async def open(self) -> None:
        self.database = Database.open(self._folder / f"{self.name}.db", b"d" * 32, MIGRATIONS)
        self.scope = Scope("device")
        keeper = TokenKeeper(self._tokens, lambda tokens: None)
        self.http = Http(self._base_url, keeper=keeper, transport=self.way)
        self.encryption = Encryption(
            self.database,
            self.http,
            user=self.user,
            device=self.name,
            rooms=self,
            scope=self.scope,
            clock=SystemClock(),
        )
        self.backup = KeyBackup(
            self.database, self.http, self.encryption, scope=self.scope, clock=SystemClock(), delay=lambda: 0.0, rest=0.0
        )
        self.storage = SecretStorage(self.http, self.user)
        self.told: list[tuple[RoomId, str]] = []
        self.encryption.on_sessions = self.backup.wake
        self.encryption.on_missing = self.backup.want
        self.encryption.on_room_keys = self.told.extend
        await self.encryption.start()
        self.scope.spawn(self.backup.run(), name="backup")

    async def close(self) -> None:
        await self.scope.aclose()
        await self.http.aclose()
        self.database.close()

    async def end(self) -> None:
        await self.close()
        await self.way.end()

    async def rules(self, room: RoomId) -> RoomRules:
        return RoomRules(room, (self.user,))

    def joined_at_ms(self, room: RoomId) -> int:
        return 0

    async def write(self, text: str, *, room: RoomId = WARD) -> JsonObject:
        """A message in a session of its own."""
        with self.database.transaction():
            self.encryption.machine.end_session(room)
        await self.encryption.prepare_to_send(room)
        content = self.encryption.encrypt(room, "m.room.message", {"body": text})
        return {
            "event_id": f"${text}",
            "sender": self.user,
            "content": content,
            "origin_server_ts": 5,
            "type": "m.room.encrypted",
        }

    def read(self, event: JsonObject, room: RoomId = WARD) -> Decrypted | Undecryptable:
        return self.encryption.decrypt(room, event)

    def text(self, event: JsonObject, room: RoomId = WARD) -> str | None:
        found = self.read(event, room)
        return found.content["body"] if isinstance(found, Decrypted) else None

    def sessions(self, room: RoomId = WARD) -> int:
        with self.database.read() as t:
            return len(first_indexes(t, room))

    @property
    def idle(self) -> bool:
        with self.database.read() as t:
            return self.backup.state.value.active and waiting_count(t) == 0

    async def count(self) -> int:
        """What the server says the current version holds."""
        answer = await self.http.request("GET", (*CLIENT_V3, "room_keys", "version"))
        return int(answer["count"])

    async def kept(self, count: int) -> None:
        await until(lambda: self.idle)
        assert await self.count() == count


class Desk:
    """Devices of one account."""

    def __init__(self, synapse: TestSynapse, folder: Path) -> None:
        self._synapse = synapse
        self._folder = folder
        self.account: Registered = synapse.register("lin")
        self.devices: list[Device] = []

    async def device(self) -> Device:
        http = Http(self._synapse.base_url)
        who = {"type": "m.id.user", "user": self.account.localpart}
        body = {"type": "m.login.password", "identifier": who, "password": self.account.password}
        answer = await http.request("POST", (*CLIENT_V3, "login"), json=body, auth=False)
        await http.aclose()
        name, tokens = DeviceId(answer["device_id"]), tokens_from(answer, 0)
        device = Device(self._synapse.base_url, self._folder, tokens, UserId(self.account.user_id), name)
        await device.open()
        self.devices.append(device)
        return device


@asynccontextmanager
async def desk(synapse: TestSynapse, folder: Path) -> AsyncIterator[Desk]:
    made = Desk(synapse, folder)
    try:
        yield made
    finally:
        for device in made.devices:
            await device.end()


async def keeping(desk: Desk, texts: list[str]) -> tuple[Device, list[JsonObject]]:
    """A device whose messages' keys are in the backup."""
    device = await desk.device()
    await device.backup.create()
    events = [await device.write(text) for text in texts]
    await device.kept(len(texts))
    return device, events


async def test_a_second_device_restores_one_room_and_then_everything(synapse: TestSynapse, tmp_path: Path) -> None:
    async with desk(synapse, tmp_path) as lin:
        laptop, events = await keeping(lin, ["今天", "tomorrow"])
        lab = await laptop.write("lab", room=LAB)
        await laptop.kept(3)
        phone = await lin.device()
        assert await phone.backup.check() is BackupFact.FOREIGN
        assert await phone.backup.adopt(laptop.backup.private_key or "")
        await phone.backup.restore_room(WARD)
        assert [phone.text(event) for event in events] == ["今天", "tomorrow"]
        assert phone.sessions(LAB) == 0
        await phone.backup.restore_all()
        read = phone.read(lab, LAB)
        assert isinstance(read, Decrypted)
        assert read.shield is Shield.UNPROVEN


async def test_keys_go_on_being_kept_from_both_devices(synapse: TestSynapse, tmp_path: Path) -> None:
    async with desk(synapse, tmp_path) as lin:
        laptop, _ = await keeping(lin, ["one"])
        phone = await lin.device()
        assert await phone.backup.adopt(laptop.backup.private_key or "")
        late = await phone.write("from the phone")
        await phone.kept(2)
        assert await laptop.backup.check() is BackupFact.OURS
        laptop.read(late)
        await until(lambda: laptop.text(late) == "from the phone")


async def test_a_missing_key_is_fetched_when_a_message_needs_it(synapse: TestSynapse, tmp_path: Path) -> None:
    async with desk(synapse, tmp_path) as lin:
        laptop, (event, other) = await keeping(lin, ["one", "two"])
        phone = await lin.device()
        assert await phone.backup.adopt(laptop.backup.private_key or "")
        assert isinstance(phone.read(event), Undecryptable)
        await until(lambda: phone.text(event) == "one")
        assert phone.sessions() == 1
        events = [other, *[await laptop.write(str(number)) for number in range(12)]]
        await laptop.kept(14)
        for one in events:
            phone.read(one)
        await until(lambda: phone.sessions() == 14)


async def test_a_version_made_elsewhere_ends_uploads(synapse: TestSynapse, tmp_path: Path) -> None:
    async with desk(synapse, tmp_path) as lin:
        laptop, _ = await keeping(lin, ["one"])
        phone = await lin.device()
        await phone.backup.create()
        await laptop.write("two")
        await until(lambda: laptop.backup.state.value.gone)
        assert laptop.backup.private_key is None
        assert await phone.count() == 0
        assert await laptop.backup.check() is BackupFact.FOREIGN
        assert await laptop.backup.adopt(phone.backup.private_key or "")
        await laptop.kept(2)


async def test_a_version_deleted_elsewhere_ends_uploads_and_the_older_one_gets_nothing(
    synapse: TestSynapse, tmp_path: Path
) -> None:
    async with desk(synapse, tmp_path) as lin:
        phone, _ = await keeping(lin, ["one"])
        laptop = await lin.device()
        await laptop.backup.create()
        await laptop.write("two")
        await laptop.kept(1)
        version = (await phone.http.request("GET", (*CLIENT_V3, "room_keys", "version")))["version"]
        await phone.http.request("DELETE", (*CLIENT_V3, "room_keys", "version", version))
        await laptop.write("three")
        await until(lambda: laptop.backup.state.value.gone)
        assert await phone.backup.check() is BackupFact.OURS
        assert await phone.count() == 1
        await phone.backup.delete_all()
        assert await laptop.backup.check() is BackupFact.NONE
        with pytest.raises(MatrixError):
            await phone.count()
        await laptop.backup.create(again=True)
        await laptop.kept(2)


async def test_uploading_goes_on_after_a_death_in_the_middle(synapse: TestSynapse, tmp_path: Path) -> None:
    async with desk(synapse, tmp_path) as lin:
        laptop = await lin.device()
        for number in range(230):
            await laptop.write(str(number))
        puts = 0

        def cut_the_second(request: object) -> None:
            nonlocal puts
            url, method = getattr(request, "url", ""), getattr(request, "method", "")
            if method == "PUT" and "room_keys/keys" in str(url):
                puts += 1
                laptop.way.cut = puts >= 2

        laptop.way.before = cut_the_second
        await laptop.backup.create()
        await until(lambda: puts >= 2)
        await laptop.close()
        laptop.way.cut, laptop.way.before = False, lambda request: None
        await laptop.open()
        assert laptop.backup.state.value.active
        await laptop.kept(230)


async def test_restoring_goes_on_after_a_death_in_the_middle(synapse: TestSynapse, tmp_path: Path) -> None:
    async with desk(synapse, tmp_path) as lin:
        laptop, _ = await keeping(lin, [str(number) for number in range(200)])
        phone = await lin.device()
        assert await phone.backup.adopt(laptop.backup.private_key or "")
        running = phone.scope.spawn(phone.backup.restore_all(), name="restore")
        await until(lambda: phone.sessions() > 0)
        await phone.close()
        assert running.cancelled()
        await phone.open()
        assert phone.sessions() < 200
        await until(lambda: phone.sessions() == 200 and phone.backup.state.value.restoring is None)


async def test_secrets_are_opened_on_another_device(synapse: TestSynapse, tmp_path: Path) -> None:
    async with desk(synapse, tmp_path) as lin:
        laptop, (event,) = await keeping(lin, ["one"])
        assert not await laptop.storage.exists()
        secrets = {MASTER: "seed", "m.megolm_backup.v1": laptop.backup.private_key or ""}
        typed = await laptop.storage.create("correct horse 电池", secrets)
        phone = await lin.device()
        with pytest.raises(WrongRecoveryKey):
            await phone.storage.unlock("correct horse")
        key = await phone.storage.unlock("correct horse 电池")
        assert key == await phone.storage.unlock(typed)
        assert await phone.storage.read(MASTER, key) == "seed"
        assert await phone.backup.adopt(await phone.storage.read("m.megolm_backup.v1", key) or "")
        await phone.backup.restore_all()
        assert phone.text(event) == "one"
        again = await phone.storage.create(secrets={MASTER: "other"})
        with pytest.raises(WrongRecoveryKey):
            await laptop.storage.write({MASTER: "stale"}, key)
        assert await laptop.storage.read(MASTER, await laptop.storage.unlock(again)) == "other"
