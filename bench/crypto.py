"""What encryption costs besides the library: the first message to many devices, device lists, opening a store, restoring keys.

CPU time of one process against the same library calls on the same data; no server takes part.
"""

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vodozemac

from bench.report import Report
from tests.support.backup_home import BackupHome
from tests.support.key_server import KeyLine, KeyServer, Party
from welink_desktop.adapters.matrix.crypto.backup import ALGORITHM, BackupKey, BackupLock
from welink_desktop.adapters.matrix.crypto.canonical import signed_part
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, OLM, Inbound, KeysQuery, RoomRules, Source
from welink_desktop.adapters.matrix.crypto.signing import SigningKey, key_object
from welink_desktop.adapters.matrix.encryption import Encryption
from welink_desktop.adapters.matrix.security.backup import KeyBackup
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope

MEMBERS, DEVICES = 100, 2
LIST_USERS = 2_000
SESSIONS = 50_000
RESTORED = 4_000
ROUNDS = 3
KEY = b"k" * 32
ENVELOPE = 300
"""Bytes of a sealed message that are not the base64 of its text, about."""
ROOM = RoomId("!bench:x")
ME = UserId("@me:x")
CURVE = "signed_curve25519"


@dataclass
class Peer:
    """A device of somebody, as the server shows it."""

    user: UserId
    device: DeviceId
    account: vodozemac.Account
    one_time: dict[str, Any]

    @classmethod
    def make(cls, user: UserId, device: DeviceId) -> "Peer":
        account = vodozemac.Account()
        account.generate_one_time_keys(1)
        ((key_id, key),) = account.one_time_keys.items()
        peer = cls(user, device, account, {})
        peer.one_time = {f"{CURVE}:{key_id}": peer.signed({"key": key.to_base64()})}
        return peer

    def signed(self, value: dict[str, Any]) -> dict[str, Any]:
        signature = self.account.sign(signed_part(value)).to_base64()
        return {**value, "signatures": {self.user: {f"ed25519:{self.device}": signature}}}

    @property
    def keys(self) -> dict[str, Any]:
        curve, ed = self.account.curve25519_key.to_base64(), self.account.ed25519_key.to_base64()
        names = {f"curve25519:{self.device}": curve, f"ed25519:{self.device}": ed}
        return self.signed({"user_id": self.user, "device_id": self.device, "algorithms": [OLM, MEGOLM], "keys": names})


def people(count: int, devices: int) -> list[Peer]:
    return [Peer.make(UserId(f"@p{number}:x"), DeviceId(f"D{one}")) for number in range(count) for one in range(devices)]


def server_with(peers: list[Peer]) -> KeyServer:
    server = KeyServer()
    for peer in peers:
        server.devices.setdefault(peer.user, {})[peer.device] = peer.keys
        server.one_time[(peer.user, peer.device)] = dict(peer.one_time)
    return server


def opened(folder: Path) -> tuple[Database, CryptoMachine]:
    database = Database.open(folder / "store.db", KEY, MIGRATIONS)
    with database.transaction():
        machine = CryptoMachine(ME, DeviceId("MINE"), SqlCryptoStore(database), KEY, SystemClock())
    return database, machine


