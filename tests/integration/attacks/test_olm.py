"""Attacks 18-27: one-time keys and messages between devices (matrix.md §8.1, §8.3, §8.9)."""

from collections.abc import Callable
from pathlib import Path

from tests.integration.attacks.forger import ZEROS, Foe, Forged, Megolm
from tests.integration.attacks.hostile import Json, Siege, besieged
from tests.support.engine import until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.canonical import encode
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, ToDevice
from welink_desktop.core.ids import UserId

CLAIM = "/keys/claim"


def claimed(siege: Siege, user: str, device: str, key: Json) -> list[int]:
    """From now on the server hands out `key` for this device; the list counts how often."""
    times: list[int] = []

    def bend(answer: Json) -> None:
        if device in answer["one_time_keys"].get(user, {}):
            answer["one_time_keys"][user][device] = key
            times.append(1)

    siege.wire.on(CLAIM, bend)
    return times


async def no_channel(siege: Siege, name: str, make: Callable[[Foe], Json]) -> None:
    """With the key that `make(foe)` gives, no session comes about and nothing sealed leaves."""
    chen = siege.foe(name)
    times = claimed(siege, chen.user, chen.device.device, make(chen))
    room = await siege.room(chen)
    await siege.say(room, "not with that key")
    assert times
    assert siege.wire.sealed_for(chen.user, chen.device.device) == []


