"""What an open timeline shows, and how it changes."""

from dataclasses import replace

from tests.support.engine import TimelineSeen
from tests.support.offline_rooms import BO, ME, MEI, ROOM, OfflineRooms, encrypted, event, live, member, message, room_start
from welink_desktop.adapters.matrix.rooms.pending import Pending, PendingKind
from welink_desktop.core.changes import Move, Remove, Replace, Reset
from welink_desktop.core.ids import EventId, TransactionId
from welink_desktop.core.timeline import (
    NoticeContent,
    RecalledContent,
    SendPhase,
    SendState,
    TextContent,
    UndecryptableContent,
    UnreadableContent,
    UnsupportedContent,
)
from welink_desktop.core.trust import Shield

SENDING = SendState(SendPhase.SENDING)


def pending(name: str, body: str = "", **more: object) -> Pending:
    made = Pending(TransactionId(name), ROOM, PendingKind.MESSAGE, 5, SENDING, content=TextContent(body or name))
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


async def test_the_first_batch_is_what_is_stored(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(*[message(n) for n in range(5)])})
    seen = TimelineSeen(world.timeline())
    assert isinstance(seen.batches[0].changes[0], Reset)
    assert seen.bodies == [f"message {n}" for n in range(5)]
    assert seen.items[0].sender_name == "Mei"


async def test_news_are_appended(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())
    world.sync({ROOM: live(message(2), message(3))})
    assert seen.bodies == ["message 1", "message 2", "message 3"]
    assert len(seen.batches) == 2


async def test_events_sent_again_are_not_doubled(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1), message(2))})
    seen = TimelineSeen(world.timeline())
    world.sync({ROOM: live(message(0), message(1), message(2), num_live=0, unstable_expanded_timeline=True)})
    world.sync({ROOM: room_start(message(2), message(3))})
    assert not await seen.timeline.load_older()
    assert seen.bodies == ["message 0", "message 1", "message 2", "message 3"]


async def test_an_echo_keeps_its_row_when_it_comes_back(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())
    world.outbox.put(pending("t1"), pending("t2"))
    assert [(item.key, item.send.phase) for item in seen.items[1:]] == [("t1", SendPhase.SENDING), ("t2", SendPhase.SENDING)]
    before = len(seen.batches)
    world.sync({ROOM: live(message(7, "t1", sender=ME, unsigned={"transaction_id": "t1"}))})
    assert [item.key for item in seen.items] == ["$1", "t1", "t2"]
    assert seen.items[1].ref == "$7"
    assert seen.items[1].send.phase is SendPhase.SENT
    changes = [change for batch in seen.batches[before:] for change in batch.changes]
    assert [type(change) for change in changes] == [Replace]


async def test_an_echo_that_is_overtaken_moves(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())
    world.outbox.put(pending("t1"), pending("t2", event=EventId("$9")))
    before = len(seen.batches)
    world.sync({ROOM: live(message(9, "t2", sender=ME), message(10))})
    assert [item.key for item in seen.items] == ["$1", "t2", "$10", "t1"]
    kinds = {type(change) for batch in seen.batches[before:] for change in batch.changes}
    assert Move in kinds
    assert Remove not in kinds


async def test_a_failed_echo_stays_below(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())
    world.outbox.put(pending("t1"))
    world.outbox.put(pending("t1", state=SendState(SendPhase.FAILED)))
    world.sync({ROOM: live(message(2))})
    assert [(item.key, item.send.phase) for item in seen.items] == [
        ("$1", SendPhase.SENT),
        ("$2", SendPhase.SENT),
        ("t1", SendPhase.FAILED),
    ]
    world.outbox.drop(world.outbox.items[0])
    assert [item.key for item in seen.items] == ["$1", "$2"]


