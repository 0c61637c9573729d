"""100,000 messages of mixed kinds in the real timeline widget: open, scroll, append, prepend, resize."""

import asyncio
import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from bench.report import Report, median, percentile
from welink_desktop.adapters.fake import sample_world
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.adapters.fake.people import FakeMediaStore
from welink_desktop.core.changes import Change, Insert, Reset, apply
from welink_desktop.core.ids import ContentUri, EventId, ItemKey, RoomId, UserId
from welink_desktop.core.media import MediaInfo
from welink_desktop.core.reactive import Scope
from welink_desktop.core.settings import Appearance
from welink_desktop.core.text import text
from welink_desktop.core.timeline import (
    AttachmentContent,
    AttachmentKind,
    Content,
    NoticeContent,
    Reaction,
    RecalledContent,
    ReplyPreview,
    TextContent,
    TimelineItem,
    UndecryptableContent,
)
from welink_desktop.core.trust import Undecryptable, UndecryptableReason
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.timeline.model import TimelineModel
from welink_desktop.features.chat.timeline.view import TimelineView
from welink_desktop.services.pictures import Pictures
from welink_desktop.services.timeline import RoomTimeline
from welink_desktop.ui.design import theme

ROWS = 100_000
PEOPLE = [UserId(f"@person{number}:example.org") for number in range(24)]
TEXTS = (
    "Level 3 this morning. Slab is cured, theatre walls start Monday.",
    "太好了。周一前我把 OR-3 的弱电点位图发出来，麻醉科、护理部和基建处各来一位。",
    "收到",
    "Could you check the door width for OR-3? The plan says 1,400 mm but the survey of last week says 1,380 mm, "
    "and the bed with the carrier needs 1,350 mm plus the rail. https://example.org/plans/or-3?rev=4",
    "👍",
)
HTML = (
    "<p>Agenda for <b>Thursday</b>:</p><ul><li>load test</li><li>电梯验收</li></ul><pre><code>ping 10.4.22.30\nok</code></pre>",
    '<a href="https://matrix.to/#/@person1:example.org">@林知远</a> 手术室 3 的点位请和 <i>麻醉科</i> 再核对一次',
    "<blockquote><p>第 3 层封闭施工</p></blockquote><p>材料走东侧电梯。</p>",
)


def content(number: int) -> Content:
    kind = number % 20
    if kind == 3:
        info = MediaInfo("image/png", 400_000, 1280, 800)
        return AttachmentContent(AttachmentKind.IMAGE, "plan.png", ContentUri("mxc://sample/none"), info, "照片")
    if kind == 7:
        info = MediaInfo("application/pdf", 3_800_000)
        return AttachmentContent(AttachmentKind.FILE, "OR-3 弱电点位图.pdf", ContentUri("mxc://sample/none"), info)
    if kind == 9:
        return UndecryptableContent(Undecryptable(UndecryptableReason.KEY_MISSING, device="phone"))
    if kind == 11:
        return RecalledContent(PEOPLE[1], "Maya Okafor", 1_700_000_000_000)
    if kind == 13:
        return NoticeContent(text("notice-joined", person="Daniel Reyes"))
    if kind in (1, 15):
        return TextContent("agenda", HTML[number % len(HTML)])
    return TextContent(f"{TEXTS[number % len(TEXTS)]} {number}")


