"""Named timelines for gallery, goldens and tests: rows and the state around them. Fixed times."""

from dataclasses import dataclass, replace

from welink_desktop.core.errors import ServerFault
from welink_desktop.core.ids import ContentUri, EventId, ItemKey, RoomId, UserId
from welink_desktop.core.media import MediaInfo
from welink_desktop.core.rooms import Member, RoomSummary
from welink_desktop.core.text import text
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    Content,
    NoticeContent,
    Reaction,
    RecalledContent,
    ReplyPreview,
    SendPhase,
    SendState,
    TextContent,
    TimelineItem,
    UndecryptableContent,
)
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason
from welink_desktop.features.chat.timeline.model import TimelineState
from welink_desktop.services.members import MemberList
from welink_desktop.services.security import Reading
from welink_desktop.services.timeline import TimelineStatus
from welink_desktop.services.unread import UnreadMark

START_MS = 1_700_042_000_000
ME = UserId("@lin.zhiyuan:yunshan.example")
MAYA = UserId("@maya.okafor:northbridge.example")
SU = UserId("@su.wanning:yunshan.example")
DAN = UserId("@daniel.reyes:northbridge.example")
CHEN = UserId("@chen.jiamu:yunshan.example")
NAMES = {ME: "林知远", MAYA: "Maya Okafor", SU: "苏婉宁", DAN: "Daniel Reyes", CHEN: "陈嘉木"}
ROOM = RoomSummary(
    RoomId("!site"),
    "外科新楼 · Site coordination",
    encrypted=True,
    joined=5,
    topic="Level 3 theatres: points, power, handover.",
    external_organisations=("Northbridge Engineering",),
)
_PEOPLE = tuple(Member(user, name, power=100 if user == ME else 0, external=user in (MAYA, DAN)) for user, name in NAMES.items())
MEMBERS = MemberList(_PEOPLE, (), False, None, {member.user: member for member in _PEOPLE})


@dataclass(frozen=True, slots=True)
class TimelineSample:
    rows: tuple[TimelineItem, ...]
    state: TimelineState


def row(number: int, sender: UserId, content: Content | str, minutes: int) -> TimelineItem:
    event = EventId(f"$sample-{number}")
    return TimelineItem(
        key=ItemKey(event),
        ref=event,
        sender=sender,
        sender_name=NAMES[sender],
        timestamp_ms=START_MS + minutes * 60_000,
        content=TextContent(content) if isinstance(content, str) else content,
        own=sender == ME,
        external=sender in (MAYA, DAN),
    )


_PICTURE = AttachmentContent(
    AttachmentKind.IMAGE,
    "level-3.png",
    ContentUri("mxc://sample/portrait-06-camera"),
    MediaInfo("image/png", 412_000, 640, 400),
    "Level 3 this morning. Slab is cured, theatre walls start Monday.",
)
_PLAN = AttachmentContent(
    AttachmentKind.FILE, "OR-3 弱电点位图_v4.pdf", ContentUri("mxc://sample/plan"), MediaInfo("application/pdf", 3_800_000)
)
_VOICE = AttachmentContent(
    AttachmentKind.VOICE, "voice.ogg", ContentUri("mxc://sample/voice"), MediaInfo("audio/ogg", 41_000, duration_ms=23_000)
)
_RICH = (
    '<p>Agenda for <b>Thursday</b>, see <a href="https://example.org/plan">the plan</a>:</p>'
    "<ul><li>load test</li><li>电梯验收</li></ul><pre><code>ping 10.4.22.30\nok</code></pre>"
    "<blockquote>第 3 层封闭施工</blockquote>"
    "<table><thead><tr><th>Room</th><th>状态</th></tr></thead><tr><td>OR-3</td><td>done</td></tr></table>"
)
_MENTION = f'<a href="https://matrix.to/#/{ME}">@林知远</a> 手术室 3 的点位请和麻醉科再核对一次'

_first = replace(
    row(1, MAYA, _PICTURE, 0),
    reactions=(Reaction("👍", (ME, SU, CHEN, DAN), EventId("$mine")), Reaction("🎉", (CHEN, SU))),
)
_answer = replace(
    row(2, ME, "太好了。周一前我把 OR-3 的弱电点位图发出来", 7),
    edited=True,
    reply=ReplyPreview(EventId(_first.ref), MAYA, "Maya Okafor", _PICTURE.caption),
    readers=(MAYA, SU, DAN, CHEN),
)
_CONVERSATION = (
    row(0, DAN, NoticeContent(text("notice-joined", person="Daniel Reyes")), -60),
    _first,
    _answer,
    row(3, CHEN, _PLAN, 23),
    row(4, CHEN, _VOICE, 24),
    row(5, DAN, UndecryptableContent(Undecryptable(UndecryptableReason.KEY_MISSING, device="Daniel’s phone")), 40),
    replace(row(6, SU, TextContent("@林知远 手术室 3 的点位请和麻醉科再核对一次", _MENTION), 44), mentions_me=True),
)
_KINDS = (
    row(10, MAYA, TextContent("agenda", _RICH), 0),
    row(11, MAYA, "👍🎉", 1),
    replace(row(12, MAYA, "Sent from a new tablet.", 2), shield=Shield.UNSIGNED),
    row(13, SU, RecalledContent(SU, "苏婉宁", START_MS + 600_000), 10),
    replace(row(14, ME, "Could you check the door width for OR-3?", 12), send=SendState(SendPhase.FAILED, ServerFault())),
    replace(row(15, ME, "附件稍后补上", 13), send=SendState(SendPhase.QUEUED)),
    row(16, DAN, UndecryptableContent(Undecryptable(UndecryptableReason.SENT_BEFORE_JOIN, curable=False)), 20),
)
_STATE = TimelineState(
    ROOM.room,
    ME,
    ROOM,
    MEMBERS,
    TimelineStatus(loading=False, at_start=True),
    UnreadMark(ItemKey(_CONVERSATION[5].key), 2),
    0,
    False,
    Reading(device_confirmed=False, backup=False, other_devices=True),
)

SAMPLES: dict[str, TimelineSample] = {
    "conversation": TimelineSample(_CONVERSATION, _STATE),
    "kinds": TimelineSample(_KINDS, replace(_STATE, mark=None)),
    "empty": TimelineSample((), replace(_STATE, mark=None, empty=True)),
}
