"""The settings page (mockup 11): navigation at the left, the section's cards at the right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QScrollArea, QWidget

from welink_desktop.core.reactive import State
from welink_desktop.features.settings.model import Section, SettingsState, ShowSection, Wish
from welink_desktop.features.settings.sections import (
    AccountSection,
    AppearanceSection,
    ChatSection,
    DevicesSection,
    SectionView,
)
from welink_desktop.ui.a11y import describe, identify
from welink_desktop.ui.bind import bind
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, on_theme
from welink_desktop.ui.strings import tr, translated
from welink_desktop.ui.widgets.banner import Banner
from welink_desktop.ui.widgets.box import Divider, Plane, column, row
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.painted_list import PaintedList, RowLook, paint_row_ground

_ICONS = {
    Section.APPEARANCE: "contrast",
    Section.DEVICES: "speaker",
    Section.CHAT: "bell",
    Section.SECURITY: "shield",
    Section.ACCOUNT: "user",
}


@dataclass(frozen=True, slots=True)
class NavRow:
    """`words` are rendered already, so that a change of language changes the row."""

    section: Section
    words: str


class NavPainter:
    def height(self, item: NavRow, theme: Theme) -> int:
        return theme.row("department")

    def selectable(self, item: NavRow) -> bool:
        return True

    def words(self, item: NavRow) -> str:
        return item.words

    def paint(self, painter: QPainter, item: NavRow, box: QRectF, look: RowLook) -> None:
        theme = look.theme
        inner = box.adjusted(theme.space(3), 1, -theme.space(3), -1)
        paint_row_ground(painter, inner, look)
        ink = theme.color("accent-text" if look.selected else "text-secondary")
        size = theme.icon_size(20)
        mark = QRectF(inner.left() + theme.space(3), inner.top(), size, inner.height())
        draw_icon(painter, _ICONS[item.section], mark, size, ink)
        left = mark.right() + theme.space(4)
        words = theme.color("accent-text" if look.selected else "text")
        style = theme.type("strong" if look.selected else "body")
        style.draw(painter, QRectF(left, inner.top(), inner.right() - left, inner.height()), item.words, words)


class SettingsView(QWidget):
    """`parts` are sections that other features bring."""

    def __init__(
        self,
        state: State[SettingsState],
        act: Callable[[Wish], None],
        parent: QWidget | None = None,
        *,
        parts: Mapping[Section, QWidget] | None = None,
    ) -> None:
        super().__init__(parent)
        self._act = act
        self._parts = dict(parts or {})
        self._shown = state.value
        identify(self, "settings")
        self._build()
        translated(self, self._retranslate)
        on_theme(self, self._themed)
        bind(self, state, self._render)

    def _build(self) -> None:
        self._side = Plane("surface-list")
        self._side_column = column(self._side)
        self._title = Label(type_name="title")
        self._nav: PaintedList[NavRow] = PaintedList(NavPainter())
        identify(self._nav, "settings-nav")
        self._nav.pressed_at.connect(lambda at, _: self._choose(at))
        self._nav.chosen.connect(self._choose)
        self._inset = column()
        self._inset.addWidget(self._title)
        self._side_column.addLayout(self._inset)
        self._side_column.addWidget(self._nav, 1)
        self._sections: dict[Section, SectionView] = {
            Section.APPEARANCE: AppearanceSection(self._act),
            Section.DEVICES: DevicesSection(self._act),
            Section.CHAT: ChatSection(self._act),
            Section.ACCOUNT: AccountSection(self._act),
        }
        outer = row(self)
        outer.addWidget(self._side)
        outer.addWidget(Divider(vertical=True))
        outer.addWidget(self._build_page(), 1)

    def _build_page(self) -> QWidget:
        page = Plane("surface")
        self._holder = QWidget()
        self._column = column(self._holder)
        self._heading = Label(type_name="heading")
        self._problem = Banner("danger", "error")
        self._stack = QWidget()
        pages = column(self._stack)
        for part in (*self._sections.values(), *self._parts.values()):
            pages.addWidget(part)
            part.hide()
        self._column.addWidget(self._heading)
        self._column.addWidget(self._problem)
        self._column.addWidget(self._stack)
        self._column.addStretch(1)
        centred = row(page)
        centred.addStretch(1)
        centred.addWidget(self._holder, 100)
        centred.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        return scroll

    def _retranslate(self) -> None:
        self._title.setText(tr("settings"))
        describe(self._nav, tr("settings-sections"))
        for section in self._sections.values():
            section.retranslate()
        self._render(self._shown)

    def _render(self, state: SettingsState) -> None:
        self._shown = state
        offered = [section for section in Section if section in self._sections or section in self._parts]
        rows = [NavRow(section, tr(f"settings-section-{section.value}")) for section in offered]
        shown = state.section if state.section in offered else Section.APPEARANCE
        self._nav.show_items(rows, offered.index(shown))
        self._heading.setText(tr(f"settings-section-{shown.value}"))
        self._problem.show_fact(f"{tr('settings-not-saved')} {tr(state.failure.text)}" if state.failure is not None else "")
        own = self._sections.get(shown)
        if own is not None:
            own.show_state(state)
        current = own or self._parts[shown]
        for part in (*self._sections.values(), *self._parts.values()):
            part.setVisible(part is current)

    def _choose(self, at: int) -> None:
        item = self._nav.item_at(at)
        if item is not None:
            self._act(ShowSection(item.section))

    def focus_first(self) -> None:
        """Where the keyboard starts on this page."""
        self._nav.setFocus(Qt.FocusReason.OtherFocusReason)

    def panes(self) -> tuple[QWidget, ...]:
        """For F6: navigation, page."""
        return self._nav, self._stack

    def _themed(self, theme: Theme) -> None:
        self._side.setFixedWidth(theme.padded(theme.layout("settings-nav")))
        self._side_column.setSpacing(theme.space(4))
        self._side_column.setContentsMargins(0, theme.space(5), 0, 0)
        self._inset.setContentsMargins(theme.space(5), 0, theme.space(5), 0)
        self._holder.setMaximumWidth(theme.padded(theme.layout("page-max")))
        edge = theme.space(7)
        self._column.setContentsMargins(edge, edge, edge, edge)
        self._column.setSpacing(theme.space(5))
