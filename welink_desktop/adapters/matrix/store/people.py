"""Tables of people: profiles with their spoken forms, the department tree and who is in which department."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from welink_desktop.adapters.matrix.store.database import Migration, Transaction
from welink_desktop.core.ids import RoomId, UserId

MIGRATIONS = (
    Migration(
        "people",
        1,
        (
            """CREATE TABLE people(
                user TEXT PRIMARY KEY, profile TEXT NOT NULL, spoken TEXT NOT NULL, fetched_ms INTEGER NOT NULL) WITHOUT ROWID""",
            "CREATE TABLE organisation(name TEXT PRIMARY KEY, tree TEXT NOT NULL, fetched_ms INTEGER NOT NULL) WITHOUT ROWID",
            """CREATE TABLE department_people(
                space TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY(space, user)) WITHOUT ROWID""",
        ),
    ),
)

_TREE = "tree"


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """`profile` is the object of the server, cut to the fields we read; `spoken` the readings of the name's characters."""

    user: UserId
    profile: dict[str, Any]
    spoken: list[list[str]]
    fetched_ms: int


def all_people(t: Transaction) -> list[StoredPerson]:
    rows = t.rows("SELECT user, profile, spoken, fetched_ms FROM people")
    return [StoredPerson(UserId(row[0]), json.loads(row[1]), json.loads(row[2]), row[3]) for row in rows]


def put_person(t: Transaction, person: StoredPerson) -> None:
    t.execute(
        """INSERT INTO people(user, profile, spoken, fetched_ms) VALUES(?, ?, ?, ?)
        ON CONFLICT(user) DO UPDATE SET profile = excluded.profile, spoken = excluded.spoken, fetched_ms = excluded.fetched_ms""",
        (person.user, _text(person.profile), _text(person.spoken), person.fetched_ms),
    )


def remove_person(t: Transaction, user: UserId) -> None:
    t.execute("DELETE FROM people WHERE user = ?", (user,))


def put_tree(t: Transaction, tree: dict[str, Any], members: dict[RoomId, Iterable[UserId]], now_ms: int) -> None:
    t.execute("INSERT OR REPLACE INTO organisation(name, tree, fetched_ms) VALUES(?, ?, ?)", (_TREE, _text(tree), now_ms))
    t.execute("DELETE FROM department_people")
    rows = [(space, user) for space, users in members.items() for user in {"", *users}]  # "": the list is known, even if empty
    t.executemany("INSERT INTO department_people(space, user) VALUES(?, ?)", rows)


def tree(t: Transaction) -> tuple[dict[str, Any], int] | None:
    """The stored tree and when it was fetched."""
    row = t.row("SELECT tree, fetched_ms FROM organisation WHERE name = ?", (_TREE,))
    return None if row is None else (json.loads(row[0]), row[1])


def department_members(t: Transaction) -> dict[RoomId, list[UserId]]:
    """Members of each department's space whose list is known."""
    found: dict[RoomId, list[UserId]] = {}
    for space, user in t.rows("SELECT space, user FROM department_people"):
        found.setdefault(RoomId(space), [])
        if user:
            found[RoomId(space)].append(UserId(user))
    return found


def everybody_in_departments(t: Transaction, limit: int) -> list[UserId]:
    rows = t.rows("SELECT DISTINCT user FROM department_people WHERE user != '' ORDER BY user LIMIT ?", (limit,))
    return [UserId(row[0]) for row in rows]


# Facts of rooms


def joined_spaces(t: Transaction) -> list[RoomId]:
    """Spaces this account is in, the oldest first."""
    rows = t.rows(
        """SELECT s.room, s.content FROM room_state s JOIN rooms r ON r.room = s.room
        WHERE s.type = 'm.room.create' AND s.state_key = '' AND r.membership = 'join' ORDER BY s.ts, s.room"""
    )
    return [RoomId(row[0]) for row in rows if json.loads(row[1]).get("type") == "m.space"]


def space_children(t: Transaction, space: RoomId) -> list[RoomId]:
    rows = t.rows("SELECT state_key, content FROM room_state WHERE room = ? AND type = 'm.space.child'", (space,))
    return [RoomId(row[0]) for row in rows if json.loads(row[1]).get("via")]


def room_members(t: Transaction, limit: int) -> list[tuple[UserId, str, str]]:
    """People of rooms that are not spaces of thousands: (user, name, avatar), each once."""
    rows = t.rows(
        "SELECT user, max(name), max(avatar) FROM members WHERE membership = 'join' GROUP BY user ORDER BY user LIMIT ?", (limit,)
    )
    return [(UserId(row[0]), row[1], row[2]) for row in rows]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
