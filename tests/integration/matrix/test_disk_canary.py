"""Two hundred secrets sent, received, searched and previewed: not one of them lies in any byte on disk or in any log."""

import asyncio
import json
import logging
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from tests.support.canaries import Canary, found, open_to_others
from tests.support.engine import Person, RoomsSeen, TimelineSeen, home, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.keyring.file import FileSecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.adapters.matrix.client import MatrixSession
from welink_desktop.adapters.matrix.crypto import recovery_key
from welink_desktop.app.profile import Profile
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import ROOT
from welink_desktop.core.rooms import RoomRequest
from welink_desktop.core.security import RecoveryState, RecoveryStatus
from welink_desktop.core.text import Text
from welink_desktop.core.timeline import AttachmentContent, AttachmentKind, OutgoingFile, OutgoingText
from welink_desktop.ui.pictures.client import PictureHelper

COUNT = 200
SENT, RECEIVED, ROOMS, FILES, SEARCHES = 80, 40, 6, 10, 5


class Flock:
    """Makes canaries, Chinese ones among them, and remembers them."""

    def __init__(self) -> None:
        self.all: list[Canary] = []

    def word(self, what: str) -> str:
        word = f"canary {secrets.token_hex(8)} 病历/{len(self.all)}?"
        self.all.append(Canary.text(what, word))
        return word

    def name(self, what: str) -> str:
        """One that can be a file name."""
        word = f"canary-{secrets.token_hex(8)}-病历{len(self.all)}"
        self.all.append(Canary.text(what, word))
        return word

    def add(self, what: str, *known: str | bytes | None) -> None:
        for secret in known:
            assert secret, what
            self.all.append(Canary(what, secret if isinstance(secret, bytes) else secret.encode()))


@pytest.fixture
def talkative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Profile]:
    """A profile with everything in its log; temporary files have a folder of their own."""
    temporary = tmp_path / "temporary"
    temporary.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    profile = Profile(tmp_path / "profile")
    logger = logging.getLogger(ROOT)
    before, level, spread = list(logger.handlers), logger.level, logger.propagate
    profile.prepare()
    profile.start_log(talkative=True)
    yield profile
    for handler in [one for one in logger.handlers if one not in before]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)
    logger.propagate = spread


@asynccontextmanager
async def two(synapse: TestSynapse, profile: Profile, keyrings: Path) -> AsyncIterator[list[Person]]:
    """Two accounts of one profile, open and live; the system's key store is elsewhere."""
    helper, made = PictureHelper(), []
    try:
        for name in ("lin", "mei"):
            registered = synapse.register(name)
            secret = FileSecrets(keyrings / f"{name}.json")
            accounts = MatrixAccounts(profile.root, secret, decode=helper.decode)
            account = await accounts.sign_in(home(synapse), registered.localpart, registered.password, "Test")
            made.append(Person(accounts, account, secret, profile.root))  # type: ignore[arg-type]  # the same port
            await made[-1].live()
        yield made
    finally:
        for person in made:
            await person.close()
        await helper.aclose()


def picture(path: Path, secret: str) -> None:
    """A PNG that says so in its text."""
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(0x336699)
    image.setText("Comment", secret)
    assert image.save(str(path))
    path.write_bytes(path.read_bytes() + secret.encode())


async def meet(flock: Flock, host: MatrixSession, guest: MatrixSession) -> RoomId:
    request = RoomRequest(name=flock.word("room name"), topic=flock.word("topic"), invite=(guest.account.user,))
    room = await host.chat.create_room(request)
    seen = RoomsSeen(guest)
    await until(lambda: seen.get(room))
    await guest.chat.join(room)
    await until(lambda: (found := seen.get(room)) and found.name)
    seen.cancel()
    return room


