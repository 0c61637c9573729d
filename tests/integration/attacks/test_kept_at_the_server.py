"""Attacks 49-54: a homeserver that changes the backup and the secrets it keeps (matrix.md §8.7)."""

import hashlib
import hmac
import time
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.integration.attacks.forger import Foe, Megolm, forged_identity
from tests.integration.attacks.hostile import Json, Siege, besieged, refused, why
from tests.support.engine import until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.backup import ALGORITHM, BackupKey, BackupLock
from welink_desktop.adapters.matrix.crypto.canonical import encode
from welink_desktop.adapters.matrix.crypto.secret_storage import new_key
from welink_desktop.core.errors import WrongRecoveryKey
from welink_desktop.core.ids import UserId
from welink_desktop.core.security import PersonTrust, RecoveryState, RecoveryStatus
from welink_desktop.core.trust import Shield, UndecryptableReason

VERSION = "/room_keys/version"
DEFAULT_KEY = "m.secret_storage.default_key"


async def recovery_on(siege: Siege) -> str:
    siege.session.security._backup._delay = lambda: 0.0
    return await siege.session.security.turn_on_recovery()


def sealed(siege: Siege, session: Json) -> Json:
    """A backup entry as anybody can make it who knows the public key: the server does."""
    secret = siege.session.security._backup.private_key
    assert secret is not None
    return dict(BackupLock(BackupKey.from_secret(secret).public).entry(session, 0))


