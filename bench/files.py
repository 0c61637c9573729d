"""Files: memory of a whole engine while 200 MB go up and come down, encrypted, and how long that takes."""

import asyncio
import hashlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import Report
from tests.support.engine import TimelineSeen, home, people, shared_room, until
from tests.support.sender_process import accounts_of
from tests.support.servers import running_synapse
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.adapters.matrix.outbox.files import local_name
from welink_desktop.core.account import Link
from welink_desktop.core.ids import RoomId
from welink_desktop.core.media import EncryptedFile
from welink_desktop.core.timeline import AttachmentContent, OutgoingFile

MEGABYTES = 200
GROWTH_MB = 32
PATIENCE = 600.0


class Peak:
    """Resident memory of this process in MiB, looked at every 5 ms: the highest above the beginning."""

    def __init__(self) -> None:
        self.begun = self.highest = _resident()

    @property
    def growth(self) -> float:
        return self.highest - self.begun


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@contextmanager
def watched() -> Iterator[Peak]:
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            peak.highest = max(peak.highest, _resident())

    thread = threading.Thread(target=look, name="memory")
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def attachment(seen: TimelineSeen, name: str) -> AttachmentContent | None:
    """The file of this name, once it came back from the server."""
    for item in seen.items:
        content = item.content
        if not isinstance(content, AttachmentContent) or not isinstance(content.source, EncryptedFile):
            continue
        if content.name == name and local_name(content.source.uri) is None:
            return content
    return None


async def child(profile: Path, room: RoomId, folder: Path, megabytes: int) -> None:
    """One file up and down again; prints "growth up, growth down, seconds up, seconds down"."""
    accounts: MatrixAccounts = accounts_of(profile)
    (account,) = await accounts.accounts()
    session = await accounts.open(account.key)
    assert isinstance(session, MatrixSession)
    await until(lambda: session._sync.connection.value.link is Link.LIVE)
    seen = TimelineSeen(await session.chat.open_timeline(room))
    figures = []
    for size in (1, megabytes):  # what is loaded once does not count
        source = folder / f"{size}.bin"
        digest = _write(source, size)
        with watched() as up:
            started = time.monotonic()
            await session.chat.send_file(room, OutgoingFile(str(source)))
            await until(lambda name=source.name: attachment(seen, name), seconds=PATIENCE)  # type: ignore[misc]  # bound at once
            uploaded = time.monotonic() - started
        content = attachment(seen, source.name)
        assert content is not None and isinstance(content.source, EncryptedFile)
        for kept in session._around.folder.glob("media/**/*"):
            if kept.is_file():
                kept.unlink()
        with watched() as down:
            started = time.monotonic()
            await session.media.save(content.source, folder / f"{size}.saved")
            downloaded = time.monotonic() - started
        assert _digest(folder / f"{size}.saved") == digest
        figures = [up.growth, down.growth, uploaded, downloaded]
    await seen.timeline.close()
    await session.close()
    sys.stdout.write(" ".join(f"{one:.3f}" for one in figures) + "\n")


def _write(path: Path, megabytes: int) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for _ in range(megabytes):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            stream.write(piece)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


async def measured(folder: Path, megabytes: int) -> list[float]:
    """The figures of `child`, against a homeserver of its own."""
    with running_synapse(folder / "homeserver", extra={"max_upload_size": "256M"}) as synapse:
        registered = synapse.register("files")
        accounts = accounts_of(folder / "profile")
        account = await accounts.sign_in(home(synapse), registered.localpart, registered.password, "Bench")
        session = await accounts.open(account.key)
        async with people(synapse, folder / "others", "reader") as (reader,):
            room = await shared_room(reader)
            await reader.session.chat.invite(room, account.user)
            assert isinstance(session, MatrixSession)
            await until(lambda: session._rooms.row(room) is not None)
            await session.chat.join(room)
            await until(lambda: session._is_joined(room))
            await session.close()
        words = [sys.executable, "-m", "bench.files", str(folder / "profile"), room, str(folder), str(megabytes)]
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"the engine ended with {process.returncode}")
        return [float(one) for one in out.decode().splitlines()[-1].split()]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        up, down, seconds_up, seconds_down = asyncio.run(measured(Path(folder), MEGABYTES))
    report = Report("files")
    report.figure("growth_up_mb", up, max=GROWTH_MB)
    report.figure("growth_down_mb", down, max=GROWTH_MB)
    report.figure("up_mb_per_s", MEGABYTES / seconds_up)
    report.figure("down_mb_per_s", MEGABYTES / seconds_down)
    report.notes = f"one encrypted file of {MEGABYTES} MB, resident memory of an engine in a process of its own"
    report.finish()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(child(Path(sys.argv[1]), RoomId(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
    else:
        main()
