"""Attacks 43-48: secrets and room keys between devices (matrix.md §8.4, §8.7, §8.9 rule 5)."""

from pathlib import Path

from tests.integration.attacks.forger import Forged, Megolm
from tests.integration.attacks.hostile import Json, Siege, besieged
from tests.support.engine import until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.backup import ALGORITHM, BackupKey
from welink_desktop.core.ids import DeviceId
from welink_desktop.core.trust import Shield

BACKUP = "m.megolm_backup.v1"
MEGOLM = "m.megolm.v1.aes-sha2"


def planted_backup(siege: Siege) -> BackupKey:
    """The server shows a backup whose key the attacker has: whoever believes that key uploads every room key to him."""
    key = BackupKey.generate()
    auth = {"public_key": key.public, "signatures": {}}
    answer = {"algorithm": ALGORITHM, "auth_data": auth, "version": "99", "count": 0, "etag": "0"}
    siege.wire.statuses["/room_keys/version"] = (200, answer)
    siege.session.security._backup._delay = lambda: 0.0
    return key


async def not_taken(siege: Siege) -> None:
    await siege.settle()
    assert siege.session.security._backup.private_key is None
    assert not siege.wire.puts("/room_keys/keys")


def asked(siege: Siege, kind: str, device: Forged) -> Json:
    """The newest question of ours to a device."""
    found = [one for one in siege.wire.told(kind, siege.user, device.device) if one["action"] == "request"]
    return found[-1] if found else {}


async def test_43_secret_that_nobody_asked_for(synapse: TestSynapse, tmp_path: Path) -> None:
    """CVE-2022-39264."""
    async with besieged(synapse, tmp_path) as siege:
        key, target = planted_backup(siege), siege.target()
        pad = await siege.own_device(verified=True)
        bare = await siege.own_device(verified=False)
        chen = siege.foe("chen")
        await siege.room(chen)
        for device in (pad, bare, chen.device):
            for request in ("made up", ""):
                content = {"request_id": request, "secret": key.secret, "name": BACKUP}
                await siege.wire.push(device.letter(target, "m.secret.send", content))
        await not_taken(siege)
        content = {"request_id": "made up", "secret": key.secret, "name": BACKUP}
        await siege.wire.push({"type": "m.secret.send", "sender": siege.user, "content": content})
        await not_taken(siege)


