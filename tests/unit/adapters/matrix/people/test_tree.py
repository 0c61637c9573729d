"""The department tree: order of the specification, people once, no cycle, depth or rubbish breaks it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.people.tree import from_json, named_children, organisation_of, placed, spaces_of, to_json
from welink_desktop.core.ids import RoomId, UserId


def child(room: str, order: str | None = None, ts: int = 0, via: object = ("x",)) -> dict[str, Any]:
    content: dict[str, Any] = {"via": list(via) if isinstance(via, tuple) else via}
    if order is not None:
        content["order"] = order
    return {"type": "m.space.child", "state_key": room, "origin_server_ts": ts, "content": content}


def space(room: str, *children: dict[str, Any], name: str = "", members: int = 0, kind: str = "m.space") -> dict[str, Any]:
    return {
        "room_id": room,
        "name": name or room,
        "room_type": kind,
        "num_joined_members": members,
        "children_state": list(children),
    }


def users(*names: str) -> list[UserId]:
    return [UserId(f"@{name}:x") for name in names]


def test_children_stand_in_the_order_of_the_specification() -> None:
    root = space(
        "!r",
        child("!late", ts=2),
        child("!b", "b"),
        child("!early", ts=1),
        child("!a", "a"),
        child("!bad", "order\n", ts=3),
        child("!long", "o" * 51, ts=4),
        child("!removed", via=()),
    )
    (found,) = spaces_of([root]).values()
    assert found.children == ("!a", "!b", "!early", "!late", "!bad", "!long")


def test_people_count_once_on_the_way_up() -> None:
    rooms = [space("!r", child("!a"), child("!b")), space("!a", child("!c")), space("!b"), space("!c"), space("!chat", kind="")]
    members = {
        RoomId("!r"): users("eve"),
        RoomId("!a"): users("ann"),
        RoomId("!b"): users("bob", "ann"),
        RoomId("!c"): users("cid", "ann"),
    }
    organisation = organisation_of(RoomId("!r"), spaces_of(rooms), members, complete=True)
    assert organisation is not None
    assert [(one.space, one.people) for one in (organisation.root, *organisation.root.children)] == [
        ("!r", 4),
        ("!a", 2),
        ("!b", 2),
    ]
    assert from_json(to_json(RoomId("!r"), spaces_of(rooms), complete=True)) == (RoomId("!r"), spaces_of(rooms), True)


def test_without_member_lists_the_servers_figures_stand() -> None:
    rooms = [space("!r", child("!a"), members=3), space("!a", members=7)]
    organisation = organisation_of(RoomId("!r"), spaces_of(rooms), {}, complete=False)
    assert organisation is not None and organisation.root.people == 7 and not organisation.complete


def test_a_cycle_and_a_double_parent_end() -> None:
    rooms = [space("!r", child("!a"), child("!b")), space("!a", child("!b"), child("!r")), space("!b", child("!a"))]
    organisation = organisation_of(RoomId("!r"), spaces_of(rooms), {}, complete=True)
    assert organisation is not None
    assert [one.space for one in organisation.root.children] == ["!a"]
    assert [one.space for one in organisation.root.children[0].children] == ["!b"]


def test_a_very_deep_tree_is_cut() -> None:
    rooms = [space(f"!{number}", child(f"!{number + 1}")) for number in range(2000)]
    organisation = organisation_of(RoomId("!0"), spaces_of(rooms), {}, complete=True)
    assert organisation is not None
    depth, node = 1, organisation.root
    while node.children:
        depth, node = depth + 1, node.children[0]
    assert depth == 10


def test_people_stand_where_their_profile_says_else_in_the_deepest_space() -> None:
    rooms = [
        space("!r", child("!a"), child("!b"), name="Hospital"),
        space("!a", child("!c"), name="Clinical"),
        space("!b", name="Nursing"),
        space("!c", name="Emergency"),
    ]
    members = {
        RoomId("!r"): users("owner", "ann", "bob", "cid", "dan", "eve"),
        RoomId("!a"): users("owner", "dan"),
        RoomId("!b"): users("owner", "ann"),
        RoomId("!c"): users("owner", "dan"),
    }
    paths = {
        "@owner:x": ("Nursing",),
        "@bob:x": ("Clinical", "Emergency"),
        "@cid:x": ("Hospital", "Clinical"),
        "@eve:x": ("Elsewhere",),
    }
    direct = placed(RoomId("!r"), spaces_of(rooms), members, lambda user: paths.get(user, ()))
    assert {room: sorted(people) for room, people in direct.items()} == {
        "!r": ["@eve:x"],
        "!a": ["@cid:x"],
        "!b": ["@ann:x", "@owner:x"],
        "!c": ["@bob:x", "@dan:x"],
    }
    organisation = organisation_of(RoomId("!r"), spaces_of(rooms), direct, complete=True)
    assert organisation is not None
    assert (organisation.root.people, [one.people for one in organisation.root.children]) == (6, [3, 2])


def test_an_unknown_root_is_no_organisation() -> None:
    assert organisation_of(RoomId("!x"), spaces_of([space("!r")]), {}, complete=True) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["room_id", "room_type", "children_state", "state_key", "content", "via"]), inner, max_size=5
        )
    ),
    max_leaves=20,
)


@given(rooms=st.lists(JSON, max_size=5))
def test_rubbish_never_raises(rooms: list[object]) -> None:
    spaces = spaces_of(rooms)
    named_children(rooms)
    for root in spaces:
        placed(root, spaces, {root: []}, lambda user: ())
