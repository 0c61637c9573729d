"""A rooms half of an engine per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.offline_rooms import PUSH_RULES, OfflineRooms
from welink_desktop.adapters.matrix.http import Http


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[OfflineRooms]:
    http = Http("http://127.0.0.1:9")
    made = OfflineRooms(tmp_path, http)
    made.account_data("m.push_rules", PUSH_RULES)
    yield made
    made.close()
    await http.aclose()
