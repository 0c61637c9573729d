"""What each device should be able to read after a soak, and what it can read."""

import json
from collections import Counter
from dataclasses import dataclass, field

from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.log import short
from welink_desktop.evaluation.client import MatrixClient

ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Sent:
    """An encrypted message as the server has it; `readers` are the members at that point of the room's order."""

    event: EventId
    sender: UserId
    device: str
    readers: frozenset[str]


@dataclass
class Verdict:
    """`unreadable`: by reason, one count per device and message; `absent` are messages that never reached the device."""

    expected: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        self.expected += other.expected
        self.unreadable.update(other.unreadable)
        self.duplicates += other.duplicates
        self.examples.extend(other.examples)


def as_sent(client: MatrixClient, room: RoomId) -> list[Sent]:
    """The room's encrypted messages, with who was a member when the server took each."""
    members: set[str] = set()
    found: list[Sent] = []
    query: dict[str, object] = {"dir": "f", "limit": 1000}
    while True:
        answer = client.call("GET", "client", "v3", "rooms", room, "messages", query=query)
        for event in answer["chunk"]:
            content = event["content"]
            if event["type"] == "m.room.member":
                (members.add if content.get("membership") == "join" else members.discard)(event["state_key"])
            elif event["type"] == "m.room.encrypted":
                sender = UserId(event["sender"])
                found.append(Sent(EventId(event["event_id"]), sender, content.get("device_id", ""), frozenset(members)))
        if "end" not in answer:
            return found
        query["from"] = answer["end"]


def judge(session: MatrixSession, name: str, truth: dict[RoomId, list[Sent]]) -> Verdict:
    """What the device has of what its user should be able to read."""
    verdict = Verdict()
    user = session.account.user
    for room, messages in truth.items():
        here = _kept(session, room)
        verdict.duplicates += sum(count - 1 for count in bodies(session, room).values())
        for sent in messages:
            if user not in sent.readers:
                continue
            verdict.expected += 1
            reason = here.get(sent.event, ABSENT)
            if reason is not None:
                verdict.unreadable[reason] += 1
                verdict.examples.append(f"{reason}: {name} {short(room)} {sent.event} from {sent.sender} {sent.device}")
    return verdict


def bodies(session: MatrixSession, room: RoomId) -> Counter[str]:
    """Texts of the room that the device can read."""
    with session._around.database.read() as t:
        found = t.rows("SELECT clear FROM events WHERE room = ? AND clear IS NOT NULL", (room,))
    return Counter(json.loads(clear)["content"].get("body", "") for (clear,) in found)


async def load_all(session: MatrixSession, room: RoomId) -> None:
    """Everything of the room that the server gives."""
    while True:
        with session._around.database.read() as t:
            last = t.value("SELECT max(position) FROM events WHERE room = ?", (room,))
        if last is None or not await session._history.fill_below(room, last, 100):
            return


def _kept(session: MatrixSession, room: RoomId) -> dict[EventId, str | None]:
    """Event → why it cannot be read, None if it can."""
    with session._around.database.read() as t:
        found = t.rows("SELECT event, clear IS NOT NULL, failure FROM events WHERE room = ?", (room,))
    return {EventId(event): None if clear else _reason(failure) for event, clear, failure in found}


def _reason(failure: str | None) -> str:
    return str(json.loads(failure).get("reason", "?")) if failure else "not-decrypted"
