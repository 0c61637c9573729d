"""Attacks 10-16: a homeserver that lies about identities (matrix.md §8.6)."""

from pathlib import Path
from typing import Any

from tests.integration.attacks.forger import Foe, Forged, Megolm, forged_identity
from tests.integration.attacks.hostile import Json, Siege, besieged, refused
from tests.support.engine import until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.canonical import signed_part
from welink_desktop.adapters.matrix.crypto.signing import SigningKey, key_object
from welink_desktop.core.errors import IdentityChanged
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.security import PersonTrust, RecoveryState, RecoveryStatus
from welink_desktop.core.timeline import OutgoingText
from welink_desktop.core.trust import Shield

QUERY = "/keys/query"
KINDS = ("master", "self_signing")


def swap(siege: Siege, user: str, identity: Json, device: Forged | None = None, signer: SigningKey | None = None) -> None:
    """The server shows another identity, and a device of its own that this identity signed."""

    def bend(answer: Json) -> None:
        if user not in answer["device_keys"]:
            return
        for kind in (*KINDS, "user_signing"):
            if kind != "user_signing" or user in answer.get("user_signing_keys", {}):
                answer[f"{kind}_keys"][user] = identity[f"{kind}_key"]
        if device is not None:
            answer["device_keys"][user][device.device] = device.keys(signer=signer)

    siege.wire.on(QUERY, bend)


def trust(siege: Siege, foe: Foe) -> PersonTrust:
    return siege.identities.trust_of(UserId(foe.user))


async def nothing_leaves(siege: Siege, room: RoomId, foe: Foe, *devices: Forged) -> None:
    """Sending into the room stops with a word about who changed; no new key leaves for any of their devices."""
    before = len(siege.wire.sealed_for(foe.user, foe.device.device))
    await siege.session.chat.send_text(room, OutgoingText("not for the impostor"))
    seen = await siege.opened(room)
    await until(lambda: (item := seen.item("not for the impostor")) and isinstance(item.send.error, IdentityChanged))
    assert len(siege.wire.sealed_for(foe.user, foe.device.device)) == before
    assert not [one for device in devices for one in siege.wire.sealed_for(foe.user, device.device)]


