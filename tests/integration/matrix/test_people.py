"""People and the department tree on the real homeserver."""

import asyncio
from pathlib import Path

from tests.support.engine import people, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.organisation import Organisation
from welink_desktop.core.people import MatchKind, Person, Status
from welink_desktop.evaluation.client import MatrixClient

FIELD = "io.welinkdesktop."


def space(owner: MatrixClient, name: str, server: str, parent: str = "", order: str = "") -> str:
    room = owner.create_room(
        name=name,
        creation_content={"type": "m.space"},
        preset="public_chat",
        visibility="private",
        initial_state=[{"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}],
    )
    if parent:
        owner.set_state(parent, "m.space.child", {"via": [server], "order": order}, room)
    return room


def fill(client: MatrixClient, **fields: object) -> None:
    for name, value in fields.items():
        field = name if name in ("displayname",) else FIELD + name
        client.call("PUT", "client", "v3", "profile", client.user_id, field, body={field: value})


async def organisation_of(session: MatrixSession) -> Organisation:
    """The tree, as soon as sync showed the space that was joined."""
    async with asyncio.timeout(30):
        while (organisation := await session.people.organisation()) is None:
            await asyncio.sleep(0.02)
        return organisation


async def test_the_tree_people_and_search(synapse: TestSynapse, tmp_path: Path) -> None:
    chief, nurse, guest = (synapse.register(name) for name in ("chief", "nurse", "guest"))
    with synapse.client(chief) as boss, synapse.client(nurse) as second, synapse.client(guest) as third:
        fill(boss, displayname="赵明远", organisation="云杉总医院", title="院长", staff_number="Y1001", department="院领导")
        fill(
            second,
            displayname="李子怡",
            organisation="云杉总医院",
            title="护士长",
            department="护理部",
            department_path=["护理部"],
        )
        fill(third, displayname="Rosa Keller", organisation="Northbridge Engineering", title="Architect")
        root = space(boss, "云杉总医院", synapse.server_name)
        nursing = space(boss, "护理部", synapse.server_name, root, "b")
        leadership = space(boss, "院领导", synapse.server_name, root, "a")
        for client, room in ((second, root), (second, nursing)):
            client.join(room)
        async with people(synapse, tmp_path, "lin") as (lin,):
            session = lin.session
            await session.chat.join(RoomId(root))
            await until(lambda: session.chat._parts.rooms.row(RoomId(root)) is not None)
            organisation = await organisation_of(session)
            assert [(one.name, one.people) for one in organisation.root.children] == [("院领导", 1), ("护理部", 1)]
            assert (organisation.name, organisation.root.people, organisation.complete) == ("云杉总医院", 3, True)
            assert [one.space for one in organisation.root.children] == [leadership, nursing]
            members = await session.people.people_of(RoomId(nursing))
            assert [(one.name, one.title, one.department_path) for one in members] == [("李子怡", "护士长", ("护理部",))]
            hits = await session.people.search("lzy")
            assert (hits[0].person.user, hits[0].kind) == (nurse.user_id, MatchKind.INITIALS)
            served = {hit.person.user: hit for hit in await session.people.search("Rosa")}
            assert guest.user_id in served
            rosa = await session.people.person(UserId(guest.user_id))
            assert (rosa.title, rosa.organisation) == ("Architect", "Northbridge Engineering")
            news: list[Person] = []
            session.people.watch_people(news.append)
            await session.people.set_name("林知远")
            await session.people.set_status(Status(text="在手术", emoji="🔬"))
            assert (await session.people.me()).status.text == "在手术"
            with synapse.client(nurse) as reader:
                profile = reader.call("GET", "client", "v3", "profile", lin.account.user)
            assert profile["displayname"] == "林知远" and profile["m.status"] == {"text": "在手术", "emoji": "🔬"}
            assert news[-1].name == "林知远"
