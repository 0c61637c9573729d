"""What is done on the tour, step by step, through the widgets only."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QAbstractItemView, QWidget

from welink_desktop.evaluation.sample import sample
from welink_desktop.evaluation.tour.hand import Hand, NotSeen, colours, differing
from welink_desktop.evaluation.tour.surroundings import level
from welink_desktop.ui.stage.canvas import StageCanvas
from welink_desktop.ui.stage.tiles import StageTile

ROOM = "外科新楼 · Site coordination"
QUESTION = "你好,周三的会议几点?"
ANSWER = "周三的会议下午 3 点开始"
LEAVER = "Daniel Reyes"
HEARD = 0.002
"""Root mean square from which sound counts as heard; silence is 0."""


@dataclass(frozen=True, slots=True)
class Login:
    server: str
    user: str
    password: str


class Script:
    """Each method is a step; what it returns is a remark for the report."""

    def __init__(self, hand: Hand, login: Login) -> None:
        self._hand = hand
        self._login = login
        self._key = -1

    def first(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        return [
            ("open the app", self.open_app),
            ("sign in", self.sign_in),
            ("open an encrypted room", self.open_room),
            ("send a question and receive the answer", self.ask),
            ("scroll back through history", self.scroll_back),
            ("find a person and open the card", self.find_person),
            ("start a meeting from the room", self.start_meeting),
            ("see and hear three participants", self.see_and_hear),
            ("mute and unmute", self.mute),
            ("share the screen", self.share),
            ("a participant leaves and the key rotates", self.rotation),
            ("leave the meeting", self.leave),
        ]

    def second(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        return [("restart: all messages are there", self.still_there), ("sign out", self.sign_out)]

    async def open_app(self) -> str:
        await self._hand.widget("sign-in-server", 30)
        return ""

    async def sign_in(self) -> str:
        hand = self._hand
        field = await hand.type("sign-in-server", self._login.server)
        await hand.key(field, Qt.Key.Key_Return)
        await hand.widget("sign-in-password", 20)
        await hand.type("sign-in-user", self._login.user)
        await hand.type("sign-in-password", self._login.password)
        await hand.click("sign-in-submit")
        await hand.row("room-list", ROOM, 60)
        return ""

    async def open_room(self) -> str:
        """Wait until the colleagues have written what they have to say, so that the pictures look lived in."""
        hand = self._hand
        await hand.click_row("room-list", ROOM, 60)
        last = next(room for room in sample().rooms if room.key == "site").lines[-1].text
        await hand.row("timeline", last, 180)
        await hand.widget("chat-header")
        return f"{len(hand.texts('timeline'))} rows"

    async def ask(self) -> str:
        hand = self._hand
        field = await hand.type("composer-input", QUESTION)
        await hand.key(field, Qt.Key.Key_Return)
        await hand.row("timeline", QUESTION, 20)
        await hand.row("timeline", ANSWER, 30)
        return "answered"

    async def scroll_back(self) -> str:
        hand = self._hand
        first = next(room for room in sample().rooms if room.key == "site").lines[0].text
        view = await hand.widget("timeline")
        assert isinstance(view, QAbstractItemView)

        def at_first() -> bool:
            rows = [place for text, place in hand.rows(view) if first in text]
            return bool(rows) and view.viewport().rect().intersects(rows[0])

        for _ in range(120):
            if at_first():
                break
            await hand.scroll(view.viewport(), 4)
            await asyncio.sleep(0.05)
        await hand.until(at_first, "the first message of the conversation", 20)
        return f"{len(hand.rows(view))} rows"

    async def find_person(self) -> str:
        hand = self._hand
        await hand.click("rail-contacts")
        await hand.type("contacts-search", "yezhiqiu")
        await hand.click_row("people-list", "叶知秋", 30)
        await hand.until(lambda: hand.find("person-card"), "the person's card")
        return "叶知秋, found by pinyin"

    async def start_meeting(self) -> str:
        hand = self._hand
        await hand.click("rail-chat")
        await hand.click("chat-meeting")
        await hand.widget("meeting-lobby", 20)
        await hand.click("meeting-join", 60)
        await hand.widget("meeting-canvas", 60)
        return ""

    async def see_and_hear(self) -> str:
        hand = self._hand
        canvas = await self._canvas()
        await hand.until(lambda: len(self._faces(canvas)) >= 3 or None, "three participants with pictures", 90)
        moving = await self._moving(canvas, 3, 60)
        with contextlib.suppress(NotSeen):
            moving = await self._moving(canvas, sample().meetings.most, 10)
        heard = await self._heard()
        self._key = self._key_number()
        return f"{len(moving)} moving pictures: {', '.join(sorted(moving))}; sound {heard}"

    async def mute(self) -> str:
        """Off, on, off, on: the control and the microphone's own state follow each time."""
        hand = self._hand
        words = [hand.says("meeting-microphone")]
        for _ in range(2):
            await hand.click("meeting-microphone")
            await self._changed("meeting-microphone", words[-1])
            await self._settled("meeting-microphone")
            words.append(hand.says("meeting-microphone"))
        if words[0] != words[2] or words[0] == words[1]:
            raise NotSeen(f"the microphone went {words}")
        return "microphone on, off"

    async def share(self) -> str:
        hand = self._hand
        before = hand.says("meeting-share")
        await hand.click("meeting-share")
        await self._changed("meeting-share", before)
        await self._settled("meeting-share")
        return hand.says("meeting-share")

    async def rotation(self) -> str:
        hand = self._hand
        canvas = await self._canvas()
        await hand.until(lambda: not self._tile(canvas, LEAVER), f"{LEAVER} has left", 120)
        await hand.until(lambda: self._key_number() > self._key, "a new media key", 30)
        chip = hand.says("meeting-encryption")
        others = await self._moving(canvas, 2, 30)
        return f"{chip}; still moving: {', '.join(sorted(others))}"

    async def leave(self) -> str:
        hand = self._hand
        await hand.click("meeting-share")
        await hand.click("meeting-leave")
        await hand.until(lambda: hand.find("meeting-canvas") is None, "the stage is closed", 30)
        await hand.widget("meetings-home", 20)
        return ""

    async def still_there(self) -> str:
        hand = self._hand
        await hand.click("rail-chat", 30)
        await hand.click_row("room-list", ROOM, 30)
        await hand.row("timeline", QUESTION, 30)
        await hand.row("timeline", ANSWER, 30)
        texts = hand.texts("timeline")
        room = next(room for room in sample().rooms if room.key == "site")
        missing = [line.text for line in room.lines[-8:] if line.text and not any(line.text in text for text in texts)]
        if missing:
            raise NotSeen(f"missing after the restart: {missing}")
        return f"{len(texts)} rows"

    async def sign_out(self) -> str:
        hand = self._hand
        await hand.click("rail-settings")
        button = await self._sign_out_button()
        await hand.press(button, button.rect().center())
        await hand.click("dialog-confirm")
        await hand.widget("sign-in-server", 30)
        return ""

    # What is looked at

    def _key_number(self) -> int:
        """How often our media key was changed, as the stage shows it."""
        return int("".join(filter(str.isdigit, self._hand.says("meeting-encryption").split(".")[0])) or -1)

    async def _canvas(self) -> StageCanvas:
        canvas = await self._hand.widget("meeting-canvas")
        assert isinstance(canvas, StageCanvas)
        return canvas

    def _faces(self, canvas: StageCanvas) -> list[StageTile]:
        """Remote participants of whom a picture is expected."""
        viewer = sample().people[sample().viewer].name
        return [tile for tile in canvas.tiles if tile.picture and not tile.mirrored and tile.name != viewer]

    def _tile(self, canvas: StageCanvas, name: str) -> StageTile | None:
        return next((tile for tile in canvas.tiles if name in tile.name), None)

    async def _moving(self, canvas: StageCanvas, least: int, seconds: float) -> set[str]:
        """Names of participants whose painted picture has content and changes; at least so many."""
        seen: dict[str, None] = {}
        before = self._hand.picture(canvas)

        def look() -> bool:
            nonlocal before
            now = self._hand.picture(canvas)
            for tile in self._faces(canvas):
                area = QRect(tile.box.x, tile.box.y, tile.box.width, tile.box.height)
                if colours(now, area) >= 8 and differing(before, now, area) > 0.01:
                    seen[tile.name] = None
            before = now
            return len(seen) >= least

        await self._hand.until(lambda: look() or None, f"{least} moving pictures (so far {list(seen)})", seconds)
        return set(seen)

    async def _heard(self) -> str:
        for _ in range(12):
            loudness = await asyncio.to_thread(level, os.environ, 1.0)
            if loudness is None:
                return "not measured here"
            if loudness > HEARD:
                return f"level {loudness:.3f}"
        raise NotSeen("nothing is heard")

    async def _changed(self, name: str, before: str) -> None:
        """Wait until a control says something else."""
        await self._hand.until(lambda: self._hand.says(name) != before, f"{name} changes", 30)

    async def _settled(self, name: str) -> None:
        """Wait until a control is no longer busy."""
        widget = await self._hand.widget(name)
        await self._hand.until(lambda: widget.isEnabled() and not widget.property("busy"), f"{name} settles", 20)
        await asyncio.sleep(0.5)

    async def _sign_out_button(self) -> QWidget:
        hand = self._hand
        nav = await hand.widget("settings-nav")
        for number in range(12):
            button = hand.find("settings-sign-out")
            if button is not None and not button.visibleRegion().isEmpty():
                return button
            if isinstance(nav, QAbstractItemView) and number < nav.model().rowCount():
                await hand.press(nav.viewport(), nav.visualRect(nav.model().index(number, 0)).center())
            await asyncio.sleep(0.3)
        return await hand.widget("settings-sign-out")
