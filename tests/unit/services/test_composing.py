"""From typed text to what is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.until import eventually
from welink_desktop.adapters.fake import sample_world
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.core.errors import TooLarge
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import MessageKind
from welink_desktop.services.composer import Composer, outgoing

ANN = UserId("@ann:example.org")


@pytest.mark.parametrize("text", ["hello", "a < b & c", '"quoted"', "一行\n两行", "10:52", "x_y_z", "2 * 3 = 6"])
def test_plain_text_gets_no_html(text: str) -> None:
    assert outgoing(text).html == ""
    assert outgoing(text).body == text


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold**", "<strong>bold</strong>"),
        ("~~gone~~", "<s>gone</s>"),
        ("`x < y`", "<code>x &lt; y</code>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    ],
)
def test_markdown_becomes_html(text: str, html: str) -> None:
    assert outgoing(text).html == html


def test_typed_html_is_only_text() -> None:
    assert "<img" not in outgoing('**x** <img src="file:///etc/passwd">').html


def test_a_mention_becomes_a_link_and_names_the_person() -> None:
    message = outgoing("@Ann Lee 请看", {"Ann Lee": ANN, "Bob": UserId("@bob:example.org")}, reply_to=EventId("$1"))
    assert message.html == '<a href="https://matrix.to/#/@ann:example.org">@Ann Lee</a> 请看'
    assert message.mentions == (ANN,)
    assert message.reply_to == "$1"


def test_the_longest_name_wins() -> None:
    message = outgoing("@Ann Lee", {"Ann": UserId("@other:example.org"), "Ann Lee": ANN})
    assert message.mentions == (ANN,)


def test_everyone_counts_only_when_it_was_chosen() -> None:
    assert outgoing("@room hi", {"room": UserId("")}).mentions_room
    assert not outgoing("@room hi").mentions_room


def test_me_becomes_an_emote_and_two_slashes_one() -> None:
    assert outgoing("/me waves").kind is MessageKind.EMOTE
    assert outgoing("//home").body == "/home"


def test_a_text_beyond_an_event_is_refused() -> None:
    with pytest.raises(TooLarge):
        outgoing("字" * 20_000)
    assert outgoing("**" + "a" * 30_000 + "**").html == ""


@given(st.text(max_size=200))
def test_the_body_is_what_was_typed(text: str) -> None:
    body = outgoing(text).body
    assert body in text.replace("\ue000", "").replace("\ue001", "") or text.startswith("//") or body in text


async def test_a_draft_is_kept_when_the_room_is_left() -> None:
    world, scope = sample_world(), Scope("test")
    composer = Composer(FakeChat(world), RoomId("!site"), scope)
    assert await composer.load_draft() == ""
    composer.keep_draft("half a sen")
    await scope.aclose()
    assert world.room(RoomId("!site")).draft == "half a sen"


async def test_a_refused_message_says_why() -> None:
    world, scope = sample_world(), Scope("test")
    composer = Composer(FakeChat(world), RoomId("!invitation"), scope)
    composer.send(outgoing("hi"))
    await eventually(lambda: composer.failure.value is not None)
    await scope.aclose()
