"""The chat page over the fake world, through its widgets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QImage, QInputMethodEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from tests.support.until import eventually
from welink_desktop.adapters.fake import FakeWorld, sample_world
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.adapters.fake.people import FakeMediaStore, FakePeople
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.errors import ServerFault
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.rooms import Membership, Typing
from welink_desktop.core.settings import SendKey
from welink_desktop.core.timeline import RecalledContent, SendPhase, SendState, TextContent, TimelineItem
from welink_desktop.features.chat.conversation import Conversation
from welink_desktop.features.chat.model import ChatModel, ToggleDetails
from welink_desktop.features.chat.timeline.sheet import Act
from welink_desktop.features.chat.view import ChatPage
from welink_desktop.ui.widgets.dialog import Dialog

SITE = RoomId("!site")
OFFSCREEN_LIMIT = "This plugin does not support"
"""What the platform of tests says of pop-ups."""


@dataclass
class Place:
    world: FakeWorld
    model: ChatModel
    page: ChatPage
    qtbot: QtBot

    @property
    def conversation(self) -> Conversation:
        found = self.model.conversation.value
        assert found is not None
        return found

    def items(self) -> list[TimelineItem]:
        return self.world.room(self.conversation.room).items

    def last(self) -> TimelineItem:
        return self.items()[-1]

    def find(self, name: str) -> QWidget:
        found = self.page.window().findChild(QWidget, name)
        assert isinstance(found, QWidget), name
        return found

    def click(self, name: str) -> None:
        self.qtbot.mouseClick(self.find(name), Qt.MouseButton.LeftButton)

    def type(self, words: str) -> None:
        QTest.keyClicks(self.page.composer.input, words)

    async def turn(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        QApplication.processEvents()

    async def see(self, fact: Callable[[], bool]) -> None:
        def look() -> bool:
            QApplication.processEvents()
            return fact()

        await eventually(look)

    def point_of(self, row: int, act: Act) -> QPoint:
        """Where to click in a row, in viewport coordinates."""
        timeline = self.page.timeline
        painter = timeline._row_painter
        assert painter is not None
        hit = next(hit for hit in painter.layout(row).sheet.hits if hit.act is act)
        return hit.box.center().toPoint() + timeline.row_box(row).topLeft()


@pytest.fixture
async def place(qtbot: QtBot, dress: Callable[..., None]) -> AsyncIterator[Place]:
    world, scope = sample_world(), Scope("test")
    model = ChatModel(FakeChat(world), FakePeople(world), FakeMediaStore(world), world.me.user, scope)
    page = ChatPage(model)
    qtbot.addWidget(page)
    page.resize(1320, 860)
    page.show()
    model.open(SITE)
    ready = Place(world, model, page, qtbot)
    await ready.see(lambda: page.timeline.above() > 2 * page.timeline.viewport().height())
    await ready.see(lambda: not ready.conversation.timeline.state.value.status.loading_older)
    yield ready
    await scope.aclose()
    page.hide()
    page.deleteLater()


def key(code: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> QKeyEvent:
    return QKeyEvent(QKeyEvent.Type.KeyPress, code, modifiers)


async def test_enter_sends_and_the_timeline_follows(place: Place) -> None:
    place.type("hello **all**")
    assert place.find("composer-send").isEnabled()
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Return)
    await place.see(lambda: isinstance(place.last().content, TextContent) and place.last().own)
    content = place.last().content
    assert isinstance(content, TextContent)
    assert (content.body, content.html) == ("hello **all**", "hello <strong>all</strong>")
    assert place.page.composer.input.toPlainText() == ""
    await place.see(lambda: place.page.timeline.at_end and place.page.timeline.placed[-1].row == len(place.items()) - 1)


async def test_shift_enter_breaks_the_line_and_the_editor_grows(place: Place) -> None:
    editor = place.page.composer.input
    before = editor.height()
    place.type("one")
    QTest.keyClick(editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    place.type("two")
    assert editor.toPlainText() == "one\ntwo"
    assert editor.height() > before
    assert not place.last().own


async def test_the_person_may_choose_ctrl_enter(place: Place) -> None:
    place.model.set_send_key(SendKey.CTRL_ENTER)
    place.type("one")
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Return)
    assert place.page.composer.input.toPlainText() == "one\n"
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    await place.see(lambda: place.last().own)


async def test_enter_never_sends_while_an_input_method_composes(place: Place) -> None:
    editor = place.page.composer.input
    QApplication.sendEvent(editor, QInputMethodEvent("zhou", []))
    assert editor.composing
    QApplication.sendEvent(editor, key(Qt.Key.Key_Return))
    await place.turn()
    assert not place.last().own
    decided = QInputMethodEvent("", [])
    decided.setCommitString("周三")
    QApplication.sendEvent(editor, decided)
    assert "周三" in editor.toPlainText()


async def test_names_are_completed_by_pinyin(place: Place) -> None:
    await place.see(lambda: bool(place.conversation.members.state.value.people))
    place.type("hi @chenji")
    completion = place.conversation.composer.state.value.completion
    assert completion is not None
    names = [one.name for one in completion.candidates]
    assert names == ["陈嘉木", "陈景然"]
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Down)
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Return)
    assert place.page.composer.input.toPlainText() == "hi @陈景然 "
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Return)
    await place.see(lambda: place.last().own)
    content = place.last().content
    assert isinstance(content, TextContent) and "matrix.to" in content.html


async def test_a_reply_is_shown_cancelled_and_sent(place: Place) -> None:
    timeline = place.page.timeline
    timeline.setFocus()
    timeline.setCurrentIndex(timeline.model().index(len(place.items()) - 1, 0))
    QTest.keyClick(timeline, Qt.Key.Key_R)
    assert place.find("composer-mode").isVisible()
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Escape)
    assert place.conversation.composer.state.value.reply is None
    QTest.keyClick(timeline, Qt.Key.Key_R)
    answered = place.last().ref
    place.type("yes")
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Return)
    await place.see(lambda: place.last().reply is not None)
    reply = place.last().reply
    assert reply is not None and reply.event == answered


async def test_up_edits_the_last_own_message_and_keeps_the_unsent_text_away(place: Place) -> None:
    editor = place.page.composer.input
    QTest.keyClick(editor, Qt.Key.Key_Up)
    assert place.conversation.composer.state.value.editing is not None
    assert editor.toPlainText().startswith("太好了")
    place.type("!")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    await place.see(
        lambda: any(isinstance(i.content, TextContent) and i.content.body.endswith("!") for i in place.items() if i.own)
    )
    assert editor.toPlainText() == ""


async def test_files_wait_with_a_preview_and_are_sent_with_a_caption(place: Place, tmp_path: Path) -> None:
    plan = tmp_path / "plan.txt"
    plan.write_text("rooms", encoding="utf-8")
    place.page.composer.add_files([str(plan), str(tmp_path), str(tmp_path / "gone.txt")])
    state = place.conversation.composer.state.value
    assert [file.name for file in state.files] == ["plan.txt"]
    assert state.problem is not None
    assert place.find("composer-files").isVisible()
    place.type("here")
    place.click("composer-send")
    await place.see(lambda: place.last().own)
    assert getattr(place.last().content, "caption", "") == "here"


async def test_a_pasted_picture_is_sent_and_leaves_nothing_behind(place: Place) -> None:
    data, image = QMimeData(), QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(0)
    data.setImageData(image)
    place.page.composer.input.insertFromMimeData(data)
    (waiting,) = place.conversation.composer.state.value.files
    assert (waiting.width, waiting.height, waiting.temporary) == (40, 20, True)
    place.click("composer-send")
    await place.see(lambda: place.last().own and not Path(waiting.path).exists())
    assert not Path(waiting.path).parent.exists()
    place.page.composer.input.insertFromMimeData(data)
    (waiting,) = place.conversation.composer.state.value.files
    place.click("composer-remove-file")
    await place.see(lambda: not Path(waiting.path).exists())


async def test_a_failed_message_is_retried_or_dropped_by_a_click(place: Place) -> None:
    place.world.connection.set(Connection(Link.OFFLINE))
    place.type("later")
    QTest.keyClick(place.page.composer.input, Qt.Key.Key_Return)
    await place.see(lambda: place.last().send.phase is SendPhase.QUEUED)
    room = place.world.room(SITE)
    index = len(room.items) - 1
    place.world.replace_item(room, index, replace(room.items[index], send=SendState(SendPhase.FAILED, ServerFault())))
    await place.turn()
    viewport = place.page.timeline.viewport()
    place.qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place.point_of(index, Act.RETRY))
    await place.see(lambda: place.last().send.phase is SendPhase.QUEUED)
    place.world.replace_item(room, index, replace(room.items[index], send=SendState(SendPhase.FAILED, ServerFault())))
    await place.turn()
    place.qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place.point_of(index, Act.DISCARD))
    await place.see(lambda: len(room.items) == index)


async def test_a_click_on_a_reaction_joins_and_leaves_it(place: Place) -> None:
    row = next(number for number, item in enumerate(place.conversation.timeline.rows) if item.reactions)
    place.page.timeline.to_row(row)
    viewport = place.page.timeline.viewport()
    people = len(place.conversation.timeline.rows[row].reactions[0].people)
    place.qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place.point_of(row, Act.REACTION))
    await place.see(lambda: len(place.conversation.timeline.rows[row].reactions[0].people) == people - 1)


async def test_the_menu_key_opens_the_actions_and_recall_asks_first(place: Place) -> None:
    timeline = place.page.timeline
    own = max(number for number, item in enumerate(place.conversation.timeline.rows) if item.own)
    timeline.setFocus()
    timeline.setCurrentIndex(timeline.model().index(own, 0))
    QTest.keyClick(timeline, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    assert place.find("message-actions").isVisible()
    assert place.find("message-edit").isVisible()
    QTest.keyClick(timeline, Qt.Key.Key_Delete)
    dialog = place.page.window().findChild(Dialog)
    assert isinstance(dialog, Dialog)
    action = next(b for b in dialog.findChildren(QWidget) if getattr(b, "text", lambda: "")() == "Recall for everyone")
    place.qtbot.mouseClick(action, Qt.MouseButton.LeftButton)
    await place.see(lambda: isinstance(place.conversation.timeline.rows[own].content, RecalledContent))


def placed_top(place: Place, key: str) -> int:
    """Where the row of a message stands."""
    timeline = place.page.timeline
    return timeline.row_box(next(number for number, one in enumerate(timeline._table.items) if one.key == key)).top()


async def test_what_is_read_stays_when_messages_come_and_a_button_leads_to_the_end(place: Place) -> None:
    timeline = place.page.timeline
    timeline.to_row(5, top=40)
    key_before = timeline._table.items[5].key
    place.world.receive(SITE, place.last().sender, "news")
    place.world.receive(SITE, place.last().sender, "more news")
    await place.turn()
    assert placed_top(place, key_before) == 40
    assert place.conversation.timeline.state.value.new_below == 2
    assert place.find("jump-to-end").isVisible()
    place.click("jump-to-end")
    assert timeline.at_end
    assert place.conversation.timeline.state.value.new_below == 0
    assert not place.find("jump-to-end").isVisible()


async def test_older_messages_come_at_the_top_without_a_jump(place: Place) -> None:
    timeline = place.page.timeline
    count = len(timeline._table.items)
    timeline.to_row(2, top=30)
    key_before = timeline._table.items[2].key
    await place.see(lambda: len(timeline._table.items) > count)
    assert placed_top(place, key_before) == 30


async def test_a_click_on_a_reply_goes_to_the_original(place: Place) -> None:
    row = next(number for number, item in enumerate(place.conversation.timeline.rows) if item.reply is not None)
    timeline = place.page.timeline
    timeline.to_row(row)
    place.qtbot.mouseClick(timeline.viewport(), Qt.MouseButton.LeftButton, pos=place.point_of(row, Act.ORIGINAL))
    reply = place.conversation.timeline.rows[row].reply
    assert reply is not None
    await place.see(lambda: timeline._table.items[timeline.currentIndex().row()].ref == reply.event)


async def test_text_is_selected_with_the_pointer_and_copied(place: Place) -> None:
    timeline, row = place.page.timeline, len(place.items()) - 1
    painter = timeline._row_painter
    assert painter is not None
    layout = painter.layout(row)
    start = layout.text_at.toPoint() + timeline.row_box(row).topLeft() + QPoint(1, 8)
    end = start + QPoint(round(layout.text.width if layout.text is not None else 0), 0)
    viewport = timeline.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(viewport, start + QPoint(4, 0))
    timeline._drag(end)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
    timeline.setFocus()
    QTest.keyClick(timeline, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    content = place.last().content
    assert isinstance(content, TextContent)
    assert QApplication.clipboard().text() == content.body


async def test_messages_are_read_aloud_in_the_order_of_the_specification(place: Place) -> None:
    model = place.page.timeline.model()
    row = next(number for number, item in enumerate(place.conversation.timeline.rows) if item.edited)
    words = str(model.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole))
    assert words.startswith("You, in reply to Maya Okafor, 太好了")
    assert words.index("edited") < words.index("Read by")
    external = next(number for number, item in enumerate(place.conversation.timeline.rows) if item.external and item.reactions)
    words = str(model.index(external, 0).data(Qt.ItemDataRole.AccessibleTextRole))
    assert words.startswith("Maya Okafor, External, Picture level-3.png")


async def test_rooms_are_marked_read_only_in_front_of_the_person(place: Place) -> None:
    place.model.set_looking(False)
    place.world.receive(SITE, place.items()[1].sender, "news")
    await place.turn()
    assert place.world.room(SITE).summary.unread.messages
    place.model.set_looking(True)
    await place.see(lambda: not place.world.room(SITE).summary.unread.messages)


async def test_arrow_keys_walk_the_list_and_enter_opens(place: Place) -> None:
    rooms = place.page.rooms.list
    rooms.setFocus()
    rooms.reveal(SITE)
    QTest.keyClick(rooms, Qt.Key.Key_Down)
    QTest.keyClick(rooms, Qt.Key.Key_Return)
    await place.see(lambda: place.model.state.value.summary is not None and place.model.state.value.summary.room != SITE)
    place.page.step(-1)
    await place.see(lambda: place.conversation.room == SITE)


async def test_search_and_filters_narrow_the_list(place: Place) -> None:
    field = place.find("room-search")
    QTest.keyClicks(field, "waike")
    shown = [row.room.name for row in place.model.room_list.state.value.rows if hasattr(row, "room")]
    assert shown == ["外科新楼 · Site coordination"]
    QTest.keyClick(field, Qt.Key.Key_Escape)
    place.click("room-filter-mentions")
    mentions = [row.room for row in place.model.room_list.state.value.rows if hasattr(row, "room")]
    assert mentions and all(room.unread.mentions for room in mentions)


async def test_an_invitation_is_accepted_in_the_main_column(place: Place) -> None:
    place.model.open(RoomId("!invitation"))
    await place.turn()
    assert place.find("chat-invitation").isVisible()
    place.click("invitation-accept")
    await place.see(lambda: place.world.room(RoomId("!invitation")).summary.membership is Membership.JOINED)
    await place.see(lambda: place.model.conversation.value is not None and place.find("composer").isVisible())


async def test_details_list_members_with_roles(place: Place) -> None:
    place.model.act(ToggleDetails())
    await place.see(lambda: len(place.page.details.list.rows) == 7)
    wanted: list[UserId] = []
    place.model.person_wanted.listen(wanted.append)
    QTest.keyClicks(place.find("member-search"), "maya")
    assert [row.member.name for row in place.page.details.list.rows] == ["Maya Okafor"]
    members = place.page.details.list
    members.setFocus()
    members.setCurrentIndex(members.model().index(0, 0))
    QTest.keyClick(members, Qt.Key.Key_Return)
    assert wanted
    place.click("details-close")
    assert not place.page.details.isVisible()


async def test_leaving_asks_and_closes_the_room(place: Place) -> None:
    place.model.act(ToggleDetails())
    await place.turn()
    place.click("details-leave")
    dialog = place.page.window().findChild(Dialog)
    assert isinstance(dialog, Dialog)
    action = next(b for b in dialog.findChildren(QWidget) if getattr(b, "text", lambda: "")() == "Leave conversation")
    place.qtbot.mouseClick(action, Qt.MouseButton.LeftButton)
    await place.see(lambda: place.model.state.value.summary is None)
    assert place.find("chat-nothing-open").isVisible()


async def test_a_draft_waits_in_its_room(place: Place) -> None:
    place.type("half")
    place.model.open(RoomId("!outpatient"))
    await place.see(lambda: place.world.room(SITE).draft == "half")
    place.model.open(SITE)
    await place.see(lambda: place.page.composer.input.toPlainText() == "half")


async def test_who_is_writing_is_said(place: Place) -> None:
    maya = next(user for user, person in place.world.people.items() if person.name == "Maya Okafor")
    await place.see(lambda: bool(place.conversation.members.state.value.people))
    place.world.room(SITE).typing.emit(Typing(SITE, (maya,)))
    assert place.find("chat-typing").property("text") == "Maya Okafor is writing…"


async def test_a_running_meeting_can_be_joined_from_the_room(place: Place) -> None:
    wanted: list[RoomId] = []
    place.model.meeting_wanted.listen(wanted.append)
    place.click("chat-join-meeting")
    place.click("chat-meeting")
    assert wanted == [SITE, SITE]


@pytest.mark.qt_log_ignore(OFFSCREEN_LIMIT)
async def test_the_emoji_panel_finds_and_inserts(place: Place) -> None:
    place.click("composer-emoji")
    panel = next(w for w in QApplication.topLevelWidgets() if w.objectName() == "emoji-panel" and w.isVisible())
    search = panel.findChild(QWidget, "emoji-search")
    assert isinstance(search, QWidget)
    QTest.keyClicks(search, "party")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert place.page.composer.input.toPlainText() in "🎉🥳"
    await place.turn()


@pytest.mark.qt_log_ignore(OFFSCREEN_LIMIT)
async def test_message_menus_offer_only_what_works(place: Place) -> None:
    timeline = place.page.timeline
    assert timeline.deeds is not None
    timeline.deeds.open_menu(place.last(), QPoint(5, 5))
    menu = timeline.findChild(QMenu, "message-menu")
    assert isinstance(menu, QMenu)
    words = [action.text().partition("\t")[0] for action in menu.actions() if action.text()]
    assert words == ["Reply", "React", "Copy text"]
    menu.close()
    await place.turn()


async def test_an_unknown_original_says_nothing_and_stays(place: Place) -> None:
    at = place.page.timeline.placed
    assert not await place.conversation.service.load_until(EventId("$nowhere"))
    assert at[-1].row
