"""Sessions that end with their test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from welink_desktop.adapters.media.client import ProcessMediaEngine, ProcessMediaSession

EngineOpener = Callable[[], Awaitable[ProcessMediaSession]]


@pytest.fixture
def room() -> str:
    return f"room-{uuid4().hex[:8]}"


@pytest.fixture
async def media_process(tmp_path: Path) -> AsyncIterator[EngineOpener]:
    """Opens media processes; what they write to stderr is in `tmp_path/media.log`."""
    sessions: list[ProcessMediaSession] = []

    async def make() -> ProcessMediaSession:
        sessions.append(await ProcessMediaEngine(tmp_path / "media.log").open())
        return sessions[-1]

    yield make
    for session in sessions:
        await session.close()
