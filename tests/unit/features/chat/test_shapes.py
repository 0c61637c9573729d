"""Groups, days and roles."""

from datetime import date

from tests.support.messages import ANN, ME, item
from welink_desktop.core.ids import ItemKey, UserId
from welink_desktop.core.rooms import Member
from welink_desktop.core.text import text
from welink_desktop.core.timeline import NoticeContent
from welink_desktop.features.chat.details.model import member_rows
from welink_desktop.features.chat.timeline.rows import shape_of
from welink_desktop.services.members import MemberList
from welink_desktop.services.unread import UnreadMark


def test_messages_of_one_sender_within_five_minutes_are_a_group() -> None:
    rows = [item(1, minutes=0), item(2, minutes=3), item(3, minutes=9), item(4, minutes=10, own=True)]
    shapes = [shape_of(rows, index, None) for index in range(4)]
    assert [(shape.first, shape.last) for shape in shapes] == [(True, False), (False, True), (True, True), (True, True)]


def test_a_new_day_and_the_unread_line_break_a_group() -> None:
    rows = [item(1, minutes=0), item(2, minutes=1), item(3, minutes=24 * 60)]
    mark = UnreadMark(ItemKey("$2"), 2)
    assert shape_of(rows, 1, mark).unread == 2
    assert shape_of(rows, 1, mark).first and shape_of(rows, 0, mark).last
    assert isinstance(shape_of(rows, 2, mark).day, date)
    assert shape_of(rows, 1, mark).day is None


def test_notices_never_group_and_a_clock_that_goes_back_breaks() -> None:
    notice = item(2, minutes=1, content=NoticeContent(text("notice-left", person="x")))
    rows = [item(1, minutes=2), notice, item(3, minutes=1)]
    assert all(shape_of(rows, index, None).first for index in range(3))


def test_members_with_a_role_come_first_then_by_pinyin() -> None:
    people = (
        Member(UserId("@z:x"), "张三"),
        Member(UserId("@b:x"), "白雪"),
        Member(ME, "Me", power=100),
        Member(ANN, "Ann", creator=True),
        Member(UserId("@m:x"), "Mod", power=50),
    )
    rows = member_rows(MemberList(people))
    assert [row.member.name for row in rows] == ["Ann", "Me", "Mod", "白雪", "张三"]
    assert [row.role.key for row in rows if row.role is not None] == ["details-owner", "details-admin", "details-moderator"]
    assert [row.member.name for row in member_rows(MemberList(people), "zs")] == ["张三"]
