"""Where tiles stand on the stage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welink_desktop.core.calls import TrackSource
from welink_desktop.services.call_layout import (
    NARROWEST,
    PER_PAGE,
    WIDEST,
    Arrangement,
    Featured,
    Rect,
    Role,
    arrange,
)


def overlaps(rects: list[Rect]) -> bool:
    return any(
        a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom
        for number, a in enumerate(rects)
        for b in rects[number + 1 :]
    )


def people(count: int) -> list[str]:
    return [f"@p{number}:example.org:D" for number in range(count)]


def all_rects(made: Arrangement) -> list[Rect]:
    return [place.rect for place in made.places] + [rect for rect in (made.banner, made.pager) if rect is not None]


sizes = st.tuples(st.integers(200, 4000), st.integers(150, 2400))
features = st.sampled_from([None, TrackSource.CAMERA, TrackSource.SCREEN])


@given(st.integers(0, 100), sizes, st.integers(-1, 12), features)
def test_tiles_never_overlap_and_stay_inside(count: int, size: tuple[int, int], page: int, source: TrackSource | None) -> None:
    width, height = size
    order = people(count)
    featured = Featured(order[-1], source) if source and order else None
    made = arrange(order, width, height, page=page, featured=featured, sharing=source is TrackSource.SCREEN)
    rects = all_rects(made)
    assert not overlaps(rects)
    for rect in rects:
        assert rect.width > 0 and rect.height > 0
        assert rect.x >= 0 and rect.y >= 0 and rect.right <= width and rect.bottom <= height
    assert 0 <= made.page < made.pages


@given(st.integers(1, 100), sizes)
def test_gallery_tiles_are_equal_and_of_an_allowed_shape(count: int, size: tuple[int, int]) -> None:
    made = arrange(people(count), *size)
    shapes = {(place.rect.width, place.rect.height) for place in made.places}
    assert len(shapes) <= 1
    for width, height in shapes:
        assert NARROWEST - 0.16 <= width / height <= WIDEST + 0.16


@given(st.integers(0, 100), sizes, features)
def test_the_same_question_has_the_same_answer(count: int, size: tuple[int, int], source: TrackSource | None) -> None:
    order = people(count)
    featured = Featured(order[0], source) if source and order else None
    assert arrange(order, *size, featured=featured) == arrange(list(order), *size, featured=featured)


@given(st.integers(0, 100), sizes)
def test_everybody_is_on_exactly_one_gallery_page(count: int, size: tuple[int, int]) -> None:
    order = people(count)
    pages = arrange(order, 1400, 900).pages
    seen = [place.identity for page in range(pages) for place in arrange(order, 1400, 900, page=page).places]
    assert seen == order
    assert all(len(arrange(order, 1400, 900, page=page).places) <= PER_PAGE for page in range(pages))


@given(st.integers(1, 100))
def test_the_strip_pages_through_everybody(count: int) -> None:
    order = people(count)
    featured = Featured(order[0])
    pages = arrange(order, 1400, 800, featured=featured).pages
    seen = [
        place.identity
        for page in range(pages)
        for place in arrange(order, 1400, 800, page=page, featured=featured).places
        if place.role is Role.STRIP
    ]
    assert seen == order[1:]


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [(1, (1440, 776), 1), (2, (1440, 776), 2), (4, (1440, 776), 2), (25, (1101, 776), 5), (9, (1440, 776), 3)],
)
def test_columns_make_tiles_largest(count: int, size: tuple[int, int], columns: int) -> None:
    made = arrange(people(count), *size)
    assert len({place.rect.x for place in made.places if place.rect.y == made.places[0].rect.y}) == columns


def test_a_shared_screen_is_large_and_its_owner_stays_in_the_strip() -> None:
    order = people(8)
    made = arrange(order, 1440, 776, featured=Featured(order[3], TrackSource.SCREEN), sharing=True)
    main = made.places[0]
    assert (main.identity, main.source, main.role) == (order[3], TrackSource.SCREEN, Role.MAIN)
    assert order[3] in [place.identity for place in made.places[1:]]
    assert made.banner is not None and made.banner.bottom <= main.rect.y
    assert made.pager is not None and len(made.places) == 6


def test_a_narrow_stage_has_no_strip() -> None:
    order = people(3)
    assert len(arrange(order, 380, 400, featured=Featured(order[0])).places) == 1


@pytest.mark.parametrize("size", [(0, 0), (20, 20), (1, 2000), (2000, 1)])
def test_a_stage_without_room_has_no_tiles(size: tuple[int, int]) -> None:
    assert arrange(people(4), *size).places == ()
    assert arrange(people(4), *size, featured=Featured(people(1)[0]), sharing=True).places == ()
