"""A whole world in memory behind the ports: people, rooms, calls, devices.

For tests, the gallery and `--sample`. Imports core only; built by the composition root, the gallery and tests. The contract
suites in `tests/contract` run against it and against the real adapters alike.
"""

from welink_desktop.adapters.fake.accounts import FakeAccounts
from welink_desktop.adapters.fake.calls import FakeMediaEngine
from welink_desktop.adapters.fake.sample import sample_world
from welink_desktop.adapters.fake.security import FakeSecurity
from welink_desktop.adapters.fake.system import MemoryDesktop, MemorySecrets, MemorySettings
from welink_desktop.adapters.fake.trust_server import FakeTrustServer
from welink_desktop.adapters.fake.world import FakeRoom, FakeWorld

__all__ = [
    "FakeAccounts",
    "FakeMediaEngine",
    "FakeRoom",
    "FakeSecurity",
    "FakeTrustServer",
    "FakeWorld",
    "MemoryDesktop",
    "MemorySecrets",
    "MemorySettings",
    "sample_world",
]
