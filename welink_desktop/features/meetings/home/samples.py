"""Named states of the page of meetings."""

from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.features.meetings.home.model import HomeState, MeetingPlace

_SITE = MeetingPlace(RoomId("!site"), "外科新楼 · Site coordination", external=True, members=23, in_call=12)
_PLACES = (
    MeetingPlace(RoomId("!outpatient"), "门诊信息化二期", members=14),
    MeetingPlace(RoomId("!maya"), "Maya Okafor", person=UserId("@maya.okafor:northbridge.example"), external=True, members=2),
    MeetingPlace(RoomId("!su"), "苏婉宁", person=UserId("@su.wanning:yunshan.example"), members=2),
)

SAMPLES: dict[str, HomeState] = {
    "running": HomeState((_SITE,), _PLACES),
    "quiet": HomeState((), _PLACES),
    "nothing-found": HomeState(search="zzz"),
}
