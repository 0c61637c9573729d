"""The timeline as a widget: painted rows, selection, hover bar, jump button, older messages at the top."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from welink_desktop.core.changes import Change, Insert
from welink_desktop.core.ids import ItemKey
from welink_desktop.core.reactive import Cancel
from welink_desktop.core.timeline import NoticeContent, RecalledContent, TimelineItem
from welink_desktop.features.chat.pixmaps import Pixmaps
from welink_desktop.features.chat.timeline.deeds import Deeds
from welink_desktop.features.chat.timeline.hover_bar import HoverBar
from welink_desktop.features.chat.timeline.jump_button import JumpButton
from welink_desktop.features.chat.timeline.model import (
    Edit,
    LoadOlder,
    Looked,
    Reply,
    TimelineModel,
    TimelineState,
)
from welink_desktop.features.chat.timeline.painter import Selection, TimelinePainter
from welink_desktop.features.chat.timeline.row_layout import RowLayout
from welink_desktop.features.chat.timeline.rows import can_answer
from welink_desktop.features.chat.timeline.sheet import Act, Hit
from welink_desktop.features.chat.timeline.spoken import spoken, words_of
from welink_desktop.services.pictures import PictureKey
from welink_desktop.strings import local_moment
from welink_desktop.ui.bind import bind, listen
from welink_desktop.ui.design.theme import Theme, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.lists.anchored_list import AnchoredList, Gravity
from welink_desktop.ui.lists.rows_model import RowsModel
from welink_desktop.ui.strings import current_strings, tr, translated
from welink_desktop.ui.text.bidi import one_line
from welink_desktop.ui.text.tree import Run

FLASH_MS = 1600
PAUSE_MS = 4000


class TimelineView(AnchoredList):
    """Call `show_room` with the model of the room in front."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Gravity.BOTTOM, parent)
        self.setObjectName("timeline")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._model: TimelineModel | None = None
        self._pixmaps: Pixmaps | None = None
        self.deeds: Deeds | None = None
        self._table: RowsModel[TimelineItem] = RowsModel(self._describe, self)
        self._row_painter: TimelinePainter | None = None
        self._watches: list[Cancel] = []
        self._pressed: tuple[ItemKey, int] | None = None
        self._hit: Hit | None = None
        self._shown: TimelineState | None = None
        self._bar = HoverBar(self.viewport(), self._bar_clicked)
        self._jump = JumpButton(self)
        self._jump.clicked.connect(self.to_end)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._paused)
        self._flash = QTimer(self)
        self._flash.setSingleShot(True)
        self._flash.setInterval(FLASH_MS)
        self._flash.timeout.connect(self._unflash)
        self.moved.connect(self._moved)
        on_theme(self, self._themed)
        translated(self, self._retranslate)

    def show_room(self, model: TimelineModel, pixmaps: Pixmaps) -> None:
        """Forget the room shown before and show this one from its end."""
        for cancel in self._watches:
            cancel()
        self._bar.hide()
        self._model, self._pixmaps = model, pixmaps
        self.deeds = Deeds(self, model, self._copy)
        self._table.items = list(model.rows)
        painter = self._row_painter = TimelinePainter(lambda: self._table.items, pixmaps)
        painter.ring = self.shows_ring
        painter.use(model.state.value, theme_of(self))
        painter.update_readers()
        self._start(painter)
        self._watches = [
            listen(self, model.changed, self._changed),
            bind(self, model.state, self._render),
            listen(self, model.found, self._found),
            listen(self, pixmaps.pictures.arrived, self._arrived),
        ]

    def _start(self, painter: TimelinePainter) -> None:
        pad = self._pad()
        self._table.beginResetModel()
        self._table.endResetModel()
        self.present(self._table, painter, top=pad, bottom=pad)

    def _pad(self) -> int:
        return theme_of(self).space(3)

    def _describe(self, row: int) -> str:
        members = self._model.state.value.members if self._model is not None else None
        return spoken(self._table.items[row], members) if members is not None else ""

    def _retranslate(self) -> None:
        self.setAccessibleName(tr("chat-timeline"))
        if self._row_painter is not None:
            self._row_painter.forget_all()
            self.remeasure()

    def _themed(self, theme: Theme) -> None:
        if self._row_painter is not None and self._model is not None:
            self._row_painter.use(self._model.state.value, theme_of(self))
            self.set_padding(self._pad(), self._pad())

    # Model → view

    def _changed(self, changes: tuple[Change[TimelineItem], ...]) -> None:
        if self._row_painter is None:
            return
        self._table.apply(changes)
        self._refresh_readers()
        self._announce(changes)

    def _refresh_readers(self) -> None:
        if self._row_painter is None:
            return
        keys = self._row_painter.update_readers()
        for row in range(len(self._table.items) - 1, max(-1, len(self._table.items) - 301), -1):
            if self._table.items[row].key in keys:
                self.remeasure_rows(row, row)
        if keys:
            self.settle()

    def _render(self, state: TimelineState) -> None:
        painter = self._row_painter
        if painter is None:
            return
        before, self._shown = self._shown, state
        painter.use(state, theme_of(self))
        if before is None or before.room != state.room or before.members != state.members or before.mark != state.mark:
            self.remeasure()
        self._place_jump()

    def _arrived(self, _: PictureKey) -> None:
        if self._row_painter is not None:
            self._row_painter.forget_images()
        self.viewport().update()

    def _found(self, key: ItemKey) -> None:
        row = next((row for row, item in enumerate(self._table.items) if item.key == key), None)
        if row is None or self._row_painter is None:
            return
        self.to_row(row, top=self.viewport().height() // 3)
        self.setCurrentIndex(self._table.index(row))
        self._row_painter.flashed = key
        self.viewport().update()
        self._flash.start()

    def _unflash(self) -> None:
        if self._row_painter is not None:
            self._row_painter.flashed = None
            self.viewport().update()

    def _announce(self, changes: tuple[Change[TimelineItem], ...]) -> None:
        """Say a new message of somebody else, politely, once."""
        if not QAccessible.isActive() or not self.isVisible():
            return
        for change in changes:
            if (
                isinstance(change, Insert)
                and change.index + len(change.items) == len(self._table.items)
                and len(change.items) <= 3
            ):
                for item in change.items:
                    if not item.own and not isinstance(item.content, NoticeContent):
                        words = f"{one_line(item.sender_name)}: {words_of(item)[:300]}"
                        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    @guarded(default=None)
    def hideEvent(self, event: QHideEvent) -> None:
        self._pause.stop()
        self._flash.stop()
        self._paused()

    def _paused(self) -> None:
        if self._row_painter is not None:
            self._row_painter.forget_images()

    def _moved(self) -> None:
        if self.isVisible():
            self._pause.start()
        self._place_jump()
        self._bar.hide()
        model = self._model
        if model is None:
            return
        model.act(Looked(self.at_end))
        status = model.state.value.status
        if self._table.items and self.above() < 2 * self.viewport().height() and not status.at_start and status.failure is None:
            model.act(LoadOlder())

    def _place_jump(self) -> None:
        model = self._model
        fresh = model.state.value.new_below if model is not None else 0
        self._jump.set_count(fresh)
        area = self.viewport().geometry()
        size = self._jump.sizeHint()
        self._jump.setGeometry(area.right() - size.width() - 24, area.bottom() - size.height() - 12, size.width(), size.height())
        self._jump.setVisible(
            bool(self._table.items) and (self.beyond() > self.viewport().height() or (fresh > 0 and not self.at_end))
        )

    # Pointer

    def _layout_under(self, point: QPoint) -> tuple[RowLayout, QPointF] | None:
        row = self.row_under(point)
        if row is None or self._row_painter is None:
            return None
        return self._row_painter.layout(row), QPointF(point - self.row_box(row).topLeft())

    def _hit_under(self, point: QPoint) -> tuple[RowLayout, Hit | None, Run | None] | None:
        found = self._layout_under(point)
        if found is None:
            return None
        layout, at = found
        hit = next((one for one in layout.sheet.hits if one.box.contains(at)), None)
        run = layout.text.run_at(at - layout.text_at) if layout.text is not None else None
        return layout, hit, run

    @guarded(default=None)
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(point)
            return
        self._hover(point)
        found = self._hit_under(point)
        shape = Qt.CursorShape.ArrowCursor
        if found is not None:
            layout, hit, run = found
            at = QPointF(point - self.row_box(self.row_under(point) or 0).topLeft()) - layout.text_at
            if (run is not None and run.link) or (hit is not None and hit.act is not Act.NOTHING):
                shape = Qt.CursorShape.PointingHandCursor
            elif layout.text is not None and layout.text.covers(at) and layout.bubble.contains(at + layout.text_at):
                shape = Qt.CursorShape.IBeamCursor
        self.viewport().setCursor(shape)

    @guarded(default=None)
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.keyboard = False
        point = event.position().toPoint()
        row, deeds = self.row_under(point), self.deeds
        if row is None or self._row_painter is None or deeds is None:
            return
        self.setCurrentIndex(self._table.index(row))
        if event.button() == Qt.MouseButton.RightButton:
            deeds.open_menu(self._table.items[row], event.globalPosition().toPoint())
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        found = self._hit_under(point)
        self._hit = found[1] if found is not None else None
        self._row_painter.selection = None
        layout = self._row_painter.layout(row)
        if layout.text is not None:
            at = QPointF(point - self.row_box(row).topLeft()) - layout.text_at
            self._pressed = (layout.item.key, layout.text.position_at(at))
        self.viewport().update()

    @guarded(default=None)
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if event.button() != Qt.MouseButton.LeftButton:
            return
        selected = self._row_painter.selection if self._row_painter is not None else None
        if pressed is not None and selected is not None and selected.start != selected.end:
            return
        found = self._hit_under(event.position().toPoint())
        deeds = self.deeds
        if found is None or deeds is None:
            return
        layout, hit, run = found
        if run is not None and run.link:
            deeds.follow(run)
        elif hit is not None and hit == self._hit:
            deeds.do(layout.item, hit, event.globalPosition().toPoint())

    @guarded(default=None)
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        found = self._layout_under(event.position().toPoint())
        if found is None or found[0].text is None or self._row_painter is None:
            return
        layout, at = found
        text = layout.text
        if text is not None:
            start, end = text.word_at(text.position_at(at - layout.text_at))
            self._row_painter.selection = Selection(layout.item.key, start, end)
            self.viewport().update()

    @guarded(default=None)
    def leaveEvent(self, event: QEvent) -> None:
        if not self._bar.isVisible() or not self._bar.underMouse():
            self._hover(QPoint(-1, -1))

    @guarded(default=False)
    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            point = self.viewport().mapFromGlobal(self.cursor().pos())
            self._tip(point)
            return True
        return super().viewportEvent(event)

    def _tip(self, point: QPoint) -> None:
        found = self._hit_under(point)
        words = ""
        if found is not None:
            layout, hit, run = found
            if run is not None and run.link:
                words = run.link
            elif hit is not None and hit.tip:
                words = hit.tip
            elif not isinstance(layout.item.content, NoticeContent):
                words = current_strings().full_moment(local_moment(layout.item.timestamp_ms))
        QToolTip.showText(self.viewport().mapToGlobal(point), words.replace("<", "‹"), self.viewport())

    def _hover(self, point: QPoint) -> None:
        painter = self._row_painter
        if painter is None:
            return
        row = self.row_under(point) if point.y() >= 0 else None
        item = self._table.items[row] if row is not None else None
        if item is not None and isinstance(item.content, (NoticeContent, RecalledContent)):
            item = None
        key = item.key if item is not None else None
        if key == painter.hovered and (key is None or self._bar.isVisible()):
            return
        painter.hovered = key
        self.viewport().update()
        if item is None or row is None:
            self._bar.hide()
        else:
            self._show_bar(row, item)

    def _show_bar(self, row: int, item: TimelineItem) -> None:
        if self._row_painter is None:
            return
        bubble = self._row_painter.layout(row).bubble.toRect().translated(self.row_box(row).topLeft())
        self._bar.show_for(item, bubble, self.viewport().rect())

    def _drag(self, point: QPoint) -> None:
        if self._pressed is None or self._row_painter is None:
            return
        key, start = self._pressed
        placed = next((one for one in self.placed if self._table.items[one.row].key == key), None)
        if placed is None:
            return
        layout = self._row_painter.layout(placed.row)
        if layout.text is not None:
            at = QPointF(point - self.row_box(placed.row).topLeft()) - layout.text_at
            end = layout.text.position_at(at)
            self._row_painter.selection = Selection(key, min(start, end), max(start, end))
            self.viewport().update()

    # Keyboard

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().row()
        item = self._table.items[row] if 0 <= row < len(self._table.items) else None
        opens = event.key() == Qt.Key.Key_Menu or (
            event.key() == Qt.Key.Key_F10 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy(item)
        elif item is None:
            super().keyPressEvent(event)
        elif opens:
            self.keyboard = True
            self.to_row(row)
            self._show_bar(row, item)
            self._bar.focus_first()
        elif event.key() == Qt.Key.Key_R and not event.modifiers() and can_answer(item):
            self._bar_clicked("reply", item.key)
        elif event.key() == Qt.Key.Key_Delete and item.own and self.deeds is not None:
            self.deeds.recall(item)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._activate(row, item)
        else:
            super().keyPressEvent(event)

    def _activate(self, row: int, item: TimelineItem) -> None:
        """Enter on a row: its file, its first link, or the message it answers."""
        deeds = self.deeds
        if self._row_painter is None or deeds is None:
            return
        layout = self._row_painter.layout(row)
        hit = next((one for one in layout.sheet.hits if one.act in (Act.SAVE, Act.PICTURE, Act.RETRY, Act.ORIGINAL)), None)
        links = [run for run in layout.text.links() if run.link] if layout.text is not None else []
        if hit is not None:
            deeds.do(item, hit, self.mapToGlobal(self.row_box(row).center()))
        elif links:
            deeds.follow(links[0])

    def _copy(self, item: TimelineItem | None) -> None:
        selection = self._row_painter.selection if self._row_painter is not None else None
        fits = selection is not None and (item is None or selection.key == item.key)
        if selection is not None and fits and selection.start != selection.end and self._row_painter is not None:
            placed = next((row for row, one in enumerate(self._table.items) if one.key == selection.key), None)
            if placed is not None:
                layout = self._row_painter.layout(placed)
                if layout.text is not None:
                    QApplication.clipboard().setText(layout.text.copied(selection.start, selection.end))
                return
        if item is not None:
            QApplication.clipboard().setText(words_of(item))

    # Wishes

    def _bar_clicked(self, name: str, key: ItemKey) -> None:
        model, deeds = self._model, self.deeds
        item = next((one for one in self._table.items[::-1] if one.key == key), None)
        if model is None or deeds is None or item is None:
            return
        at = self._bar.button(name).mapToGlobal(QPoint(0, self._bar.height()))
        match name:
            case "react":
                deeds.react(item, at)
            case "reply":
                model.act(Reply(key))
            case "edit":
                model.act(Edit(key))
            case _:
                deeds.open_menu(item, at)

    @guarded(default=None)
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_jump()

    def bubble_box(self, row: int) -> QRect:
        """Where the message of a row is, in viewport coordinates; for tests and pop-ups."""
        if self._row_painter is None:
            return QRect()
        return self._row_painter.layout(row).bubble.toRect().translated(self.row_box(row).topLeft())
