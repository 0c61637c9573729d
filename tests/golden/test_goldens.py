"""Pages look as they did: `python -m welink_desktop.gallery --update` after a change that is meant."""

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from tests.ui.conftest import dress
from welink_desktop.gallery.catalogue import Shot, all_shots, golden_shots
from welink_desktop.gallery.render import application, compare, picture

PICTURES = Path(__file__).parent / "pictures"
SHOTS = {shot.name: shot for shot in golden_shots()}
__all__ = ["dress"]


@pytest.mark.parametrize("name", SHOTS)
def test_the_page_looks_as_kept(qapp: QApplication, dress: object, tmp_path: Path, name: str) -> None:
    golden = QImage(str(PICTURES / f"{name}.png"))
    assert not golden.isNull(), "no golden is kept: run the gallery with --update"
    now = picture(application(), SHOTS[name])
    difference = compare(golden, now)
    if not difference.tolerable:
        now.save(str(tmp_path / f"{name}.png"))
    assert difference.tolerable, f"{difference.share:.2%} of the pixels differ; see {name}.png of this test"


def test_the_kept_pictures_are_exactly_the_wanted_ones() -> None:
    assert {path.stem for path in PICTURES.glob("*.png")} == set(SHOTS)
    assert len(SHOTS) <= 70


def test_every_golden_is_a_sample_of_the_gallery() -> None:
    samples = {(shot.page, shot.sample) for shot in all_shots()}
    assert all((shot.page, shot.sample) in samples for shot in SHOTS.values())


def test_a_changed_button_is_noticed(qapp: QApplication, dress: object) -> None:
    shot = next(iter(SHOTS.values()))
    before = picture(application(), shot)
    after = QImage(before)
    for x in range(40, 160):
        for y in range(40, 80):
            after.setPixel(x, y, 0)
    assert not compare(before, after).tolerable
    assert compare(before, before).share == 0.0


def test_another_size_is_another_picture(qapp: QApplication) -> None:
    assert not compare(QImage(10, 10, QImage.Format.Format_RGB32), QImage(11, 10, QImage.Format.Format_RGB32)).tolerable


def test_a_look_has_a_name() -> None:
    assert Shot("a", "b", next(iter(SHOTS.values())).look).name.startswith("a-b-light-en-100-")
