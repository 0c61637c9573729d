"""The rail: organisation, destinations, settings, own avatar (visual.md §5)."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from welink_desktop.app.navigation import Page
from welink_desktop.core.media import Picture
from welink_desktop.core.people import Person
from welink_desktop.services.presence import shown_presence
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, current, on_theme, theme_of
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.avatar import Avatar
from welink_desktop.ui.widgets.badge import BadgeTone, badge_text, badge_width, draw_badge
from welink_desktop.ui.widgets.box import Plane, column

_ICONS = {Page.CHAT: "chat", Page.CONTACTS: "contacts", Page.MEET: "meeting", Page.SETTINGS: "settings"}
ITEM = (56, 54)
SMALL_ITEM = (56, 44)
MARK = (3, 20)
LABELS_UNTIL = 1.7
"""Text scale from which labels give way to tooltips."""


class RailItem(QAbstractButton):
    """A destination; checked while it is shown."""

    def __init__(self, page: Page, *, small: bool = False) -> None:
        super().__init__()
        self.page = page
        self._small = small
        self._badge = ""
        self._tone: BadgeTone = "badge"
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        identify(self, f"rail-{page.value}")
        on_theme(self, self._themed)

    def set_badge(self, count: int, words: str = "", tone: BadgeTone = "badge") -> None:
        """`words` tell the count to a screen reader."""
        self._badge = badge_text(count) if count else ""
        self._tone = tone
        describe(self, self.text(), words)
        self.update()

    def _themed(self, _: Theme) -> None:
        self.updateGeometry()
        self.update()

    def _labelled(self, theme: Theme) -> bool:
        return not self._small and theme.text_scale < LABELS_UNTIL

    @guarded(default=QSize(*ITEM))
    def sizeHint(self) -> QSize:
        theme = theme_of(self)
        width, height = SMALL_ITEM if not self._labelled(theme) else ITEM
        return QSize(theme.padded(width), theme.padded(height))

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = self.isChecked()
        box = QRectF(self.rect())
        if chosen or self.underMouse():
            painter.setPen(QPen(theme.color("selection-strong"), 2) if chosen and theme.high_contrast else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selection" if chosen else "hover"))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), theme.radius("row"), theme.radius("row"))
        size = theme.icon_size(24)
        label = theme.type("rail", weight=600 if chosen else 0)
        labelled = self._labelled(theme)
        height = size + (label.line + 2 if labelled else 0)
        top = (box.height() - height) / 2
        ink = theme.color("accent-text" if chosen else "text-secondary")
        # A large badge would hide the icon: the icon makes room for what reaches beyond its middle.
        aside = max(0.0, badge_width(self._badge, theme) - box.width() / 2 + 4) if self._badge else 0.0
        spot = QRectF(-aside, top, box.width(), size)
        draw_icon(painter, _ICONS[self.page], spot, size, ink)
        if labelled:
            line = QRectF(0, top + size + 2, box.width(), label.line)
            label.draw(painter, line, self.text(), ink, align=Qt.AlignmentFlag.AlignHCenter)
        if self._badge:
            plane = "selection" if chosen else "surface-rail"
            draw_badge(painter, box.right() - 2, max(top + 2, theme.scaled(10) + 1), self._badge, self._tone, theme, ring=plane)


class Rail(Plane):
    """`wanted` carries a `Page`. Destinations whose page does not exist are not there."""

    wanted = Signal(object)

    def __init__(self, pages: tuple[Page, ...], parent: QWidget | None = None) -> None:
        super().__init__("surface-rail", parent)
        identify(self, "rail")
        self._organisation = Avatar(40, room=True, plane="surface-rail")
        self._me = Avatar(36, plane="surface-rail")
        identify(self._me, "own-avatar")
        self.items = {page: RailItem(page, small=page is Page.SETTINGS) for page in pages}
        self._layout = column(self)
        centre = Qt.AlignmentFlag.AlignHCenter
        self._layout.addWidget(self._organisation, 0, centre)
        self._gap = column()
        self._layout.addLayout(self._gap)
        for page, item in self.items.items():
            if page is Page.SETTINGS:
                self._layout.addStretch(1)
            self._layout.addWidget(item, 0, centre)
            item.clicked.connect(self._ask(page))
        self._layout.addWidget(self._me, 0, centre)
        translated(self, self._retranslate)
        on_theme(self, self._themed)

    def _ask(self, page: Page) -> Callable[[], None]:
        def go() -> None:
            self.show_page(page)
            self.wanted.emit(page)

        return go

    def show_page(self, page: Page) -> None:
        for one, item in self.items.items():
            item.setChecked(one is page)
        self.update()

    def show_me(self, me: Person) -> None:
        self._me.show_of(me.user, me.name, shown_presence(me))
        describe(self._me, tr("rail-me", name=me.name), tooltip=True)
        if me.organisation:
            self._organisation.show_of(me.organisation, me.organisation)
            describe(self._organisation, me.organisation, tooltip=True)
        self._organisation.setVisible(bool(me.organisation))

    def set_picture(self, user: str, picture: Picture) -> None:
        self._me.set_picture(user, picture)

    def _retranslate(self) -> None:
        for page, item in self.items.items():
            item.setText(tr(f"rail-{page.value}"))
            describe(item, item.text(), item.accessibleDescription(), tooltip=True)

    def _themed(self, theme: Theme) -> None:
        self.setFixedWidth(theme.layout("rail"))
        self._gap.setContentsMargins(0, theme.space(2), 0, 0)
        self._layout.setSpacing(2)
        self._layout.setContentsMargins(0, theme.space(4), 0, theme.space(4))
        self.update()

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        theme = current()
        chosen = next((item for item in self.items.values() if item.isChecked()), None)
        painter = QPainter(self)
        painter.fillRect(self.width() - 1, 0, 1, self.height(), theme.color("divider"))
        if chosen is not None:
            width, height = MARK
            middle = chosen.geometry().center().y()
            painter.fillRect(0, middle - height // 2, width, height, theme.color("accent"))