async def test_18_one_time_key_with_a_wrong_signature(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        evil = Forged("@x:welink.test")

        def unsigned(foe: Foe) -> Json:
            ((key_id, value),) = evil.one_time_key().items()
            device = foe.device
            name = f"ed25519:{device.device}"
            good = device.sign({"key": evil.curve})["signatures"][device.user][name]
            return {key_id: {"key": value["key"], "signatures": {device.user: {name: good}}}}

        await no_channel(siege, "chen", unsigned)


async def test_19_all_zero_one_time_key(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        low = encode(b"\x01" + bytes(31))
        await no_channel(siege, "chen", lambda foe: {"signed_curve25519:AAAAAA": foe.device.sign({"key": ZEROS})})
        await no_channel(siege, "mei", lambda foe: {"signed_curve25519:AAAAAA": foe.device.sign({"key": low})})


async def test_20_one_time_key_of_another_device(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        mallory = siege.foe("mallory")
        await no_channel(siege, "chen", lambda foe: mallory.device.one_time_key())
        times = [kind for kind, *_ in siege.wire.to_device if kind == "m.room.encrypted"]
        assert times == []


async def test_21_one_time_key_used_twice(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        target = siege.target()
        key = target.claim(target.user, target.device)
        first, second, again = Megolm(), Megolm(), Megolm()
        chen.device.session(target, key)
        letter = chen.device.letter(target, "m.room_key", first.room_key(room))
        await siege.wire.push(letter)
        await until(lambda: siege.sessions(room, first.id))
        dummies: list[ToDevice] = []
        siege.encryption.listen("org.example.note", dummies.append)
        chen.device.session(target, key)
        await siege.wire.push(chen.device.letter(target, "m.room_key", second.room_key(room)))
        assert siege.sessions(room, second.id) == 0
        chen.device.session(target)
        note = chen.device.letter(target, "org.example.note", {})
        await siege.wire.push(note)
        await siege.wire.push(note)
        await siege.wire.push(letter)
        assert len(dummies) == 1, "the same message again is the same message"
        await siege.wire.push(chen.device.letter(target, "m.room_key", again.room_key(room)))
        await until(lambda: siege.sessions(room, again.id))


async def test_22_sender_that_is_not_the_sender(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        room = await siege.room(chen, mallory)
        heard: list[ToDevice] = []
        siege.encryption.listen("org.example.note", heard.append)
        megolm, target = Megolm(), siege.target()
        for changes in ({"as_user": chen.user}, {"sender": chen.user}, {"as_user": chen.user, "sender": chen.user}):
            for kind, content in (("m.room_key", megolm.room_key(room)), ("org.example.note", {})):
                await siege.wire.push(mallory.device.letter(target, kind, content, **changes))
        claims: Json = {"as_user": chen.user, "sender": chen.user, "keys": {"ed25519": chen.device.ed}}
        await siege.wire.push(mallory.device.letter(target, "m.room_key", megolm.room_key(room), **claims))
        await siege.settle()
        assert siege.sessions(room, megolm.id) == 0
        assert heard == []
        await siege.wire.push(chen.device.letter(target, "org.example.note", {}))
        assert [(one.sender, one.sender_device) for one in heard] == [(chen.user, chen.device.device)]


async def test_23_unknown_device_with_a_known_name(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm, target = Megolm(), siege.target()
        ghost, impostor = Forged(chen.user), Forged(chen.user, chen.device.device)
        await siege.wire.push(ghost.letter(target, "m.room_key", megolm.room_key(room), sender_device_keys={}))
        await siege.wire.push(ghost.letter(target, "m.room_key", megolm.room_key(room), keys={"ed25519": chen.device.ed}))
        await siege.wire.push(impostor.letter(target, "m.room_key", megolm.room_key(room)))
        others = chen.device.keys()
        await siege.wire.push(ghost.letter(target, "m.room_key", megolm.room_key(room), sender_device_keys=others))
        await siege.settle()
        assert siege.sessions(room, megolm.id) == 0
        assert [one.device for one in siege.encryption.devices_of(UserId(chen.user))] == [chen.device.device]
        await siege.hear(chen, room, megolm)
        assert siege.sessions(room, megolm.id) == 1


async def test_24_for_another_recipient(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm, target = Megolm(), siege.target()
        wrong: list[Json] = [{"recipient": chen.user}, {"recipient_keys": {"ed25519": chen.device.ed}}, {"recipient_keys": {}}]
        for changes in wrong:
            await siege.wire.push(chen.device.letter(target, "m.room_key", megolm.room_key(room), **changes))
        await siege.settle()
        assert siege.sessions(room, megolm.id) == 0
        await siege.hear(chen, room, megolm)
        assert siege.sessions(room, megolm.id) == 1


OLM_ONLY = ("m.room_key", "m.forwarded_room_key", "m.room_key_bundle", "m.secret.send", "m.dummy", "org.example.note")


async def test_25_in_clear_what_needs_olm(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm = Megolm()
        heard: list[ToDevice] = []
        for kind in (*OLM_ONLY, "m.room_key_request"):
            siege.encryption.listen(kind, heard.append)
        for kind in OLM_ONLY:
            await siege.wire.push({"type": kind, "sender": chen.user, "content": megolm.room_key(room)})
        assert siege.sessions(room, megolm.id) == 0
        assert heard == []
        await siege.wire.push({"type": "m.room_key_request", "sender": chen.user, "content": {}})
        assert [one.type for one in heard] == ["m.room_key_request"], "what may come in clear does"


async def test_26_megolm_between_devices(synapse: TestSynapse, tmp_path: Path) -> None:
    """CVE-2022-39251."""
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        carrier, hidden = Megolm(), Megolm()
        heard: list[ToDevice] = []
        await siege.hear(chen, room, carrier)
        assert siege.sessions(room, carrier.id) == 1
        for kind in ("m.secret.send", "m.room_key", "m.key.verification.request"):
            siege.encryption.listen(kind, heard.append)
            sealed = carrier.seal(room, hidden.room_key(room), kind)
            content = {"algorithm": MEGOLM, "session_id": carrier.id, "sender_key": chen.device.curve, "ciphertext": sealed}
            await siege.wire.push({"type": "m.room.encrypted", "sender": chen.user, "content": {**content, "room_id": room}})
        await siege.settle()
        assert heard == []
        assert siege.sessions(room, hidden.id) == 0


async def test_27_encrypted_inside_olm(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm, target = Megolm(), siege.target()
        heard: list[ToDevice] = []
        siege.encryption.listen("m.room.encrypted", heard.append)
        inner = chen.device.letter(target, "m.room_key", megolm.room_key(room))
        await siege.wire.push(chen.device.letter(target, "m.room.encrypted", inner["content"]))
        await siege.settle()
        assert siege.sessions(room, megolm.id) == 0
        assert heard == []
        await siege.wire.push(inner)
        assert siege.sessions(room, megolm.id) == 1, "the inner one was good"
