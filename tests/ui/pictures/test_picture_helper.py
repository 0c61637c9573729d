"""Untrusted pictures: the helper decodes four kinds, survives bombs and is replaced when it dies."""

import asyncio
import random
import struct
import sys
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QColor, QImage

from welink_desktop.core.errors import FileDamaged
from welink_desktop.ui.pictures.client import PictureHelper
from welink_desktop.ui.pictures.helper import sniff


def picture_file(kind: str, width: int, height: int, colour: str = "#336699") -> bytes:
    image = QImage(width, height, QImage.Format.Format_ARGB32)
    image.fill(QColor(colour))
    raw = QByteArray()
    buffer = QBuffer(raw)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, kind)  # type: ignore[call-overload] # the stub knows file names only
    return bytes(raw.data())


def png_bomb(side: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    row = b"\0" * (1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(min(side, 5000))) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.fixture
async def helper() -> AsyncIterator[PictureHelper]:
    client = PictureHelper()
    yield client
    await client.aclose()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_the_allowed_kinds_are_decoded_and_fitted(helper: PictureHelper, kind: str) -> None:
    picture = await helper.decode(picture_file(kind, 400, 200), 100, 100)
    assert (picture.width, picture.height) == (100, 50)
    blue, green, red, alpha = picture.pixels[:4]
    assert abs(red - 0x33) < 6 and abs(green - 0x66) < 6 and abs(blue - 0x99) < 6 and alpha == 255
    assert len(picture.pixels) == 100 * 50 * 4


async def test_the_first_picture_of_a_gif_is_shown(helper: PictureHelper) -> None:
    tiny = bytes.fromhex("47494638396101000100800000ff0000000000 2c00000000010001000002024401003b".replace(" ", ""))
    picture = await helper.decode(tiny, 10, 10)
    assert (picture.width, picture.height) == (1, 1)
    assert picture.pixels == b"\x00\x00\xff\xff"


async def test_nothing_is_enlarged_but_a_cover_fills_its_box(helper: PictureHelper) -> None:
    small = picture_file("PNG", 30, 20)
    assert (await helper.decode(small, 100, 100)).width == 30
    covered = await helper.decode(small, 64, 64, cover=True)
    assert (covered.width, covered.height) == (64, 64)
    line = await helper.decode(picture_file("PNG", 3000, 1), 48, 48, cover=True)
    assert (line.width, line.height) == (48, 48)
    assert (await helper.decode(picture_file("PNG", 3000, 1), 100, 100)).height == 1


async def test_a_large_photo_is_decoded_within_the_limits(helper: PictureHelper) -> None:
    photo = picture_file("JPEG", 8000, 6000)
    picture = await helper.decode(photo, 400, 400)
    assert (picture.width, picture.height) == (400, 300)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><image href="file:///etc/passwd"/></svg>'
REFUSED = {
    "svg": SVG,
    "svg with a picture's beginning": b"\xff\xd8\xff" + SVG,
    "bmp": b"BM" + b"\0" * 60,
    "ico": b"\0\0\1\0" + b"\0" * 40,
    "xpm": b'/* XPM */ static char *x[] = {"1 1 1 1", "a c #fff", "a"};',
    "pbm": b"P1 1 1 1",
    "tiff": b"II*\0" + b"\0" * 40,
    "text": b"hello",
    "gif claiming 65535 squared": b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;",
    "cut png": b"\x89PNG\r\n\x1a\n",
    "cut webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "png bomb 20000": png_bomb(20_000),
    "png bomb 60000": png_bomb(60_000),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_everything_else_is_refused_quickly(helper: PictureHelper, name: str) -> None:
    await helper.decode(picture_file("PNG", 4, 4), 4, 4)
    before = time.monotonic()
    with pytest.raises(FileDamaged):
        await helper.decode(REFUSED[name], 200, 200)
    assert time.monotonic() - before <= 2.5
    assert (await helper.decode(picture_file("PNG", 4, 4), 4, 4)).width == 4


async def test_mutated_pictures_never_reach_beyond_the_limits(helper: PictureHelper) -> None:
    chance = random.Random(20261123)
    originals = [picture_file(kind, 120, 90) for kind in ("PNG", "JPEG", "WEBP")]
    peak = 0
    for _ in range(400):
        damaged = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 12)):
            damaged[chance.randrange(8, len(damaged))] = chance.randrange(256)
        try:
            picture = await helper.decode(bytes(damaged[: chance.randint(len(damaged) // 2, len(damaged))]), 64, 64)
            assert picture.width <= 64 and picture.height <= 64
        except FileDamaged:
            pass
        peak = max(peak, peak_kilobytes(helper.process_id))
    assert peak <= 256 * 1024


def peak_kilobytes(process: int | None) -> int:
    status = Path(f"/proc/{process}/status")
    if process is None or not status.exists():
        return 0
    return next((int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")), 0)


async def test_the_largest_allowed_picture_stays_within_the_memory_limit(helper: PictureHelper) -> None:
    picture = await helper.decode(picture_file("PNG", 4000, 4000), 2000, 2000)
    assert picture.width == 2000
    assert peak_kilobytes(helper.process_id) <= 256 * 1024


async def test_a_dead_helper_is_replaced(helper: PictureHelper) -> None:
    png = picture_file("PNG", 4, 4)
    await helper.decode(png, 4, 4)
    first = helper._process
    assert first is not None
    first.kill()
    await first.wait()
    assert (await helper.decode(png, 4, 4)).width == 4
    assert helper._process is not first


async def test_a_stalled_helper_is_ended() -> None:
    import welink_desktop.ui.pictures.client as client

    stalled = PictureHelper((sys.executable, "-c", "import sys; sys.stdin.buffer.read()"), deadline=0.2)
    stalled._fresh = False
    try:
        client.START_DEADLINE, kept = 0.1, client.START_DEADLINE
        with pytest.raises(FileDamaged):
            await stalled.decode(b"x", 4, 4)
        assert stalled.process_id is None
    finally:
        client.START_DEADLINE = kept
        await stalled.aclose()


async def test_a_lying_helper_is_not_believed() -> None:
    answer = (
        "import sys; sys.stdin.buffer.read(14); sys.stdout.buffer.write(bytes([0,0,0,0,9,0,0,0,9,0,0,0,1,7])); sys.stdout.flush()"
    )
    liar = PictureHelper((sys.executable, "-c", answer))
    with pytest.raises(FileDamaged):
        await liar.decode(b"x", 4, 4)
    await liar.aclose()


@pytest.mark.logs_errors
async def test_a_program_that_is_missing_is_told() -> None:
    with pytest.raises(FileDamaged):
        await PictureHelper(("/nonexistent/helper",)).decode(b"x", 4, 4)


async def test_an_idle_helper_gives_its_memory_back() -> None:
    helper = PictureHelper(idle_seconds=0.05)
    png = picture_file("PNG", 4, 4)
    await helper.decode(png, 4, 4)
    process = helper._process
    assert process is not None
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert (await helper.decode(png, 4, 4)).width == 4
    await helper.aclose()


async def test_many_askers_take_turns(helper: PictureHelper) -> None:
    files = [picture_file("PNG", side, side) for side in range(1, 21)]
    pictures = await asyncio.gather(*(helper.decode(data, 100, 100) for data in files))
    assert [picture.width for picture in pictures] == list(range(1, 21))


async def test_a_cancelled_asker_does_not_spoil_the_next(helper: PictureHelper) -> None:
    big = picture_file("PNG", 3000, 3000)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(helper.decode(big, 2000, 2000), 0.001)
    assert (await helper.decode(picture_file("PNG", 7, 7), 100, 100)).width == 7


def test_kinds_are_told_by_content() -> None:
    assert sniff(b"\x89PNG\r\n\x1a\n") == b"png"
    assert sniff(b"<svg") is None
    assert sniff(b"") is None