async def talk(flock: Flock, room: RoomId, one: MatrixSession, other: MatrixSession) -> None:
    """Messages both ways, seen by both."""
    here, there = TimelineSeen(await one.chat.open_timeline(room)), TimelineSeen(await other.chat.open_timeline(room))
    sent = [flock.word("sent") for _ in range(SENT)]
    received = [flock.word("received") for _ in range(RECEIVED)]
    for words in sent:
        await one.chat.send_text(room, OutgoingText(words, html=f"<b>{words}</b>"))
    for words in received:
        await other.chat.send_text(room, OutgoingText(words))
    await until(lambda: {*sent, *received} <= set(here.bodies) and {*sent, *received} <= set(there.bodies))
    await until(lambda: (item := here.item(sent[0])) and item.ref.startswith("$"))
    item = here.item(sent[0])
    assert item is not None
    new = flock.word("edited")
    await one.chat.edit(room, item.ref, OutgoingText(new))
    await one.chat.react(room, item.ref, flock.word("reaction"))
    await until(lambda: new in there.bodies)
    await here.timeline.close()
    await there.timeline.close()


async def hand_over(flock: Flock, room: RoomId, folder: Path, one: MatrixSession, other: MatrixSession) -> None:
    """Files and pictures with thumbnails, looked at and saved by the other side."""
    folder.mkdir()
    there = TimelineSeen(await other.chat.open_timeline(room))
    for number in range(FILES):
        path = folder / f"{flock.name('file name')}.{'png' if number % 2 else 'txt'}"
        small, kind = "", AttachmentKind.FILE
        if number % 2:
            picture(path, flock.word("picture"))
            small, kind = str(folder / "small.png"), AttachmentKind.IMAGE
            picture(Path(small), flock.word("thumbnail"))
        else:
            path.write_text(flock.word("file content") * 1_000, encoding="utf-8")
        caption = flock.word("caption")
        await one.chat.send_file(room, OutgoingFile(str(path), kind, caption, thumbnail_path=small, width=64, height=48))
        content = await until(lambda caption=caption: attachment(there, caption))  # type: ignore[misc]  # bound at once
        assert content is not None
        if kind is AttachmentKind.IMAGE:
            assert (await other.media.picture(content.source, content.info, 64, 48)).width == 64
            assert content.info.thumbnail is not None
            await other.media.save(content.info.thumbnail, folder / f"small-{number}")
        await other.media.save(content.source, folder / f"saved-{number}")
        assert (folder / f"saved-{number}").read_bytes() == path.read_bytes()
    await there.timeline.close()


def attachment(seen: TimelineSeen, caption: str) -> AttachmentContent | None:
    contents = (item.content for item in seen.items)
    return next((one for one in contents if isinstance(one, AttachmentContent) and one.caption == caption), None)


async def recovery(flock: Flock, person: Person) -> None:
    """Everything that opens an account: recovery key, passphrase, seeds, backup key, token, store key."""
    security = person.session.security
    states: list[RecoveryStatus] = []
    cancel = security.watch_recovery(states.append)
    await until(lambda: states[-1].state is RecoveryState.NOT_SET_UP)
    passphrase = flock.word("passphrase")
    key = await security.turn_on_recovery(passphrase)
    await until(lambda: states[-1].state is RecoveryState.READY)
    cancel()
    flock.add("recovery key", key, key.replace(" ", ""), recovery_key.decode(key))
    flock.add("backup key", security._backup.private_key)
    flock.add("seed", *person.session.encryption.identities.secrets().values())
    account = person.account.key
    stored = person.secrets.get(f"account.{account}.tokens")
    assert stored is not None
    flock.add("access token", json.loads(stored)["access"])
    flock.add("store key", person.secrets.get(f"account.{account}.store"))


def nothing_shows(flock: Flock, person: Person) -> None:
    """Not even to a debugger's print: the parts that hold secrets tell none of them."""
    session = person.session
    parts = [session, *vars(session).values()]
    parts += [part for holder in (session.security, session.encryption, session.chat) for part in vars(holder).values()]
    shown = "\n".join(repr(part) for part in parts)
    assert not [canary for canary in flock.all if any(form.decode("latin-1") in shown for form in canary.forms().values())]


