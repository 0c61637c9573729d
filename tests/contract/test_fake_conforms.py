"""The fake world has the types of the ports (checked by mypy, built here)."""

from welink_desktop.adapters.fake import FakeAccounts, FakeMediaEngine, MemoryDesktop, MemorySecrets, MemorySettings, sample_world
from welink_desktop.core.ports.accounts import Accounts, Session
from welink_desktop.core.ports.calls import MediaEngine
from welink_desktop.core.ports.system import Desktop, Secrets, SettingsStore


async def test_each_fake_is_its_port() -> None:
    world = sample_world()
    accounts: Accounts = FakeAccounts(world)
    engine: MediaEngine = FakeMediaEngine(world)
    desktop: Desktop = MemoryDesktop()
    secrets: Secrets = MemorySecrets()
    settings: SettingsStore = MemorySettings()
    (account,) = await accounts.accounts()
    session: Session = await accounts.open(account.key)
    assert session.account.user == world.me.user
    assert (await engine.devices()).cameras
    assert desktop.open_link("file:///etc/passwd") is False
    assert secrets.get("nothing") is None
    assert settings.load().appearance.text_scale == 1.0