def item(number: int) -> TimelineItem:
    sender = PEOPLE[(number // 3) % len(PEOPLE)]
    event = EventId(f"$event{number}")
    return TimelineItem(
        key=ItemKey(event),
        ref=event,
        sender=sender,
        sender_name="陈嘉木" if number % 2 else "Maya Okafor",
        timestamp_ms=1_700_000_000_000 + number * 60_000,
        content=content(number),
        own=(number // 3) % 5 == 0,
        external=number % 7 == 0,
        edited=number % 10 == 0,
        reply=ReplyPreview(EventId("$event1"), PEOPLE[2], "Maya Okafor", TEXTS[0]) if number % 12 == 5 else None,
        reactions=(Reaction("👍", tuple(PEOPLE[:6]), EventId("$mine")), Reaction("🎉", (PEOPLE[3],))) if number % 15 == 2 else (),
        readers=tuple(PEOPLE[:3]) if number % 40 == 0 else (),
    )


class Stand:
    """A timeline widget fed by hand."""

    def __init__(self, app: QApplication, scope: Scope) -> None:
        self.app = app
        world = sample_world()
        media = FakeMediaStore(world)
        service = RoomTimeline(FakeChat(world), media, RoomId("!bench"), scope)
        self.model = TimelineModel(service, PEOPLE[0], scope)
        self.pixmaps = Pixmaps(Pictures(media, scope))
        self.view = TimelineView()
        self.view.resize(1070, 760)
        self.view.show_room(self.model, self.pixmaps)
        self.view.show()
        self.settle()

    def settle(self) -> None:
        for _ in range(3):
            self.app.processEvents()

    def change(self, change: Change[TimelineItem]) -> None:
        apply(self.model.rows, [change])
        self.model.changed.emit((change,))

    def timed(self, step: object) -> float:
        """Milliseconds of a step up to its painted pixels."""
        start = time.perf_counter()
        step()  # type: ignore[operator]  # a callable without arguments
        self.view.viewport().repaint()
        return (time.perf_counter() - start) * 1000


async def measure(app: QApplication, report: Report) -> None:
    scope = Scope("bench")
    rows = tuple(item(number) for number in range(1000, 1000 + ROWS))
    warm = Stand(app, scope)
    warm.change(Reset(rows[:2000]))
    warm.settle()

    opens = []
    for _ in range(3):
        warm.view.hide()
        warm = stand = Stand(app, scope)
        opens.append(stand.timed(lambda one=stand: one.change(Reset(rows))))
        stand.settle()
    report.figure("open_ms", median(opens), max=50)

    bar = stand.view.verticalScrollBar()
    frames = [stand.timed(lambda: bar.setValue(bar.value() - 60)) for _ in range(600)]
    frames += [stand.timed(lambda: bar.setValue(bar.value() + 60)) for _ in range(300)]
    report.figure("scroll_p50_ms", percentile(frames, 0.5), max=4)
    report.figure("scroll_p99_ms", percentile(frames, 0.99), max=8)
    jumps = [stand.timed(lambda to=share: bar.setValue(int(bar.maximum() * to))) for share in (0.1, 0.8, 0.3, 0.6, 0.45)]
    report.figure("jump_anywhere_ms", median(jumps))

    stand.view.to_end()
    stand.settle()
    appends = [
        stand.timed(lambda n=number: stand.change(Insert(len(stand.model.rows), (item(200_000 + n),)))) for number in range(60)
    ]
    report.figure("append_ms", median(appends), max=8)
    report.figure("append_p95_ms", percentile(appends, 0.95))

    page = [tuple(item(-50 * (turn + 1) + number) for number in range(50)) for turn in range(20)]
    prepends = [stand.timed(lambda p=part: stand.change(Insert(0, p))) for part in page]
    stand.view.to_row(2, top=10)
    prepends += [
        stand.timed(lambda p=part: stand.change(Insert(0, p)))
        for part in [tuple(item(-5000 - 50 * t + n) for n in range(50)) for t in range(20)]
    ]
    report.figure("prepend_50_ms", median(prepends), max=10)
    report.figure("prepend_50_p95_ms", percentile(prepends, 0.95))

    def resize(width: int) -> None:
        stand.view.resize(width, 760)
        app.processEvents()

    resizes = [stand.timed(lambda w=width: resize(w)) for width in range(1070, 700, -10)]
    report.figure("resize_ms", median(resizes), max=16)
    report.figure("resize_p95_ms", percentile(resizes, 0.95))
    await scope.aclose()


def main() -> None:
    app = QApplication([])
    theme.prepare(app)
    theme.apply(app, Appearance())
    report = Report("timeline")
    asyncio.run(measure(app, report))
    report.finish()


if __name__ == "__main__":
    main()
