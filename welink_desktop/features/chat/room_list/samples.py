"""Named states of the conversation list for gallery, goldens and tests."""

from dataclasses import replace

from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.people import Person, Presence
from welink_desktop.core.rooms import Membership, MessagePreview, PreviewState, RoomSummary, Unread
from welink_desktop.features.chat.room_list.model import RoomListState, RoomRow, SectionRow
from welink_desktop.services.room_list import RoomFilter, SectionKind
from welink_desktop.services.totals import Totals

AT_MS = 1_700_042_000_000
_SU = UserId("@su.wanning:yunshan.example")
_MAYA = UserId("@maya.okafor:northbridge.example")


def _room(key: str, name: str, words: str, sender: str = "何以宁", *, own: bool = False) -> RoomSummary:
    state = PreviewState.READ if own else PreviewState.RECEIVED
    last = MessagePreview(_SU, sender, own, AT_MS, words, state=state)
    return RoomSummary(RoomId(f"!{key}"), name, encrypted=True, joined=5, last=last)


_SITE = replace(
    _room("site", "外科新楼 · Site coordination", "@林知远 手术室 3 的点位", "苏婉宁"),
    unread=Unread(3, 1),
    external_organisations=("Northbridge Engineering",),
    favourite=True,
)
_DRAFT = replace(_room("northbridge", "Northbridge × 云杉 weekly", ""), draft="can we move the load test to Thursday?")
_MUTED = replace(_room("emergency", "急诊科交接班", "夜班收治 14 人，2 人转 ICU"), unread=Unread(27, 0), muted=True)
_FAILED = _room("outpatient", "门诊信息化二期", "附件稍后补上", own=True)
_FAILED = replace(_FAILED, last=replace(_FAILED.last, state=PreviewState.FAILED) if _FAILED.last is not None else None)
_INVITED = RoomSummary(RoomId("!invitation"), "护理质量改进小组", membership=Membership.INVITED, inviter=_SU)
_DIRECT = replace(_room("dm-maya", "Maya Okafor", "Photos are in the site room"), direct_with=_MAYA, unread=Unread(2, 0))
_MAYA_PERSON = Person(_MAYA, "Maya Okafor", external=True, presence=Presence.ONLINE)

_FULL = RoomListState(
    rows=(
        SectionRow(SectionKind.INVITES, 1),
        RoomRow(_INVITED, inviter_name="乔安"),
        SectionRow(SectionKind.PINNED, 1),
        RoomRow(_SITE, current=True),
        SectionRow(SectionKind.GROUPS, 3),
        RoomRow(_DRAFT),
        RoomRow(_MUTED),
        RoomRow(_FAILED),
        SectionRow(SectionKind.PEOPLE, 1),
        RoomRow(_DIRECT, person=_MAYA_PERSON),
    ),
    current=_SITE.room,
    totals=Totals(6, 1, 3),
    any_rooms=True,
    loading=False,
)

SAMPLES: dict[str, RoomListState] = {
    "full": _FULL,
    "collapsed": replace(_FULL, rows=(SectionRow(SectionKind.GROUPS, 3, collapsed=True), *_FULL.rows[8:])),
    "none-found": RoomListState(shown=RoomFilter.MENTIONS, any_rooms=True, loading=False),
    "empty": RoomListState(loading=False),
}
