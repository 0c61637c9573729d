"""The send queue: durable, in order, exactly once, whatever the line does."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.adapters.matrix.outbox.line import ME, ROOM, SECRET_ROOM, Line, Server, broken, refuse
from welink_desktop.adapters.matrix import backoff
from welink_desktop.adapters.matrix.rooms.pending import Pending, PendingKind
from welink_desktop.core.errors import EncryptionRefused, IdentityChanged, NotAllowed, NotFound, Offline, TooLarge
from welink_desktop.core.ids import EventId, RoomId, TransactionId, UserId
from welink_desktop.core.timeline import OutgoingText, SendPhase, TextContent


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def line(tmp_path: Path, server: Server) -> AsyncIterator[Line]:
    one = Line(tmp_path, server)
    yield one
    await one.close()


def text(body: str) -> OutgoingText:
    return OutgoingText(body)


async def test_messages_of_a_room_arrive_in_order(line: Line, server: Server) -> None:
    for number in range(20):
        await line.outbox.send_text(ROOM, text(str(number)))
    await line.quiet()
    assert server.bodies() == [str(number) for number in range(20)]
    assert set(line.phases()) == {"sent"}


async def test_the_echo_is_there_at_once_and_settles_with_the_event(line: Line, server: Server) -> None:
    seen: list[tuple[Pending, ...]] = []
    cancel = line.outbox.watch(ROOM, seen.append)
    server.hold = asyncio.Event()
    transaction = await line.outbox.send_text(ROOM, text("你好"))
    (item,) = line.outbox.pending(ROOM)
    assert item.content == TextContent("你好") and item.transaction == transaction and item.kind is PendingKind.MESSAGE
    server.hold.set()
    await line.quiet()
    (item,) = line.outbox.pending(ROOM)
    assert item.state.phase is SendPhase.SENT and item.event is not None
    with line.database.transaction() as t:
        assert line.outbox.settle(t, ROOM, item.event, None) == transaction
    assert seen[0] == () and seen[-1] == () and line.outbox.pending(ROOM) == ()
    cancel()


async def test_a_return_faster_than_the_answer_is_not_sent_again(line: Line, server: Server) -> None:
    server.hold = asyncio.Event()
    transaction = await line.outbox.send_text(ROOM, text("quick"))
    await server.arrived.wait()
    with line.database.transaction() as t:
        assert line.outbox.settle(t, ROOM, EventId("$early"), transaction) == transaction
    server.hold.set()
    await line.outbox.send_text(ROOM, text("next"))
    await line.quiet()
    assert server.bodies() == ["quick", "next"]
    with line.database.transaction() as t:
        assert line.outbox.settle(t, ROOM, EventId("$early"), transaction) == transaction
        assert line.outbox.settle(t, ROOM, EventId("$foreign"), TransactionId("other")) is None


@pytest.mark.parametrize("failures", [1, 3])
async def test_a_lost_answer_makes_no_second_message(line: Line, server: Server, failures: int) -> None:
    server.lose = failures
    await line.outbox.send_text(ROOM, text("once"))
    await line.quiet()
    assert server.bodies() == ["once"]
    assert len(server.requests) == failures + 1


TRANSIENT = {
    "refused": broken,
    "500": lambda request: httpx.Response(500, text="oops"),
    "502": lambda request: httpx.Response(502, text="<html>"),
    "520": lambda request: httpx.Response(520),
    "captive portal": lambda request: httpx.Response(200, text="<html>sign in</html>"),
    "redirect": lambda request: httpx.Response(302, headers={"location": "http://portal"}),
    "cut answer": lambda request: httpx.Response(200, text='{"event_id": '),
    "no event id": lambda request: httpx.Response(200, json={}),
    "429": refuse(429, "M_LIMIT_EXCEEDED", retry_after_ms=10),
}


@pytest.mark.parametrize("name", TRANSIENT)
async def test_a_transient_failure_is_tried_again_in_order(line: Line, server: Server, name: str) -> None:
    server.faults = [TRANSIENT[name], None, TRANSIENT[name]]
    for body in ("one", "two", "three"):
        await line.outbox.send_text(ROOM, text(body))
    await line.quiet()
    assert server.bodies() == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("status", "errcode"),
    [(400, "M_BAD_JSON"), (403, "M_FORBIDDEN"), (404, "M_NOT_FOUND"), (413, "M_TOO_LARGE"), (400, "M_UNKNOWN")],
)
async def test_a_refused_item_stops_itself_and_not_the_queue(line: Line, server: Server, status: int, errcode: str) -> None:
    server.faults = [refuse(status, errcode)]
    first = await line.outbox.send_text(ROOM, text("refused"))
    await line.outbox.send_text(ROOM, text("next"))
    await line.quiet()
    assert server.bodies() == ["next"]
    assert line.phases() == ["failed", "sent"]
    assert line.outbox.pending(ROOM)[0].state.error is not None
    await line.outbox.retry(ROOM, first)
    await line.quiet()
    assert server.bodies() == ["next", "refused"]
    assert server.requests[-1].url.path.endswith(first)


async def test_what_was_refused_is_told_in_the_users_words(line: Line, server: Server) -> None:
    server.faults = [refuse(403, "M_FORBIDDEN")]
    await line.outbox.send_text(ROOM, text("x"))
    await line.quiet()
    assert isinstance(line.outbox.pending(ROOM)[0].state.error, NotAllowed)


async def test_rooms_do_not_wait_for_each_other(line: Line, server: Server, tmp_path: Path) -> None:
    held = asyncio.Event()
    passing = server.__call__

    async def gate(request: httpx.Request) -> httpx.Response:
        if b"clear" in request.url.raw_path:
            await held.wait()
        return await passing(request)

    line.http._client._transport = httpx.MockTransport(gate)
    await line.outbox.send_text(ROOM, text("held"))
    await line.outbox.send_text(SECRET_ROOM, text("free"))
    await line.quiet(SECRET_ROOM)
    assert line.phases(ROOM) == ["sending"]
    held.set()
    await line.quiet()


async def test_unsent_items_are_taken_up_at_the_next_start(tmp_path: Path) -> None:
    server = Server(hold=asyncio.Event())
    first = Line(tmp_path, server)
    for number in range(3):
        await first.outbox.send_text(ROOM, text(str(number)))
    await server.arrived.wait()
    await first.close()
    server.hold = None
    second = Line(tmp_path, server)
    second.outbox.start()
    await second.quiet()
    assert server.bodies() == ["0", "1", "2"]
    await second.close()


async def test_a_kill_after_the_server_took_it_makes_no_second_message(tmp_path: Path) -> None:
    server = Server(lose=1)
    first = Line(tmp_path, server)
    server.faults = [None, broken, broken, broken]
    await first.outbox.send_text(SECRET_ROOM, text("once"))
    await server.arrived.wait()
    await first.close()
    server.faults = []
    second = Line(tmp_path, server)
    second.outbox.start()
    await second.quiet(SECRET_ROOM)
    assert len([one for one in server.accepted if one[0] == SECRET_ROOM]) == 1
    await second.close()


async def test_a_ciphertext_is_made_once_and_sent_again_as_it_is(line: Line, server: Server) -> None:
    server.faults = [broken, broken]
    await line.outbox.send_text(SECRET_ROOM, text("secret"))
    await line.quiet(SECRET_ROOM)
    sent = [json.loads(request.content) for request in server.requests]
    assert len(sent) == 3 and all(one == sent[0] for one in sent)
    assert line.encryption.count == 1
    assert server.accepted[0][1] == "m.room.encrypted"
    assert server.accepted[0][2]["ciphertext"]["type"] == "m.room.message"


async def test_a_message_that_waited_is_encrypted_again_when_people_came_meanwhile(line: Line, server: Server) -> None:
    def join(request: httpx.Request) -> httpx.Response:
        line.encryption.audience += 1
        return broken(request)

    server.faults = [join]
    await line.outbox.send_text(SECRET_ROOM, text("secret"))
    await line.quiet(SECRET_ROOM)
    first, second = (json.loads(request.content) for request in server.requests)
    assert (first["for"], second["for"]) == (0, 1)
    assert {request.url.path for request in server.requests} == {server.requests[0].url.path}, "another transaction"
    assert len(line.encryption.prepared) == 2


async def test_encryption_that_cannot_share_now_is_tried_again(line: Line, server: Server) -> None:
    line.encryption.failures = [Offline(), Offline()]
    await line.outbox.send_text(SECRET_ROOM, text("x"))
    await line.quiet(SECRET_ROOM)
    assert len(server.accepted) == 1


async def test_a_room_that_cannot_be_encrypted_for_is_never_sent_to_in_clear(line: Line, server: Server) -> None:
    line.encryption.failures = [EncryptionRefused()]
    await line.outbox.send_text(SECRET_ROOM, text("x"))
    await line.quiet(SECRET_ROOM)
    assert server.accepted == [] and line.phases(SECRET_ROOM) == ["failed"]
    assert isinstance(line.outbox.pending(SECRET_ROOM)[0].state.error, EncryptionRefused)


async def test_nothing_goes_to_another_identity_than_the_verified_one_until_the_person_decided(
    line: Line, server: Server
) -> None:
    line.encryption.failures = [IdentityChanged(name="@chen:x")]
    await line.outbox.send_text(SECRET_ROOM, text("x"))
    await line.quiet(SECRET_ROOM)
    assert server.accepted == [] and line.phases(SECRET_ROOM) == ["failed"]
    (pending,) = line.outbox.pending(SECRET_ROOM)
    assert isinstance(pending.state.error, IdentityChanged)
    assert pending.state.error.args_for_text == {"name": "@chen:x"}
    assert len(line.encryption.prepared) == 1, "asked once, not without pause"
    await line.outbox.retry(SECRET_ROOM, pending.transaction)
    await line.quiet(SECRET_ROOM)
    assert line.phases(SECRET_ROOM) == ["sent"]


async def test_a_reaction_and_an_edit_wait_for_the_event_id(line: Line, server: Server) -> None:
    server.hold = asyncio.Event()
    transaction = await line.outbox.send_text(ROOM, text("first"))
    await server.arrived.wait()
    await line.outbox.edit(ROOM, transaction, text("second"))
    await line.outbox.react(ROOM, transaction, "👍")
    await line.outbox.react(ROOM, transaction, "👍")
    server.hold.set()
    await line.quiet()
    (_, _, message), (_, _, edit), (_, kind, reaction) = server.accepted
    event = line.outbox.pending(ROOM)[0].event
    assert message["body"] == "first" and event is not None
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": event} and edit["m.new_content"]["body"] == "second"
    assert kind == "m.reaction" and reaction == {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": "👍"}}


async def test_a_message_that_never_left_is_edited_in_place_or_dropped(line: Line, server: Server) -> None:
    server.hold = asyncio.Event()
    await line.outbox.send_text(ROOM, text("on its way"))
    await server.arrived.wait()
    second = await line.outbox.send_text(ROOM, text("drfat"))
    third = await line.outbox.send_text(ROOM, text("never mind"))
    await line.outbox.react(ROOM, third, "x")
    await line.outbox.edit(ROOM, second, text("draft"))
    await line.outbox.recall(ROOM, third)
    server.hold.set()
    await line.quiet()
    assert server.bodies() == ["on its way", "draft"]


async def test_a_message_on_its_way_is_recalled_after_it_arrived(line: Line, server: Server) -> None:
    server.hold = asyncio.Event()
    transaction = await line.outbox.send_text(ROOM, text("oops"))
    await server.arrived.wait()
    await line.outbox.recall(ROOM, transaction, "wrong room")
    await line.outbox.recall(ROOM, transaction, "wrong room")
    server.hold.set()
    await line.quiet()
    (_, _, message), (_, target, redaction) = server.accepted
    assert target.endswith(transaction) and redaction == {"reason": "wrong room"} and message["body"] == "oops"


async def test_recalling_takes_our_edits_along(line: Line, server: Server) -> None:
    original = line.event("$o", ME)
    line.event("$e", ME, 1, "m.replace", "$o")
    line.event("$other", "@bob:x", 2, "m.replace", "$o")
    await line.outbox.recall(ROOM, original)
    await line.quiet()
    assert [what for _, what, _ in server.accepted] == ["$e", "$o"]


async def test_the_same_reaction_twice_is_one(line: Line, server: Server) -> None:
    line.event("$m", "@bob:x")
    raw = json.dumps({"content": {"m.relates_to": {"key": "👍"}}})
    line.event("$r", ME, 1, "m.annotation", "$m", raw)
    line.event("$odd", ME, 2, "m.annotation", "$m", "{}")
    await line.outbox.react(ROOM, EventId("$m"), "👍")
    await line.outbox.react(ROOM, EventId("$m"), "🎉")
    await line.quiet()
    assert [content["m.relates_to"]["key"] for _, _, content in server.accepted] == ["🎉"]


async def test_a_refused_reaction_just_vanishes(line: Line, server: Server) -> None:
    server.faults = [refuse(400, "M_DUPLICATE_ANNOTATION")]
    await line.outbox.react(ROOM, line.event("$m", "@bob:x"), "👍")
    await line.quiet()
    assert line.outbox.pending(ROOM) == ()


async def test_only_own_messages_are_edited(line: Line) -> None:
    with pytest.raises(NotAllowed):
        await line.outbox.edit(ROOM, line.event("$m", "@bob:x"), text("x"))
    with pytest.raises(NotFound):
        await line.outbox.edit(ROOM, TransactionId("never"), text("x"))
    with pytest.raises(NotFound):
        await line.outbox.send_text(RoomId("!unknown:x"), text("x"))
    with pytest.raises(NotFound):
        await line.outbox.retry(ROOM, TransactionId("never"))


async def test_a_followers_follow_a_dropped_message(line: Line, server: Server) -> None:
    server.faults = [refuse(403, "M_FORBIDDEN")]
    transaction = await line.outbox.send_text(ROOM, text("refused"))
    await line.quiet()
    await line.outbox.react(ROOM, transaction, "x")
    await line.outbox.recall(ROOM, transaction)
    assert line.rows() == [] and server.accepted == []


async def test_a_failed_message_can_be_edited_and_goes_out_again(line: Line, server: Server) -> None:
    server.faults = [refuse(413, "M_TOO_LARGE")]
    transaction = await line.outbox.send_text(ROOM, text("long"))
    await line.quiet()
    await line.outbox.edit(ROOM, transaction, text("short"))
    await line.quiet()
    assert server.bodies() == ["short"]


async def test_a_dead_token_stops_all_and_loses_none(line: Line, server: Server) -> None:
    server.faults = [refuse(401, "M_UNKNOWN_TOKEN", soft_logout=False)]
    line.outbox.start()
    await line.outbox.send_text(ROOM, text("kept"))
    done = asyncio.Event()
    cancel = line.http.dead.watch(lambda reason: done.set() if reason is not None else None)
    await done.wait()
    cancel()
    assert server.accepted == []
    line.http.dead.set(None)
    await line.quiet()
    assert server.bodies() == ["kept"]


async def test_a_fault_of_our_own_never_stops_the_queue(line: Line, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    line.encryption.failures = [ValueError("secret words")]
    await line.outbox.send_text(SECRET_ROOM, text("one"))
    await line.outbox.send_text(SECRET_ROOM, text("two"))
    await line.quiet(SECRET_ROOM)
    assert line.phases(SECRET_ROOM) == ["failed", "sent"]
    assert "secret words" not in caplog.text and "item cannot be sent" in caplog.text


async def test_a_reply_mentions_the_author(line: Line, server: Server) -> None:
    answered = line.event("$q", "@bob:x")
    await line.outbox.send_text(ROOM, OutgoingText("yes", reply_to=answered, mentions=(UserId("@eve:x"),)))
    own = line.event("$own", ME, 1)
    await line.outbox.send_text(ROOM, OutgoingText("and", reply_to=own))
    await line.quiet()
    assert server.accepted[0][2]["m.mentions"] == {"user_ids": ["@eve:x", "@bob:x"]}
    assert server.accepted[1][2]["m.mentions"] == {}
    assert line.outbox.pending(ROOM)[0].reply_to == "$q"


async def test_a_text_beyond_the_limit_is_refused_before_it_is_queued(line: Line) -> None:
    with pytest.raises(TooLarge):
        await line.outbox.send_text(ROOM, text("长" * 20_000))
    assert line.rows() == []


async def test_texts_that_are_no_unicode_do_not_break_the_queue(line: Line, server: Server) -> None:
    await line.outbox.send_text(ROOM, text("a\ud800b\x00c"))
    await line.quiet()
    assert server.bodies() == ["abc"]


async def test_waking_the_line_sends_at_once(line: Line, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 3600.0)
    monkeypatch.setattr(backoff, "LONGEST_SECONDS", 3600.0)
    server.faults = [broken]
    failed = asyncio.Event()
    cancel = line.http.backoff.retry_at.watch(lambda at: failed.set() if at is not None else None)
    await line.outbox.send_text(ROOM, text("x"))
    await failed.wait()
    cancel()
    line.http.backoff.succeeded()
    await line.quiet()
    assert server.bodies() == ["x"]
