"""The frame arena: newest wins, what is held stays, nothing of the media process is believed beyond the layout."""

import itertools
import mmap
import random
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.adapters.media import arena, memory
from welink_desktop.adapters.media.arena import ArenaReader, ArenaWriter, plan, with_preview
from welink_desktop.adapters.media.wire import TileLayout
from welink_desktop.core.calls import TileRequest, TrackSource

SIZE = 2 << 20


def tile(number: int, width: int = 64, height: int = 36, identity: str = "a") -> TileRequest:
    return TileRequest(number, identity, TrackSource.CAMERA, width, height)


@pytest.fixture
def mapping() -> Iterator[mmap.mmap]:
    shared = memory.create(SIZE)
    arena.prepare(shared.mapping)
    shared.close_descriptor()
    yield shared.mapping


@pytest.fixture
def reader(mapping: mmap.mmap) -> Iterator[ArenaReader]:
    reader = ArenaReader(mapping)
    yield reader
    reader.close()


def write(writer: ArenaWriter, gen: int, place: TileLayout, value: int, width: int = 0, height: int = 0) -> int:
    slot, pixels = writer.slot(gen, place)
    width, height = width or place.width, height or place.height
    pixels[: width * height * 4] = bytes([value]) * (width * height * 4)
    writer.publish(gen, place, slot, width, height, 0, 1, 2)
    return slot


def test_a_written_frame_is_taken_without_a_copy(mapping: mmap.mmap, reader: ArenaReader) -> None:
    (place,) = reader.lay_out(1, [tile(7)])
    assert reader.take(7) is None
    assert not reader.changed()
    write(ArenaWriter(mapping), 1, place, 0xAB)
    assert reader.changed()
    assert not reader.changed()
    frame = reader.take(7)
    assert frame is not None
    assert (frame.width, frame.height, frame.stride) == (64, 36, 256)
    assert set(frame.pixels) == {0xAB}
    assert frame.pixels.nbytes == 36 * 256
    assert reader.take(7) is frame, "nothing new is the same frame"
    assert reader.take(8) is None


def test_the_newest_frame_wins_and_the_held_one_is_not_touched(mapping: mmap.mmap, reader: ArenaReader) -> None:
    (place,) = reader.lay_out(1, [tile(0)])
    writer = ArenaWriter(mapping)
    write(writer, 1, place, 1)
    held = reader.take(0)
    for value in range(2, 40):
        write(writer, 1, place, value)
    assert held is not None
    assert set(held.pixels) == {1}
    newest = reader.take(0)
    assert newest is not None
    assert set(newest.pixels) == {39}
    assert newest.sequence > held.sequence


def test_an_old_picture_stays_until_the_new_layout_has_its_own(mapping: mmap.mmap, reader: ArenaReader) -> None:
    writer = ArenaWriter(mapping)
    (place,) = reader.lay_out(1, [tile(0)])
    write(writer, 1, place, 5)
    reader.take(0)
    (larger,) = reader.lay_out(2, [tile(0, 128, 72)])
    before = reader.take(0)
    assert before is not None
    assert (before.width, set(before.pixels)) == (64, {5})
    write(writer, 2, larger, 6)
    now = reader.take(0)
    assert now is not None
    assert (now.width, set(now.pixels)) == (128, {6})


def test_a_tile_of_somebody_else_never_shows_the_old_person(mapping: mmap.mmap, reader: ArenaReader) -> None:
    writer = ArenaWriter(mapping)
    (place,) = reader.lay_out(1, [tile(0, identity="anna")])
    write(writer, 1, place, 5)
    reader.take(0)
    reader.lay_out(2, [tile(0, identity="ben")])
    assert reader.take(0) is None


def test_many_tiles_get_places_that_do_not_overlap() -> None:
    layouts = plan([tile(number, 320, 180) for number in range(25)], memory.SIZE)
    ends = [(place.offset, place.offset + 3 * place.slot_bytes) for place in layouts]
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(ends))
    assert all(place.offset % 64 == 0 and place.slot_bytes >= 320 * 180 * 4 for place in layouts)
    assert ends[-1][1] <= arena.pixel_bytes(memory.SIZE)


