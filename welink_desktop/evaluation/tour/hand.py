"""A person's hand and eyes on real widgets: finds them by name, clicks, types, and reads what assistive technology reads."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage, QInputMethodEvent, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLineEdit, QWidget

T = TypeVar("T")
BEAT = 0.05
LEFT = Qt.MouseButton.LeftButton


class NotSeen(AssertionError):
    """Something that should be on the screen is not there in time."""


class Hand:
    """Everything happens on the app's loop; waiting lets it run."""

    async def until(self, look: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
        """Wait until `look` returns something true. Raises `NotSeen` naming `what`."""
        end = time.monotonic() + seconds
        while True:
            seen = look()
            if seen:
                return seen
            if time.monotonic() > end:
                raise NotSeen(f"not seen within {seconds:.0f} s: {what}")
            await asyncio.sleep(BEAT)

    async def widget(self, name: str, seconds: float = 20.0) -> QWidget:
        """The visible widget with this object name."""
        return await self.until(lambda: self.find(name), f"widget {name}", seconds)

    def find(self, name: str) -> QWidget | None:
        for window in QApplication.topLevelWidgets():
            if not window.isVisible():
                continue
            for candidate in (window, *window.findChildren(QWidget, name)):
                if candidate.objectName() == name and candidate.isVisible():
                    return candidate
        return None

    async def click(self, name: str, seconds: float = 20.0) -> QWidget:
        """Press a control once it can be pressed."""
        control = await self.until(lambda: self._enabled(name), f"enabled control {name}", seconds)
        await self.press(control, control.rect().center())
        return control

    async def press(self, widget: QWidget, place: QPoint) -> None:
        """Move the mouse there and click."""

        def go() -> None:
            where, everywhere = QPointF(place), QPointF(widget.mapToGlobal(place))
            none, plain = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
            QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, where, everywhere, none, none, plain))
            QTest.mouseClick(widget, LEFT, plain, place)

        await self.do(go)

    async def type(self, name: str, text: str, *, clear: bool = False) -> QWidget:
        """Write into a field as an input method does: the text arrives composed."""
        field = await self.click(name)
        if not field.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled):
            field = field.findChild(QLineEdit) or field
            await self.press(field, field.rect().center())

        def go() -> None:
            field.setFocus()
            if clear:
                QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
            event = QInputMethodEvent()
            event.setCommitString(text)
            QApplication.sendEvent(field, event)

        await self.do(go)
        return field

    async def key(self, widget: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        await self.do(lambda: QTest.keyClick(widget, key, modifier))

    async def do(self, action: Callable[[], None]) -> None:
        """Act as the event loop does, outside of every task: what follows may run the loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def go() -> None:
            try:
                action()
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        loop.call_soon(go)
        await done
        await asyncio.sleep(BEAT)

    async def scroll(self, widget: QWidget, notches: int) -> None:
        """Turn the wheel over `widget`; positive is up."""
        place = QPointF(widget.rect().center())
        for _ in range(abs(notches)):
            delta = QPoint(0, 120 if notches > 0 else -120)
            event = QWheelEvent(
                place,
                QPointF(widget.mapToGlobal(place.toPoint())),
                QPoint(),
                delta,
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(widget, event)
            await asyncio.sleep(0.01)

    # Reading

    def rows(self, widget: QWidget) -> list[tuple[str, QRect]]:
        """What a list tells assistive technology: each row's words and its place in the list's viewport."""
        if not isinstance(widget, QAbstractItemView):
            return []
        model = widget.model()
        found = []
        for number in range(model.rowCount()):
            index = model.index(number, 0)
            words = index.data(Qt.ItemDataRole.AccessibleTextRole) or index.data(Qt.ItemDataRole.DisplayRole) or ""
            found.append((str(words), widget.visualRect(index)))
        return found

    def says(self, name: str) -> str:
        """The words of a visible control ("" if it is not there)."""
        widget = self.find(name)
        if widget is None:
            return ""
        shown = getattr(widget, "text", None)
        words = shown() if callable(shown) else ""
        return f"{widget.accessibleName()} {words} {widget.accessibleDescription()}".strip()

    async def row(self, name: str, words: str, seconds: float = 20.0) -> tuple[QWidget, QRect]:
        """The list `name` and the place of its last row that contains `words`."""
        widget = await self.widget(name, seconds)

        def look() -> QRect | None:
            return next((place for text, place in reversed(self.rows(widget)) if words in text), None)

        return widget, await self.until(look, f"“{words}” in {name}", seconds)

    async def click_row(self, name: str, words: str, seconds: float = 20.0) -> None:
        """Press the row that contains `words`, scrolled into view if need be."""
        widget, place = await self.row(name, words, seconds)
        assert isinstance(widget, QAbstractItemView)
        viewport = widget.viewport()
        if not viewport.rect().contains(place.center()):
            number = max(n for n, (text, _) in enumerate(self.rows(widget)) if words in text)
            widget.scrollTo(widget.model().index(number, 0))
            await asyncio.sleep(BEAT)
            _, place = await self.row(name, words, seconds)
        await self.press(viewport, place.center())

    def texts(self, name: str) -> list[str]:
        widget = self.find(name)
        return [text for text, _ in self.rows(widget)] if widget is not None else []

    # Pictures

    def picture(self, widget: QWidget) -> QImage:
        return widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)

    def save(self, file: Path) -> None:
        """A picture of the app's largest window with whatever is in front of it."""
        windows = [window for window in QApplication.topLevelWidgets() if window.isVisible()]
        if not windows:
            return
        main = max(windows, key=lambda window: window.width() * window.height())
        picture = main.grab()
        painter = QPainter(picture)
        for window in windows:
            if window is not main:
                painter.drawPixmap(window.pos() - main.pos(), window.grab())
        painter.end()
        picture.save(str(file), "PNG")

    def _enabled(self, name: str) -> QWidget | None:
        widget = self.find(name)
        return widget if widget is not None and widget.isEnabled() else None


def differing(one: QImage, other: QImage, area: QRect, step: int = 4) -> float:
    """Share of the looked-at pixels in `area` (device-independent) that differ clearly between two pictures."""
    ratio = one.devicePixelRatio()
    box = QRect(area.topLeft() * ratio, area.size() * ratio).intersected(one.rect()).intersected(other.rect())
    looked = changed = 0
    for y in range(box.top(), box.bottom(), step):
        for x in range(box.left(), box.right(), step):
            a, b = one.pixelColor(x, y), other.pixelColor(x, y)
            looked += 1
            changed += abs(a.red() - b.red()) + abs(a.green() - b.green()) + abs(a.blue() - b.blue()) > 24
    return changed / looked if looked else 0.0


def colours(picture: QImage, area: QRect, step: int = 6) -> int:
    """How many clearly different colours `area` shows: a plain tile has few, a camera picture many."""
    box = area.intersected(picture.rect())
    seen = set()
    for y in range(box.top(), box.bottom(), step):
        for x in range(box.left(), box.right(), step):
            colour = picture.pixelColor(x, y)
            seen.add((colour.red() // 24, colour.green() // 24, colour.blue() // 24))
    return len(seen)
