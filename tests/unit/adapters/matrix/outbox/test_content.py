"""Contents as the specification wants them, and files as the queue keeps them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.adapters.matrix.outbox.line import ROOM, SECRET_ROOM, Line, Server, broken, refuse
from welink_desktop.adapters.matrix.crypto.attachments import decrypted
from welink_desktop.adapters.matrix.outbox.content import edit_content, file_message, text_content
from welink_desktop.adapters.matrix.outbox.files import Part
from welink_desktop.adapters.matrix.outbox.pending import error_from, error_name, preview_state
from welink_desktop.adapters.matrix.rooms.pending import Pending
from welink_desktop.adapters.matrix.wire.content import encrypted_file
from welink_desktop.core.errors import DiskFull, FileDamaged, IdentityChanged, NotFound, TooLarge, WeLinkError
from welink_desktop.core.ids import EventId, UserId
from welink_desktop.core.rooms import PreviewState
from welink_desktop.core.timeline import AttachmentContent, AttachmentKind, MessageKind, OutgoingFile, OutgoingText


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def line(tmp_path: Path, server: Server) -> AsyncIterator[Line]:
    one = Line(tmp_path / "profile", server)
    yield one
    await one.close()


def test_a_text_always_says_whom_it_mentions() -> None:
    assert text_content(OutgoingText("hi")) == {"msgtype": "m.text", "body": "hi", "m.mentions": {}}
    message = OutgoingText("hi", "<b>hi</b>", (UserId("@a:x"),), True, EventId("$1"), MessageKind.NOTICE)
    assert text_content(message, answered=UserId("@a:x")) == {
        "msgtype": "m.notice",
        "body": "hi",
        "format": "org.matrix.custom.html",
        "formatted_body": "<b>hi</b>",
        "m.mentions": {"user_ids": ["@a:x"], "room": True},
        "m.relates_to": {"m.in_reply_to": {"event_id": "$1"}},
    }


def test_an_edit_carries_the_new_content_and_mentions_nobody_anew() -> None:
    content = edit_content(OutgoingText("new", "<i>new</i>", (UserId("@a:x"),)), EventId("$1"))
    assert content["body"] == "* new" and content["formatted_body"] == "* <i>new</i>" and content["m.mentions"] == {}
    assert content["m.new_content"]["m.mentions"] == {"user_ids": ["@a:x"]}
    assert content["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$1"}


def test_a_voice_message_is_marked_as_one() -> None:
    content = file_message(AttachmentKind.VOICE, "v.ogg", "", {"duration": 900})
    assert content["msgtype"] == "m.audio" and content["org.matrix.msc3245.voice"] == {}
    assert content["org.matrix.msc1767.audio"]["duration"] == 900


def test_errors_survive_in_the_queue() -> None:
    kept = error_from(error_name(TooLarge(limit=50)))
    assert isinstance(kept, TooLarge) and kept.args_for_text == {"limit": 50}
    assert type(error_from(error_name(DiskFull()))) is DiskFull
    changed = error_from(error_name(IdentityChanged(name="@chen:x")))
    assert isinstance(changed, IdentityChanged) and changed.args_for_text == {"name": "@chen:x"}
    assert type(error_from(error_name(FileDamaged()))) is WeLinkError
    assert type(error_from("Nonsense x")) is WeLinkError


async def test_an_encrypted_file_is_uploaded_as_its_copy(line: Line, server: Server, tmp_path: Path) -> None:
    (tmp_path / "照片.png").write_bytes(b"picture")
    (tmp_path / "small.png").write_bytes(b"thumb")
    file = OutgoingFile(
        str(tmp_path / "照片.png"), AttachmentKind.IMAGE, "标题", width=9, height=5, thumbnail_path=str(tmp_path / "small.png")
    )
    await line.outbox.send_file(SECRET_ROOM, file)
    (pending,) = line.outbox.pending(SECRET_ROOM)
    assert isinstance(pending.content, AttachmentContent) and pending.content.info.thumbnail is not None
    await line.quiet(SECRET_ROOM)
    content = server.accepted[0][2]["ciphertext"]["content"]
    assert (content["body"], content["filename"], content["msgtype"]) == ("标题", "照片.png", "m.image")
    assert (content["info"]["w"], content["info"]["h"], content["info"]["size"]) == (9, 5, 7)
    for place, (body, kind), plain in (
        (content["file"], server.uploads[0], b"picture"),
        (content["info"]["thumbnail_file"], server.uploads[1], b"thumb"),
    ):
        keys = encrypted_file(place)
        assert keys is not None and kind == "application/octet-stream"
        assert b"".join(decrypted(keys, [body])) == plain
    assert [clear for _, clear in line.uploaded] == [False, False]
    assert len(list((tmp_path / "profile" / "outbox").iterdir())) == 2
    event = line.outbox.pending(SECRET_ROOM)[0].event
    assert event is not None
    with line.database.transaction() as t:
        line.outbox.settle(t, SECRET_ROOM, event, None)
    assert list((tmp_path / "profile" / "outbox").iterdir()) == []


async def test_in_a_clear_room_the_server_gets_the_plain_file(line: Line, server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"plain text" * 100_000)
    await line.outbox.send_file(ROOM, OutgoingFile(str(tmp_path / "a.txt")))
    await line.quiet()
    assert server.uploads == [(b"plain text" * 100_000, "text/plain")]
    assert server.accepted[0][2]["url"] == "mxc://x/media1"


async def test_an_upload_is_not_repeated_for_a_failed_send(line: Line, server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    server.faults = [lambda request: httpx.Response(520), None, broken, broken]
    await line.outbox.send_file(SECRET_ROOM, OutgoingFile(str(tmp_path / "a.txt")))
    await line.quiet(SECRET_ROOM)
    assert len(server.uploads) == 1 and len(server.accepted) == 1


async def test_media_keep_their_place_among_texts(line: Line, server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    await line.outbox.send_text(ROOM, OutgoingText("before"))
    await line.outbox.send_file(ROOM, OutgoingFile(str(tmp_path / "a.txt")))
    await line.outbox.send_text(ROOM, OutgoingText("after"))
    await line.quiet()
    assert server.bodies() == ["before", "a.txt", "after"]


async def test_a_file_too_large_for_the_server_fails_and_can_be_dropped(line: Line, server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    server.faults = [refuse(413, "M_TOO_LARGE")]
    transaction = await line.outbox.send_file(ROOM, OutgoingFile(str(tmp_path / "a.txt")))
    await line.quiet()
    (pending,) = line.outbox.pending(ROOM)
    assert isinstance(pending.state.error, TooLarge) and preview_state(pending) is PreviewState.FAILED
    await line.outbox.recall(ROOM, transaction)
    assert list((tmp_path / "profile" / "outbox").iterdir()) == []


async def test_an_unsent_file_survives_a_restart_and_strays_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"kept")
    server = Server(hold=asyncio.Event())
    first = Line(tmp_path / "profile", server)
    await first.outbox.send_file(SECRET_ROOM, OutgoingFile(str(tmp_path / "a.txt")))
    await server.arrived.wait()
    await first.close()
    (tmp_path / "a.txt").unlink()
    (tmp_path / "profile" / "outbox" / "stray").write_bytes(b"x")
    server.hold = None
    second = Line(tmp_path / "profile", server)
    second.outbox.start()
    await second.quiet(SECRET_ROOM)
    keys = encrypted_file(server.accepted[0][2]["ciphertext"]["content"]["file"])
    assert keys is not None and b"".join(decrypted(keys, [server.uploads[-1][0]])) == b"kept"
    assert not (tmp_path / "profile" / "outbox" / "stray").exists()
    await second.close()


async def test_a_copy_that_vanished_fails_the_item(line: Line, tmp_path: Path, server: Server) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    server.hold = asyncio.Event()
    await line.outbox.send_text(ROOM, OutgoingText("first"))
    await server.arrived.wait()
    await line.outbox.send_file(ROOM, OutgoingFile(str(tmp_path / "a.txt")))
    for copy in (tmp_path / "profile" / "outbox").iterdir():
        copy.unlink()
    server.hold.set()
    await line.quiet()
    assert isinstance(line.outbox.pending(ROOM)[1].state.error, NotFound)


async def test_the_progress_of_an_upload_is_told(line: Line, server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(3_000_000))
    seen: list[tuple[Pending, ...]] = []
    cancel = line.outbox.watch(ROOM, seen.append)
    await line.outbox.send_file(ROOM, OutgoingFile(str(tmp_path / "a.bin")))
    await line.quiet()
    cancel()
    sent = [items[0].state.sent_bytes for items in seen if items]
    assert sent == sorted(sent) and len(set(sent)) > 2 and seen[-1][0].state.total_bytes == 3_000_000


async def test_a_file_of_an_unwritable_profile_is_told(line: Line, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    (tmp_path / "profile" / "outbox").write_text("in the way")
    with pytest.raises(DiskFull):
        await line.outbox.send_file(ROOM, OutgoingFile(str(tmp_path / "a.txt")))


async def test_a_copy_is_encrypted_from_the_first_byte(line: Line, server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"canary" * 1000)
    server.faults = [broken] * 3
    await line.outbox.send_file(ROOM, OutgoingFile(str(tmp_path / "a.txt")))
    (copy,) = (tmp_path / "profile" / "outbox").iterdir()
    assert b"canary" not in copy.read_bytes() and copy.stat().st_mode & 0o077 == 0
    assert "key" not in repr(Part.from_json((line.rows()[0].file or {})["parts"]["file"]).keys)
    await line.quiet()
