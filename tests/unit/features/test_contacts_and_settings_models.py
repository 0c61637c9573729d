"""Models of contacts and settings over the fake world."""

from dataclasses import replace

from tests.support.until import eventually, until
from welink_desktop.adapters.fake import FakeAccounts, FakeMediaEngine, MemorySettings, sample_world
from welink_desktop.core.errors import MediaEngineFailed
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.settings import Theme
from welink_desktop.features.contacts.model import (
    ContactsModel,
    Meet,
    Message,
    Ready,
    Reload,
    Search,
    SelectDepartment,
    ShowPerson,
    ShowUser,
    ToggleDepartment,
)
from welink_desktop.features.settings.model import (
    RefreshDevices,
    Section,
    SetAppearance,
    SetBehaviour,
    SetDevices,
    SettingsModel,
    ShowSection,
    SignOut,
)
from welink_desktop.services.directory import Directory
from welink_desktop.services.pictures import Pictures
from welink_desktop.services.preferences import Preferences
from welink_desktop.services.session import NoAccount, Open, SessionKeeper

MAYA = UserId("@maya.okafor:northbridge.example")


async def test_contacts_lead_to_chats_and_meetings() -> None:
    world = sample_world()
    session = await FakeAccounts(world).open((await FakeAccounts(world).accounts())[0].key)
    scope = Scope("test")
    model = ContactsModel(
        Directory(session.people, scope, search_delay=0),
        session.chat,
        Pictures(session.media, scope),
        world.me.user,
        scope,
    )
    model.start()
    model.start()
    state = await until(model.state, lambda now: isinstance(now.listing, Ready))
    root = state.tree[0]
    assert root.expanded
    model.act(ToggleDepartment(root.department.space, False))
    assert [row.department.name for row in model.state.value.tree] == ["云杉总医院"]
    model.act(ToggleDepartment(root.department.space, True))
    clinic = next(row for row in state.tree if row.department.name == "临床科室")
    model.act(ToggleDepartment(clinic.department.space, True))
    assert any(row.department.name == "急诊科" for row in model.state.value.tree)
    model.act(SelectDepartment(clinic.department.space))
    assert model.state.value.path[-1].name == "临床科室"
    model.act(Search("Maya"))
    await until(model.state, lambda now: isinstance(now.listing, Ready) and bool(now.listing.hits))
    model.act(ShowUser(MAYA))
    state = await until(model.state, lambda now: now.person is not None)
    assert state.person is not None
    assert model.picture(state.person, 40) is None
    rooms: list[RoomId] = []
    model.chat_wanted.listen(rooms.append)
    model.meeting_wanted.listen(rooms.append)
    model.act(Message(MAYA))
    await eventually(lambda: len(rooms) == 1)
    model.act(Meet(MAYA))
    await eventually(lambda: len(rooms) == 2)
    assert rooms == [RoomId("!dm-maya")] * 2
    model.act(Message(UserId("@nobody:nowhere")))
    model.act(ShowPerson(None))
    model.act(Reload())
    assert model.state.value.person is None
    await scope.aclose()


async def test_settings_change_look_devices_and_account() -> None:
    world = sample_world()
    keeper = SessionKeeper(FakeAccounts(world))
    await keeper.start()
    opened = keeper.state.value
    assert isinstance(opened, Open)
    engine = FakeMediaEngine(world)
    scope = Scope("test")
    preferences = Preferences(MemorySettings())
    model = SettingsModel(preferences, keeper, engine, opened.account, world.me, scope)
    look = model.state.value.settings.appearance
    model.act(SetAppearance(replace(look, theme=Theme.DARK)))
    assert preferences.value.appearance.theme is Theme.DARK
    model.act(ShowSection(Section.DEVICES))
    state = await until(model.state, lambda now: now.devices is not None)
    assert state.devices is not None
    assert [one.name for one in state.devices.cameras] == ["Built-in camera"]
    model.act(SetDevices(replace(state.settings.devices, camera="Built-in camera")))
    assert preferences.value.devices.camera == "Built-in camera"
    model.act(SetBehaviour(replace(state.settings.behaviour, hide_preview=True)))
    assert preferences.value.behaviour.hide_preview
    model.act(RefreshDevices())
    model.set_me(replace(world.me, name="Lin"))
    assert model.state.value.me is not None
    model.act(SignOut())
    await until(keeper.state, lambda now: isinstance(now, NoAccount))
    await scope.aclose()


async def test_a_media_engine_that_fails_is_said_in_the_devices() -> None:
    world = sample_world()

    class Broken(FakeMediaEngine):
        async def devices(self) -> "object":  # type: ignore[override]  # always raises
            raise MediaEngineFailed

    keeper = SessionKeeper(FakeAccounts(world))
    await keeper.start()
    opened = keeper.state.value
    assert isinstance(opened, Open)
    scope = Scope("test")
    model = SettingsModel(Preferences(MemorySettings()), keeper, Broken(world), opened.account, world.me, scope)  # type: ignore[arg-type]  # as above
    model.act(ShowSection(Section.DEVICES))
    state = await until(model.state, lambda now: now.devices_failure is not None)
    assert isinstance(state.devices_failure, MediaEngineFailed)
    await scope.aclose()
    await keeper.close()
