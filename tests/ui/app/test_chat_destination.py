"""The open conversation and the place of the navigation stay the same."""

from collections.abc import AsyncIterator

import pytest
from pytestqt.qtbot import QtBot

from tests.support.until import eventually
from welink_desktop.adapters.fake import FakeAccounts, MemoryDesktop, sample_world
from welink_desktop.app.chat_page import ChatDestination
from welink_desktop.app.navigation import Navigation
from welink_desktop.core.ids import RoomId
from welink_desktop.core.reactive import Scope, State
from welink_desktop.core.settings import Settings

SITE, OTHER = RoomId("!site"), RoomId("!outpatient")


@pytest.fixture
async def scope() -> AsyncIterator[Scope]:
    made = Scope("test")
    yield made
    await made.aclose()


async def destination(navigation: Navigation, scope: Scope) -> ChatDestination:
    accounts = FakeAccounts(sample_world())
    (account,) = await accounts.accounts()
    session = await accounts.open(account.key)
    return ChatDestination(session, navigation, MemoryDesktop(), State(Settings()), scope)


def shown(chat: ChatDestination) -> RoomId | None:
    summary = chat.model.state.value.summary
    return summary.room if summary is not None else None


async def test_the_conversation_of_the_last_time_opens_after_the_list(scope: Scope, qtbot: QtBot) -> None:
    chat = await destination(Navigation("chat", SITE), scope)
    assert shown(chat) is None
    await eventually(lambda: shown(chat) == SITE)


async def test_a_conversation_chosen_meanwhile_wins(scope: Scope, qtbot: QtBot) -> None:
    navigation = Navigation("chat", SITE)
    chat = await destination(navigation, scope)
    chat.model.open(OTHER)
    assert navigation.place.value.room == OTHER
    await eventually(lambda: shown(chat) == OTHER)
    navigation.open_room(SITE)
    await eventually(lambda: shown(chat) == SITE)