async def test_our_pending_edit_reaction_and_recall_show_at_once(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1, sender=ME), message(2), message(3, sender=ME))})
    seen = TimelineSeen(world.timeline())
    world.outbox.put(
        pending("e", "better", kind=PendingKind.EDIT, target=EventId("$1")),
        pending("r", kind=PendingKind.REACTION, target=EventId("$2"), key="👍", content=None),
        pending("x", kind=PendingKind.RECALL, target=EventId("$3"), content=None),
    )
    assert seen.bodies == ["better", "message 2"]
    assert seen.items[0].edited
    assert seen.items[1].reactions[0].people == (ME,)
    assert isinstance(seen.items[2].content, RecalledContent)
    for item in list(world.outbox.items):
        world.outbox.drop(item)
    assert seen.bodies == ["message 1", "message 2", "message 3"]


def edit_of(target: str, body: str, number: int, *, sender: str = MEI, new: object = None) -> dict[str, object]:
    content = {
        "msgtype": "m.text",
        "body": f"* {body}",
        "m.new_content": {"msgtype": "m.text", "body": body} if new is None else new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": target},
    }
    return event(number, content, sender=sender)


async def test_only_allowed_edits_change_a_message(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())
    world.sync({ROOM: live(edit_of("$1", "forged", 2, sender=BO))})
    world.sync({ROOM: live(edit_of("$1", "no object", 3, new=7))})
    world.sync({ROOM: live(edit_of("$2", "edit of an edit", 4, sender=BO))})
    assert seen.bodies == ["message 1"]
    world.sync({ROOM: live(edit_of("$1", "second", 6), edit_of("$1", "first", 5))})
    assert seen.bodies == ["second"]
    assert seen.items[0].edited
    world.sync({ROOM: live(event(8, {}, type="m.room.redaction", redacts="$6"))})
    assert seen.bodies == ["first"]


async def test_a_clear_edit_never_changes_an_encrypted_message(world: OfflineRooms) -> None:
    world.crypto.keys.add("s")
    world.sync({ROOM: room_start(encrypted(1, "s", message(1)))})
    seen = TimelineSeen(world.timeline())
    assert seen.items[0].shield is Shield.AUTHENTIC
    world.sync({ROOM: live(edit_of("$1", "forged", 2))})
    assert seen.bodies == ["message 1"]
    world.sync({ROOM: live(encrypted(3, "s", edit_of("$1", "real", 3)))})
    assert seen.bodies == ["real"]


async def test_reactions_gather_by_key_and_person(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())

    def reaction(number: int, key: str, sender: str) -> dict[str, object]:
        relates = {"rel_type": "m.annotation", "event_id": "$1", "key": key}
        return event(number, {"m.relates_to": relates}, type="m.reaction", sender=sender)

    world.sync({ROOM: live(reaction(2, "👍", MEI), reaction(3, "👍", ME), reaction(4, "🎉", MEI), reaction(5, "👍", MEI))})
    assert [(one.key, one.people, one.mine) for one in seen.items[0].reactions] == [
        ("👍", (MEI, ME), EventId("$3")),
        ("🎉", (MEI,), None),
    ]
    world.sync({ROOM: live(event(6, {"redacts": "$3"}, type="m.room.redaction", sender=ME))})
    assert seen.items[0].reactions[0].people == (MEI,)
    assert len(seen.items) == 1


async def test_a_message_is_read_when_its_key_comes(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(encrypted(1, "late", message(1, "secret")))})
    seen = TimelineSeen(world.timeline())
    assert isinstance(seen.items[0].content, UndecryptableContent)
    before = seen.items[0].key
    world.key_came("late")
    assert seen.bodies == ["secret"]
    assert seen.items[0].key == before


