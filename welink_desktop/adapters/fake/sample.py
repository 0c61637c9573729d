"""The sample organisation of the mockups, in memory: 云杉总医院 and its partner Northbridge Engineering."""

import json
from dataclasses import dataclass, replace
from typing import Any

from welink_desktop.adapters.fake.calls import fake_member
from welink_desktop.adapters.fake.world import FakeRoom, FakeWorld, PictureMaker, no_pictures, preview_of
from welink_desktop.core.calls import CallMember, OngoingCall
from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.ids import ContentUri, EventId, RoomId, UserId
from welink_desktop.core.media import MediaInfo
from welink_desktop.core.organisation import Department, Organisation
from welink_desktop.core.people import Person, Presence, Status
from welink_desktop.core.resources import resource
from welink_desktop.core.rooms import Member, Membership, RoomSummary, Unread
from welink_desktop.core.text import text
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    NoticeContent,
    Reaction,
    ReplyPreview,
    TextContent,
    TimelineItem,
    UndecryptableContent,
)
from welink_desktop.core.trust import Undecryptable, UndecryptableReason

HOME = "yunshan.example"
DOMAINS = {"云杉总医院": HOME, "Northbridge Engineering": "northbridge.example", "青禾市卫生健康局": "qinghe.example"}
MINUTE = 60_000