async def test_10_master_swapped_before_verification(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        assert trust(siege, chen) is PersonTrust.SEEN
        _, self_signing, identity = forged_identity(chen.user)
        evil = Forged(chen.user)
        swap(siege, chen.user, identity, evil, self_signing)
        siege.wire.entitled.add(evil.curve)
        await siege.look(chen.user)
        assert trust(siege, chen) is PersonTrust.CHANGED
        device = siege.known(chen.user, evil.device)
        assert device is not None
        assert not device.owner_signed
        assert not siege.identities.device_trusted(device)
        megolm, seen = Megolm(), await siege.opened(room)
        await siege.hear(chen, room, megolm, evil)
        await siege.wire.push(room=room, timeline=(megolm.event(chen.user, evil, room, "from the impostor"),))
        await until(lambda: seen.item("from the impostor"))
        item = seen.item("from the impostor")
        assert item is not None
        assert item.shield is Shield.UNSIGNED


async def test_11_master_swapped_after_verification(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        await siege.verify(chen)
        assert trust(siege, chen) is PersonTrust.VERIFIED
        await siege.say(room, "to the verified one")
        _, self_signing, identity = forged_identity(chen.user)
        evil = Forged(chen.user)
        swap(siege, chen.user, identity, evil, self_signing)
        await siege.look(chen.user)
        assert trust(siege, chen) is PersonTrust.BROKEN
        await nothing_leaves(siege, room, chen, evil)
        assert await refused(siege.encryption.prepare_to_send(room), IdentityChanged)


async def test_12_master_vanishes(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        await siege.verify(chen)
        evil = Forged(chen.user)

        def bend(answer: Json) -> None:
            for kind in KINDS:
                answer[f"{kind}_keys"].pop(chen.user, None)
            if chen.user in answer["device_keys"]:
                answer["device_keys"][chen.user][evil.device] = evil.keys()

        siege.wire.on(QUERY, bend)
        await siege.look(chen.user)
        assert trust(siege, chen) is PersonTrust.BROKEN
        await nothing_leaves(siege, room, chen, evil)


async def test_13_self_signing_key_not_by_the_master(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        await siege.session.security.require_signed_devices(True)
        chen = siege.foe("chen")
        forged, evil = SigningKey.generate(), Forged(chen.user)
        key = key_object(UserId(chen.user), "self_signing", forged.public)
        identity = {**chen.identity(), "self_signing_key": forged.signature(UserId(chen.user), key)}
        swap(siege, chen.user, identity, evil, forged)
        room = await siege.room(chen)
        await siege.verify(chen)
        device = siege.known(chen.user, evil.device)
        assert device is not None
        assert not device.shown_signed
        assert not siege.identities.device_trusted(device)
        await siege.say(room, "for signed devices")
        assert siege.wire.sealed_for(chen.user, evil.device) == []


async def test_14_device_signed_by_a_foreign_key(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        await siege.session.security.require_signed_devices(True)
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        evil = Forged(chen.user)
        keys = evil.keys(signer=mallory.self_signing)
        named = f"ed25519:{chen.self_signing.public}"
        keys["signatures"][chen.user][named] = mallory.self_signing.sign(signed_part(keys))
        keys["signatures"][mallory.user] = {
            f"ed25519:{mallory.self_signing.public}": mallory.self_signing.sign(signed_part(keys))
        }
        siege.wire.on(QUERY, lambda answer: answer["device_keys"].get(chen.user, {}).update({evil.device: keys}))
        room = await siege.room(chen, mallory)
        await siege.verify(chen)
        device = siege.known(chen.user, evil.device)
        assert device is not None
        assert not device.owner_signed
        assert not siege.identities.device_trusted(device)
        await siege.say(room, "for signed devices")
        assert siege.wire.sealed_for(chen.user, evil.device) == []
        assert len(siege.wire.sealed_for(chen.user, chen.device.device)) == 1


async def test_15_own_master_swapped(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        await siege.room(chen)
        await siege.verify(chen)
        states: list[RecoveryStatus] = []
        siege.session.security.watch_recovery(states.append)
        _, self_signing, identity = forged_identity(siege.user)
        evil = Forged(siege.user)
        swap(siege, siege.user, identity, evil, self_signing)
        uploads = len(siege.wire.puts("keys/device_signing/upload"))
        await siege.look(siege.user)
        own = siege.identities.own()
        assert own is not None
        assert not own.verified
        assert own.replaced
        assert own.held == frozenset()
        device = siege.known(siege.user, evil.device)
        assert device is not None
        assert not siege.identities.device_trusted(device)
        assert siege.identities.sign_own_device(device.device) is None
        assert trust(siege, chen) is not PersonTrust.VERIFIED
        await until(lambda: states[-1].state is RecoveryState.IDENTITY_REPLACED)
        assert len(siege.wire.puts("keys/device_signing/upload")) == uploads, "no new identity without the person's word"


async def test_16_forged_verification_of_a_person(synapse: TestSynapse, tmp_path: Path) -> None:
    """The server shows signatures of "ours" over somebody's identity."""
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        await siege.room(chen)
        own = siege.identities.own()
        assert own is not None
        forged = SigningKey.generate()

        def bend(answer: Json) -> None:
            key: Any = answer["master_keys"].get(chen.user)
            if key is not None:
                by = {f"ed25519:{name}": forged.sign(signed_part(key)) for name in (own.user_signing, forged.public)}
                key.setdefault("signatures", {})[siege.user] = by

        siege.wire.on(QUERY, bend)
        await siege.look(chen.user)
        assert siege.identities.master_of(UserId(chen.user)) == chen.master.public
        assert trust(siege, chen) is PersonTrust.SEEN
        device = siege.known(chen.user, chen.device.device)
        assert device is not None
        assert not siege.identities.device_trusted(device)
