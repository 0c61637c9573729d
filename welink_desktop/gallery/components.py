"""One page with every component in its states (mockup 14)."""

from PySide6.QtWidgets import QProgressBar, QWidget

from welink_desktop.core.people import Presence
from welink_desktop.ui.design.theme import current
from welink_desktop.ui.widgets.avatar import Avatar
from welink_desktop.ui.widgets.badge import Tag, TagTone
from welink_desktop.ui.widgets.banner import Banner, BannerTone
from welink_desktop.ui.widgets.box import Plane, column, row
from welink_desktop.ui.widgets.button import Button, ButtonKind
from welink_desktop.ui.widgets.choice import Choice
from welink_desktop.ui.widgets.choice_card import ChoiceCard
from welink_desktop.ui.widgets.field import Field, SearchField
from welink_desktop.ui.widgets.icon_button import IconButton
from welink_desktop.ui.widgets.label import Label
from welink_desktop.ui.widgets.notice import Notice
from welink_desktop.ui.widgets.switch import SwitchButton

_KINDS: tuple[ButtonKind, ...] = ("primary", "secondary", "danger", "success", "ghost", "link")
_PEOPLE = (("白若溪", 48), ("顾南星", 40), ("方思齐", 36), ("Hannah White", 32), ("吴念慈", 24))
_TAGS: tuple[tuple[str, TagTone, str], ...] = (
    ("External 外部", "external", "external"),
    ("已验证", "verified", "verified"),
    ("端到端加密", "encrypted", "lock"),
    ("评估版", "warning", "warning"),
    ("已读", "success", "check"),
    ("草稿", "danger", ""),
    ("Host", "neutral", "host"),
    ("机器人", "accent", "app"),
)
_BANNERS: tuple[tuple[BannerTone, str, str], ...] = (
    ("accent", "info", "新版本 1.1 将在今晚 22:00 后安装"),
    ("warning", "offline", "离线，正在重新连接"),
    ("danger", "shield-alert", "Identity of Daniel Reyes changed"),
    ("external", "external", "4 people here are from Northbridge Engineering"),
    ("encrypted", "key-new", "本次会议使用全新密钥"),
)


class Components(Plane):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface", parent)
        theme = current()
        edge = theme.space(7)
        halves = row(self, spacing=theme.space(8), margins=(edge, edge, edge, edge))
        left, right = column(spacing=theme.space(4)), column(spacing=theme.space(4))
        halves.addLayout(left, 1)
        halves.addLayout(right, 1)
        for widget in (self._buttons(), self._more_buttons(), self._field(), self._search(), self._switches()):
            left.addWidget(widget)
        progress = QProgressBar()
        progress.setValue(64)
        progress.setTextVisible(False)
        progress.setAccessibleName("OR-3 弱电点位图_v4.pdf")
        left.addWidget(progress)
        left.addStretch(1)
        for widget in (self._avatars(), self._tags(), *self._banners(), self._notice(), self._card()):
            right.addWidget(widget)
        right.addStretch(1)

    def _strip(self, *widgets: QWidget) -> QWidget:
        holder = QWidget()
        strip = row(holder, spacing=current().space(3))
        for widget in widgets:
            strip.addWidget(widget)
        strip.addStretch(1)
        return holder

    def _buttons(self) -> QWidget:
        return self._strip(*(Button(f"{kind.title()}", kind=kind) for kind in _KINDS))

    def _more_buttons(self) -> QWidget:
        off = Button("发送", kind="primary")
        off.set_unavailable("Write something first")
        large = Button("Sign in", kind="primary", large=True)
        return self._strip(Button("Compact", icon_name="plus", small=True), large, off, IconButton("search", "Search"))

    def _field(self) -> QWidget:
        field = Field("Server")
        field.input.setText("10.4.22.300")
        field.set_error("Not a valid address: the last part must be 0–255.")
        return field

    def _search(self) -> QWidget:
        return SearchField("Find", "姓名、拼音、工号")

    def _switches(self) -> QWidget:
        on, off, locked = SwitchButton("On"), SwitchButton("Off"), SwitchButton("Locked")
        on.setChecked(True)
        locked.setEnabled(False)
        choice = Choice("Lock the window")
        choice.set_options((("10", "After 10 minutes"), ("0", "Never")), "10")
        return self._strip(on, off, locked, choice)

    def _avatars(self) -> QWidget:
        shown: list[QWidget] = []
        for (name, size), presence in zip(_PEOPLE, Presence, strict=True):
            avatar = Avatar(size)
            avatar.show_of(f"@{name}:example", name, presence)
            shown.append(avatar)
        room = Avatar(40, room=True)
        room.show_of("!room", "外科新楼 · Site coordination")
        return self._strip(*shown, room)

    def _tags(self) -> QWidget:
        holder = QWidget()
        lines = column(holder, spacing=current().space(2))
        for part in (_TAGS[:4], _TAGS[4:]):
            lines.addWidget(self._strip(*(Tag(text, tone, icon) for text, tone, icon in part)))
        return holder

    def _banners(self) -> list[QWidget]:
        banners = [Banner(tone, icon, text) for tone, icon, text in _BANNERS]
        banners[0].add_action("现在安装", lambda: None)
        return list(banners)

    def _notice(self) -> QWidget:
        notice = Notice("danger", "error")
        notice.show_fact("The key store of this system is locked.", "Unlock it and try again.")
        notice.add_button(Button("Try again", small=True))
        return notice

    def _card(self) -> QWidget:
        card = ChoiceCard("building")
        card.set_words("Join your organisation", "Your workplace or school already uses WeLink")
        card.setChecked(True)
        holder = QWidget()
        lines = column(holder, spacing=current().space(3))
        lines.addWidget(card)
        lines.addWidget(Label("消息与会议默认端到端加密。 Data stays on your organisation’s own server.", wrap=True))
        return holder