def first_message(peers: list[Peer], folder: Path) -> tuple[float, int]:
    """CPU seconds of the claimed keys taken in, 200 sealed room keys and the message; and the bytes of one sealed text."""
    database, machine = opened(folder)
    server = server_with(peers)
    with database.transaction():
        party = Party(server, machine)
    rules = RoomRules(ROOM, (ME, *dict.fromkeys(peer.user for peer in peers)))
    with database.transaction():
        machine.track(rules.recipients)
        party.work()
    claims = machine.room_claims(rules)
    answers = [(claim, server.answer(party.who, claim)) for claim in claims]
    started = time.process_time()
    sizes = []
    for claim, answer in answers:
        with database.transaction():
            machine.request_done(claim, answer)
    while True:
        with database.transaction():
            requests = machine.share_room_key(rules)
        if not requests:
            break
        sizes += [len(json.dumps(content)) for request in requests for by in request.messages.values() for content in by.values()]
        for request in requests:
            with database.transaction():
                machine.request_done(request, {})
    with database.transaction():
        machine.encrypt(ROOM, "m.room.message", {"msgtype": "m.text", "body": "Hello"})
    taken = time.process_time() - started
    assert len(sizes) == len(peers), sizes
    database.close()
    return taken, (sum(sizes) // len(sizes) - ENVELOPE) * 3 // 4


def bare(peers: list[Peer], payload: int) -> float:
    """CPU seconds of the library for the same: one-time keys checked, sessions made, a key of the same size sealed, kept."""
    account = vodozemac.Account()
    text = b"x" * payload
    checks = []
    for peer in peers:
        ((_, key),) = peer.one_time.items()
        signature = key["signatures"][peer.user][f"ed25519:{peer.device}"]
        checks.append((peer, key["key"], signed_part(key), signature))
    started = time.process_time()
    group = vodozemac.GroupSession()
    for peer, key, signed, signature in checks:
        peer.account.ed25519_key.verify_signature(signed, vodozemac.Ed25519Signature.from_base64(signature))
        session = account.create_outbound_session(peer.account.curve25519_key, vodozemac.Curve25519PublicKey.from_base64(key))
        session.encrypt(text)
        session.pickle(KEY)
    group.encrypt(b"Hello")
    group.pickle(KEY)
    return time.process_time() - started


def device_lists(peers: list[Peer], folder: Path) -> float:
    """CPU seconds to check and store one device of each of many people, signed by their identities."""
    database, machine = opened(folder)
    shown: dict[str, dict[str, Any]] = {}
    masters: dict[str, Any] = {}
    signers: dict[str, Any] = {}
    for peer in peers:
        master, signer = SigningKey.generate(), SigningKey.generate()
        masters[peer.user] = peer.signed(key_object(peer.user, "master", master.public))
        signers[peer.user] = master.signature(peer.user, key_object(peer.user, "self_signing", signer.public))
        keys = peer.keys
        keys["signatures"][peer.user].update(signer.signature(peer.user, keys)["signatures"][peer.user])
        shown.setdefault(peer.user, {})[peer.device] = keys
    with database.transaction():
        machine.track(UserId(user) for user in shown)
    queries = machine.queries()
    started = time.process_time()
    for query in queries:
        assert isinstance(query, KeysQuery)
        answer = {
            "device_keys": {user: shown.get(user, {}) for user in query.users},
            "master_keys": {user: masters[user] for user in query.users if user in masters},
            "self_signing_keys": {user: signers[user] for user in query.users if user in signers},
            "failures": {},
        }
        with database.transaction():
            machine.request_done(query, answer)
    taken = time.process_time() - started
    assert not machine.queries()
    (device,) = machine.devices_of(peers[0].user)
    assert device.owner_signed
    database.close()
    return taken


def open_full_store(folder: Path) -> float:
    """Wall seconds until a store with many sessions is ready to work with."""
    database, _ = opened(folder)
    store = SqlCryptoStore(database)
    session = vodozemac.GroupSession()
    pickle = vodozemac.InboundGroupSession(session.session_key).pickle(KEY)
    with database.transaction():
        for number in range(SESSIONS):
            name = f"session-{number:06d}"
            store.save_inbound(
                Inbound(RoomId(f"!{number % 500}:x"), name, "curve", "ed", UserId("@p:x"), DeviceId("D"), Source.OLM, 0, pickle)
            )
    database.close()
    started = time.perf_counter()
    database, machine = opened(folder)
    machine.pending_requests()
    taken = time.perf_counter() - started
    database.close()
    return taken


class NoRooms:
    async def rules(self, room: RoomId) -> RoomRules:
        return RoomRules(room, (ME,))

    def joined_at_ms(self, room: RoomId) -> int:
        return 0


def full_backup(home: BackupHome) -> BackupKey:
    """Sessions of some rooms, as another device uploaded them."""
    key = BackupKey.generate()
    lock = BackupLock(key.public)
    version = home.make_version({"algorithm": ALGORITHM, "auth_data": {"public_key": key.public}})["version"]
    sender = vodozemac.Account()
    for number in range(RESTORED):
        session = vodozemac.InboundGroupSession(vodozemac.GroupSession().session_key)
        exported = session.export_at(0)
        assert exported is not None
        entry = {
            "algorithm": MEGOLM,
            "sender_key": sender.curve25519_key.to_base64(),
            "sender_claimed_keys": {"ed25519": sender.ed25519_key.to_base64()},
            "forwarding_curve25519_key_chain": [],
            "session_key": exported.to_base64(),
        }
        home.kept[version].setdefault(f"!{number % 20}:x", {})[session.session_id] = lock.entry(entry, 0)
    return key


async def restore(home: BackupHome, key: BackupKey, folder: Path) -> float:
    """CPU seconds from the answer's bytes to sessions in the store."""
    database = Database.open(folder / "store.db", KEY, MIGRATIONS)
    scope, clock = Scope("bench"), SystemClock()
    line = KeyLine(KeyServer(), ME, DeviceId("MINE"))
    encryption = Encryption(database, line, user=ME, device=DeviceId("MINE"), rooms=NoRooms(), scope=scope, clock=clock)
    backup = KeyBackup(database, home, encryption, scope=scope, clock=clock, delay=lambda: 0.0)
    assert await backup.adopt(key.secret)
    started = time.process_time()
    await backup.restore_all()
    taken = time.process_time() - started
    with database.read() as t:
        assert t.value("SELECT count(*) FROM crypto_inbound") == RESTORED
    await scope.aclose()
    database.close()
    return taken


def main() -> None:
    report = Report("crypto")
    peers = people(MEMBERS, DEVICES)
    crowd = people(LIST_USERS, 1)
    ours, alone, lists, opening = [], [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            taken, size = first_message(peers, Path(folder))
            ours.append(taken)
            alone.append(bare(peers, size))
        with tempfile.TemporaryDirectory() as folder:
            lists.append(device_lists(crowd, Path(folder)))
        with tempfile.TemporaryDirectory() as folder:
            opening.append(open_full_store(Path(folder)))
    report.figure("first_message_cpu_ms", min(ours) * 1000)
    report.figure("library_cpu_ms", min(alone) * 1000)
    report.figure("first_message_ratio", min(ours) / min(alone), max=3)
    report.figure("device_lists_s", min(lists), max=2)
    report.figure("open_store_ms", min(opening) * 1000, max=300)
    home = BackupHome()
    home.chunk = 65_536
    key = full_backup(home)
    restoring = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            restoring.append(asyncio.run(restore(home, key, Path(folder))))
    report.figure("restore_keys_per_s", RESTORED / min(restoring), min=2_000)
    report.notes = (
        f"{MEMBERS} people with {DEVICES} devices; {LIST_USERS} lists; {SESSIONS} sessions; {RESTORED} keys; best of {ROUNDS}"
    )
    report.finish()


if __name__ == "__main__":
    main()
