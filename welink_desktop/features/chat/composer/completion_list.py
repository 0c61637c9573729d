"""The list of names above the composer while "@…" is typed."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from welink_desktop.features.chat.composer.model import Candidate, Completion
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.ui.a11y import describe
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.widgets.avatar import draw_avatar
from welink_desktop.ui.widgets.badge import draw_tag

WIDTH = 348


class CompletionList(QWidget):
    """Painted rows; the editor keeps the focus and sends arrow keys through the model."""

    picked = QtSignal(int)

    def __init__(self, pixmaps: Pixmaps, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("composer-completion")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self._pixmaps = pixmaps
        self._completion: Completion | None = None
        self.hide()

    def show_names(self, completion: Completion | None, bottom: int, left: int) -> None:
        """`bottom` and `left` in the parent's coordinates; None hides."""
        self._completion = completion
        if completion is None:
            self.hide()
            return
        theme = theme_of(self)
        height = theme.scaled(28) + len(completion.candidates) * theme.scaled(40) + 8
        parent = self.parentWidget()
        room = parent.width() if parent is not None else WIDTH
        left = max(8, min(left, room - WIDTH - 8))
        self.setGeometry(QRect(left, max(4, bottom - height - 8), min(WIDTH, room - 16), height))
        chosen = completion.candidates[completion.chosen]
        describe(self, tr("composer-completion", text=completion.query), one_line(chosen.name))
        self.show()
        self.raise_()
        self.update()

    def _rows(self) -> list[tuple[QRect, Candidate]]:
        if self._completion is None:
            return []
        theme = theme_of(self)
        top, height = theme.scaled(28) + 4, theme.scaled(40)
        return [
            (QRect(4, top + number * height, self.width() - 8, height), one)
            for number, one in enumerate(self._completion.candidates)
        ]

    @guarded(default=None)
    def mousePressEvent(self, event: QMouseEvent) -> None:
        for number, (box, _) in enumerate(self._rows()):
            if box.contains(event.position().toPoint()):
                self.picked.emit(number)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        completion, theme = self._completion, theme_of(self)
        if completion is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("surface-raised"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        head = QRectF(16, 4, self.width() - 32, theme.scaled(28))
        theme.type("caption").draw(painter, head, tr("composer-completion", text=completion.query), theme.color("text-muted"))
        for number, (box, one) in enumerate(self._rows()):
            self._paint_row(painter, QRectF(box), one, number == completion.chosen)
        painter.end()

    def _paint_row(self, painter: QPainter, box: QRectF, one: Candidate, chosen: bool) -> None:
        theme = theme_of(self)
        if chosen:
            painter.setPen(QPen(theme.color("accent"), 2) if theme.high_contrast else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover"))
            painter.drawRoundedRect(box, 6, 6)
        side = theme.scaled(28)
        face = QRectF(box.left() + 12, box.center().y() - side / 2, side, side)
        name = one_line(one.name)
        if one.user is None:
            draw_icon(painter, "contacts", face, theme.icon_size(20), theme.color("text-secondary"))
        else:
            uri = one.member.avatar if one.member is not None else None
            pixmap = self._pixmaps.avatar(uri, side, self.devicePixelRatioF())
            draw_avatar(painter, face, one.user, name, picture=pixmap, theme=theme)
        words = box.adjusted(side + 24, 0, -12, 0)
        used = theme.type("strong").draw(painter, words, f"@{name}" if one.user is None else name, theme.color("text"))
        if one.member is not None and one.member.external:
            used += 8 + draw_tag(painter, words.left() + used + 8, words.center().y(), tr("external"), "external", "", theme)
        note = tr("composer-everyone") if one.user is None else one.note
        spot = words.adjusted(used + 10, 0, 0, 0)
        if note and spot.width() > 20:
            theme.type("caption").draw(painter, spot, one_line(note), theme.color("text-muted"))
