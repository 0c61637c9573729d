"""Which events of a room go to the verifications, and how they get there."""

import json
from dataclasses import replace
from typing import Any

import pytest

from welink_desktop.adapters.matrix.crypto.verification_records import REQUEST, Received
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.adapters.matrix.rooms.verifications import verification_of
from welink_desktop.core.ids import EventId, RoomId, TransactionId, UserId

ROOM, ALICE, NOW = RoomId("!r"), UserId("@alice:x"), 1_700_000_000_000
RELATION = {"rel_type": "m.reference", "event_id": "$request"}
DONE = "m.key.verification.done"


def row(event_type: str, content: dict[str, Any], clear: dict[str, Any] | None = None) -> EventRow:
    raw = json.dumps({"type": event_type, "content": content})
    text = None if clear is None else json.dumps({"type": event_type, "content": clear})
    return EventRow(EventId("$1"), 1.0, ALICE, event_type, None, NOW, raw, clear=text)


def test_steps_and_requests_in_clear() -> None:
    step = {"m.relates_to": RELATION}
    assert verification_of(ROOM, row(DONE, step), NOW) == Received(DONE, ALICE, step, ROOM, EventId("$1"), NOW)
    request = {"msgtype": REQUEST, "to": "@bob:x", "body": "x"}
    assert verification_of(ROOM, row("m.room.message", request), NOW) == Received(
        REQUEST, ALICE, request, ROOM, EventId("$1"), NOW
    )


def test_encrypted_ones_keep_the_relation_that_stands_outside() -> None:
    found = verification_of(ROOM, row(DONE, {"ciphertext": "…", "m.relates_to": RELATION}, {}), NOW)
    assert found is not None and found.content == {"m.relates_to": RELATION}
    inside = {"m.relates_to": {**RELATION, "event_id": "$inside"}}
    found = verification_of(ROOM, row(DONE, {"m.relates_to": RELATION}, inside), NOW)
    assert found is not None and found.content == inside
    found = verification_of(ROOM, row(DONE, {}, {}), NOW)
    assert found is not None and found.content == {}


def test_an_echo_is_known_by_its_transaction() -> None:
    found = verification_of(ROOM, replace(row(DONE, {}), transaction=TransactionId("t")), NOW)
    assert found is not None and found.echo


@pytest.mark.parametrize(
    "other",
    [
        row("m.room.message", {"msgtype": "m.text", "body": f"a word about {REQUEST}"}),
        row("m.room.message", {"msgtype": "m.text", "body": "hello"}),
        row("m.room.message", {}),
        row(REQUEST, {"to": "@bob:x"}),
        replace(row(DONE, {}), ts=NOW - 3_600_001),
        replace(row(DONE, {}), ts=NOW + 3_600_001),
        replace(row(DONE, {}), failure="{}"),
        replace(row(DONE, {}), redaction="{}"),
        replace(row(DONE, {}), state_key=""),
    ],
)
def test_everything_else_stays_out(other: EventRow) -> None:
    assert verification_of(ROOM, other, NOW) is None
