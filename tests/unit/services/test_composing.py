"""From typed text to what is sent."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.until import eventually
from welink_desktop.adapters.fake import sample_world
from welink_desktop.adapters.fake.chat import FakeChat
from welink_desktop.core.errors import DiskFull, TooLarge
from welink_desktop.core.ids import EventId, RoomId, TransactionId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.timeline import MessageKind, OutgoingFile
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


class FullDisk(FakeChat):
    """Cannot keep anything until `healed`; files from number `files_until` on are refused."""

    healed = False
    files_until = 0

    async def send_file(self, room: RoomId, file: OutgoingFile) -> TransactionId:
        if self.files_until <= 0:
            raise DiskFull
        self.files_until -= 1
        return await super().send_file(room, file)

    async def set_draft(self, room: RoomId, text: str) -> None:
        if not self.healed:
            raise DiskFull
        await super().set_draft(room, text)


async def test_files_from_the_refused_one_on_are_given_back(tmp_path: Path) -> None:
    world, scope = sample_world(), Scope("test")
    chat = FullDisk(world)
    chat.files_until = 1
    paths = []
    for number in range(3):
        place = tmp_path / str(number) / "pasted.png"
        place.parent.mkdir()
        place.write_bytes(b"x")
        paths.append(str(place))
    composer = Composer(chat, RoomId("!site"), scope)
    back: list[int] = []
    composer.send_files(tuple(OutgoingFile(path) for path in paths), tuple(paths), back.append)
    await eventually(lambda: composer.failure.value is not None)
    assert back == [1]
    assert [Path(path).exists() for path in paths] == [False, True, True]
    await scope.aclose()


async def test_a_draft_that_could_not_be_kept_is_kept_later() -> None:
    world, scope = sample_world(), Scope("test")
    chat = FullDisk(world)
    composer = Composer(chat, RoomId("!site"), scope)
    composer.keep_draft("half a sen")
    await eventually(lambda: isinstance(composer.failure.value, DiskFull))
    chat.healed = True
    await scope.aclose()
    assert world.room(RoomId("!site")).draft == "half a sen"
