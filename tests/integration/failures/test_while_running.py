"""What a person reads when the server, its certificate or the disk fails while the account is open; nothing is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.engine import BentWay, Person, TimelineSeen, people, shared_room, signed_in
from tests.support.own_servers import OwnServers, own_servers, restart
from tests.support.servers import TestSynapse
from tests.support.until import eventually, until
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.errors import CertificateRefused, DiskFull, WeLinkError
from welink_desktop.core.reactive import State
from welink_desktop.core.timeline import OutgoingText
from welink_desktop.strings import LANGUAGES, strings

PATIENCE = 40


def words(error: WeLinkError | None) -> str:
    assert error is not None
    for language in LANGUAGES:
        assert not strings(language).render(error.text).startswith("[")
    return strings("en").render(error.text)


def connection_of(person: Person) -> State[Connection]:
    """What the banner under the window's edge renders."""
    state = State(Connection(Link.CONNECTING))
    person.session.watch_connection(state.set)
    return state


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[OwnServers]:
    with own_servers(tmp_path / "servers") as running:
        yield running


async def test_a_server_that_goes_down_and_comes_back(mortal: OwnServers, tmp_path: Path) -> None:
    async with people(mortal.synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        connection = connection_of(lin)
        mortal.home.stop()
        state = await until(connection, lambda now: now.link is Link.OFFLINE, PATIENCE)
        assert state.error is None and state.retry_at is not None, "offline with a countdown, not an error"
        await lin.session.chat.send_text(room, OutgoingText("written while the server was down"))
        assert lin.session.outbox.pending(room)
        restart(mortal.home)
        await until(connection, lambda now: now.link is Link.LIVE, PATIENCE)
        await eventually(lambda: of_mei.item("written while the server was down") is not None, PATIENCE)
        assert of_mei.bodies.count("written while the server was down") == 1


async def test_a_certificate_that_changes_is_said_and_nothing_is_sent(synapse: TestSynapse, tmp_path: Path) -> None:
    import ssl

    way = BentWay()
    refused: list[str] = []

    def distrust(request: httpx.Request) -> httpx.Response | None:
        refused.append(request.url.path)
        failure = httpx.ConnectError("tls")
        failure.__cause__ = ssl.SSLCertVerificationError("somebody in between")
        raise failure

    lin = await signed_in(synapse, synapse.register("lin"), tmp_path, way=lambda: way)
    try:
        await lin.live()
        connection = connection_of(lin)
        way.before = distrust
        lin.session._sync.poll_again()
        state = await until(connection, lambda now: now.error is not None, PATIENCE)
        assert isinstance(state.error, CertificateRefused)
        place = synapse.base_url.removeprefix("http://")
        assert words(state.error).startswith(f"The certificate of {place} cannot be trusted, so nothing was sent.")
        way.before = lambda request: None
        await lin.session.retry_now()
        state = await until(connection, lambda now: now.link is Link.LIVE, PATIENCE)
        assert state.error is None and refused
    finally:
        await lin.close()
        await way.end()


async def test_a_full_disk_is_said_and_loses_nothing(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        room = await shared_room(lin, mei)
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        connection = connection_of(mei)
        limit_pages(mei, full=True)
        bodies = [f"{number} {'x' * 8_000}" for number in range(12)]
        for body in bodies:
            await lin.session.chat.send_text(room, OutgoingText(body))
        state = await until(connection, lambda now: now.error is not None, PATIENCE)
        assert isinstance(state.error, DiskFull)
        assert words(state.error) == "The profile folder cannot be written: the disk is full, or the folder is protected."
        with pytest.raises(DiskFull):
            await mei.session.chat.send_text(room, OutgoingText("y" * 30_000))
        limit_pages(mei, full=False)
        await mei.session.retry_now()
        await until(connection, lambda now: now.link is Link.LIVE and now.error is None, PATIENCE)
        await eventually(lambda: all(of_mei.item(body) is not None for body in bodies), PATIENCE)
        assert of_mei.bodies == bodies


def limit_pages(person: Person, *, full: bool) -> None:
    """The store may not grow by a single page."""
    with person.session._around.database.read() as t:
        pages: Any = t.value("PRAGMA page_count")
        t.value(f"PRAGMA max_page_count = {pages if full else 1 << 30}")
