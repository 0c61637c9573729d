"""Megolm messages per second through our pipeline (parse, decrypt, check, store), over the bare library on the same messages.

Figures in CPU time of one process; the store is a real encrypted file; messages are written in batches, one transaction each.
"""

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import vodozemac

from bench.report import Report
from welink_desktop.adapters.matrix.crypto.megolm import RoomReader
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Decrypted, Device, Source
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.wire.events import Event, parse_event
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.ids import DeviceId, RoomId, UserId

ROUNDS = 5
MESSAGES = 4_000
PER_SESSION = 100
BATCH = 200
ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
ROOM = RoomId("!bench")
SENDER = Device(UserId("@bench:x"), DeviceId("BENCH"), "curve", "ed")


class Conversation:
    """Encrypted events as they come over the wire, and the keys to them."""

    def __init__(self, messages: int) -> None:
        self.keys: list[tuple[str, str]] = []
        self.ciphertexts: list[tuple[str, str]] = []
        self.answers: list[bytes] = []
        for number in range(messages):
            if number % PER_SESSION == 0:
                session = vodozemac.GroupSession()
                self.keys.append((session.session_id, session.session_key.to_base64()))
            text = {"msgtype": "m.text", "body": f"Message {number}: 周三的会议在三号会议室,请准时参加。", "m.mentions": {}}
            plain = json.dumps({"type": "m.room.message", "content": text, "room_id": ROOM}, ensure_ascii=False)
            ciphertext = session.encrypt(plain.encode()).to_base64()
            self.ciphertexts.append((session.session_id, ciphertext))
            content = {
                "algorithm": MEGOLM,
                "ciphertext": ciphertext,
                "session_id": session.session_id,
                "sender_key": SENDER.curve25519,
                "device_id": SENDER.device,
            }
            event = {
                "type": "m.room.encrypted",
                "event_id": f"${number:043d}",
                "sender": SENDER.user,
                "origin_server_ts": 1_700_000_000_000 + number,
                "content": content,
                "unsigned": {"age": 5, "membership": "join"},
            }
            self.answers.append(json.dumps(event).encode())


def bare(conversation: Conversation) -> float:
    """CPU seconds of the library alone: sessions opened once, messages decoded and decrypted."""
    sessions = {name: vodozemac.InboundGroupSession(vodozemac.SessionKey(key)) for name, key in conversation.keys}
    started = time.process_time()
    for name, ciphertext in conversation.ciphertexts:
        sessions[name].decrypt(vodozemac.MegolmMessage.from_base64(ciphertext))
    return time.process_time() - started


def pipeline(conversation: Conversation, folder: Path) -> float:
    """CPU seconds from bytes of the network to committed rows."""
    database = Database.open(folder / "store.db", b"b" * 32, MIGRATIONS)
    reader = RoomReader(SqlCryptoStore(database), b"p" * 32, SystemClock(), joined_at_ms=lambda room: 0, device_made_ms=0)
    with database.transaction():
        for name, key in conversation.keys:
            content = {"algorithm": MEGOLM, "session_id": name, "session_key": key}
            reader.add(ROOM, content, SENDER, Source.OLM)
    with database.transaction() as transaction:
        transaction.execute("CREATE TABLE bench(event TEXT PRIMARY KEY, sender TEXT, ts INTEGER, type TEXT, content TEXT)")
    started = time.process_time()
    for start in range(0, len(conversation.answers), BATCH):
        _take(database, reader, conversation.answers[start : start + BATCH])
    taken = time.process_time() - started
    with database.read() as query:
        assert query.value("SELECT count(*) FROM bench") == len(conversation.answers)
    database.close()
    return taken


def _take(database: Database, reader: RoomReader, answers: Sequence[bytes]) -> None:
    with database.transaction() as transaction:
        rows = []
        for answer in answers:
            raw = json.loads(answer)
            event = parse_event(raw, ROOM)
            assert isinstance(event, Event), event
            result = reader.read(ROOM, raw)
            assert isinstance(result, Decrypted), result
            rows.append((event.event, event.sender, event.timestamp_ms, result.type, ENCODER.encode(result.content)))
        transaction.executemany("INSERT INTO bench(event, sender, ts, type, content) VALUES(?, ?, ?, ?, ?)", rows)


def main() -> None:
    report = Report("decrypt")
    conversation = Conversation(MESSAGES)
    ours, alone = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            alone.append(bare(conversation))
            ours.append(pipeline(conversation, Path(folder)))
    report.figure("pipeline_per_second", MESSAGES / min(ours))
    report.figure("library_per_second", MESSAGES / min(alone))
    report.figure("rate_ratio", min(alone) / min(ours), min=0.4)
    report.notes = f"{MESSAGES} messages, {PER_SESSION} per session, transactions of {BATCH}; best of {ROUNDS}, CPU time"
    report.finish()


if __name__ == "__main__":
    main()
