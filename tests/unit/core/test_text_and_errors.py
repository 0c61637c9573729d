"""Words before they have a language."""

import pytest

import welink_desktop.core.errors as errors
from welink_desktop.core.ids import UserId, localpart_of, server_name_of
from welink_desktop.core.text import Text, text


def test_argument_names_follow_the_catalogues() -> None:
    assert text("notice", room_name="A") == Text("notice", {"room-name": "A"})
    assert hash(text("notice", b=1, a=2)) == hash(text("notice", a=2, b=1))


def test_every_error_has_a_text_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.WeLinkError)]
    assert len({kind.key for kind in kinds}) == len(kinds)


def test_an_error_carries_its_arguments() -> None:
    assert errors.ServerNotFound(name="yunshan").text == text("error-server-not-found", name="yunshan")


def test_parts_of_a_user_id() -> None:
    user = UserId("@lin.zhiyuan:chat.example:8448")
    assert (localpart_of(user), server_name_of(user)) == ("lin.zhiyuan", "chat.example:8448")


@pytest.mark.parametrize(("limit", "said"), [(52_428_800, "52.4\u00a0MB"), ("48 kB", "48 kB")])
def test_a_limit_is_said_as_a_size(limit: int | str, said: str) -> None:
    assert errors.TooLarge(limit=limit).text == text("error-too-large", limit=said)


def test_a_limit_that_nobody_told_is_not_said() -> None:
    assert errors.TooLarge("413").text.key == "error-too-large-for-server"
