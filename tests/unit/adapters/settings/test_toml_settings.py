"""Settings survive editing by hand, damage and rules of the organisation."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from welink_desktop.adapters.settings import Policies, TomlSettings, read_policies
from welink_desktop.adapters.settings.schema import build, flatten, known_keys
from welink_desktop.core.errors import DiskFull
from welink_desktop.core.settings import Appearance, Settings, Theme, WindowState

DARK = replace(Settings(), appearance=Appearance(theme=Theme.DARK, text_scale=1.3))


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert TomlSettings(tmp_path / "settings.toml").load() == Settings()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "profile" / "settings.toml"
    TomlSettings(path).save(replace(DARK, window=WindowState(x=-5, y=7, room="!r:x")))
    assert TomlSettings(path).load() == replace(DARK, window=WindowState(x=-5, y=7, room="!r:x"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_comments_and_unknown_keys_survive(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('# mine\nfuture = 1\n[appearance]\nlanguage = "en" # spoken at home\nshine = true\n[future_section]\na = 1\n')
    store = TomlSettings(path)
    store.save(replace(store.load(), appearance=replace(store.load().appearance, theme=Theme.DARK)))
    written = path.read_text()
    for kept in (
        "# mine",
        "future = 1",
        'language = "en" # spoken at home',
        "shine = true",
        "[future_section]",
        'theme = "dark"',
    ):
        assert kept in written


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    TomlSettings(path).save(DARK)
    assert set(path.read_text().split("\n")) == {"[appearance]", "text_scale = 1.3", 'theme = "dark"', ""}


def test_a_value_can_go_away_again(tmp_path: Path) -> None:
    store = TomlSettings(tmp_path / "settings.toml")
    store.save(replace(Settings(), window=WindowState(x=4, y=4)))
    store.save(Settings())
    assert store.load() == Settings()


@pytest.mark.parametrize("broken", [b"[appearance", b"\xff\xfe", b"a = = 2"])
def test_a_broken_file_is_kept_aside(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(broken)
    store = TomlSettings(path, now=lambda: 1700000000.0)
    assert store.load() == Settings()
    assert (tmp_path / "settings.toml.broken-1700000000").read_bytes() == broken
    store.save(DARK)
    assert store.load() == DARK


@pytest.mark.parametrize(
    "line",
    ['theme = "pink"', "theme = 3", 'text_scale = "big"', "reduced_motion = 1", "language = 5", "theme = ['dark']"],
)
def test_a_value_of_the_wrong_kind_gives_its_default_only(tmp_path: Path, line: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f'[appearance]\n{line}\n[window]\npage = "contacts"\n')
    loaded = TomlSettings(path).load()
    assert loaded.appearance == Appearance()
    assert loaded.window.page == "contacts"


@pytest.mark.parametrize(("written", "meant"), [("9", 2.0), ("0.1", 0.8), ("inf", 2.0), ("nan", 0.8), ("1", 1.0)])
def test_numbers_out_of_range_are_clamped(tmp_path: Path, written: str, meant: float) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"[appearance]\ntext_scale = {written}\n")
    assert TomlSettings(path).load().appearance.text_scale == meant


def test_a_section_that_is_no_table_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("appearance = 3\n")
    store = TomlSettings(path)
    assert store.load() == Settings()
    store.save(DARK)
    assert store.load() == DARK


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DiskFull):
        TomlSettings(tmp_path / "file" / "settings.toml").save(DARK)


def test_forced_beats_person_beats_recommended(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('[appearance]\ntheme = "light"\nlanguage = "en"\n')
    rules = Policies(
        forced={"appearance.theme": "dark"}, recommended={"appearance.language": "zh-CN", "behaviour.hide_preview": True}
    )
    store = TomlSettings(path, rules)
    loaded = store.load()
    assert (loaded.appearance.theme, loaded.appearance.language, loaded.behaviour.hide_preview) == (Theme.DARK, "en", True)
    assert store.forced == {"appearance.theme"}
    store.save(replace(loaded, appearance=replace(loaded.appearance, theme=Theme.HIGH_CONTRAST, text_scale=1.5)))
    assert store.load().appearance.theme is Theme.DARK
    assert 'theme = "light"' in path.read_text()
    assert "hide_preview" not in path.read_text()


def test_flat_values_and_records_are_two_forms_of_one_thing() -> None:
    assert build(flatten(DARK)) == DARK
    assert flatten(Settings()).keys() <= known_keys()


def _policy(folder: Path, name: str, content: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_policy_files_merge_in_name_order(tmp_path: Path) -> None:
    _policy(tmp_path / "managed", "20.json", {"appearance.theme": "light"})
    _policy(tmp_path / "managed", "10.json", {"appearance.theme": "dark", "appearance.density": "compact", "no.such": 1})
    _policy(tmp_path / "recommended", "a.json", {"behaviour.hide_preview": True})
    rules = read_policies(tmp_path, owner=os.getuid())
    assert rules.forced == {"appearance.theme": "light", "appearance.density": "compact"}
    assert rules.recommended == {"behaviour.hide_preview": True}


@pytest.mark.parametrize("content", ["{", "[]", "null", '{"a":' * 5000, '"x"', " " * ((1 << 20) + 1)])
def test_a_broken_policy_file_is_ignored(tmp_path: Path, content: str) -> None:
    _policy(tmp_path / "managed", "a.json", {"appearance.theme": "dark"})
    _policy(tmp_path / "managed", "b.json", content)
    assert read_policies(tmp_path, owner=os.getuid()).forced == {"appearance.theme": "dark"}


def test_a_policy_that_others_may_write_is_ignored(tmp_path: Path) -> None:
    path = _policy(tmp_path / "managed", "a.json", {"appearance.theme": "dark"})
    path.chmod(0o666)
    assert read_policies(tmp_path, owner=os.getuid()) == Policies()
    path.chmod(0o644)
    assert read_policies(tmp_path, owner=os.getuid() + 1) == Policies()
    assert read_policies(None) == Policies()
