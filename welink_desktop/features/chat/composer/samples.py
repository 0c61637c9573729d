"""Named states of the composer for gallery, goldens and tests."""

from dataclasses import replace

from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.rooms import Member
from welink_desktop.core.text import text
from welink_desktop.features.chat.composer.model import Candidate, Completion, ComposerState, PendingFile
from welink_desktop.features.chat.timeline.samples import SAMPLES as TIMELINES

_EMPTY = ComposerState(RoomId("!site"), "外科新楼 · Site coordination")
_WORDS = "周一下午三点的现场复核我来约，请 @chen"
_ITEMS = TIMELINES["conversation"].rows
_NAMES = tuple(
    Candidate(name, UserId(f"@{user}:yunshan.example"), "", Member(UserId(f"@{user}:yunshan.example"), name))
    for name, user in (("陈嘉木", "chen.jiamu"), ("陈景然", "chen.jingran"), ("陈佳怡", "chen.jiayi"))
)

SAMPLES: dict[str, ComposerState] = {
    "empty": _EMPTY,
    "typed": replace(_EMPTY, text=_WORDS, revision=1, can_send=True),
    "completion": replace(_EMPTY, text=_WORDS, revision=1, can_send=True, completion=Completion("chen", len(_WORDS) - 5, _NAMES)),
    "reply": replace(_EMPTY, reply=_ITEMS[1]),
    "edit": replace(_EMPTY, editing=_ITEMS[2], text="太好了。", revision=1, can_send=True),
    "files": replace(
        _EMPTY,
        files=(
            PendingFile("plan.pdf", "OR-3 弱电点位图_v4.pdf", 3_800_000, "application/pdf"),
            PendingFile("film.mp4", "walk-through.mp4", 640_000_000, "video/mp4"),
        ),
        can_send=True,
    ),
    "problem": replace(_EMPTY, problem=text("composer-file-missing", name="plan.pdf")),
}
