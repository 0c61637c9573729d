"""Pictures asked for at paint time."""

import asyncio
from pathlib import Path

from tests.support.until import eventually
from welink_desktop.core.errors import NotFound
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import MediaInfo, MediaSource, Picture, Progress
from welink_desktop.core.ports.listener import Listener
from welink_desktop.core.reactive import Scope
from welink_desktop.services.pictures import PictureKey, Pictures, key_of


class Store:
    """A media store that counts, and waits until it is let go."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked: list[str] = []
        self.running = 0
        self.most = 0

    async def avatar(self, uri: ContentUri, size: int) -> Picture:
        return await self._make(uri, size, size)

    async def picture(self, source: MediaSource, info: MediaInfo, max_width: int, max_height: int) -> Picture:
        return await self._make(str(source), max_width, max_height)

    async def save(self, source: MediaSource, target: Path, progress: Listener[Progress] | None = None) -> None:
        raise NotFound

    async def _make(self, uri: str, width: int, height: int) -> Picture:
        self.asked.append(uri)
        self.running += 1
        self.most = max(self.most, self.running)
        await self.gate.wait()
        self.running -= 1
        if "missing" in uri:
            raise NotFound
        return Picture(width, height, bytes(width * height * 4))


async def test_a_picture_is_fetched_once_and_told_when_it_is_there() -> None:
    store, scope = Store(), Scope("test")
    pictures = Pictures(store, scope)
    arrived: list[PictureKey] = []
    pictures.arrived.listen(arrived.append)
    uri = ContentUri("mxc://a/b")
    assert pictures.avatar(uri, 40) is None
    assert pictures.avatar(uri, 40) is None
    store.gate.set()
    await eventually(lambda: arrived == [PictureKey(uri, 40)])
    found = pictures.avatar(uri, 40)
    assert found is not None and found.width == 40
    assert store.asked == [uri]
    await scope.aclose()


async def test_few_downloads_at_a_time_the_newest_wish_first() -> None:
    store, scope = Store(), Scope("test")
    pictures = Pictures(store, scope, parallel=2)
    for number in range(8):
        pictures.picture(ContentUri(f"mxc://a/{number}"), MediaInfo(), 10, 10)
    await asyncio.sleep(0)
    store.gate.set()
    await eventually(lambda: len(store.asked) == 8 and not store.running)
    assert store.most == 2
    assert store.asked[2] == "mxc://a/7"
    await scope.aclose()


async def test_what_cannot_be_had_is_not_asked_again_at_once() -> None:
    store, scope = Store(), Scope("test")
    pictures = Pictures(store, scope)
    store.gate.set()
    uri = ContentUri("mxc://a/missing")
    pictures.picture(uri, MediaInfo(), 10, 10)
    await eventually(lambda: pictures.failed(key_of(uri, 10, 10)))
    assert pictures.picture(uri, MediaInfo(), 10, 10) is None
    assert len(store.asked) == 1
    await scope.aclose()


async def test_memory_is_bounded() -> None:
    store, scope = Store(), Scope("test")
    pictures = Pictures(store, scope, limit_bytes=1000)
    store.gate.set()
    for number in range(5):
        pictures.picture(ContentUri(f"mxc://a/{number}"), MediaInfo(), 10, 10)
    await eventually(lambda: len(store.asked) == 5 and not store.running)
    await asyncio.sleep(0)
    assert sum(pictures.picture(ContentUri(f"mxc://a/{number}"), MediaInfo(), 10, 10) is not None for number in range(5)) <= 2
    await scope.aclose()
