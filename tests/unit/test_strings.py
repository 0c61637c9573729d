"""The catalogues: both languages say everything, with the same arguments; every key in the code exists."""

import ast
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.resources import resource
from welink_desktop.core.security import Cure, PersonTrust, RecoveryState, VerificationEnd
from welink_desktop.core.settings import Density, SendKey, Theme
from welink_desktop.core.text import Text, text
from welink_desktop.core.trust import MessageCure, UndecryptableReason
from welink_desktop.strings import LANGUAGES, Strings, local_moment, local_now, strings, system_language, wall_clock_at

PACKAGE = Path(__file__).parents[2] / "welink_desktop"
VARIABLE = re.compile(r"\{[^}]*?\$([a-z][\w-]*)")


def catalogue(language: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for path in sorted(resource("i18n", language).glob("*.ftl")):
        source = path.read_text(encoding="utf-8")
        parts = re.split(r"^([A-Za-z][\w-]*) =", source, flags=re.MULTILINE)
        for key, body in zip(parts[1::2], parts[2::2], strict=True):
            assert key not in entries, f"{key} stands twice in {language}"
            entries[key] = body
    return entries


def used_keys() -> Iterator[tuple[str, str]]:
    """Literal keys given to `tr`, `text` and `Text` in the package."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "text", "Text")):
                continue
            first = node.args[0] if node.args else None
            values = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
            for value in values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value, path.name


def test_both_languages_say_the_same_things() -> None:
    english, chinese = catalogue("en"), catalogue("zh-CN")
    assert set(english) == set(chinese)


@pytest.mark.parametrize("language", LANGUAGES)
def test_arguments_agree(language: str) -> None:
    english = catalogue("en")
    for key, body in catalogue(language).items():
        assert set(VARIABLE.findall(body)) <= set(VARIABLE.findall(english[key])), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_can_be_rendered(language: str) -> None:
    said = Strings(language)
    for key, body in catalogue(language).items():
        arguments = {name: 2 if name in {"count", "seconds"} else "x" for name in VARIABLE.findall(body)}
        shown = said.render(Text(key, arguments))
        assert shown and not shown.startswith("["), key


def test_every_key_in_the_code_exists() -> None:
    known = strings("en").keys()
    missing = {f"{key} ({where})" for key, where in used_keys() if key not in known}
    assert not missing


def test_every_error_has_words() -> None:
    known = strings("en").keys()
    pending = [WeLinkError]
    while pending:
        kind = pending.pop()
        assert kind.key in known, kind.__name__
        pending += kind.__subclasses__()


def test_keys_built_from_values_exist() -> None:
    known = strings("en").keys()
    built = [f"settings-theme-{one.value}" for one in Theme]
    built += [f"settings-density-{one.value}" for one in Density]
    built += [f"settings-send-{one.value}" for one in SendKey]
    built += [f"undecryptable-{one.value}" for one in UndecryptableReason]
    built += [f"recovery-{one.value}{more}" for one in RecoveryState for more in ("", "-why")]
    built += [f"cure-{one.value}" for one in Cure]
    built += [f"trust-{one.value}" for one in PersonTrust]
    built += [f"verification-ended-{one.value}{more}" for one in VerificationEnd for more in ("", "-next")]
    built += [f"message-cure-{one.value}" for one in MessageCure if one is not MessageCure.NONE]
    built += [f"verify-emoji-{number}" for number in range(64)]
    assert [key for key in built if key not in known] == []


def test_a_missing_key_shows_itself_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert Strings("en").render(text("no-such-text")) == "[no-such-text]"
    assert "text missing" in caplog.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_short_way_says_what_fluent_says(language: str) -> None:
    short, whole = Strings(language), Strings(language)
    whole._plain = dict.fromkeys(catalogue(language))
    for key, body in catalogue(language).items():
        names = VARIABLE.findall(body)
        for value in ("Lin", "دانيال"):
            arguments: dict[str, str | int] = {name: 4218 if name in {"count", "seconds"} else value for name in names}
            assert short.render(Text(key, arguments)) == whole.render(Text(key, arguments)), key


def test_plurals_follow_the_language() -> None:
    assert strings("en").render(text("contacts-people", count=1)) == "1 person"
    assert strings("en").render(text("contacts-people", count=3)) == "3 people"
    assert strings("zh-CN").render(text("contacts-people", count=3)) == "3 人"


def test_right_to_left_names_are_isolated() -> None:
    assert strings("en").render(text("rail-me", name="دانيال")) == "You: \u2068دانيال\u2069"
    assert strings("en").render(text("rail-me", name="Daniel")) == "You: Daniel"


def test_moments_of_a_list() -> None:
    now = datetime(2026, 11, 24, 10, 30).astimezone()
    english, chinese = strings("en"), strings("zh-CN")
    assert english.moment(now.replace(hour=9, minute=5), now) == "09:05"
    assert english.moment(now.replace(day=23), now) == "Yesterday"
    assert chinese.moment(now.replace(day=23), now) == "昨天"
    assert english.moment(now.replace(day=20), now) == "Friday"
    assert english.moment(now.replace(month=3, day=2), now) == "2 Mar"
    assert chinese.moment(now.replace(month=3, day=2), now) == "3 月 2 日"
    assert english.moment(now.replace(year=2025), now) == "24/11/2025"


def test_dates_sizes_and_durations() -> None:
    today = date(2026, 11, 24)
    assert strings("en").date(today, today) == "Tuesday 24 November"
    assert strings("zh-CN").date(date(2025, 1, 2), today) == "2025 年 1 月 2 日 星期四"
    assert strings("en").size(3_800_000) == "3.8\u00a0MB"
    assert strings("en").size(12) == "12\u00a0B"
    assert strings("en").duration(23) == "0:23"
    assert strings("en").duration(3723) == "1:02:03"
    assert strings("en").number(4218) == "4,218"
    assert strings("en").full_moment(datetime(2026, 11, 24, 9, 58, 12).astimezone()) == "Tuesday 24 November 2026, 09:58:12"


def test_absurd_timestamps_do_not_break_anything() -> None:
    assert local_moment(-5).year in (1969, 1970)
    assert local_moment(10**18).year > 9000


@pytest.mark.parametrize(("value", "language"), [("zh_CN.UTF-8", "zh-CN"), ("en_GB.UTF-8", "en"), ("de_DE", "en")])
def test_the_system_decides_the_first_language(monkeypatch: pytest.MonkeyPatch, value: str, language: str) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", value)
    assert system_language() == language


def test_pictures_can_be_written_at_a_fixed_moment_and_place() -> None:
    moment = datetime(2023, 11, 15, 18, 47, tzinfo=timezone(timedelta(hours=8)))
    before = local_now()
    with wall_clock_at(moment):
        assert local_now() == moment
        assert local_moment(1_700_042_000_000).isoformat() == "2023-11-15T17:53:20+08:00"
    assert local_now() >= before
