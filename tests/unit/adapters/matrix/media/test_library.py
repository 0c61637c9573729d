"""Media: asked for once, kept encrypted, checked before shown."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from welink_desktop.adapters.matrix.crypto.attachments import Encryptor
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.media.cache import MediaCache
from welink_desktop.adapters.matrix.media.library import MediaLibrary
from welink_desktop.adapters.matrix.outbox.files import OutgoingFiles, Part
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.store.schema import MIGRATIONS
from welink_desktop.adapters.matrix.tokens import TokenKeeper, Tokens
from welink_desktop.core.clock import SystemClock
from welink_desktop.core.errors import DiskFull, FileDamaged, NotFound, Offline
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import EncryptedFile, MediaInfo, Picture, Progress
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import OutgoingFile

URI = ContentUri("mxc://x/media1")
CANARY = b"canary picture content" * 100
INFO = MediaInfo(size=len(CANARY))


class World:
    """A library on a real store whose server answers from `files` (path end → bytes) or by `fault`."""

    def __init__(self, folder: Path, capacity: int = 1 << 20) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.decoded: list[tuple[bytes, int, int, bool]] = []
        self.fault: Callable[[httpx.Request], httpx.Response] | None = None
        self.database = Database.open(folder / "store.db", bytes(32), MIGRATIONS)
        self.clock = SystemClock()
        self.http = Http(
            "http://server.test",
            keeper=TokenKeeper(Tokens("token"), lambda tokens: None),
            clock=self.clock,
            transport=httpx.MockTransport(self.answer),
        )
        self.scope = Scope("test")
        self.cache = MediaCache(self.database, folder / "cache", self.clock, capacity=capacity)
        self.outgoing = OutgoingFiles(folder / "outbox")
        self.library = MediaLibrary(self.http, self.cache, self.outgoing, self.decode, self.scope)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode().removeprefix("/_matrix/client/v1/media/"))
        if self.fault is not None:
            return self.fault(request)
        body = self.files.get(request.url.path.removeprefix("/_matrix/client/v1/media/"))
        if body is None:
            return httpx.Response(404, json={"errcode": "M_NOT_FOUND", "error": ""})
        return httpx.Response(200, content=body)

    async def decode(self, data: bytes, width: int, height: int, *, cover: bool = False) -> Picture:
        if data.startswith(b"not a picture"):
            raise FileDamaged
        self.decoded.append((data, width, height, cover))
        return Picture(1, 1, b"bgra")

    def encrypted(self, content: bytes = CANARY, name: str = "media1") -> EncryptedFile:
        encryptor = Encryptor()
        self.files[f"download/x/{name}"] = encryptor.update(content)
        return encryptor.finish(ContentUri(f"mxc://x/{name}"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    one = World(tmp_path)
    yield one
    await one.scope.aclose()
    await one.http.aclose()
    one.database.close()


async def test_an_encrypted_picture_is_fetched_once_and_decrypted(world: World) -> None:
    source = world.encrypted()
    for _ in range(2):
        await world.library.picture(source, INFO, 100, 100)
    assert world.asked == ["download/x/media1"]
    assert world.decoded == [(CANARY, 100, 100, False)] * 2


async def test_askers_at_the_same_time_share_one_download(world: World) -> None:
    source = world.encrypted()
    await asyncio.gather(*(world.library.picture(source, INFO, 100, 100) for _ in range(10)))
    assert len(world.asked) == 1


async def test_nothing_lies_on_disk_in_clear(world: World, tmp_path: Path) -> None:
    world.files["thumbnail/x/a"] = CANARY
    world.files["download/x/b"] = CANARY
    await world.library.avatar(ContentUri("mxc://x/a"), 48)
    await world.library.picture(ContentUri("mxc://x/b"), INFO, 2000, 2000)
    await world.library.picture(world.encrypted(), INFO, 100, 100)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len([path for path in written if path.parent.name == "cache"]) == 3
    assert not any(b"canary" in path.read_bytes() for path in written)
    assert all(path.stat().st_mode & 0o077 == 0 for path in written if path.parent.name == "cache")


async def test_a_wrong_hash_shows_not_a_byte(world: World, tmp_path: Path) -> None:
    source = world.encrypted()
    world.files["download/x/media1"] = b"\0" + world.files["download/x/media1"][1:]
    with pytest.raises(FileDamaged):
        await world.library.picture(source, INFO, 100, 100)
    with pytest.raises(FileDamaged):
        await world.library.save(source, tmp_path / "out")
    assert world.decoded == [] and not (tmp_path / "out").exists()
    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_file_damaged_on_this_disk_is_not_shown_and_fetched_again(world: World, tmp_path: Path) -> None:
    source = world.encrypted()
    await world.library.picture(source, INFO, 100, 100)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b"x" * kept.stat().st_size)
    await world.library.picture(source, INFO, 100, 100)
    assert len(world.asked) == 2 and world.decoded == [(CANARY, 100, 100, False)] * 2
    for left in (tmp_path / "cache").iterdir():
        left.unlink()
    await world.library.picture(source, INFO, 100, 100)
    assert len(world.asked) == 3


async def test_small_boxes_ask_for_thumbnails(world: World) -> None:
    world.files["thumbnail/x/media1"] = CANARY
    await world.library.avatar(URI, 40)
    await world.library.picture(URI, MediaInfo(size=5_000_000), 300, 200)
    assert [path.partition("?")[2] for path in world.asked] == [
        "width=96&height=96&method=crop&animated=false",
        "width=320&height=240&method=scale&animated=false",
    ]
    assert world.decoded[0][1:] == (40, 40, True)


async def test_where_there_is_no_thumbnail_the_file_is_used(world: World) -> None:
    world.files["download/x/media1"] = CANARY

    def none(request: httpx.Request) -> httpx.Response:
        if "thumbnail" in request.url.path:
            return httpx.Response(400, json={"errcode": "M_UNKNOWN", "error": ""})
        return httpx.Response(200, content=CANARY)

    world.fault = none
    await world.library.avatar(URI, 40)
    await world.library.avatar(URI, 41)
    assert [path.partition("?")[0] for path in world.asked] == ["thumbnail/x/media1", "download/x/media1"]


async def test_the_senders_thumbnail_serves_small_boxes_and_a_bad_one_does_not_hide_the_picture(world: World) -> None:
    source, thumbnail = world.encrypted(), world.encrypted(b"thumb", "t")
    info = MediaInfo(size=3_000_000, thumbnail=thumbnail)
    await world.library.picture(source, info, 200, 200)
    await world.library.picture(source, info, 2000, 2000)
    bad = MediaInfo(size=3_000_000, thumbnail=world.encrypted(b"not a picture", "u"))
    await world.library.picture(source, bad, 200, 200)
    assert [one[0] for one in world.decoded] == [b"thumb", CANARY, CANARY]


async def test_what_is_missing_is_not_asked_for_again_at_once(world: World) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            await world.library.avatar(URI, 40)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    "address",
    [
        "mxc://x/../../client/v3/logout",
        "mxc://x/a%2fb",
        "mxc://x/",
        "mxc:///a",
        "http://x/a",
        "mxc://x/a?b",
        "mxc://x/a/b",
        "mxc://u@x/a",
    ],
)
async def test_other_addresses_never_become_a_request(world: World, address: str) -> None:
    for attempt in (world.library.avatar(ContentUri(address), 40), world.library.picture(ContentUri(address), INFO, 9, 9)):
        with pytest.raises(NotFound):
            await attempt
    assert world.asked == []


async def test_errors_are_told_as_the_port_promises(world: World) -> None:
    answers: list[tuple[httpx.Response | Exception, type[Exception]]] = [
        (httpx.ConnectError("no"), Offline),
        (httpx.Response(500), Offline),
        (httpx.Response(429, json={"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 5}), Offline),
        (httpx.Response(403, json={"errcode": "M_FORBIDDEN"}), NotFound),
        (httpx.Response(302, headers={"location": "http://elsewhere"}), Offline),
    ]
    for number, (answer, expected) in enumerate(answers):

        def fault(request: httpx.Request, answer: httpx.Response | Exception = answer) -> httpx.Response:
            if isinstance(answer, Exception):
                raise answer
            return answer

        world.fault = fault
        with pytest.raises(expected):
            await world.library.picture(ContentUri(f"mxc://x/{number}"), INFO, 3000, 3000)


async def test_saving_writes_a_new_file_and_never_over_one(world: World, tmp_path: Path) -> None:
    source = world.encrypted(CANARY * 1000)
    seen: list[Progress] = []
    await world.library.save(source, tmp_path / "out", seen.append)
    assert (tmp_path / "out").read_bytes() == CANARY * 1000
    assert seen[-1] == Progress(len(CANARY) * 1000, len(CANARY) * 1000)
    with pytest.raises(DiskFull):
        await world.library.save(source, tmp_path / "out")
    await world.library.save(source, tmp_path / "again", seen.append)
    assert len(world.asked) == 1


async def test_the_cache_keeps_to_its_size_and_forgets_the_longest_unused(tmp_path: Path) -> None:
    world = World(tmp_path, capacity=3 * len(CANARY))
    sources = [world.encrypted(CANARY, str(number)) for number in range(4)]
    for number in (0, 1, 2, 0, 3, 0, 1):
        await world.library.picture(sources[number], INFO, 100, 100)
    assert [path[-1] for path in world.asked] == ["0", "1", "2", "3", "1"]
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 3 * len(CANARY)
    (tmp_path / "cache" / "stray").write_bytes(b"x")
    world.cache.tidy()
    assert len(list((tmp_path / "cache").iterdir())) == 3
    await world.scope.aclose()
    await world.http.aclose()
    world.database.close()


async def test_the_same_address_with_other_keys_is_not_mixed_up(world: World) -> None:
    source = world.encrypted()
    await world.library.picture(URI, INFO, 3000, 3000)
    await world.library.picture(source, INFO, 100, 100)
    assert world.decoded[1][0] == CANARY
    stranger = EncryptedFile(URI, bytes(32), bytes(16), bytes(32))
    with pytest.raises(FileDamaged):
        await world.library.picture(stranger, INFO, 100, 100)
    await world.library.picture(source, INFO, 100, 100)
    assert world.decoded[2][0] == CANARY


@pytest.mark.parametrize("clear", [True, False])
async def test_what_we_send_is_shown_before_and_after_its_upload(world: World, tmp_path: Path, clear: bool) -> None:
    (tmp_path / "mine.png").write_bytes(CANARY)
    kept = await world.outgoing.keep(OutgoingFile(str(tmp_path / "mine.png")), None)
    part = Part.from_json(kept["parts"]["file"])
    await world.library.picture(part.keys, INFO, 100, 100)
    world.library.adopt(URI, part, clear)
    world.outgoing.remove(kept)
    source = URI if clear else EncryptedFile(URI, part.keys.key, part.keys.iv, part.keys.sha256)
    await world.library.picture(source, INFO, 100, 100)
    assert world.asked == [] and [one[0] for one in world.decoded] == [CANARY, CANARY]
    with pytest.raises(NotFound):
        await world.library.picture(part.keys, INFO, 100, 100)
