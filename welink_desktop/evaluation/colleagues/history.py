"""Writes the believable conversations, encrypted, by the people themselves."""

import asyncio
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.accounts import Session
from welink_desktop.core.timeline import AttachmentKind, OutgoingFile, OutgoingText
from welink_desktop.evaluation.colleagues.room_view import RoomView, event_of, open_view
from welink_desktop.evaluation.pictures import drawn
from welink_desktop.evaluation.sample import Sample, SampleLine, SampleRoom

PICTURE = (1280, 800)
_log = topic("evaluation.colleagues")
ROSTER = (("日期", "白班", "夜班"), ("11-24", "陈佳怡", "唐小满"), ("11-25", "苏婉宁", "吴念慈"), ("11-26", "乔安", "唐小满"))
POINTS = (("编号", "位置", "类型", "状态"), ("P-01", "OR-3 东墙", "网口", "通"), ("P-02", "OR-3 吊塔", "HDMI", "通"))
TABLES = {"roster": ROSTER, "points": POINTS}


@dataclass
class Historian:
    """`sessions` by person key, the viewer's own second device among them. `folder` takes pictures and files."""

    sample: Sample
    sessions: Mapping[str, Session]
    rooms: Mapping[str, RoomId]
    folder: Path

    async def write(self, room: SampleRoom) -> None:
        """Write one room's conversation, line by line. Raises `WeLinkError`, `TimeoutError`."""
        place = self.rooms[room.key]
        views: dict[str, RoomView] = {}
        events: list[EventId] = []
        try:
            for line in room.lines:
                view = views.get(line.by)
                if view is None:
                    view = views[line.by] = await open_view(self.sessions[line.by].chat, place)
                events.append(await self._line(place, line, view, events))
            viewer = self.sessions.get(self.sample.viewer)
            if viewer is not None and len(events) > room.unread:
                await viewer.chat.mark_read(place, events[len(events) - 1 - room.unread])
        finally:
            await asyncio.gather(*(view.close() for view in views.values()))
        _log.info("conversation written", room=literal(room.key), lines=len(events))

    async def _line(self, place: RoomId, line: SampleLine, view: RoomView, events: list[EventId]) -> EventId:
        chat = self.sessions[line.by].chat
        if line.picture or line.file[0]:
            transaction = await chat.send_file(place, self._attachment(line))
        else:
            transaction = await chat.send_text(place, self._text(line, line.edited_from or line.text, events))
        event = await event_of(view, transaction)
        if line.edited_from:
            await chat.edit(place, event, self._text(line, line.text, events))
        for emoji, key in line.reactions:
            if key in self.sessions:
                await self.sessions[key].chat.react(place, event, emoji)
        return event

    def _text(self, line: SampleLine, body: str, events: list[EventId]) -> OutgoingText:
        html = ""
        if body.startswith("```"):
            html = f"<pre><code>{body.strip('`').strip()}\n</code></pre>"
        mentions = tuple(UserId(self.sample.user_id(key)) for key in line.mention)
        reply = events[line.reply] if line.reply is not None else None
        return OutgoingText(body, html=html, mentions=mentions, reply_to=reply)

    def _attachment(self, line: SampleLine) -> OutgoingFile:
        if line.picture:
            name = f"sample/pictures/{line.picture}.svg"
            path = drawn(self.folder, {name: PICTURE})[name]
            width, height = PICTURE
            return OutgoingFile(
                str(path), AttachmentKind.IMAGE, caption=line.text, mimetype="image/png", width=width, height=height
            )
        path = self.folder / line.file[0]
        path.write_text(table(line.file[1]), encoding="utf-8-sig")
        return OutgoingFile(str(path), AttachmentKind.FILE, caption=line.text, mimetype="text/csv")


def table(kind: str) -> str:
    """The content of a sample file as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(TABLES[kind])
    return text.getvalue()
