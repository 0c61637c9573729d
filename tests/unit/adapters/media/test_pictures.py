"""Pictures of the media process: bars, sizes, colours, sources without a device."""

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.media.process import barcode
from welink_desktop.adapters.media.process import capture as capture_module
from welink_desktop.adapters.media.process.board import MemoryBoard
from welink_desktop.adapters.media.process.capture import Capture, open_source
from welink_desktop.adapters.media.process.feeds import video_options
from welink_desktop.adapters.media.process.pictures import Picture, Pixels, fitted, from_bgr, from_planes, paint, planes, scaled
from welink_desktop.adapters.media.process.sources import DrawnPicture, level_of, load_sound, speak
from welink_desktop.core.calls import CaptureKind, CaptureSource, TileRequest, TrackSource
from welink_desktop.core.errors import DeviceUnavailable, WeLinkError

SYNTHETIC = CaptureSource(CaptureKind.SYNTHETIC, width=320, height=180, fps=30)


def plain(width: int, height: int, bgr: tuple[int, int, int] = (40, 90, 200)) -> Pixels:
    return np.full((height, width, 3), bgr, np.uint8)


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (160, 90), (1280, 720), (98, 62)])
@pytest.mark.parametrize("number", [0, 1, 4711, 65535])
def test_a_drawn_number_is_read_again_at_any_size(size: tuple[int, int], number: int) -> None:
    picture = from_bgr(plain(640, 360))
    barcode.draw(picture, number)
    assert barcode.read(scaled(picture, size[0] // 2 * 2, size[1] // 2 * 2).luma) == number


def test_a_number_survives_lossy_encoding() -> None:
    picture = from_bgr(plain(320, 180))
    barcode.draw(picture, 1234)
    pixels = bytearray(320 * 180 * 4)
    paint(picture, memoryview(pixels))
    image = np.frombuffer(pixels, np.uint8).reshape(180, 320, 4)[:, :, :3]
    _, jpeg = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, 30])
    back = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert back is not None
    assert barcode.read(np.asarray(back[:, :, 1], np.uint8)) == 1234


def test_noise_and_plain_pictures_carry_no_number() -> None:
    dice = np.random.default_rng(1)
    assert all(barcode.read(dice.integers(0, 255, (180, 320), dtype=np.uint8)) is None for _ in range(200))
    assert barcode.read(np.zeros((180, 320), np.uint8)) is None
    assert barcode.read(np.zeros((4, 4), np.uint8)) is None


def test_colours_survive_the_way_to_the_screen() -> None:
    pixels = bytearray(64 * 36 * 4)
    paint(from_bgr(plain(64, 36)), memoryview(pixels))
    assert np.abs(np.frombuffer(pixels, np.uint8).reshape(-1, 4).mean(axis=0) - [40, 90, 200, 255]).max() < 6