# key: title, department, staff number, presence
POSTS = {
    "lin": ("院长助理", "院领导", "Y200101", Presence.ONLINE),
    "zhao": ("分管院长", "院领导", "Y199803", Presence.ONLINE),
    "ye": ("科主任 · 主任医师", "麻醉与手术部", "Y200417", Presence.BUSY),
    "zhou": ("副主任 · 副主任医师", "麻醉与手术部", "Y200911", Presence.ONLINE),
    "bai": ("主治医师", "麻醉与手术部", "Y201502", Presence.ONLINE),
    "fang": ("主治医师", "麻醉与手术部", "Y201608", Presence.OFFLINE),
    "su": ("护士长", "麻醉与手术部", "Y200806", Presence.AWAY),
    "tang": ("手术室护士", "麻醉与手术部", "Y201911", Presence.ONLINE),
    "shen": ("体外循环师", "麻醉与手术部", "Y201305", Presence.ONLINE),
    "song": ("麻醉科住院医师", "麻醉与手术部", "Y202007", Presence.OFFLINE),
    "wu": ("手术室护士", "麻醉与手术部", "Y201812", Presence.OFFLINE),
    "zheng": ("设备工程师", "信息科", "Y201409", Presence.ONLINE),
    "chen": ("网络工程师", "信息科", "Y201203", Presence.BUSY),
    "gu": ("信息安全主管", "信息科", "Y201001", Presence.ONLINE),
    "he": ("医学影像系统工程师", "信息科", "Y201707", Presence.ONLINE),
    "luo": ("系统管理员", "信息科", "Y202101", Presence.AWAY),
    "chenjr": ("项目主管", "基建与后勤", "Y200705", Presence.ONLINE),
    "xu": ("给排水工程师", "基建与后勤", "Y201110", Presence.ONLINE),
    "chenjy": ("护理督导", "护理部", "Y200604", Presence.ONLINE),
    "qiao": ("护理部主任", "护理部", "Y199911", Presence.ONLINE),
    "priya": ("主治医师", "急诊科", "Y201806", Presence.ONLINE),
    "hannah": ("住院医师", "急诊科", "Y202104", Presence.ONLINE),
    "amir": ("副主任医师", "急诊科", "Y201004", Presence.ONLINE),
    "tomas": ("急诊护士", "急诊科", "Y201903", Presence.OFFLINE),
    "maya": ("项目经理", "", "", Presence.ONLINE),
    "dan": ("结构工程师", "", "", Presence.OFFLINE),
    "oskar": ("卫生信息处", "", "", Presence.OFFLINE),
}
# department: parent
TREE = {
    "院领导": "云杉总医院",
    "临床科室": "云杉总医院",
    "急诊科": "临床科室",
    "外科": "临床科室",
    "麻醉与手术部": "外科",
    "护理部": "云杉总医院",
    "信息科": "云杉总医院",
    "基建与后勤": "云杉总医院",
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """A room of the sample: name, members by key, and how it stands in the list."""

    key: str
    name: str
    people: str
    minutes_ago: int
    unread: Unread = Unread()
    favourite: bool = False
    muted: bool = False
    draft: str = ""


PLANS = (
    _Plan("site", "外科新楼 · Site coordination", "lin su chen maya dan xu chenjr", 4, Unread(3, 1), favourite=True),
    _Plan("dm-maya", "Maya Okafor", "lin maya", 10, Unread(2, 0)),
    _Plan("dm-chen", "陈嘉木", "lin chen", 15, favourite=True),
    _Plan("outpatient", "门诊信息化二期", "lin he chen gu luo", 28, Unread(8, 0)),
    _Plan("northbridge", "Northbridge × 云杉 weekly", "lin maya dan chenjr", 56, draft="can we move the load test to Thursday?"),
    _Plan("notices", "全院公告 Announcements", "lin zhao qiao gu su ye", 90, Unread(1, 0), favourite=True),
    _Plan("dm-su", "苏婉宁", "lin su", 80),
    _Plan("emergency", "急诊科交接班", "lin priya hannah amir tomas", 160, Unread(27, 0), muted=True),
    _Plan("security", "网络安全值守", "lin gu chen luo", 1500, Unread(1, 1)),
    _Plan("dm-oskar", "Oskar Lind", "lin oskar", 1560),
)


def sample_world(*, clock: Clock | None = None, pictures: PictureMaker = no_pictures) -> FakeWorld:
    """The organisation with people, departments, rooms and believable conversations; we are 林知远."""
    people = _people()
    world = FakeWorld(people["lin"], clock=clock or SystemClock(), pictures=pictures)
    for person in people.values():
        world.add_person(person)
    _departments(world)
    for plan in reversed(PLANS):
        _room(world, plan, people)
    _invitation(world, people)
    return world


def _people() -> dict[str, Person]:
    raw: dict[str, Any] = json.loads(resource("people", "people.json").read_text(encoding="utf-8"))
    return {entry["key"]: _person(entry) for entry in raw["people"] if entry["key"] in POSTS}


def _person(entry: dict[str, Any]) -> Person:
    title, department, number, presence = POSTS[entry["key"]]
    organisation = str(entry["organisation"])
    localpart = str(entry["name_en"]).lower().replace(" ", ".").replace("’", "").replace("á", "a")
    user = UserId(f"@{localpart}:{DOMAINS[organisation]}")
    avatar = ContentUri(f"mxc://sample/{entry['avatar'].removesuffix('.svg')}") if "avatar" in entry else None
    return Person(
        user=user,
        name=entry["name_zh"],
        other_name=entry["name_en"] if entry["name_en"] != entry["name_zh"] else "",
        avatar=avatar,
        organisation=organisation,
        external=organisation != "云杉总医院",
        staff_number=number,
        title=title,
        department=department,
        department_path=_path(department),
        phone="8203 1174" if department else "",
        mail=f"{localpart}@{DOMAINS[organisation]}",
        location="2 号楼 5 层" if department else "",
        manager=UserId(f"@zhao.jingxing:{HOME}") if department and entry["key"] != "zhao" else None,
        time_zone="Asia/Shanghai" if organisation == "云杉总医院" else "Europe/London",
        presence=presence,
        status=Status(in_meeting=True, text="") if entry["key"] == "ye" else Status(),
    )


def _path(department: str) -> tuple[str, ...]:
    path: list[str] = []
    while department:
        path.insert(0, department)
        department = TREE.get(department, "")
    return tuple(path)


def _departments(world: FakeWorld) -> None:
    spaces = {name: RoomId(f"!space-{number}") for number, name in enumerate(["云杉总医院", *TREE])}
    for name, space in spaces.items():
        world.departments[space] = [person.user for person in world.people.values() if person.department == name]

    def build(name: str) -> Department:
        children = tuple(build(child) for child, parent in TREE.items() if parent == name)
        department = Department(spaces[name], name, 0, children)
        return replace(department, people=len(world.people_below(department)))

    world.organisation = Organisation("云杉总医院", build("云杉总医院"))


def _room(world: FakeWorld, plan: _Plan, people: dict[str, Person]) -> None:
    members = [people[key] for key in plan.people.split()]
    direct = members[1].user if plan.key.startswith("dm-") else None
    room = FakeRoom(
        RoomSummary(
            room=RoomId(f"!{plan.key}"),
            name=plan.name,
            direct_with=direct,
            avatar=members[1].avatar if direct else None,
            encrypted=True,
            joined=len(members),
            order=world.number(),
            unread=plan.unread,
            favourite=plan.favourite,
            muted=plan.muted,
            draft=plan.draft,
            external_organisations=tuple(sorted({person.organisation for person in members if person.external})),
        ),
        [Member(p.user, p.name, avatar=p.avatar, external=p.external, power=100 if p is members[0] else 0) for p in members],
        draft=plan.draft,
    )
    now = world.clock.now_ms()
    room.items = _conversation(world, plan, people, now)
    room.older = _history(world, plan, members, room.items[0].timestamp_ms)
    if plan.unread.messages:
        read = [item for item in room.items if item.own or item.content.__class__ is not NoticeContent]
        room.read_up_to = EventId(read[max(0, len(read) - 1 - min(plan.unread.messages, len(read) - 1))].ref)
    room.summary = replace(room.summary, last=preview_of(room.items[-1]))
    if plan.key == "site":
        room.call = [_in_call(world, people[key], now) for key in ("maya", "su", "chen")]
        room.summary = replace(room.summary, call=OngoingCall(tuple(room.call)))
    world.add_room(room)


def _in_call(world: FakeWorld, person: Person, now: int) -> CallMember:
    return fake_member(world, person.user, since_ms=now, video=person.avatar is not None)


def _conversation(world: FakeWorld, plan: _Plan, people: dict[str, Person], now: int) -> list[TimelineItem]:
    end = now - plan.minutes_ago * MINUTE

    def said(key: str, body: str, before: int) -> TimelineItem:
        return world.make_item(people[key].user, TextContent(body), at_ms=end - before * MINUTE)

    if plan.key == "site":
        return _site_conversation(world, people, end)
    lines = LINES[plan.key]
    return [said(key, body, (len(lines) - 1 - at) * 3) for at, (key, body) in enumerate(lines)]


def _site_conversation(world: FakeWorld, people: dict[str, Person], end: int) -> list[TimelineItem]:
    def at(minutes: int) -> int:
        return end - minutes * MINUTE

    me = world.me.user
    photo = MediaInfo("image/png", 412_000, 1280, 800)
    picture = AttachmentContent(
        AttachmentKind.IMAGE,
        "level-3.png",
        ContentUri("mxc://sample/site"),
        photo,
        "Level 3 this morning. Slab is cured, theatre walls start Monday.",
    )
    plan = AttachmentContent(
        AttachmentKind.FILE, "OR-3 弱电点位图_v4.pdf", ContentUri("mxc://sample/plan"), MediaInfo("application/pdf", 3_800_000)
    )
    first = world.make_item(people["maya"].user, picture, at_ms=at(44))
    first = replace(
        first, reactions=(Reaction("👍", (me, people["su"].user), EventId("$mine")), Reaction("🎉", (people["chen"].user,)))
    )
    answer = world.make_item(me, TextContent("太好了。周一前我把 OR-3 的弱电点位图发出来"), at_ms=at(37))
    answer = replace(
        answer,
        edited=True,
        reply=ReplyPreview(EventId(first.ref), first.sender, first.sender_name, picture.caption),
        readers=(people["maya"].user, people["dan"].user, people["su"].user, people["chen"].user),
    )
    missing = UndecryptableContent(Undecryptable(UndecryptableReason.KEY_MISSING, device="Daniel’s phone"))
    notice = NoticeContent(text("notice-joined", person="Daniel Reyes"))
    return [
        world.make_item(people["dan"].user, notice, at_ms=at(120)),
        first,
        answer,
        world.make_item(people["chen"].user, plan, at_ms=at(21)),
        world.make_item(people["dan"].user, missing, at_ms=at(4)),
        world.make_item(people["su"].user, _request(world.me), at_ms=at(0), mention=True),
    ]


def _request(me: Person) -> TextContent:
    """A message that mentions us, as chat clients write one."""
    rest = "手术室 3 的点位请和麻醉科再核对一次"
    return TextContent(f"@{me.name} {rest}", f'<a href="https://matrix.to/#/{me.user}">@{me.name}</a> {rest}')


def _history(world: FakeWorld, plan: _Plan, members: list[Person], before_ms: int) -> list[TimelineItem]:
    items = []
    for number in range(120):
        person = members[number % len(members)]
        body = HISTORY[number % len(HISTORY)].format(number=number + 1)
        items.append(world.make_item(person.user, TextContent(body), at_ms=before_ms - (120 - number) * 47 * MINUTE))
    return items


def _invitation(world: FakeWorld, people: dict[str, Person]) -> None:
    inviter = people["qiao"]
    summary = RoomSummary(
        RoomId("!invitation"),
        "护理质量改进小组",
        membership=Membership.INVITED,
        encrypted=True,
        joined=9,
        order=world.number(),
        inviter=inviter.user,
    )
    world.add_room(FakeRoom(summary, [Member(inviter.user, inviter.name, avatar=inviter.avatar)]))


LINES: dict[str, tuple[tuple[str, str], ...]] = {
    "dm-maya": (
        ("lin", "Could you send this morning’s photos?"),
        ("maya", "Uploading now."),
        ("maya", "Photos are in the site room"),
    ),
    "dm-chen": (
        ("lin", "周三评审前能把网络方案带过来吗？"),
        ("chen", "可以，我周二晚上打印好。"),
        ("lin", "I’ll bring the network plan"),
    ),
    "outpatient": (("gu", "测试环境的证书今天更新过了。"), ("he", "收到，下午联调。"), ("he", "PACS 接口联调通过 ✅")),
    "northbridge": (
        ("maya", "Agenda for Thursday is in the shared folder."),
        ("dan", "Load test of the slab is booked for Wednesday 14:00."),
    ),
    "notices": (("zhao", "请各科室提交年度培训计划。"), ("qiao", "冬季流感防控值班安排（11 月）")),
    "dm-su": (("su", "下午 3 点巡查手术室，您来吗？"), ("lin", "收到，下午巡查时看一下")),
    "emergency": (("amir", "Handover: bed 4 stable, bed 7 waiting for CT."), ("priya", "夜班收治 14 人，2 人转 ICU")),
    "security": (("luo", "堡垒机日志已归档。"), ("gu", "本周补丁窗口周四 22:00")),
    "dm-oskar": (("oskar", "月报模板已更新，请查收"),),
}
HISTORY = (
    "第 {number} 次例会纪要已上传，请各位补充。",
    "Morning. Concrete delivery {number} arrived on time, no remarks.",
    "点位 {number} 现场复核完成，误差在 12 厘米以内。",
    "Thanks, noted for item {number}.",
    "麻醉科确认了第 {number} 号吊塔的位置。",
    "I’ll update drawing {number} tonight and share the link here.",
)