async def test_what_has_no_row_of_its_own_has_none(world: OfflineRooms) -> None:
    hidden = [
        event(2, {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$1", "key": "x"}}, type="m.reaction"),
        event(3, {}, type="m.key.verification.ready"),
        event(4, {"x": 1}, type="org.matrix.msc3401.call.member", state_key="_a"),
        event(5, {}, type="m.room.join_rules", state_key=""),
        event(6, {"kind": "ring"}, type="org.matrix.msc4075.rtc.notification"),
    ]
    world.sync({ROOM: room_start(message(1), *hidden)})
    assert len(TimelineSeen(world.timeline()).items) == 1


async def test_the_unknown_and_the_broken_have_a_row(world: OfflineRooms) -> None:
    unknown = event(2, {"body": "a poll"}, type="org.example.poll")
    broken = {"event_id": "$3", "sender": MEI, "type": "m.room.message", "content": []}
    nothing = event(4, {"msgtype": "m.text"})
    world.sync({ROOM: room_start(message(1), unknown, broken, nothing)})
    contents = [item.content for item in TimelineSeen(world.timeline()).items]
    assert contents[1] == UnsupportedContent("org.example.poll", "a poll")
    assert isinstance(contents[2], UnreadableContent)
    assert isinstance(contents[3], UnreadableContent)


async def test_state_is_told_in_words(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())
    invited = event(2, {"membership": "invite", "displayname": "Bo"}, sender=ME, type="m.room.member", state_key=BO)
    world.sync({ROOM: live(invited, event(3, {"name": "Tender"}, sender=ME, type="m.room.name", state_key=""))})
    texts = [item.content.text for item in seen.items if isinstance(item.content, NoticeContent)]
    assert [(text.key, dict(text.args)) for text in texts] == [
        ("notice-invited", {"who": "林知远", "person": "Bo"}),
        ("notice-room-named", {"who": "林知远", "name": "Tender"}),
    ]


async def test_clear_text_in_an_encrypted_room_is_marked(world: OfflineRooms) -> None:
    encryption = event("enc", {"algorithm": "m.megolm.v1.aes-sha2"}, type="m.room.encryption", state_key="")
    world.sync({ROOM: room_start(message(1), state=[encryption])})
    assert TimelineSeen(world.timeline()).items[0].shield is Shield.CLEAR_IN_ENCRYPTED


async def test_readers_stand_at_their_newest_message(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1), message(2), event(3, {}, type="m.reaction"))})
    seen = TimelineSeen(world.timeline())

    def receipt(name: str, stamp: int) -> dict[str, object]:
        return {"rooms": {ROOM: {"type": "m.receipt", "content": {name: {"m.read": {MEI: {"ts": stamp}}}}}}}

    world.sync(receipts=receipt("$1", 10))
    assert [item.readers for item in seen.items] == [(MEI,), ()]
    world.sync(receipts=receipt("$3", 20))
    assert [item.readers for item in seen.items] == [(), (MEI,)]
    world.sync(receipts=receipt("$1", 30))
    assert [item.readers for item in seen.items] == [(), (MEI,)]


async def test_a_gap_starts_the_timeline_anew(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    seen = TimelineSeen(world.timeline())
    opened: list[str] = []
    world.hub.gap_opened = opened.append
    world.sync({ROOM: live(message(50), limited=True, prev_batch="t50")})
    assert seen.bodies == ["message 50"]
    assert not seen.batches[-1].at_start
    assert opened == [ROOM]


async def test_a_renamed_person_is_renamed_everywhere(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1), message(2))})
    seen = TimelineSeen(world.timeline())
    world.sync({ROOM: live(state_free(member(MEI, "Mei Chen", number="renamed")))})
    assert {item.sender_name for item in seen.items if isinstance(item.content, TextContent)} == {"Mei Chen"}
    world.sync({ROOM: {"required_state": [member(BO, "Mei Chen")]}})
    assert seen.items[0].sender_name == f"Mei Chen ({MEI})"


def state_free(value: dict[str, object]) -> dict[str, object]:
    return {**value, "unsigned": {"prev_content": {"membership": "join", "displayname": "Mei"}}}


async def test_nothing_is_told_after_the_watch_ends(world: OfflineRooms) -> None:
    world.sync({ROOM: room_start(message(1))})
    timeline = world.timeline()
    seen = TimelineSeen(timeline)
    seen.cancel()
    world.sync({ROOM: live(message(2))})
    assert seen.bodies == ["message 1"]
    await timeline.close()
    world.sync({ROOM: live(message(3))})
    assert TimelineSeen(world.timeline()).bodies == ["message 1", "message 2", "message 3"]
