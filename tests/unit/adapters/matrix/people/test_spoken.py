"""Names are found as people type them: characters, pinyin, initials, any mixture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.matrix.people.index import PeopleIndex
from welink_desktop.adapters.matrix.people.spoken import is_han, readings_of, sort_key, spoken_match
from welink_desktop.core.ids import UserId
from welink_desktop.core.people import MatchKind, Person


def said(typed: str, name: str) -> tuple[int, int, bool] | None:
    return spoken_match(typed, readings_of(name), [is_han(character) for character in name])


@pytest.mark.parametrize(
    ("typed", "name", "expected"),
    [
        ("linzhiyuan", "林知远", (0, 3, False)),
        ("Lin Zhiyuan", "林知远", (0, 3, False)),
        ("lin", "林知远", (0, 1, False)),
        ("li", "林知远", (0, 1, False)),
        ("zhiyuan", "林知远", (1, 2, False)),
        ("lzy", "林知远", (0, 3, True)),
        ("zy", "林知远", (1, 2, True)),
        ("linzy", "林知远", (0, 3, False)),
        ("lzhiy", "林知远", (0, 3, False)),
        ("yuan", "林知远", (2, 1, False)),
        ("lzx", "林知远", None),
        ("linx", "林知远", None),
        ("shan", "单小雨", (0, 1, False)),
        ("danxy", "单小雨", (0, 3, False)),
        ("zeng", "曾乐", (0, 1, False)),
        ("yue", "曾乐", (1, 1, False)),
        ("lv", "吕布", (0, 1, False)),
        ("xian", "西安", (0, 2, False)),
        ("amir", "Amir Haddad", None),
        ("", "林知远", None),
        ("??", "林知远", None),
        ("wangx", "王 Xavier", (0, 3, False)),
    ],
)
def test_what_is_typed_meets_what_is_said(typed: str, name: str, expected: tuple[int, int, bool] | None) -> None:
    assert said(typed, name) == expected


@given(typed=st.text(max_size=40), name=st.text(max_size=100))
def test_no_text_breaks_matching_and_marks_stay_inside(typed: str, name: str) -> None:
    hit = said(typed, name)
    if hit is not None:
        start, length, _ = hit
        assert start >= 0 and length >= 1 and start + length <= len(name)


def test_names_sort_by_sound() -> None:
    names = ["张伟", "Amir", "陈嘉木", "林知远", "Zoe", "安然"]
    assert sorted(names, key=lambda name: sort_key(name, readings_of(name))) == [
        "Amir",
        "安然",
        "陈嘉木",
        "林知远",
        "张伟",
        "Zoe",
    ]


def test_a_surname_is_said_as_a_surname() -> None:
    assert readings_of("曾乐")[0][0] == "zeng"
    names = ["单小雨", "曾乐", "陈一", "邓二", "单田"]
    in_order = ["陈一", "邓二", "单田", "单小雨", "曾乐"]
    assert sorted(names, key=lambda name: sort_key(name, readings_of(name))) == in_order


PEOPLE = [
    Person(UserId("@lin:x"), "林知远", other_name="Lin Zhiyuan", staff_number="Y201204", title="院长助理", department="院领导"),
    Person(UserId("@li:x"), "李子怡", other_name="Li Ziyi", staff_number="Y201999", title="护士长", department="急诊科"),
    Person(UserId("@amir:x"), "Amir Haddad", other_name="阿米尔", staff_number="Y3", title="医师", department="急诊科"),
    Person(UserId("@zoe:x"), "Zoë Lindqvist", title="Architect", department="Projects"),
]


@pytest.fixture
def index() -> PeopleIndex:
    one = PeopleIndex()
    for person in PEOPLE:
        one.put(person, readings_of(person.name))
    return one


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("林", [("@lin:x", MatchKind.NAME, ((0, 1),))]),
        ("lin", [("@lin:x", MatchKind.NAME, ()), ("@zoe:x", MatchKind.NAME, ((4, 3),))]),
        ("lzy", [("@li:x", MatchKind.INITIALS, ((0, 3),)), ("@lin:x", MatchKind.INITIALS, ((0, 3),))]),
        ("zhiyuan", [("@lin:x", MatchKind.NAME, ())]),
        ("y2012", [("@lin:x", MatchKind.STAFF_NUMBER, ())]),
        ("护士", [("@li:x", MatchKind.TITLE, ())]),
        ("急诊", [("@amir:x", MatchKind.DEPARTMENT, ()), ("@li:x", MatchKind.DEPARTMENT, ())]),
        ("阿米", [("@amir:x", MatchKind.NAME, ())]),
        ("zoe l", [("@zoe:x", MatchKind.NAME, ((0, 5),))]),
        ("ZOË", [("@zoe:x", MatchKind.NAME, ((0, 3),))]),
        ("  ", []),
        ("nobody", []),
    ],
)
def test_a_search_finds_the_closest_first(
    index: PeopleIndex, typed: str, expected: list[tuple[str, MatchKind, tuple[tuple[int, int], ...]]]
) -> None:
    found = [(hit.person.user, hit.kind, hit.marks) for hit in index.search(typed, 10)]
    assert sorted(found) == sorted(expected)
    kinds = [list(MatchKind).index(hit.kind) for hit in index.search(typed, 10)]
    assert kinds == sorted(kinds)


def test_a_search_keeps_to_its_limit_and_forgets_who_left(index: PeopleIndex) -> None:
    assert len(index.search("急诊", 1)) == 1
    index.remove(UserId("@amir:x"))
    assert [hit.person.user for hit in index.search("急诊", 9)] == ["@li:x"]
    order = index.in_order([UserId("@lin:x"), UserId("@gone:x"), UserId("@li:x")])
    assert [person.user for person in order] == ["@li:x", "@lin:x"]
