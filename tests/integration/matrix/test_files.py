"""Files between two engines on the real homeserver: queued encrypted, uploaded, fetched, checked."""

import os
from pathlib import Path

import pytest

from tests.support.engine import TimelineSeen, people, shared_room, until
from tests.support.servers import TestSynapse
from welink_desktop.core.errors import NotFound, TooLarge
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.media import EncryptedFile, MediaSource, Progress
from welink_desktop.core.timeline import AttachmentContent, AttachmentKind, OutgoingFile, OutgoingText, SendPhase

CANARY = b"canary-7f3a " * 4


def attachment(seen: TimelineSeen) -> AttachmentContent | None:
    return next((item.content for item in seen.items if isinstance(item.content, AttachmentContent)), None)


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
async def test_a_file_arrives_whole_and_lies_nowhere_in_clear(synapse: TestSynapse, tmp_path: Path, encrypted: bool) -> None:
    async with people(synapse, tmp_path / "profiles", "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei, encrypted=encrypted)
        content = CANARY + os.urandom(3_000_000) + CANARY
        (tmp_path / "值班表 & plan.pdf").write_bytes(content)
        of_lin = TimelineSeen(await lin.session.chat.open_timeline(room))
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        file = OutgoingFile(str(tmp_path / "值班表 & plan.pdf"), caption="新的值班表")
        await lin.session.chat.send_file(room, file)
        (tmp_path / "值班表 & plan.pdf").unlink()
        await lin.session.chat.send_text(room, OutgoingText("after"))
        await until(lambda: of_mei.item("after"))
        got = await until(lambda: attachment(of_mei))
        assert got is not None
        assert (got.name, got.caption, got.kind) == ("值班表 & plan.pdf", "新的值班表", AttachmentKind.FILE)
        assert (got.info.size, got.info.mimetype) == (len(content), "application/pdf")
        assert isinstance(got.source, EncryptedFile) is encrypted
        assert of_mei.items[-1].content != got, "the file came first"
        seen: list[Progress] = []
        await mei.session.media.save(got.source, tmp_path / "saved.pdf", seen.append)
        assert (tmp_path / "saved.pdf").read_bytes() == content and seen[-1].done == len(content)
        await until(lambda: all(item.send.phase is SendPhase.SENT for item in of_lin.items))
        sent = await until(lambda: attachment(of_lin))
        assert sent is not None
        await lin.session.media.save(sent.source, tmp_path / "own.pdf")
        assert (tmp_path / "own.pdf").read_bytes() == content
        await until(lambda: not list((lin.folder / "accounts").glob("*/outgoing/*")))
        for path in (tmp_path / "profiles").rglob("*"):
            assert not path.is_file() or CANARY[:12] not in path.read_bytes()
        await of_lin.timeline.close()
        await of_mei.timeline.close()


async def test_a_file_is_shown_before_it_is_uploaded(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path / "profiles", "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei, encrypted=True)
        (tmp_path / "a.txt").write_bytes(b"text")
        sources: list[MediaSource] = []
        seen = TimelineSeen(await lin.session.chat.open_timeline(room))
        await lin.session.chat.send_file(room, OutgoingFile(str(tmp_path / "a.txt")))
        first = await until(lambda: attachment(seen))
        assert first is not None
        sources.append(first.source)
        await until(lambda: all(item.send.phase is SendPhase.SENT for item in seen.items))
        await until(lambda: (now := attachment(seen)) is not None and now.source != sources[0])
        await seen.timeline.close()


async def test_what_cannot_be_sent_is_told_at_once(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path / "profiles", "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei, encrypted=True)
        for path in (tmp_path / "missing", tmp_path):
            with pytest.raises(NotFound):
                await lin.session.chat.send_file(room, OutgoingFile(str(path)))
        with (tmp_path / "huge").open("wb") as stream:
            stream.truncate(4 << 30)
        with pytest.raises(TooLarge):
            await lin.session.chat.send_file(room, OutgoingFile(str(tmp_path / "huge")))
        with pytest.raises(NotFound):
            await lin.session.media.save(ContentUri(f"mxc://{synapse.server_name}/nosuchfile"), tmp_path / "x")
        assert lin.session.outbox.pending(room) == ()
