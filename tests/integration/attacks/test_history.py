"""Attacks 55 and 56: keys of older messages for and from people who invite (MSC4268, matrix.md §8.5)."""

import json
from pathlib import Path

from tests.integration.attacks.forger import Foe, Forged, Megolm
from tests.integration.attacks.hostile import Json, Siege, besieged, refused
from tests.support.engine import RoomsSeen, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.crypto.attachments import Encryptor, file_content
from welink_desktop.core.errors import HistoryNotShared
from welink_desktop.core.ids import ContentUri, RoomId, UserId
from welink_desktop.core.security import HistoryArrival

BUNDLE = "m.room_key_bundle"
FLAG = "m.shared_history"


async def test_55_history_without_the_inviters_choice(synapse: TestSynapse, tmp_path: Path) -> None:
    """matrix-js-sdk 43 shares it on every invitation unless the visibility forbids it."""
    async with besieged(synapse, tmp_path) as siege:
        chen, mei, far = siege.foe("chen"), siege.foe("mei"), siege.foe("far")
        room = await siege.room(chen)
        await siege.say(room, "before mei came")
        await siege.session.chat.invite(room, UserId(mei.user))
        await siege.settle()
        assert siege.wire.sealed_for(mei.user, mei.device.device) == []
        assert not siege.wire.puts("/media/v3/upload")
        call = siege.session._around.http
        path = ("_matrix", "client", "v3", "rooms", room, "state", "m.room.history_visibility")
        await call.request("PUT", path, json={"history_visibility": "joined"})
        await until(lambda: _visibility(siege, room) == "joined")
        assert await refused(siege.session.chat.invite(room, UserId(far.user), share_history=True), HistoryNotShared)
        await siege.settle()
        assert siege.wire.sealed_for(far.user, far.device.device) == []
        assert not siege.wire.puts("/media/v3/upload")


async def test_56_history_from_somebody_else(synapse: TestSynapse, tmp_path: Path) -> None:
    """CVE-2024-47080 the other way round: only the inviter's signed device is believed, only for this room, never authentic."""
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        other = await siege.room(mallory)
        await siege.look(chen.user)
        room = RoomId(chen.client.create_room(invite=[siege.user, mallory.user], initial_state=[_encrypted()]))
        mallory.client.join(room)
        with chen.client.log_in(chen.user, chen.registered.password) as client:
            bare = Forged(chen.user, client.call("GET", "client", "v3", "account", "whoami")["device_id"])
            bare.publish(client)
        arrivals: list[tuple[RoomId, HistoryArrival]] = []
        siege.session.security.bundles.arrivals.listen(arrivals.append)
        forged, good, closed, elsewhere = Megolm(), Megolm(), Megolm(), Megolm()
        await announce(siege, room, mallory, mallory.device, [forged.exported(room, mallory.device, **{FLAG: True})])
        seen = RoomsSeen(siege.session)
        await until(lambda: seen.get(room))
        await siege.session.chat.join(room)
        await siege.settle()
        assert siege.sessions(room, forged.id) == 0
        assert not [one for one in arrivals if one[1] is HistoryArrival.HERE]
        await announce(siege, room, chen, bare, [forged.exported(room, bare, **{FLAG: True})])
        await until(lambda: (room, HistoryArrival.FAILED) in arrivals)
        assert siege.sessions(room, forged.id) == 0
        keys = [
            good.exported(room, chen.device, **{FLAG: True}),
            closed.exported(room, chen.device, **{FLAG: False}),
            elsewhere.exported(other, chen.device, **{FLAG: True}),
        ]
        await announce(siege, room, chen, chen.device, keys)
        await until(lambda: (room, HistoryArrival.HERE) in arrivals)
        assert siege.sessions(room, good.id) == 1
        assert siege.sessions(room, closed.id) == 0
        assert siege.sessions(other, elsewhere.id) == 0
        assert siege.sessions(room, elsewhere.id) == 0


async def announce(siege: Siege, room: RoomId, foe: Foe, device: Forged, keys: list[Json]) -> None:
    """Upload a bundle and tell our engine by Olm."""
    encryptor = Encryptor()
    data = encryptor.update(json.dumps({"room_keys": keys, "withheld": []}).encode())
    uri = ContentUri(foe.client.upload(data, "application/octet-stream", "bundle"))
    content = {"room_id": room, "file": file_content(encryptor.finish(uri))}
    await siege.wire.push(device.letter(siege.target(), BUNDLE, content))


def _encrypted() -> Json:
    return {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


def _visibility(siege: Siege, room: RoomId) -> object:
    row = siege.session._rooms.state(room, "m.room.history_visibility")
    return None if row is None else row.content.get("history_visibility")