def test_what_does_not_fit_shrinks_together() -> None:
    layouts = plan([tile(0, 3840, 2160), tile(1, 1920, 1080)], memory.SIZE)
    assert layouts[1].offset + 3 * layouts[1].slot_bytes <= arena.pixel_bytes(memory.SIZE)
    assert layouts[0].width == pytest.approx(2 * layouts[1].width, abs=4)
    assert layouts[0].width > 1600


@given(st.lists(st.tuples(st.integers(-5, 20000), st.integers(-5, 20000)), max_size=140))
def test_every_layout_fits(sizes: list[tuple[int, int]]) -> None:
    layouts = plan([tile(number, width, height) for number, (width, height) in enumerate(sizes)], memory.SIZE)
    assert len(layouts) <= arena.ENTRIES
    for place in layouts:
        assert place.width % 2 == place.height % 2 == 0
        assert place.offset + 3 * place.slot_bytes <= arena.pixel_bytes(memory.SIZE)


def test_hostile_numbers_give_no_frame_and_no_wild_view(mapping: mmap.mmap, reader: ArenaReader) -> None:
    (place,) = reader.lay_out(1, [tile(0)])
    dice = random.Random(1)
    start = 64 + arena.bank_bytes(len(mapping))
    for _ in range(3000):
        mapping[start : start + 8] = dice.choice(
            [dice.randbytes(8), (dice.randrange(1, 9) << 2 | dice.randrange(4)).to_bytes(8, "little")]
        )
        mapping[start + 16 : start + 112] = dice.randbytes(96)
        frame = reader.take(0)
        assert frame is None or (
            frame.width <= place.width and frame.height <= place.height and frame.pixels.nbytes <= place.slot_bytes
        )


def test_a_slot_number_of_three_is_ignored(mapping: mmap.mmap, reader: ArenaReader) -> None:
    (place,) = reader.lay_out(1, [tile(0)])
    write(ArenaWriter(mapping), 1, place, 1)
    good = reader.take(0)
    start = 64 + arena.bank_bytes(len(mapping))
    mapping[start : start + 8] = (99 << 2 | 3).to_bytes(8, "little")
    assert reader.take(0) is good


def test_frames_stay_readable_after_the_reader_closed(mapping: mmap.mmap) -> None:
    reader = ArenaReader(mapping)
    (place,) = reader.lay_out(1, [tile(0)])
    write(ArenaWriter(mapping), 1, place, 9)
    frame = reader.take(0)
    reader.close()
    reader.close()
    assert frame is not None
    assert set(frame.pixels) == {9}
    assert reader.take(0) is None
    assert not reader.changed()


def test_memory_that_is_no_arena_is_refused() -> None:
    shared = memory.create(SIZE)
    shared.close_descriptor()
    with pytest.raises(ValueError, match="arena"):
        ArenaWriter(shared.mapping)


def test_nobody_can_cut_the_memory_short() -> None:
    import os

    shared = memory.create(SIZE)
    with pytest.raises(OSError):
        os.ftruncate(shared.descriptor, 64)
    shared.close_descriptor()


def test_reading_while_writing_never_shows_a_torn_picture(mapping: mmap.mmap, reader: ArenaReader) -> None:
    (place,) = reader.lay_out(1, [tile(0)])
    writer = ArenaWriter(mapping)
    over = threading.Event()

    def run() -> None:
        value = 0
        while not over.is_set():
            value = value % 250 + 1
            write(writer, 1, place, value)

    thread = threading.Thread(target=run)
    thread.start()
    torn = 0
    for _ in range(3000):
        frame = reader.take(0)
        if frame is not None and frame.pixels[0] != frame.pixels[-1]:
            torn += 1
    over.set()
    thread.join()
    assert torn == 0


def test_the_lobby_gets_a_tile_of_its_own_camera() -> None:
    (own,) = with_preview((), True)
    assert (own.tile, own.identity, own.source) == (0, "", TrackSource.CAMERA)
    asked = (tile(0, 1360, 766, ""),)
    assert with_preview(asked, True) == asked
    assert with_preview((), False) == ()
