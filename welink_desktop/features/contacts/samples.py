"""Named states of the contacts page for gallery, goldens and tests."""

from dataclasses import replace

from welink_desktop.core.errors import Offline
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.organisation import Department
from welink_desktop.core.people import MatchKind, Person, PersonHit, Presence, Status
from welink_desktop.features.contacts.model import ContactsState, Failed, Loading, Ready, rows_of

_HOME = "云杉总医院"
NOW_MS = 1_795_404_600_000


def _department(name: str, people: int, *children: Department) -> Department:
    return Department(RoomId(f"!{name}"), name, people, children)


_THEATRE = _department("麻醉与手术部", 96)
_SURGERY = _department("外科", 412, _department("普外科", 128), _THEATRE, _department("骨科", 104))
_CLINICAL = _department("临床科室", 2674, _department("急诊科", 186), _SURGERY, _department("内科", 538))
_ROOT = _department(
    _HOME,
    4218,
    _department("院领导", 9),
    _CLINICAL,
    _department("医技科室", 463),
    _department("护理部", 721),
    _department("信息科", 58),
    _department("基建与后勤", 143),
)


def _person(key: str, name: str, title: str, presence: Presence, **more: object) -> Person:
    base = Person(UserId(f"@{key}:yunshan.example"), name, title=title, presence=presence, organisation=_HOME)
    return replace(base, **more)  # type: ignore[arg-type]  # sample data


YE = _person(
    "ye.zhiqiu",
    "叶知秋",
    "科主任 · 主任医师",
    Presence.BUSY,
    other_name="Ye Zhiqiu",
    department="麻醉与手术部",
    department_path=(_HOME, "临床科室", "外科", "麻醉与手术部"),
    staff_number="Y200417",
    phone="8203 1174",
    mail="ye.zhiqiu@yunshan.example",
    location="2 号楼 5 层 手术部办公室",
    status=Status(in_meeting=True),
)
MAYA = replace(
    _person("maya", "Maya Okafor", "项目经理", Presence.ONLINE),
    user=UserId("@maya:northbridge.example"),
    organisation="Northbridge Engineering",
    external=True,
    time_zone="Europe/London",
)
_PEOPLE = (
    YE,
    _person("zhou", "周砚秋", "副主任 · 副主任医师", Presence.ONLINE),
    _person("bai", "白若溪", "主治医师", Presence.ONLINE),
    _person("fang", "方思齐", "主治医师", Presence.OFFLINE, status=Status("手术中 · 3 号间")),
    _person("su", "苏婉宁", "护士长", Presence.AWAY),
    _person("tang", "唐小满", "手术室护士", Presence.ONLINE),
    _person("shen", "沈听澜", "体外循环师", Presence.ONLINE),
    _person("song", "宋予安", "麻醉科住院医师", Presence.OFFLINE, status=Status("今晚值班")),
    MAYA,
)
_HITS = tuple(PersonHit(person, MatchKind.DEPARTMENT) for person in _PEOPLE)
_EXPANDED = {_ROOT.space, _CLINICAL.space, _SURGERY.space}
_BASE = ContactsState(
    tree=rows_of(_ROOT, _EXPANDED),
    tree_loading=False,
    path=(_ROOT, _CLINICAL, _SURGERY, _THEATRE),
    listing=Ready(_HITS),
    me=UserId("@lin.zhiyuan:yunshan.example"),
    now_ms=NOW_MS,
)

SAMPLES: dict[str, ContactsState] = {
    "department": _BASE,
    "card": replace(_BASE, person=YE),
    "external-card": replace(_BASE, person=MAYA),
    "search": replace(
        _BASE,
        search="秋",
        listing=Ready(
            (PersonHit(YE, MatchKind.NAME, ((2, 1),)), PersonHit(_PEOPLE[1], MatchKind.NAME, ((2, 1),))),
        ),
    ),
    "nobody-found": replace(_BASE, search="zzz", listing=Ready(())),
    "empty-department": replace(_BASE, listing=Ready(())),
    "loading": ContactsState(),
    "offline": replace(_BASE, listing=Failed(Offline())),
    "old-copy": replace(_BASE, listing=Ready(_HITS, Offline())),
    "people-loading": replace(_BASE, listing=Loading()),
}
