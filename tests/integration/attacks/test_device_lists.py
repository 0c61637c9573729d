"""Attacks 1-9 and 17: a homeserver that lies about devices (matrix.md §8.1, §8.2)."""

from pathlib import Path

import pytest

from tests.integration.attacks.forger import ZEROS, Forged, Megolm
from tests.integration.attacks.hostile import Json, Siege, besieged, why
from tests.support.engine import until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.records import Withheld
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.trust import Shield, UndecryptableReason

pytestmark = pytest.mark.logs_errors  # our alarms about wrong keys of our own device are error records

QUERY = "/keys/query"


def shown(siege: Siege, user: str, device: Forged, keys: Json | None = None) -> None:
    """From now on the server shows this device in the list of `user`."""

    def bend(answer: Json) -> None:
        if user in answer["device_keys"]:
            answer["device_keys"][user][device.device] = keys if keys is not None else device.keys()

    siege.wire.on(QUERY, bend)


async def test_01_foreign_device_injected(synapse: TestSynapse, tmp_path: Path) -> None:
    """Without the policy, too, if the person was verified; with it, for everybody."""
    async with besieged(synapse, tmp_path) as siege:
        chen, mei = siege.foe("chen"), siege.foe("mei")
        evil, worse = Forged(chen.user), Forged(mei.user)
        for foe, device in ((chen, evil), (mei, worse)):
            shown(siege, foe.user, device, device.keys())
            claimable(siege, device)
        for foe, device in ((chen, evil), (mei, worse)):
            room = await siege.room(foe)
            if foe is chen:
                await siege.verify(foe)
            else:
                await siege.session.security.require_signed_devices(True)
            await siege.say(room, "for its owner only")
            await until(lambda foe=foe, device=device: siege.wire.told("m.room_key.withheld", foe.user, device.device))  # type: ignore[misc]  # the defaults bind the loop's values
            assert siege.wire.sealed_for(foe.user, device.device) == []
            assert len(siege.wire.sealed_for(foe.user, foe.device.device)) == 1
            known = siege.known(foe.user, device.device)
            assert known is not None
            assert not known.owner_signed
            assert not siege.identities.device_trusted(known)
            assert not siege.identities.may_be_told("org.matrix.example.call_key", known)


def claimable(siege: Siege, device: Forged) -> None:
    """The server has one-time keys of this device, too."""

    def bend(answer: Json) -> None:
        answer["one_time_keys"].setdefault(device.user, {})[device.device] = device.one_time_key()

    siege.wire.on("/keys/claim", bend)


async def test_02_device_under_the_wrong_user(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), Forged("@mallory:welink.test")
        shown(siege, chen.user, mallory)
        room = await siege.room(chen)
        await siege.say(room, "for chen only")
        assert siege.known(chen.user, mallory.device) is None
        assert siege.known(chen.user, chen.device.device) is not None
        assert len(siege.wire.sealed_for(chen.user, chen.device.device)) == 1
        assert siege.wire.sealed_for(chen.user, mallory.device) == []