@given(st.integers(2, 4000), st.integers(2, 4000), st.integers(2, 2000), st.integers(2, 2000), st.sampled_from([0, 90, 180, 270]))
def test_a_fitted_picture_is_inside_its_box_and_never_larger(width: int, height: int, wide: int, high: int, turn: int) -> None:
    picture = Picture(np.empty((0, 0), np.uint8), width // 2 * 2, height // 2 * 2, turn)
    fit = fitted(picture, wide // 2 * 2, high // 2 * 2)
    box = (wide // 2 * 2, high // 2 * 2) if turn in (0, 180) else (high // 2 * 2, wide // 2 * 2)
    assert 2 <= fit[0] <= max(2, min(box[0], picture.width))
    assert 2 <= fit[1] <= max(2, min(box[1], picture.height))


def test_planes_with_odd_sides_are_cut_even() -> None:
    picture = from_planes(np.full((7, 9), 80, np.uint8), np.full((4, 5), 100, np.uint8), np.full((4, 5), 150, np.uint8), 90, 5)
    assert (picture.width, picture.height, picture.rotation) == (8, 6, 90)
    assert [int(plane.mean()) for plane in planes(picture)] == [80, 100, 150]


def test_a_turned_picture_fits_its_tile_when_shown(tmp_path: Path) -> None:
    del tmp_path
    board = MemoryBoard()
    board.arrange([TileRequest(1, "a", TrackSource.CAMERA, 320, 180)], "me")
    turned = from_bgr(plain(640, 360))
    board.put("a", TrackSource.CAMERA, Picture(turned.data, 640, 360, 90))
    frame = board.take(1)
    assert frame is not None
    assert frame.rotation == 90
    assert frame.height <= 320 and frame.width <= 180


def test_synthetic_pictures_move_and_are_numbered() -> None:
    source = DrawnPicture(SYNTHETIC, bars=True)
    shown = [source.draw() for _ in range(30)]
    assert [barcode.read(picture.luma) for picture in shown] == list(range(30))
    assert np.abs(shown[0].data[30:180].astype(int) - shown[29].data[30:180]).mean() > 0.1


def test_a_picture_file_is_panned_without_bars(tmp_path: Path) -> None:
    path = tmp_path / "画像.png"
    path.write_bytes(cv2.imencode(".png", plain(400, 500))[1].tobytes())
    source = DrawnPicture(CaptureSource(CaptureKind.FILE, path=str(path), width=320, height=180), bars=False)
    picture = source.draw()
    assert (picture.width, picture.height) == (320, 180)
    assert barcode.read(picture.luma) is None


@pytest.mark.parametrize("name", ["missing.png", "broken.png"])
def test_a_file_that_is_no_picture_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(DeviceUnavailable) as caught:
        open_source(TrackSource.CAMERA, CaptureSource(CaptureKind.FILE, path=str(tmp_path / name)))
    assert caught.value.args_for_text == {"device": name}


async def test_a_film_is_played_over_and_over(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50, (64, 48))
    for _ in range(3):
        writer.write(plain(64, 48))
    writer.release()
    pictures: asyncio.Queue[Picture] = asyncio.Queue()

    def put(picture: Picture) -> None:
        loop.call_soon_threadsafe(pictures.put_nowait, picture)

    capture = Capture(TrackSource.CAMERA, lambda _: None, lambda _: None)
    loop = asyncio.get_running_loop()
    await capture.configure(CaptureSource(CaptureKind.FILE, path=str(path)))
    size = await capture.add("test", put)
    assert size == (64, 48)
    for _ in range(8):
        await asyncio.wait_for(pictures.get(), 5)
    await capture.close()


async def test_a_broken_film_is_told(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no film")
    capture = Capture(TrackSource.CAMERA, lambda _: None, lambda _: None)
    await capture.configure(CaptureSource(CaptureKind.FILE, path=str(tmp_path / "film.mp4")))
    with pytest.raises(DeviceUnavailable):
        await capture.add("test", lambda _: None)
    await capture.close()


async def test_a_missing_camera_is_told_at_once() -> None:
    capture = Capture(TrackSource.CAMERA, lambda _: None, lambda _: None)
    await capture.configure(CaptureSource(device="No such camera"))
    with pytest.raises(DeviceUnavailable) as caught:
        await capture.add("test", lambda _: None)
    assert caught.value.args_for_text == {"device": "No such camera"}
    await capture.close()


async def test_a_capture_runs_only_while_somebody_wants_it() -> None:
    shown: list[Picture] = []
    failures: list[WeLinkError] = []
    capture = Capture(TrackSource.CAMERA, shown.append, failures.append)
    await capture.configure(SYNTHETIC)
    await capture.add("preview", lambda _: None)
    await capture.add("published", lambda _: None)
    await capture.remove("preview")
    assert capture.device == "synthetic"
    await capture.configure(CaptureSource(CaptureKind.SYNTHETIC, width=160, height=90, fps=30))
    assert shown[-1].width == 160
    await capture.remove("published")
    assert capture.device == ""
    assert not failures


def test_a_tone_has_its_frequency_and_a_level() -> None:
    samples = load_sound(CaptureSource(CaptureKind.SYNTHETIC, device="1000"))
    assert int(np.abs(np.fft.rfft(samples)).argmax()) == 1000
    assert 0.6 < level_of(samples) < 1
    assert level_of(np.zeros(100, np.int16)) == 0
    assert level_of(np.zeros(0, np.int16)) == 0


def test_a_sound_file_is_brought_to_the_rate_of_the_meeting(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 16000, 0, "NONE", ""))
        file.writeframes(np.zeros((16000, 2), "<i2").tobytes())
    assert len(load_sound(CaptureSource(CaptureKind.FILE, path=str(path)))) == 48000 + 24000


@pytest.mark.parametrize("content", [b"", b"RIFFxxxxWAVE", b"text"])
def test_a_file_that_is_no_sound_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DeviceUnavailable):
        load_sound(CaptureSource(CaptureKind.FILE, path=str(tmp_path / "a.wav")))


def test_words_are_spoken_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "words.wav"
    if not speak("Good morning", path):
        pytest.skip("espeak-ng is not installed (make setup-test)")
    assert level_of(load_sound(CaptureSource(CaptureKind.FILE, path=str(path)))) > 0.3


def test_small_cameras_are_sent_in_one_layer_and_large_ones_in_three() -> None:
    assert not video_options(320, 180, 15, screen=False).simulcast
    assert video_options(1280, 720, 30, screen=False).simulcast
    screen = video_options(1920, 1080, 30, screen=True)
    assert not screen.simulcast
    assert screen.video_encoding.max_framerate == 15


class Unplugged:
    """A camera that can be pulled out."""

    name = "USB"

    def __init__(self) -> None:
        self.failed: Callable[[WeLinkError], None] = lambda error: None

    def start(self, deliver: Callable[[Picture], None], failed: Callable[[WeLinkError], None]) -> None:
        self.failed = failed
        deliver(from_bgr(plain(64, 48)))

    async def stop(self) -> None: ...


async def test_an_unplugged_camera_is_told_and_can_be_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Unplugged] = []

    def open_unplugged(*_: object) -> Unplugged:
        opened.append(Unplugged())
        return opened[-1]

    monkeypatch.setattr(capture_module, "open_source", open_unplugged)
    failures: list[WeLinkError] = []
    told = asyncio.Event()

    def lost(error: WeLinkError) -> None:
        failures.append(error)
        told.set()

    capture = Capture(TrackSource.CAMERA, lambda _: None, lost)
    assert await capture.add("preview", lambda _: None) == (64, 48)
    opened[0].failed(DeviceUnavailable("pulled", device="USB"))
    await asyncio.wait_for(told.wait(), 5)
    assert isinstance(failures[0], DeviceUnavailable)
    assert await capture.add("preview", lambda _: None) == (64, 48)
    assert len(opened) == 2
    await capture.close()


async def test_a_wayland_screen_is_refused_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("DISPLAY", ":99"), ("XDG_SESSION_TYPE", "wayland"), ("WAYLAND_DISPLAY", "wayland-0")):
        monkeypatch.setenv(name, value)
    capture = Capture(TrackSource.SCREEN, lambda _: None, lambda _: None)
    with pytest.raises(DeviceUnavailable):
        await capture.add("share", lambda _: None)
    await capture.close()
