"""Attacks 35-41: edits, recalls, and a room's encryption (matrix.md §3.2, §4, §8.9 rules 7 and 8)."""

from pathlib import Path

from tests.integration.attacks.forger import Megolm, room_event
from tests.integration.attacks.hostile import Json, Siege, besieged
from tests.support.engine import RoomsSeen, until
from tests.support.servers import TestSynapse
from welink_desktop.core.errors import EncryptionRefused
from welink_desktop.core.ids import RoomId
from welink_desktop.core.timeline import OutgoingText, SendPhase
from welink_desktop.core.trust import Shield

MEGOLM = "m.megolm.v1.aes-sha2"


def edit_of(event: Json, body: str) -> Json:
    relation = {"rel_type": "m.replace", "event_id": event["event_id"]}
    new = {"msgtype": "m.text", "body": body}
    return {**new, "body": f"* {body}", "m.new_content": new, "m.relates_to": relation}


def encryption(siege: Siege, content: Json) -> Json:
    return room_event(siege.user, "m.room.encryption", content, state_key="")


async def test_35_edit_by_somebody_else(synapse: TestSynapse, tmp_path: Path) -> None:
    """CVE-2026-45057."""
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        room = await siege.room(chen, mallory)
        of_chen, of_mallory, seen = Megolm(), Megolm(), await siege.opened(room)
        await siege.hear(chen, room, of_chen)
        await siege.hear(mallory, room, of_mallory)
        event = of_chen.event(chen.user, chen.device, room, "give 5 mg")
        await siege.wire.push(room=room, timeline=(event,))
        await until(lambda: seen.item("give 5 mg"))
        edit = edit_of(event, "give 500 mg")
        await siege.wire.push(room=room, timeline=(of_mallory.event(mallory.user, mallory.device, room, edit),))
        await siege.wire.push(room=room, timeline=(of_mallory.event(chen.user, mallory.device, room, edit),))
        aggregated = of_mallory.event(mallory.user, mallory.device, room, edit)
        event["unsigned"] = {"m.relations": {"m.replace": aggregated}}
        await siege.wire.push(room=room, timeline=(event,))
        assert "give 5 mg" in seen.bodies
        assert "give 500 mg" not in seen.bodies
        lawful = edit_of(event, "give 6 mg")
        await siege.wire.push(room=room, timeline=(of_chen.event(chen.user, chen.device, room, lawful),))
        await until(lambda: (item := seen.item("give 6 mg")) and item.edited)


async def test_36_edit_in_clear_of_a_sealed_message(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm, seen = Megolm(), await siege.opened(room)
        await siege.hear(chen, room, megolm)
        event = megolm.event(chen.user, chen.device, room, "give 5 mg")
        await siege.wire.push(room=room, timeline=(event,))
        await until(lambda: seen.item("give 5 mg"))
        clear = room_event(chen.user, "m.room.message", edit_of(event, "give 500 mg"))
        await siege.wire.push(room=room, timeline=(clear,))
        event["unsigned"] = {"m.relations": {"m.replace": clear}}
        await siege.wire.push(room=room, timeline=(event,))
        item = seen.item("give 5 mg")
        assert item is not None
        assert not item.edited
        assert "give 500 mg" not in seen.bodies
        assert item.shield is Shield.AUTHENTIC


async def test_37_recall_from_another_room(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        ward, lab = await siege.room(chen), await siege.room(chen)
        megolm, seen = Megolm(), await siege.opened(ward)
        await siege.hear(chen, ward, megolm)
        event = megolm.event(chen.user, chen.device, ward, "stays")
        await siege.wire.push(room=ward, timeline=(event,))
        await until(lambda: seen.item("stays"))
        target = event["event_id"]
        recall = room_event(chen.user, "m.room.redaction", {"redacts": target}, redacts=target)
        await siege.wire.push(room=lab, timeline=(recall,))
        sealed = megolm.event(chen.user, chen.device, ward, {"redacts": target}, "m.room.redaction")
        await siege.wire.push(room=ward, timeline=(sealed,))
        await siege.settle()
        assert seen.item("stays") is not None


async def downgraded(siege: Siege, room: RoomId, content: Json) -> None:
    """The server shows other encryption settings, in the state and in the timeline."""
    await siege.wire.push(room=room, state=(encryption(siege, content),))
    await siege.wire.push(room=room, timeline=(encryption(siege, content),))


async def test_38_encryption_state_emptied(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        rooms = RoomsSeen(siege.session)
        await downgraded(siege, room, {})
        await downgraded(siege, room, {"algorithm": None})
        await siege.say(room, "still sealed")
        summary = rooms.get(room)
        assert summary is not None
        assert summary.encrypted
        assert siege.wire.puts("/send/m.room.encrypted/")
        assert not siege.wire.puts("/send/m.room.message/")


async def test_39_encryption_algorithm_changed(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        await downgraded(siege, room, {"algorithm": "m.megolm.v0.none"})
        seen = await siege.opened(room)
        await siege.session.chat.send_text(room, OutgoingText("never in clear"))
        await until(lambda: (item := seen.item("never in clear")) and item.send.phase is SendPhase.FAILED)
        item = seen.item("never in clear")
        assert item is not None
        assert isinstance(item.send.error, EncryptionRefused)
        assert not siege.wire.puts(f"/rooms/{room}/send/")
        assert siege.wire.sealed_for(chen.user, chen.device.device) == []


async def test_40_rotation_settings_that_make_no_sense(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        ids: list[str] = []
        cases = [(10**15, 1), (-5, -5), (0, 0), ("x", 1.5), (2**53, 2**53)]
        for number, (period, messages) in enumerate(cases):
            settings = {"algorithm": MEGOLM, "rotation_period_ms": period, "rotation_period_msgs": messages}
            await siege.wire.push(room=room, state=(encryption(siege, settings),))
            await siege.say(room, f"message {number}")
            outbound = siege.machine._store.outbound(room)
            assert outbound is not None
            assert 1 <= outbound.period_messages <= 10_000
            assert outbound.period_ms >= 3_600_000
            ids.append(outbound.session)
        assert len(set(ids)) == len(cases), "other settings, another session"
        assert len(siege.wire.puts("/send/m.room.encrypted/")) == len(cases)
        assert not siege.wire.puts("/send/m.room.message/")


async def test_41_clear_text_in_an_encrypted_room(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        seen = await siege.opened(room)
        chen.client.send(room, "m.room.message", {"msgtype": "m.text", "body": "not sealed"})
        await until(lambda: seen.item("not sealed"))
        await downgraded(siege, room, {})
        own = room_event(siege.user, "m.room.message", {"msgtype": "m.text", "body": "as if from me"})
        await siege.wire.push(room=room, timeline=(own,))
        await until(lambda: seen.item("as if from me"))
        for body in ("not sealed", "as if from me"):
            item = seen.item(body)
            assert item is not None
            assert item.shield is Shield.CLEAR_IN_ENCRYPTED
