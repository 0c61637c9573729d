"""Signing in and out, tokens, stores: on the real homeserver."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.engine import BentWay, RoomsSeen, TimelineSeen, home, no_pictures, people, shared_room, signed_in, until
from tests.support.servers import TestSynapse
from welink_desktop.adapters.keyring.memory import MemorySecrets
from welink_desktop.adapters.matrix.accounts import MatrixAccounts
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.errors import (
    NotFound,
    Offline,
    ServerNotFound,
    SignedOut,
    StoreDamaged,
    StoreKeyMissing,
    WrongPassword,
)
from welink_desktop.core.ids import AccountKey
from welink_desktop.core.timeline import OutgoingText


def fresh(folder: Path) -> MatrixAccounts:
    return MatrixAccounts(folder, MemorySecrets(), decode=no_pictures)


async def test_the_server_is_found_by_its_address(synapse: TestSynapse, tmp_path: Path) -> None:
    found = await fresh(tmp_path).discover(synapse.base_url + "/")
    assert found.base_url == synapse.base_url
    assert found.password
    assert not found.secure
    assert await fresh(tmp_path).discover(synapse.base_url.removeprefix("http://")) == found


@pytest.mark.parametrize("address", ["", "no such name", "@", "http://example.org", "https://user:word@example.org", "a..b/c?d"])
async def test_an_address_that_cannot_be_one_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ServerNotFound):
        await fresh(tmp_path).discover(address)


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(Offline):
        await fresh(tmp_path).discover("http://127.0.0.1:9")


async def test_a_wrong_password_is_told_and_keeps_nothing(synapse: TestSynapse, tmp_path: Path) -> None:
    accounts = fresh(tmp_path)
    registered = synapse.register("lin")
    with pytest.raises(WrongPassword):
        await accounts.sign_in(home(synapse), registered.localpart, "wrong", "Test")
    with pytest.raises(WrongPassword):
        await accounts.sign_in(home(synapse), "nobody-at-all", "wrong", "Test")
    assert await accounts.accounts() == ()


async def test_accounts_are_listed_and_survive(synapse: TestSynapse, tmp_path: Path) -> None:
    person = await signed_in(synapse, synapse.register("lin"), tmp_path)
    again = MatrixAccounts(person.folder, person.secrets, decode=no_pictures)
    assert await again.accounts() == (person.account,)
    assert not [value for value in person.folder.rglob("*") if value.is_file() and b"access" in value.read_bytes()]


async def test_opening_what_is_not_there(synapse: TestSynapse, tmp_path: Path) -> None:
    person = await signed_in(synapse, synapse.register("lin"), tmp_path)
    with pytest.raises(NotFound):
        await person.accounts.open(AccountKey("0" * 20))
    with pytest.raises(NotFound):
        await person.accounts.open(AccountKey("../elsewhere"))
    other = MatrixAccounts(person.folder, MemorySecrets(), decode=no_pictures)
    with pytest.raises(StoreKeyMissing):
        await other.open(person.account.key)


async def test_a_damaged_store_is_put_aside_with_its_account(synapse: TestSynapse, tmp_path: Path) -> None:
    registered = synapse.register("lin")
    person = await signed_in(synapse, registered, tmp_path)
    await person.live()
    await person.close()
    store = person.folder / "accounts" / person.account.key / "store.db"
    store.write_bytes(b"\x00" * 4096 + store.read_bytes()[4096:])
    with pytest.raises(StoreDamaged) as caught:
        await person.open()
    assert (person.folder / "accounts" / str(caught.value.args_for_text["path"])).is_dir()
    assert await person.accounts.accounts() == ()
    again = await person.accounts.sign_in(home(synapse), registered.localpart, registered.password, "Test")
    assert again.device != person.account.device
    await person.live()
    await person.close()


async def test_tokens_are_refreshed_in_time_and_kept(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin") as (lin,):
        keeper = lin.session._around.http._keeper
        assert keeper is not None
        assert keeper.tokens is not None
        old = keeper.tokens
        keeper.tokens = replace(old, expires_at_ms=1, lifetime_ms=1)
        await lin.session.people.me()
        assert keeper.tokens.access != old.access
        await lin.close()
        await lin.live()


async def test_a_token_that_runs_out_is_renewed_on_the_spot(synapse: TestSynapse, tmp_path: Path) -> None:
    import httpx

    way = BentWay()
    lin = await signed_in(synapse, synapse.register("lin"), tmp_path, way=lambda: way)
    await lin.live()
    keeper = lin.session._around.http._keeper
    assert keeper is not None
    assert keeper.tokens is not None
    old = f"Bearer {keeper.tokens.access}"

    def expired(request: httpx.Request) -> httpx.Response | None:
        if request.headers.get("authorization") != old:
            return None
        return httpx.Response(401, json={"errcode": "M_UNKNOWN_TOKEN", "error": "expired", "soft_logout": True})

    way.before = expired
    await lin.session._around.http.request("GET", ("_matrix", "client", "v3", "account", "whoami"))
    assert f"Bearer {keeper.tokens.access}" != old
    await lin.close()
    await way.end()


async def test_signing_in_again_keeps_device_and_messages(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin", "mei") as (lin, mei):
        registered = synapse.register("third")
        room = await shared_room(lin, mei)
        of_mei = TimelineSeen(await mei.session.chat.open_timeline(room))
        states: list[Connection] = []
        mei.session.watch_connection(states.append)
        keeper = mei.session._around.http._keeper
        assert keeper is not None
        assert keeper.tokens is not None
        keeper.tokens = replace(keeper.tokens, access="syt_gone", refresh="syr_gone")
        mei.session._sync.poll_again()
        await until(lambda: states[-1].link is Link.STOPPED)
        assert isinstance(states[-1].error, SignedOut)
        await lin.session.chat.send_text(room, OutgoingText("are you there?"))
        with pytest.raises(WrongPassword):
            await mei.accounts.sign_in_again(mei.account.key, registered.password)
        await mei.accounts.sign_in_again(mei.account.key, f"pass-{mei.account.user[1:].partition(':')[0]}")
        await until(lambda: states[-1].link is Link.LIVE)
        await until(lambda: of_mei.item("are you there?"))


async def test_signed_out_elsewhere_stops_and_keeps_the_store(synapse: TestSynapse, tmp_path: Path) -> None:
    async with people(synapse, tmp_path, "lin") as (lin,):
        states: list[Connection] = []
        lin.session.watch_connection(states.append)
        await lin.session._around.http.request("POST", ("_matrix", "client", "v3", "logout"), json={})
        await until(lambda: states[-1].link is Link.STOPPED)
        assert isinstance(states[-1].error, SignedOut)
        assert not states[-1].error.soft
        assert (lin.folder / "accounts" / lin.account.key / "store.db").exists()


async def test_signing_out_leaves_nothing_behind(synapse: TestSynapse, tmp_path: Path) -> None:
    registered = synapse.register("lin")
    lin = await signed_in(synapse, registered, tmp_path)
    session = await lin.live()
    await session.sign_out()
    assert await lin.accounts.accounts() == ()
    assert not list((lin.folder / "accounts").iterdir())
    assert lin.secrets.get(f"account.{lin.account.key}.tokens") is None
    with synapse.client(registered) as plain:
        devices = plain.call("GET", "client", "v3", "devices")["devices"]
    assert lin.account.device not in [device["device_id"] for device in devices]


async def test_signing_in_a_second_time_puts_the_former_store_aside(synapse: TestSynapse, tmp_path: Path) -> None:
    registered = synapse.register("lin")
    lin = await signed_in(synapse, registered, tmp_path)
    await lin.live()
    again = await lin.accounts.sign_in(home(synapse), registered.localpart, registered.password, "Test")
    assert again.device != lin.account.device
    assert await lin.accounts.accounts() == (again,)
    lin.account = again
    await lin.live()
    assert RoomsSeen(lin.session).rooms == []
    await lin.close()
