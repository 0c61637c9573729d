"""The room list: order, names, unread counts, previews, notifications."""

from tests.support.offline_rooms import (
    BO,
    ME,
    MEI,
    ROOM,
    OfflineRooms,
    encrypted,
    event,
    live,
    member,
    message,
    room_start,
    state,
)
from welink_desktop.adapters.matrix.rooms import summary_cache
from welink_desktop.core.changes import apply
from welink_desktop.core.ids import RoomId
from welink_desktop.core.rooms import Membership, MessagePreview, PreviewState, RoomListBatch, RoomSummary
from welink_desktop.core.text import text
from welink_desktop.core.timeline import IncomingMessage

OTHER = RoomId("!other:welink.test")


class Seen:
    def __init__(self, world: OfflineRooms) -> None:
        self.rooms: list[RoomSummary] = []
        self.batches: list[RoomListBatch] = []
        world.room_list.watch(self._take)

    def _take(self, batch: RoomListBatch) -> None:
        apply(self.rooms, batch.changes)
        self.batches.append(batch)

    def __getitem__(self, room: RoomId) -> RoomSummary:
        return next(summary for summary in self.rooms if summary.room == room)

    def last(self, room: RoomId) -> MessagePreview:
        preview = self[room].last
        assert preview is not None
        return preview


def receipt(room: RoomId, name: str, user: str = ME, stamp: int = 99, kind: str = "m.read") -> dict[str, object]:
    return {"rooms": {room: {"type": "m.receipt", "content": {name: {kind: {user: {"ts": stamp}}}}}}}


async def test_the_newest_room_stands_first(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1), bump=5), OTHER: room_start(message("b"), name="Tender", bump=7)})
    assert [summary.name for summary in seen.rooms] == ["Tender", "Ward round"]
    world.sync({ROOM: live(message(2), bump=9)})
    assert [summary.name for summary in seen.rooms] == ["Ward round", "Tender"]
    assert seen[ROOM].order == 9


async def test_a_room_without_a_name_is_named_by_its_people(world: OfflineRooms) -> None:
    seen = Seen(world)
    start = room_start(message(1), name="", heroes=[{"user_id": MEI, "displayname": "Mei"}])
    world.sync({ROOM: start})
    assert seen[ROOM].name == "Mei"
    world.sync({ROOM: {"heroes": [{"user_id": MEI}, {"user_id": BO, "displayname": "Bo"}], "joined_count": 5}})
    assert seen[ROOM].name == "Mei, Bo +2"
    world.sync({ROOM: {"required_state": [state("m.room.name", {"name": "  Named  "}, number="n")]}})
    assert seen[ROOM].name == "Named"


async def test_outsiders_are_named(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1), state=[member(BO, "Bo")])})
    assert seen[ROOM].external_organisations == ("northbridge.test",)


async def test_unread_counts_what_the_rules_say(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1))})
    mention = event(3, {"msgtype": "m.text", "body": "you", "m.mentions": {"user_ids": [ME]}})
    notice = event(4, {"msgtype": "m.notice", "body": "bot"})
    world.sync({ROOM: live(message(2), mention, notice, event(5, {}, type="m.reaction"))})
    assert (seen[ROOM].unread.messages, seen[ROOM].unread.mentions) == (3, 1)
    world.sync(receipts=receipt(ROOM, "$2"))
    assert (seen[ROOM].unread.messages, seen[ROOM].unread.mentions) == (1, 1)
    world.sync({ROOM: live(message(6, sender=ME))})
    assert not seen[ROOM].unread.any


async def test_receipts_never_go_back(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1), message(2), message(3))})
    world.sync(receipts=receipt(ROOM, "$3", kind="m.read.private"))
    world.sync(receipts=receipt(ROOM, "$1", stamp=500))
    assert not seen[ROOM].unread.any


async def test_what_cannot_be_read_does_not_count_until_it_can(world: OfflineRooms) -> None:
    seen = Seen(world)
    incoming: list[IncomingMessage] = []
    world.hub.incoming.listen(incoming.append)
    world.hub.notifying = True
    world.sync({ROOM: room_start(message(1, sender=ME))})
    now = world.clock.now_ms()
    world.sync({ROOM: live({**encrypted(2, "late", message(2, "secret")), "origin_server_ts": now})})
    assert not seen[ROOM].unread.any
    assert seen.last(ROOM).notice == text("preview-undecryptable")
    assert incoming == []
    world.key_came("late")
    assert seen[ROOM].unread.messages == 1
    assert [one.body for one in incoming] == ["secret"]


async def test_a_key_that_comes_very_late_does_not_notify(world: OfflineRooms) -> None:
    incoming: list[IncomingMessage] = []
    world.hub.incoming.listen(incoming.append)
    world.hub.notifying = True
    world.sync({ROOM: room_start(encrypted(2, "late", message(2, "secret")))})
    world.key_came("late")
    assert incoming == []


