"""Attacks 28-34 and 42: sessions of rooms and their messages (matrix.md §8.4, §8.9)."""

from pathlib import Path

from tests.integration.attacks.forger import Megolm, room_event
from tests.integration.attacks.hostile import Siege, besieged, why
from tests.support.engine import RoomsSeen, TimelineSeen, until
from tests.support.servers import TestSynapse
from welink_desktop.core.ids import RoomId
from welink_desktop.core.timeline import TimelineItem
from welink_desktop.core.trust import Shield, UndecryptableReason


def row(seen: TimelineSeen, event: dict[str, object]) -> TimelineItem | None:
    return next((item for item in seen.items if item.ref == event["event_id"]), None)


async def verdict(siege: Siege, room: RoomId, seen: TimelineSeen, event: dict[str, object]) -> UndecryptableReason | None:
    """Show an event; returns why it is not shown as a message."""
    await siege.wire.push(room=room, timeline=(event,))
    await until(lambda: row(seen, event))
    return why(row(seen, event))


async def test_28_sender_is_not_the_owner(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        room = await siege.room(chen, mallory)
        megolm, seen = Megolm(), await siege.opened(room)
        await siege.hear(mallory, room, megolm)
        forged = megolm.event(chen.user, mallory.device, room, "as chen")
        named = megolm.event(chen.user, chen.device, room, "as chen")
        assert await verdict(siege, room, seen, forged) is UndecryptableReason.SENDER_MISMATCH
        assert await verdict(siege, room, seen, named) is UndecryptableReason.SENDER_MISMATCH
        mine = megolm.event(siege.user, mallory.device, room, "as me")
        assert await verdict(siege, room, seen, mine) is UndecryptableReason.SENDER_MISMATCH
        assert await verdict(siege, room, seen, megolm.event(mallory.user, mallory.device, room, "as mallory")) is None
        assert seen.bodies[-1:] == ["as mallory"]


async def test_29_replay_under_a_new_event_id(synapse: TestSynapse, tmp_path: Path) -> None:
    """matrix-js-sdk 43 shows the message twice."""
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm, seen = Megolm(), await siege.opened(room)
        await siege.hear(chen, room, megolm)
        event = megolm.event(chen.user, chen.device, room, "give 5 mg")
        assert await verdict(siege, room, seen, event) is None
        again = room_event(chen.user, "m.room.encrypted", event["content"])
        assert await verdict(siege, room, seen, again) is UndecryptableReason.REPLAYED
        await siege.wire.push(room=room, timeline=(event,))
        assert seen.bodies.count("give 5 mg") == 1
        await seen.timeline.close()
        await siege.person.close()
        await siege.person.live()
        seen = await siege.opened(room)
        late = room_event(chen.user, "m.room.encrypted", event["content"])
        assert await verdict(siege, room, seen, late) is UndecryptableReason.REPLAYED, "remembered for ever"


async def test_30_session_in_another_room(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        ward, lab = await siege.room(chen), await siege.room(chen)
        megolm, seen = Megolm(), await siege.opened(lab)
        await siege.hear(chen, ward, megolm)
        moved = megolm.event(chen.user, chen.device, ward, "for the ward")
        assert await verdict(siege, lab, seen, moved) in (UndecryptableReason.KEY_LATE, UndecryptableReason.KEY_MISSING)
        assert siege.sessions(lab, megolm.id) == 0
        assert await verdict(siege, ward, await siege.opened(ward), moved) is None


async def test_31_another_room_inside(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        ward, lab = await siege.room(chen), await siege.room(chen)
        megolm, seen = Megolm(), await siege.opened(lab)
        await siege.hear(chen, ward, megolm)
        await siege.hear(chen, lab, megolm)
        pasted = megolm.event(chen.user, chen.device, ward, "for the ward")
        assert await verdict(siege, lab, seen, pasted) is UndecryptableReason.WRONG_ROOM
        nowhere = megolm.event(chen.user, chen.device, lab, "for nowhere", room_id=None)
        assert await verdict(siege, lab, seen, nowhere) is UndecryptableReason.WRONG_ROOM
        assert seen.bodies == []


async def test_32_types_that_rooms_must_not_seal(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        megolm, hidden, seen = Megolm(), Megolm(), await siege.opened(room)
        rooms = RoomsSeen(siege.session)
        await siege.hear(chen, room, megolm)
        for kind in ("m.room_key", "m.forwarded_room_key", "m.secret.send", "m.room.encrypted", "m.room_key_request", "m.dummy"):
            event = megolm.event(chen.user, chen.device, room, hidden.room_key(room), kind)
            assert await verdict(siege, room, seen, event) is UndecryptableReason.DAMAGED, kind
        for kind, content in (("m.room.name", {"name": "Evil"}), ("m.room.encryption", {"algorithm": "m.none"})):
            event = megolm.event(chen.user, chen.device, room, content, kind, state_key="")
            assert await verdict(siege, room, seen, event) is UndecryptableReason.DAMAGED, kind
            await siege.wire.push(room=room, timeline=(megolm.event(chen.user, chen.device, room, content, kind),))
        assert siege.sessions(room, hidden.id) == 0
        summary = rooms.get(room)
        assert summary is not None
        assert summary.name == "Ward round"
        await siege.say(room, "still sealed")
        assert not siege.wire.puts("/send/m.room.message/")


async def test_33_room_key_under_another_name(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        good, evil, seen = Megolm(), Megolm(), await siege.opened(room)
        await siege.hear(chen, room, good)
        await siege.hear(chen, room, evil, session_id=good.id)
        await siege.hear(chen, room, evil, session_id="made up")
        await siege.hear(chen, room, evil, algorithm="m.megolm.v0")
        assert siege.sessions(room, good.id) == 1
        assert siege.sessions(room, evil.id) == 0
        assert siege.sessions(room, "made up") == 0
        assert await verdict(siege, room, seen, good.event(chen.user, chen.device, room, "as before")) is None


async def test_34_session_of_another_passed_as_own(synapse: TestSynapse, tmp_path: Path) -> None:
    """A member hands on somebody's session as hers, and the server shows the other's words under her name."""
    async with besieged(synapse, tmp_path) as siege:
        chen, mallory = siege.foe("chen"), siege.foe("mallory")
        room = await siege.room(chen, mallory)
        megolm, seen = Megolm(), await siege.opened(room)
        await siege.hear(chen, room, megolm)
        event = megolm.event(chen.user, chen.device, room, "words of chen")
        assert await verdict(siege, room, seen, event) is None
        await siege.hear(mallory, room, megolm)
        stolen = room_event(mallory.user, "m.room.encrypted", event["content"])
        assert await verdict(siege, room, seen, stolen) is UndecryptableReason.REPLAYED
        assert await verdict(siege, room, seen, megolm.event(chen.user, chen.device, room, "more of chen")) is None
        found = [
            (item.sender, item.shield) for item in seen.items if item in (seen.item("words of chen"), seen.item("more of chen"))
        ]
        assert found == [(chen.user, Shield.AUTHENTIC)] * 2


async def test_42_withheld_that_lies(synapse: TestSynapse, tmp_path: Path) -> None:
    async with besieged(synapse, tmp_path) as siege:
        chen = siege.foe("chen")
        room = await siege.room(chen)
        early, late, seen = Megolm(), Megolm(), await siege.opened(room)
        await siege.hear(chen, room, early)

        async def lie(megolm: Megolm) -> None:
            about = {"room_id": room, "session_id": megolm.id, "sender_key": chen.device.curve, "from_device": chen.device.device}
            for code in ("m.blacklisted", "m.unavailable", "m.no_olm"):
                content = {"algorithm": "m.megolm.v1.aes-sha2", "code": code, "reason": "", **about}
                await siege.wire.push({"type": "m.room_key.withheld", "sender": chen.user, "content": content})

        await lie(early)
        await lie(late)
        assert siege.sessions(room, early.id) == 1
        assert await verdict(siege, room, seen, early.event(chen.user, chen.device, room, "had it before")) is None
        waiting = late.event(chen.user, chen.device, room, "came after")
        assert await verdict(siege, room, seen, waiting) is not None
        await siege.hear(chen, room, late)
        await until(lambda: seen.item("came after"))