@pytest.mark.timeout(300)
async def test_no_secret_lies_on_disk(synapse: TestSynapse, tmp_path: Path, talkative: Profile) -> None:
    flock, places = Flock(), (talkative.root, tmp_path / "temporary")
    async with two(synapse, talkative, tmp_path / "keyrings") as (lin, mei):
        for person in (lin, mei):
            await recovery(flock, person)
        rooms = [await meet(flock, lin.session, mei.session) for _ in range(ROOMS)]
        await talk(flock, rooms[0], lin.session, mei.session)
        await hand_over(flock, rooms[1], tmp_path / "desk", lin.session, mei.session)
        for room in rooms:
            await lin.session.chat.set_draft(room, flock.word("draft"))
        for _ in range(SEARCHES):
            assert not await lin.session.people.search(flock.word("search"))
        await until(lambda: not list(talkative.root.glob("accounts/*/outgoing/*")))
        await asyncio.sleep(2.2)  # drafts are written within 2 s
        assert len(flock.all) >= COUNT
        assert [path for path in talkative.root.rglob("*-wal") if path.stat().st_size]
        assert list(talkative.logs.glob("*")) and list(talkative.root.glob("accounts/*/media/**/*"))
        assert found(flock.all, *places) == []
        assert open_to_others(*places) == []
        nothing_shows(flock, lin)
    assert found(flock.all, *places) == []
    assert open_to_others(*places) == []
    await killed(flock, lin, rooms[0], tmp_path)
    assert [path for path in talkative.root.rglob("*-wal") if path.stat().st_size], "the store was closed"
    assert found(flock.all, *places) == []
    assert open_to_others(*places) == []


async def killed(flock: Flock, person: Person, room: RoomId, folder: Path) -> None:
    """An engine of its own writes, and is killed in the middle."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.canary_child",
        str(person.folder),
        str(folder / "keyrings" / "lin.json"),
        str(person.account.key),
        room,
        *[flock.word("sent by a child") for _ in range(5)],
        flock.name("file of a child"),
        flock.word("draft of a child"),
        cwd=Path(__file__).resolve().parents[3],
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 60) == b"ready\n"
    child.kill()
    await child.wait()


def test_the_search_finds_what_is_planted(tmp_path: Path) -> None:
    flock = Flock()
    word = flock.word("planted")
    name = flock.name("planted name")
    flock.add("planted bytes", secrets.token_bytes(32))
    assert found(flock.all, tmp_path) == []
    for number, canary in enumerate(flock.all):
        for form, content in canary.forms().items():
            place = tmp_path / f"{number}-{form.replace(' ', '-')}"
            place.write_bytes(b"before " + content + b" after")
            assert f"{canary.what} ({form}) in {place.name}" in found(flock.all, tmp_path)
            place.unlink()
    import base64

    for lead in range(3):
        place = tmp_path / "in-the-middle"
        place.write_bytes(base64.b64encode(b"x" * lead + word.encode() + b"yz"))
        assert found(flock.all, tmp_path)
        place.unlink()
    (tmp_path / name).mkdir(mode=0o755)
    assert found(flock.all, tmp_path) == [f"planted name (as it is) in {name}"]
    (tmp_path / name).chmod(0o755)
    assert open_to_others(tmp_path / name) == [f"{name} 755"]


@pytest.mark.logs_errors
def test_an_error_in_a_log_keeps_its_words_to_itself(talkative: Profile) -> None:
    from welink_desktop.core.log import topic

    flock = Flock()
    try:
        raise WeLinkError(flock.word("error"))
    except WeLinkError as error:
        topic("test").error("failed", exc=error)
        assert isinstance(error.text, Text)
    assert "failed" in (talkative.logs / "app.log").read_text()
    assert found(flock.all, talkative.root) == []