async def test_only_news_notify_and_not_our_own(world: OfflineRooms) -> None:
    incoming: list[IncomingMessage] = []
    world.hub.incoming.listen(incoming.append)
    world.sync({ROOM: room_start(message(1))})
    world.hub.notifying = True
    world.sync({ROOM: live(message(0), message(2), message(3, sender=ME), num_live=2)})
    assert incoming == []
    world.sync({ROOM: live(message(4, "hello"))})
    assert [(one.body, one.room_name, one.sender_name) for one in incoming] == [("hello", "Ward round", "Mei")]


async def test_a_redacted_message_counts_no_more(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1, sender=ME))})
    world.sync({ROOM: live(message(2))})
    assert seen[ROOM].unread.messages == 1
    world.sync({ROOM: live(event(3, {"redacts": "$2"}, type="m.room.redaction"))})
    assert seen[ROOM].unread.messages == 0
    assert seen.last(ROOM).notice == text("preview-recalled")


async def test_our_message_is_shown_as_read_by_others(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1, sender=ME))})
    assert seen.last(ROOM).state is PreviewState.SENT
    world.sync(receipts=receipt(ROOM, "$1", MEI))
    assert seen.last(ROOM).state is PreviewState.READ


async def test_account_data_of_a_room(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1))})
    tags = {"type": "m.tag", "content": {"tags": {"m.favourite": {}}}}
    unread = {"type": "m.marked_unread", "content": {"unread": True}}
    world.sync(account_data={"rooms": {ROOM: [tags, unread]}})
    assert seen[ROOM].favourite
    assert seen[ROOM].unread.marked
    world.account_data("m.direct", {MEI: [ROOM], "junk": 7, BO: [5]})
    assert seen[ROOM].direct_with == MEI
    silent = {"rule_id": ROOM, "enabled": True, "actions": [], "conditions": []}
    world.account_data("m.push_rules", {"global": {"override": [silent]}})
    assert seen[ROOM].muted


async def test_an_invitation_shows_only_claims(world: OfflineRooms) -> None:
    seen = Seen(world)
    stripped = [
        {"type": "m.room.name", "state_key": "", "sender": BO, "content": {"name": "Tender"}},
        {"type": "m.room.member", "state_key": ME, "sender": BO, "content": {"membership": "invite", "is_direct": True}},
        {"type": "m.room.member", "state_key": BO, "sender": BO, "content": {"displayname": "Bo"}},
        {"type": "m.room.encryption", "state_key": "", "sender": BO, "content": {"algorithm": "x"}},
        "rubbish",
    ]
    world.sync({ROOM: {"invite_state": stripped, "bump_stamp": 3}})
    invited = seen[ROOM]
    assert (invited.membership, invited.name, invited.inviter, invited.direct_with) == (Membership.INVITED, "Tender", BO, BO)
    assert not world.rooms.encrypted(ROOM)
    world.sync({ROOM: room_start(message(1), name="Tender", bump=4)})
    assert seen[ROOM].membership is Membership.JOINED


async def test_being_removed_takes_the_room_away(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1))})
    world.sync({ROOM: live(event(2, {"membership": "leave"}, type="m.room.member", state_key=ME))})
    assert seen.rooms == []


async def test_encryption_is_never_forgotten(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1), state=[state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})])})
    world.sync({ROOM: {"required_state": [state("m.room.encryption", {}, number="off")]}})
    assert seen[ROOM].encrypted
    world.rooms.reload()
    assert world.rooms.encrypted(ROOM)
    kept = world.rooms.state(ROOM, "m.room.encryption")
    assert kept is not None
    assert kept.content["algorithm"] == "m.megolm.v1.aes-sha2"


async def test_a_running_call_stands_at_its_room_until_it_runs_out(world: OfflineRooms) -> None:
    seen = Seen(world)
    now = world.clock.now_ms()
    content = {
        "application": "m.call",
        "call_id": "",
        "device_id": "D",
        "expires": 60_000,
        "created_ts": now,
        "focus_active": {"type": "livekit", "focus_selection": "oldest_membership"},
        "foci_preferred": [],
    }
    call = event(2, content, type="org.matrix.msc3401.call.member", state_key=f"_{MEI}_D_m.call")
    changed: list[str] = []
    world.hub.call_changed = changed.append
    world.sync({ROOM: room_start(message(1))})
    world.sync({ROOM: live({**call, "origin_server_ts": now})})
    assert seen[ROOM].call is not None
    assert changed[-1] == ROOM
    world.sync({ROOM: live({**event(3, {}, type=call["type"], state_key=call["state_key"]), "origin_server_ts": now})})
    assert seen[ROOM].call is None


async def test_the_list_is_kept_for_the_next_start(world: OfflineRooms) -> None:
    seen = Seen(world)
    world.sync({ROOM: room_start(message(1)), OTHER: room_start(encrypted(1, "x", message(1)), name="Tender")})
    with world.database.transaction() as t:
        summary_cache.keep(t, world.room_list.rooms)
        assert summary_cache.kept(t) == seen.rooms
        t.execute("UPDATE facts SET value = '[1, [{}]]' WHERE name = 'room-list'")
        assert summary_cache.kept(t) == []
    world.room_list.load([], seen.rooms[:1])
    world.room_list.load(world.rooms.rooms(), seen.rooms[:1])
    await world.room_list.refresh(world.rooms.rooms())
    assert len(world.room_list.rooms) == 2