async def test_49_backup_replaced_by_the_server(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        await recovery_on(siege)
        await siege.say(room, "kept")
        await until(lambda: siege.wire.puts("/room_keys/keys"))
        states: list[RecoveryStatus] = []
        siege.session.security.watch_recovery(states.append)
        evil = BackupKey.generate()
        auth = siege.encryption.signed({"public_key": evil.public})
        answer = {"algorithm": ALGORITHM, "auth_data": auth, "version": "99", "count": 0, "etag": "0"}
        siege.wire.statuses[VERSION] = (200, answer)
        await siege.session.security._backup.check()
        await until(lambda: states[-1].state is RecoveryState.SECRETS_MISSING)
        before = len(siege.wire.puts("/room_keys/keys"))
        await siege.hear(chen, room, Megolm())
        siege.machine.end_session(room)
        await siege.say(room, "not for the other backup")
        await siege.settle()
        assert len(siege.wire.puts("/room_keys/keys")) == before
        assert not siege.wire.puts("version=99")
        assert not siege.session.security._backup.state.value.active


async def test_50_backup_session_in_another_room(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        ward, lab = await siege.room(chen), await siege.room(chen)
        await recovery_on(siege)
        megolm, forged, seen = Megolm(), Megolm(), await siege.opened(lab)
        kept = {one.id: sealed(siege, one.exported(ward, chen.device)) for one in (megolm, forged)}
        siege.wire.on(f"/room_keys/keys/{lab}", lambda answer: answer.update(sessions=kept))
        await siege.session.security.restore_room(lab)
        moved = megolm.event(chen.user, chen.device, ward, "for the ward")
        made_up = forged.event(chen.user, chen.device, lab, "made up by the server")
        mallory = forged.event(siege.user, chen.device, lab, "as if from me")
        await siege.wire.push(room=lab, timeline=(moved, made_up, mallory))
        await until(lambda: len([item for item in seen.items if item.ref in _ids(moved, made_up, mallory)]) == 3)
        found = {item.ref: item for item in seen.items}
        assert why(found[moved["event_id"]]) is UndecryptableReason.WRONG_ROOM
        assert found[made_up["event_id"]].shield is Shield.UNPROVEN, "never authentic"
        assert why(found[mallory["event_id"]]) is UndecryptableReason.SENDER_MISMATCH


async def test_51_backup_answers_that_are_misread(synapse: TestSynapse, tmp_path: Path) -> None:
    """matrix-js-sdk 43 mis-reads the answer for one room and restores nothing."""
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        await recovery_on(siege)
        good, wrapped, seen = Megolm(), Megolm(), await siege.opened(room)
        entry = sealed(siege, good.exported(room, chen.device))
        data = entry["session_data"]
        garbage: Json = {
            Megolm().id: {**entry, "session_data": {**data, "mac": "AAAAAAAAAAA"}},
            Megolm().id: {**entry, "session_data": {**data, "ciphertext": data["ciphertext"][:-8]}},
            Megolm().id: {**entry, "session_data": {**data, "ephemeral": "A" * 43}},
            Megolm().id: entry,
            "list": [],
            "none": {"session_data": None},
        }
        answer: Json = {"sessions": {**garbage, good.id: entry}}
        siege.wire.on(f"/room_keys/keys/{room}", lambda shown: shown.update(answer))
        before = len(siege.machine.sessions(room))
        await siege.session.security.restore_room(room)
        assert siege.sessions(room, good.id) == 1
        assert len(siege.machine.sessions(room)) == before + 1, "garbage and keys under other names are nothing"
        event = good.event(chen.user, chen.device, room, "from the backup")
        await siege.wire.push(room=room, timeline=(event,))
        await until(lambda: seen.item("from the backup"))
        other = sealed(siege, wrapped.exported(room, chen.device))
        answer.clear()
        answer.update({"sessions": [], "rooms": {room: {"sessions": {wrapped.id: other}}}})
        await siege.session.security.restore_room(room)
        assert siege.sessions(room, wrapped.id) == 0


async def test_52_recovery_key_swapped_by_the_server(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        shown = await recovery_on(siege)
        key, description = new_key()
        assert key
        siege.wire.on(f"/account_data/{DEFAULT_KEY}", lambda answer: answer.update(key=description.key_id))
        siege.wire.statuses[f"/account_data/m.secret_storage.key.{description.key_id}"] = (200, description.content)
        before = len(siege.wire.puts("/account_data/"))
        await siege.wire.push(account_data=({"type": DEFAULT_KEY, "content": {"key": description.key_id}},))
        await siege.settle()
        assert await refused(siege.session.security.recover(shown), WrongRecoveryKey)
        storage = siege.session.security._recovery._storage
        assert await refused(storage.write({"m.megolm_backup.v1": "secret"}, bytes(32)), WrongRecoveryKey)
        assert len(siege.wire.puts("/account_data/")) == before, "no secret goes to the server's key"
        assert description.key_id not in repr(siege.wire.puts("/account_data/m."))


async def test_53_passphrase_rounds_that_make_no_sense(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        shown = await recovery_on(siege)
        rounds = {"count": 1}

        def weak(answer: Json) -> None:
            """With one round a guessed passphrase opens it: a description that the server may make."""
            key = (
                hashlib.pbkdf2_hmac("sha512", b"correct horse", b"salt", rounds["count"], 32)
                if rounds["count"] == 1
                else bytes(32)
            )
            answer["passphrase"] = {"algorithm": "m.pbkdf2", "salt": "salt", "iterations": rounds["count"], "bits": 256}
            if rounds["count"] == 1:
                answer.update(_key_check(key))

        kind = next(path for method, path, _ in siege.wire.requests if method == "PUT" and "m.secret_storage.key." in path)
        siege.wire.on(kind.split("/user/")[1].split("/", 1)[1], weak)
        assert await refused(siege.session.security.recover("correct horse"), WrongRecoveryKey)
        for absurd in (10**9, 99_999, -1, 0):
            rounds["count"] = absurd
            began = time.monotonic()
            assert await refused(siege.session.security.recover("correct horse"), WrongRecoveryKey)
            assert time.monotonic() - began < 5.0
        await siege.session.security.recover(shown)


async def test_54_secrets_of_another_identity(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen: Foe = siege.foe("chen")
        await siege.room(chen)
        await siege.verify(chen)
        shown = await recovery_on(siege)
        _, _, identity = forged_identity(siege.user)

        def bend(answer: Json) -> None:
            if siege.user in answer["device_keys"]:
                for kind in ("master", "self_signing", "user_signing"):
                    answer.setdefault(f"{kind}_keys", {})[siege.user] = identity[f"{kind}_key"]

        siege.wire.on("/keys/query", bend)
        before = len(siege.wire.puts("/keys/signatures/upload"))
        assert await refused(siege.session.security.recover(shown), WrongRecoveryKey)
        own = siege.identities.own()
        assert own is not None
        assert not own.verified
        assert own.held == frozenset()
        assert siege.identities.trust_of(UserId(chen.user)) is not PersonTrust.VERIFIED
        assert len(siege.wire.puts("/keys/signatures/upload")) == before


def _ids(*events: Json) -> set[str]:
    return {event["event_id"] for event in events}


def _key_check(key: bytes) -> Json:
    """`iv` and `mac` of a description for `key`, as the format has them."""
    both = HKDF(SHA256(), 64, salt=bytes(32), info=b"").derive(key)
    cipher = Cipher(AES(both[:32]), CTR(bytes(16))).encryptor()
    ciphertext = cipher.update(bytes(32)) + cipher.finalize()
    return {"iv": encode(bytes(16)), "mac": encode(hmac.digest(both[32:], ciphertext, "sha256"))}