async def test_03_device_signature_wrong(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        bent, unnamed = Forged(chen.user), Forged(chen.user)
        keys = bent.keys()
        keys["keys"][f"curve25519:{bent.device}"] = Forged(chen.user).curve
        shown(siege, chen.user, bent, keys)
        others = unnamed.keys(keys={"curve25519:OTHER": unnamed.curve, "ed25519:OTHER": unnamed.ed})
        shown(siege, chen.user, unnamed, others)
        room = await siege.room(chen)
        await siege.say(room, "for chen only")
        assert [one.device for one in siege.encryption.devices_of(UserId(chen.user))] == [chen.device.device]


async def test_04_same_device_id_with_new_keys(synapse: TestSynapse, tmp_path: Path) -> None:
    """The real homeserver itself takes the new keys."""
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        await siege.say(room, "before")
        assert len(siege.wire.sealed_for(chen.user, chen.device.device)) == 1
        impostor = Forged(chen.user, chen.device.device)
        impostor.publish(chen.client, 0)
        await siege.look(chen.user)
        device = siege.known(chen.user, chen.device.device)
        assert device is not None
        assert device.keys_changed
        assert (device.curve25519, device.ed25519) == (chen.device.curve, chen.device.ed)
        assert siege.identities.withheld(device) is Withheld.UNVERIFIED
        assert not siege.identities.device_trusted(device)
        await siege.say(room, "after")
        assert len(siege.wire.sealed_for(chen.user, chen.device.device)) == 1


async def test_05_stolen_curve_key(synapse: TestSynapse, tmp_path: Path) -> None:
    """matrix-js-sdk 43 takes such a device for a real one."""
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        thief = Forged("@mallory:welink.test", curve=chen.device.curve)
        own_thief = Forged(siege.user, curve=siege.encryption.own_keys["curve25519"])
        mallory = siege.foe("mallory", identity=False)
        thief.user = mallory.user
        room = await siege.room(chen)
        shown(siege, mallory.user, thief)
        shown(siege, chen.user, own_thief, Forged(chen.user, curve=siege.encryption.own_keys["curve25519"]).keys())
        await siege.look(mallory.user)
        await siege.look(chen.user)
        assert siege.known(mallory.user, thief.device) is None
        assert siege.known(mallory.user, mallory.device.device) is not None
        assert [one.device for one in siege.encryption.devices_of(UserId(chen.user))] == [chen.device.device]
        megolm, seen = Megolm(), await siege.opened(room)
        await siege.hear(chen, room, megolm)
        await siege.wire.push(room=room, timeline=(megolm.event(mallory.user, chen.device, room, "as if from mallory"),))
        await until(lambda: [one for one in seen.items if why(one) is UndecryptableReason.SENDER_MISMATCH])
        assert seen.item("as if from mallory") is None


async def test_06_answer_for_users_not_asked(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        await siege.room(chen)
        evil = Forged(chen.user)
        asked: list[bool] = []

        def bend(answer: Json) -> None:
            asked.append(chen.user in answer["device_keys"])
            answer["device_keys"][chen.user] = {evil.device: evil.keys()}
            answer["master_keys"][chen.user] = mallory.identity()["master_key"] | {"user_id": chen.user}

        siege.wire.on(QUERY, bend)
        await siege.look(mallory.user)
        assert asked == [False]
        assert siege.known(mallory.user, mallory.device.device) is not None
        assert siege.known(chen.user, evil.device) is None
        assert siege.known(chen.user, chen.device.device) is not None
        assert siege.identities.master_of(UserId(chen.user)) == chen.master.public


async def test_07_own_device_with_other_keys(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen, evil = siege.foe("chen"), Forged(siege.user, siege.device)
        mine = dict(siege.encryption.own_keys)
        shown(siege, siege.user, evil)
        room = await siege.room(chen)
        await siege.look(siege.user)
        await siege.say(room, "still me")
        assert dict(siege.encryption.own_keys) == mine
        assert not [one for one in siege.encryption.devices_of(siege.user) if one.ed25519 == evil.ed]
        signatures = json_text(siege.wire.puts("keys/signatures/upload"))
        assert evil.ed not in signatures
        letter = chen.device.open(siege.wire.sealed_for(chen.user, chen.device.device)[0])
        assert letter["keys"]["ed25519"] == mine["ed25519"]


async def test_08_foreign_device_in_own_account(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        await siege.session.security.require_signed_devices(True)
        chen, evil = siege.foe("chen"), Forged(siege.user)
        keys = evil.keys(signer=chen.self_signing)
        shown(siege, siege.user, evil, keys)
        siege.wire.on(
            "/keys/claim", lambda answer: answer["one_time_keys"].update({siege.user: {evil.device: evil.one_time_key()}})
        )
        room = await siege.room(chen)
        await siege.look(siege.user)
        await siege.say(room, "not for a strange device of mine")
        device = siege.known(siege.user, evil.device)
        assert device is not None
        assert not device.owner_signed
        assert not siege.identities.device_trusted(device)
        assert siege.wire.sealed_for(siege.user, evil.device) == []
        assert evil.ed not in json_text(siege.wire.puts("keys/signatures/upload"))


async def test_09_all_zero_device_key(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        hollow = Forged(chen.user, curve=ZEROS)
        shown(siege, chen.user, hollow, hollow.keys(signer=chen.self_signing))
        siege.wire.on(
            "/keys/claim",
            lambda answer: answer["one_time_keys"].setdefault(chen.user, {}).update({hollow.device: hollow.one_time_key()}),
        )
        room = await siege.room(chen)
        await siege.say(room, "for chen only")
        assert len(siege.wire.sealed_for(chen.user, chen.device.device)) == 1
        assert siege.wire.sealed_for(chen.user, hollow.device) == []
        await siege.wire.push(chen.device.letter(siege.target(), "m.dummy", {}, sender_key=ZEROS))
        await siege.wire.push(chen.device.letter(siege.target(), "m.room_key", Megolm().room_key(room), sender_key=ZEROS))
        assert siege.machine.sessions(room) == [one for one in siege.machine.sessions(room) if one.sender == siege.user]


async def test_17_unsigned_device_under_the_policy(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        bare = Forged(chen.user)
        with chen.client.log_in(chen.user, chen.registered.password) as client:
            bare = Forged(chen.user, client.call("GET", "client", "v3", "account", "whoami")["device_id"])
            bare.publish(client)
        await siege.session.security.require_signed_devices(True)
        room = await siege.room(chen)
        await siege.say(room, "for confirmed devices")
        await until(lambda: siege.wire.told("m.room_key.withheld", chen.user, bare.device))
        assert siege.wire.told("m.room_key.withheld", chen.user, bare.device)[0]["code"] == "m.unverified"
        assert siege.wire.sealed_for(chen.user, bare.device) == []
        assert len(siege.wire.sealed_for(chen.user, chen.device.device)) == 1
        megolm, seen = Megolm(), await siege.opened(room)
        await siege.hear(chen, room, megolm, bare)
        await siege.wire.push(room=room, timeline=(megolm.event(chen.user, bare, room, "from the bare one"),))
        await until(lambda: seen.item("from the bare one"))
        item = seen.item("from the bare one")
        assert item is not None
        assert item.shield is Shield.UNSIGNED
        assert siege.known(chen.user, DeviceId(bare.device)) is not None


def json_text(value: object) -> str:
    return repr(value)
