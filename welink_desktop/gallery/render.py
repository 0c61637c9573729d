"""Taking pictures of samples, and comparing them."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from welink_desktop.core.reactive import State
from welink_desktop.gallery.catalogue import Shot, page_named
from welink_desktop.strings import strings, wall_clock_at
from welink_desktop.ui.design import theme
from welink_desktop.ui.strings import language

NOTICEABLE = 40
"""Difference of one colour channel (of 255) from which a pixel counts as different."""
TOLERATED = 0.002
"""Share of different pixels that antialiasing may cause."""


MOMENT = datetime(2023, 11, 15, 18, 47, tzinfo=timezone(timedelta(hours=8)))
"""The time of all pictures: an evening of the samples' conversations, in China."""
SETTLE_MS = 20
"""Layouts and pictures find their places in this time."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`share` of pixels that differ noticeably; 1.0 if the sizes differ."""

    share: float

    @property
    def tolerable(self) -> bool:
        return self.share <= TOLERATED


def application() -> QApplication:
    """The application for pictures: no screen needed, no blinking caret."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    present = QApplication.instance()
    app = present if isinstance(present, QApplication) else QApplication(["gallery"])
    app.setCursorFlashTime(0)
    theme.prepare(app)
    return app


def build(app: QApplication, shot: Shot) -> QWidget:
    """The view of a shot, shown at its size in its look."""
    words = strings(shot.look.language)
    language.set(words)
    theme.apply(app, shot.look.appearance, cjk=words.cjk)
    page = page_named(shot.page)
    view = page.make(State(page.samples[shot.sample]))
    view.resize(*shot.look.size)
    view.show()
    QTest.qWait(SETTLE_MS)
    return view


def picture(app: QApplication, shot: Shot) -> QImage:
    """The shot as it looks at `MOMENT`, wherever and whenever it is taken."""
    with wall_clock_at(MOMENT):
        return _grab(app, shot)


def _grab(app: QApplication, shot: Shot) -> QImage:
    view = build(app, shot)
    focused = app.focusWidget()
    if focused is not None:
        focused.clearFocus()
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    view.close()
    view.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    return image


def compare(one: QImage, other: QImage) -> Difference:
    """How much two pictures differ."""
    if one.size() != other.size():
        return Difference(1.0)
    left = bytes(one.convertToFormat(QImage.Format.Format_RGB32).constBits())
    right = bytes(other.convertToFormat(QImage.Format.Format_RGB32).constBits())
    if left == right:
        return Difference(0.0)
    different = 0
    for at in range(0, len(left), 4):
        if left[at : at + 3] != right[at : at + 3] and any(
            abs(a - b) > NOTICEABLE for a, b in zip(left[at : at + 3], right[at : at + 3], strict=True)
        ):
            different += 1
    return Difference(different / (len(left) // 4))


def save(image: QImage, path: Path) -> None:
    """Write a small PNG. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not image.convertToFormat(QImage.Format.Format_RGB888).save(str(path), quality=0):
        raise OSError(f"cannot write {path.name}")
