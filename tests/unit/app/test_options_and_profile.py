"""Command line, profile folders, where secrets lie."""

from pathlib import Path

import pytest

from welink_desktop.app.options import parse
from welink_desktop.app.profile import Profile
from welink_desktop.app.secrets import ProfileSecrets, profile_name
from welink_desktop.core.account import SecretStorage
from welink_desktop.core.errors import DiskFull


def test_the_command_line_is_one_record(tmp_path: Path) -> None:
    options = parse(["--profile-dir", str(tmp_path), "--sample", "--lang", "zh-CN", "--theme", "dark", "--evaluation"])
    assert options.profile == tmp_path
    assert (options.sample, options.language, options.theme, options.evaluation) == (True, "zh-CN", "dark", True)


def test_without_arguments_the_profile_follows_the_system() -> None:
    assert parse([]).profile.name == "welink-desktop"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("WeLink Desktop ")


def test_an_unknown_theme_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(["--theme", "pink"])
    assert end.value.code == 2
    assert "pink" in capsys.readouterr().err


def test_folders_are_for_this_user_only(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "profile")
    profile.prepare()
    assert profile.accounts.is_dir()
    assert profile.root.stat().st_mode & 0o777 == 0o700


def test_a_profile_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskFull):
        Profile(tmp_path / "file" / "profile").prepare()


def test_secrets_go_into_a_file_only_when_chosen(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    secrets = ProfileSecrets(profile)
    assert secrets.storage is SecretStorage.KEYRING
    secrets.use_file()
    secrets.set("token", b"secret")
    again = ProfileSecrets(profile)
    assert again.storage is SecretStorage.FILE
    assert again.get("token") == b"secret"
    again.delete("token")
    assert again.get("token") is None
    assert profile.secrets_file.stat().st_mode & 0o777 == 0o600


def test_profiles_of_one_computer_are_told_apart(tmp_path: Path) -> None:
    assert profile_name(Profile(tmp_path / "a")) != profile_name(Profile(tmp_path / "b"))