async def test_44_secret_from_a_device_that_is_not_verified(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        key, target = planted_backup(siege), siege.target()
        pad = await siege.own_device(verified=True)
        bare = await siege.own_device(verified=False)
        chen = siege.foe("chen")
        await siege.room(chen)
        siege.session.security._gossip.want([BACKUP])
        await until(lambda: asked(siege, "m.secret.request", pad))
        assert not asked(siege, "m.secret.request", bare), "only verified devices are asked"
        request = asked(siege, "m.secret.request", pad)["request_id"]
        content = {"request_id": request, "secret": key.secret, "name": BACKUP}
        for letter in (
            bare.letter(target, "m.secret.send", content),
            chen.device.letter(target, "m.secret.send", content),
            chen.device.letter(target, "m.secret.send", content, as_user=siege.user, sender=siege.user),
            {"type": "m.secret.send", "sender": siege.user, "content": content},
        ):
            await siege.wire.push(letter)
        await not_taken(siege)
        await siege.wire.push(pad.letter(target, "m.secret.send", content))
        await until(lambda: siege.session.security._backup.private_key == key.secret)


async def test_45_secret_of_a_wrong_value(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        key, target = planted_backup(siege), siege.target()
        pad = await siege.own_device(verified=True)
        siege.session.security._gossip.want([BACKUP])
        await until(lambda: asked(siege, "m.secret.request", pad))
        request = asked(siege, "m.secret.request", pad)["request_id"]
        held = siege.identities.secrets()
        wrong = {"request_id": request, "secret": BackupKey.generate().secret, "name": BACKUP}
        await siege.wire.push(pad.letter(target, "m.secret.send", wrong))
        await not_taken(siege)
        for name in (BACKUP, "m.cross_signing.master"):
            await siege.wire.push(pad.letter(target, "m.secret.send", {**wrong, "secret": key.secret, "name": name}))
        await not_taken(siege)
        assert siege.identities.secrets() == held


async def test_46_secret_asked_by_others(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        pad = await siege.own_device(verified=True)
        bare = await siege.own_device(verified=False)
        chen = siege.foe("chen")
        await siege.room(chen)
        before = len(siege.wire.to_device)
        for number, (user, device) in enumerate(
            [(siege.user, bare), (chen.user, chen.device), (chen.user, pad), (siege.user, pad), (siege.user, Forged(siege.user))]
        ):
            content = {"action": "request", "request_id": f"r{number}", "requesting_device_id": device.device}
            wish = {**content, "name": "m.cross_signing.master"}
            await siege.wire.push({"type": "m.secret.request", "sender": user, "content": wish})
        siege.session.security._gossip.device_verified(DeviceId(bare.device))
        await siege.settle()
        assert [one for one in siege.wire.to_device[before:] if one[0] == "m.room.encrypted"] == []
        siege.session.security._gossip.device_verified(DeviceId(pad.device))
        await until(lambda: siege.wire.sealed_for(siege.user, pad.device))
        letter = pad.open(siege.wire.sealed_for(siege.user, pad.device)[0])
        assert (letter["type"], letter["content"]["request_id"]) == ("m.secret.send", "r3")


async def test_47_forwarded_keys_that_nobody_asked_for(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        pad = await siege.own_device(verified=True)
        bare = await siege.own_device(verified=False)
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm, target, seen = Megolm(), siege.target(), await siege.opened(room)

        def forward(device: Forged) -> Json:
            content = megolm.exported(room, chen.device, sender_claimed_ed25519_key=chen.device.ed)
            return device.letter(target, "m.forwarded_room_key", content)

        for device in (pad, bare, chen.device):
            await siege.wire.push(forward(device))
        assert siege.sessions(room, megolm.id) == 0
        event = megolm.event(chen.user, chen.device, room, "not readable yet")
        await siege.wire.push(room=room, timeline=(event,))
        await siege.session.security.restore_room(room)
        await until(lambda: asked(siege, "m.room_key_request", pad))
        assert not asked(siege, "m.room_key_request", bare)
        for device in (bare, chen.device):
            await siege.wire.push(forward(device))
        assert siege.sessions(room, megolm.id) == 0
        await siege.wire.push(forward(pad))
        await until(lambda: seen.item("not readable yet"))
        item = seen.item("not readable yet")
        assert item is not None
        assert item.shield is Shield.UNPROVEN, "never authentic"


async def test_48_room_key_asked_by_others(synapse: TestSynapse, tmp_path: Path) -> None:
    """CVE-2021-40823."""
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        room = await siege.room(chen)
        await siege.say(room, "for chen")
        session = siege.wire.puts("/send/m.room.encrypted/")[0]["session_id"]
        pad = await siege.own_device(verified=True)
        bare = await siege.own_device(verified=False)
        await siege.look(mallory.user)
        before = len(siege.wire.to_device)
        foreign = Forged(siege.user)
        askers = [
            (siege.user, bare),
            (chen.user, chen.device),
            (mallory.user, mallory.device),
            (mallory.user, pad),
            (siege.user, foreign),
        ]
        body = {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": session,
            "sender_key": siege.encryption.own_keys["curve25519"],
        }

        async def ask(user: str, device: Forged) -> None:
            content = {"action": "request", "request_id": device.device, "requesting_device_id": device.device, "body": body}
            await siege.wire.push({"type": "m.room_key_request", "sender": user, "content": content})

        for user, device in askers:
            await ask(user, device)
        await siege.settle()
        assert [one for one in siege.wire.to_device[before:] if one[0] == "m.room.encrypted"] == []
        await ask(siege.user, pad)
        await until(lambda: siege.wire.sealed_for(siege.user, pad.device))
        letter = pad.open(siege.wire.sealed_for(siege.user, pad.device)[0])
        assert (letter["type"], letter["content"]["session_id"]) == ("m.forwarded_room_key", session)
